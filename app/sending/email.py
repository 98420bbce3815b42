"""E-mail through the office's own mail server."""

from __future__ import annotations

import email.policy
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Final

from scenarios.notifying.errors import SendFailed, SendRefused
from scenarios.notifying.letter import Letter

STEP_S: Final = 10.0
# RFC 3463, 4.7: the server may think otherwise later; a name or a password that is refused is mended by people,
# until when messages wait.
_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})


class MailSecurity(StrEnum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Email:
    """Sends messages by SMTP.

    Attributes:
        sender: Address that messages come from.
        user: Name to sign in with; None where the server wants none. Never given over an open connection.
        trust: Whose certificates are believed; None for the machine's own authorities.
        step_s: How long each answer of the server is waited for.
    """

    host: str
    port: int
    sender: str
    security: MailSecurity = MailSecurity.STARTTLS
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    trust: ssl.SSLContext | None = field(default=None, repr=False)
    step_s: float = STEP_S

    def send(self, message: Letter, address: str) -> None:
        """Hands a message to the mail server; the repeat of one carries the same ``Message-ID``.

        Raises:
            SendFailed: It did not go out; trying again may help.
            SendRefused: The server will not have it.
        """
        try:
            server = self._connected()
            try:
                server.send_message(self._written(message, address))
            finally:
                _leave(server)
        except smtplib.SMTPRecipientsRefused as error:
            _raise_for(max(code for code, _ in error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            _raise_for(error.smtp_code)
        except smtplib.SMTPNotSupportedError:
            raise SendRefused("the mail server does not offer what is needed (STARTTLS, sign-in or UTF-8)") from None
        except (smtplib.SMTPException, OSError) as error:
            raise SendFailed(f"no mail server ({type(error).__name__})") from None

    def _connected(self) -> smtplib.SMTP:
        trust = self.trust or ssl.create_default_context()
        if self.security is MailSecurity.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.step_s, context=trust)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.step_s)
        try:
            self._begin(server, trust)
        except BaseException:
            server.close()
            raise
        return server

    def _begin(self, server: smtplib.SMTP, trust: ssl.SSLContext) -> None:
        if self.security is MailSecurity.STARTTLS:
            server.starttls(context=trust)
        if self.user is None:
            return
        if self.security is MailSecurity.NONE:
            raise SendRefused("no password is given over a connection without TLS")
        server.login(self.user, self.password or "")

    def _written(self, message: Letter, address: str) -> EmailMessage:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["Subject"] = message.subject
        mail["From"] = self.sender
        mail["To"] = address
        mail["Date"] = message.made_at
        mail["Message-ID"] = f"<{message.id}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


def _leave(server: smtplib.SMTP) -> None:
    # The message has been taken or refused before: how the farewell goes must not send it twice.
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _raise_for(code: int) -> None:
    if code >= 500 and code not in _AUTHENTICATION:
        raise SendRefused(f"the mail server answered {code}") from None
    raise SendFailed(f"the mail server answered {code}") from None
