"""What can be wrong with an account, a password, a session or a token."""

from __future__ import annotations

from layers.errors import LayerError


class AccountNotFound(LayerError):
    """No account has this user name or id."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Không có tài khoản “{name[:60]}”. Xem danh sách bằng diaban accounts list.",
            f'There is no account "{name[:60]}". List them with diaban accounts list.',
        )


class AccountExists(LayerError):
    """The user name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Tên đăng nhập “{name[:60]}” đã có người dùng. Hãy chọn tên khác.",
            f'The user name "{name[:60]}" is taken. Choose another.',
        )


class BadAccount(LayerError):
    """A user name, display name or unit of an account cannot be used; ``parameter`` names which."""

    def __init__(self, parameter: str, vi: str, en: str) -> None:
        super().__init__(vi, en, parameter=parameter)


class WeakPassword(LayerError):
    """A new password breaks a rule."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(vi, en, parameter="password")


class SignInRefused(LayerError):
    """The name or the password is wrong, or the account is closed: which of them is not said."""

    def __init__(self) -> None:
        super().__init__(
            "Tên đăng nhập hoặc mật khẩu không đúng. Hãy kiểm tra lại; quên mật khẩu thì nhờ quản trị cấp lại.",
            "The user name or the password is wrong. Check them; a forgotten one is renewed by an administrator.",
        )


class SecondFactorNeeded(LayerError):
    """Name and password are right, and the account has a second factor."""

    def __init__(self) -> None:
        super().__init__(
            "Tài khoản này có xác thực hai bước. Hãy nhập thêm mã 6 chữ số trong ứng dụng, hoặc một mã khôi phục.",
            "This account has a second factor. Add the code of six digits from the app, or a recovery code.",
            parameter="code",
        )


class WrongCode(LayerError):
    """A code of the second factor is wrong, used already or out of time."""

    def __init__(self) -> None:
        super().__init__(
            "Mã xác thực không đúng hoặc đã dùng. Hãy đợi mã mới, xem đồng hồ điện thoại, rồi nhập lại.",
            "The code is wrong or was used. Wait for a new one, look at the telephone's clock, and type it again.",
            parameter="code",
        )


class TooManyFailures(LayerError):
    """Signing in was tried too often; it may be tried again after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        minutes = max(1, -(-retry_after_s // 60))
        super().__init__(
            f"Sai quá nhiều lần. Hãy thử lại sau {minutes} phút.",
            f"Too many failures. Try again in {minutes} minutes.",
        )
        self.retry_after_s = retry_after_s


class SignInsBusy(LayerError):
    """More people try to sign in at this moment than passwords can be checked."""

    def __init__(self) -> None:
        super().__init__(
            "Đang có quá nhiều người đăng nhập cùng lúc. Hãy thử lại sau vài giây.",
            "Too many people are signing in at this moment. Try again in a few seconds.",
        )


class TokenNotFound(LayerError):
    """The account has no such token in force."""

    def __init__(self) -> None:
        super().__init__(
            "Không có mã truy cập này hoặc đã thu hồi. Hãy xem lại danh sách.",
            "There is no such token, or it has been revoked. Look at the list.",
        )
