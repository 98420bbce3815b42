"""What can be wrong with channels, and why a message was not delivered."""

from __future__ import annotations

from layers.errors import LayerError


class NotifyingError(LayerError):
    """Root of the errors of notifications."""


class InvalidChannel(NotifyingError):
    """A value of a channel cannot be used; ``parameter`` names which."""


class ChannelNotFound(NotifyingError):
    """There is no channel with this id, or none that the reader may know of."""

    def __init__(self, channel_id: object) -> None:
        super().__init__(
            f"Không có kênh “{channel_id}”, hoặc đã bị gỡ. Xem danh sách tại /api/channels.",
            f'There is no channel "{channel_id}", or it was removed. List them at /api/channels.',
            parameter="channel",
        )


class ChannelExists(NotifyingError):
    """The same address already gets the same news."""

    def __init__(self) -> None:
        super().__init__(
            "Địa chỉ này đã có kênh cùng đơn vị và kịch bản. Hãy gỡ kênh cũ trước.",
            "This address has a channel for the same unit and scenario. Remove that one first.",
            parameter="address",
        )


class DeliveryNotFound(NotifyingError):
    """There is no message with this id, or none that the reader may know of."""

    def __init__(self, delivery_id: object) -> None:
        super().__init__(
            f"Không có tin “{delivery_id}”. Xem nhật ký tại /api/deliveries.",
            f'There is no delivery "{delivery_id}". See the log at /api/deliveries.',
            parameter="delivery",
        )


class DeliveryUnderWay(NotifyingError):
    """The message is still being tried, or its channel is gone: nothing is to be sent again."""

    def __init__(self) -> None:
        super().__init__(
            "Tin đang được gửi, hoặc kênh của tin đã bị gỡ. Chỉ gửi lại tin đã kết thúc của kênh còn dùng.",
            "The message is being sent, or its channel is gone. Only ended ones of a channel in use are sent again.",
            parameter="delivery",
        )


class SendFailed(Exception):
    """The message did not go out, and may if it is tried again.

    Attributes:
        reason: Why, in English, without the address; fit for logs.
        wait_s: How long the other side asks to be left alone, if it says.
    """

    def __init__(self, reason: str, *, wait_s: float | None = None) -> None:
        self.reason = reason
        self.wait_s = wait_s
        super().__init__(reason)


class SendRefused(Exception):
    """The message did not go out, and will not by being tried again.

    Attributes:
        reason: Why, in English, without the address; fit for logs.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
