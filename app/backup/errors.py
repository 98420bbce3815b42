"""Why a back-up or a restore ends, each with what to do."""

from __future__ import annotations

from pathlib import Path

from app.postgres import ClusterError


class BackupError(ClusterError):
    """Root of what can go wrong with back-ups."""


class NoRepository(BackupError):
    """No place for back-ups has been named."""

    def __init__(self) -> None:
        super().__init__(
            "Chưa có nơi giữ bản sao lưu. Đặt DIABAN_BACKUP_REPO là một thư mục trên đĩa hoặc máy khác, hoặc một tệp"
            " .conf có các lựa chọn repo1-… của pgBackRest.",
            "There is no place for back-ups. Set DIABAN_BACKUP_REPO to a folder on another disk or machine, or to a"
            " .conf file with pgBackRest's repo1-... options.",
        )


class BackedUpElsewhere(BackupError):
    """DATABASE_URL names a server that is not ours to back up."""

    def __init__(self) -> None:
        super().__init__(
            "DATABASE_URL trỏ tới máy chủ PostgreSQL do người khác quản trị: hãy sao lưu ngay trên máy chủ đó bằng"
            " pgBackRest hoặc pg_basebackup kèm WAL, và sao lưu riêng uploads, rasters, photos trong DIABAN_STATE_DIR.",
            "DATABASE_URL names a PostgreSQL server with an administrator of its own: back it up on that server with"
            " pgBackRest, or pg_basebackup and WAL, and copy uploads, rasters, photos of DIABAN_STATE_DIR beside it.",
        )


class PgBackRestMissing(BackupError):
    """The program is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Máy này chưa có pgBackRest; cài gói pgbackrest, hoặc chạy lại make demo.",
            "pgBackRest is not installed; install the package pgbackrest, or run make demo again.",
        )


class PgBackRestFailed(BackupError):
    """The program ended with an error; its last words, in which it hides secrets itself, are in the message."""

    def __init__(self, command: str, said: str) -> None:
        tail = "\n".join(said.strip().splitlines()[-6:])
        super().__init__(f"pgBackRest {command} không xong:\n{tail}", f"pgBackRest {command} failed:\n{tail}")


class KeyMissing(BackupError):
    """The repository's passphrase is not at hand."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Không có khóa của kho sao lưu ở {path}. Chép lại tệp khóa đã cất riêng, hoặc đặt DIABAN_BACKUP_KEY;"
            " không có khóa thì không đọc được bản sao lưu.",
            f"The repository's key is not at {path}. Put back the key file that is kept apart, or set"
            " DIABAN_BACKUP_KEY; without it the back-ups cannot be read.",
        )


class KeyUnfit(BackupError):
    """The key's file holds no passphrase."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Tệp khóa {path} phải có đúng một dòng, ít nhất 20 ký tự không khoảng trắng.",
            f"The key file {path} must hold one line of at least 20 characters without spaces.",
        )


class PlaceUnfit(BackupError):
    """A folder cannot be used by the OS user that runs PostgreSQL."""

    def __init__(self, path: Path, os_user: str | None) -> None:
        who = os_user or "người chạy lệnh"
        super().__init__(
            f"«{who}» không ghi được vào {path}; hãy tạo thư mục và trao cho người dùng đó, hoặc chọn nơi khác.",
            f"{os_user or 'this user'} cannot write to {path}; make the folder and give it to that user, or choose"
            " another place.",
        )


class OptionsUnfit(BackupError):
    """The officer's file of pgBackRest options cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Không dùng được tệp lựa chọn pgBackRest {path}: {reason}. Cần mục [global] với các dòng repo1-….",
            f"The file of pgBackRest options {path} cannot be used: {reason}. A section [global] with repo1-... lines"
            " is needed.",
        )


class TargetTaken(BackupError):
    """A restore never writes over data that are there."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} đã có dữ liệu; phục hồi chỉ ghi vào thư mục mới. Chọn nơi khác, hoặc dùng --replace để thay cơ"
            " sở dữ liệu đang dùng.",
            f"{path} holds data already; a restore only writes to a new folder. Choose another, or use --replace to"
            " put the restored database in the place of the present one.",
        )


class NoBackup(BackupError):
    """The repository holds no back-up that serves."""

    def __init__(self) -> None:
        super().__init__(
            "Kho chưa có bản sao lưu nào dùng được cho lúc này; xem diaban backup list.",
            "The repository holds no back-up for this; see diaban backup list.",
        )


class IsCopy(BackupError):
    """A restored copy does not write into the repository that it came from."""

    def __init__(self) -> None:
        super().__init__(
            "Cơ sở dữ liệu này là bản phục hồi, đang tắt lưu WAL để không ghi lẫn vào kho của bản gốc. Nếu nó thay bản"
            " gốc, hãy phục hồi bằng diaban backup restore --replace.",
            "This database is a restored copy, whose WAL is not archived so as not to mix with the original's. If it"
            " takes the original's place, restore with diaban backup restore --replace.",
        )


class FileDamaged(BackupError):
    """A file of the repository is not what was put there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Tệp {name} trong kho sao lưu bị hỏng hoặc được mã hóa bằng khóa khác.",
            f"The file {name} of the repository is damaged or was encrypted with another key.",
        )


class CopyUnwell(BackupError):
    """The restored copy does not start or does not pass its checks."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(f"Bản phục hồi không đạt: {vi}", f"The restored copy is not well: {en}")


class StillServing(BackupError):
    """The processes that use the database do not end."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        super().__init__(
            f"Tiến trình {pids} còn dùng cơ sở dữ liệu sau khi được yêu cầu dừng; hãy dừng dịch vụ rồi chạy lại.",
            f"Processes {pids} still use the database after being told to end; stop the service and run again.",
        )
