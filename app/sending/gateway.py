"""SMS and loudspeakers, through the office's own gateway: plain HTTP that an adapter is easily written to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson

from app.sending.http import WHOLE_S, post
from scenarios.notifying.channel import ChannelKind
from scenarios.notifying.letter import Letter, shortened

# Of an SMS with Vietnamese marks 70 characters fit in one part; a loudspeaker is heard for some two minutes.
MOST_CHARACTERS: Final = {ChannelKind.SMS: 280, ChannelKind.LOUDSPEAKER: 1500}


@dataclass(frozen=True, slots=True)
class Gateway:
    """Posts texts to ``/messages`` of a gateway.

    Attributes:
        base: Address of the gateway, without a final slash.
        kind: SMS or loudspeaker.
        token: What the gateway knows us by, as a bearer token.
    """

    base: str
    kind: ChannelKind
    token: str | None = field(default=None, repr=False)
    whole_s: float = WHOLE_S

    def send(self, message: Letter, address: str) -> None:
        """Posts a text for a telephone or a group of loudspeakers; links are left out, nobody hears them.

        Raises:
            SendFailed: It did not go out; trying again may help.
            SendRefused: It did not go out and will not.
        """
        text = shortened(" ".join(item.text for item in message.items), MOST_CHARACTERS[self.kind])
        document = {"id": message.id, "kind": self.kind.value, "to": address, "text": text}
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(message.id)}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        post(f"{self.base}/messages", orjson.dumps(document), headers, whole_s=self.whole_s)
