"""What can be wrong with acts on tasks."""

from __future__ import annotations

from layers.errors import LayerError


class TaskError(LayerError):
    """Root of the errors of tasks."""


class TaskNotFound(TaskError):
    """There is no such task, or it is none of the reader's units'."""

    def __init__(self, task_id: int) -> None:
        super().__init__(
            f"Không có việc số {task_id} trong địa bàn của tài khoản này. Hãy xem lại danh sách việc.",
            f"There is no task {task_id} in the area of this account. Look at the list of tasks again.",
            parameter="id",
        )


class TaskChanged(TaskError):
    """Somebody else changed the task since it was read."""

    def __init__(self, task_id: int, expected: int, found: int) -> None:
        super().__init__(
            f"Việc {task_id} đã thay đổi (bản {expected} nay là bản {found}). Hãy tải lại rồi quyết định.",
            f"Task {task_id} has changed (version {expected} is now {found}). Load it again and decide anew.",
            parameter="version",
        )


class TaskOutOfOrder(TaskError):
    """The task is not in a state from which the act leads on."""

    def __init__(self, task_id: int, act: str, state: str) -> None:
        super().__init__(
            f"Việc {task_id} đang ở trạng thái “{state}”, không thể “{act}”. Hãy làm theo thứ tự các bước.",
            f'Task {task_id} is in the state "{state}", "{act}" does not follow it. Take the steps in order.',
            parameter="act",
        )


class TaskOfAnother(TaskError):
    """Somebody else has the task, and only they or a leader of the unit may do this."""

    def __init__(self, task_id: int) -> None:
        super().__init__(
            f"Việc {task_id} do người khác phụ trách. Hãy nhờ người đó hoặc lãnh đạo đơn vị giao lại.",
            f"Somebody else has task {task_id}. Ask them, or a leader of the unit, to hand it over.",
            parameter="act",
        )


class TaskActIncomplete(TaskError):
    """The act needs something that was not given."""

    def __init__(self, act: str, parameter: str) -> None:
        super().__init__(
            f"“{act}” cần có “{parameter}”. Hãy điền rồi gửi lại.",
            f'"{act}" needs "{parameter}". Give it and send again.',
            parameter=parameter,
        )
