"""E-mail against a real SMTP server: encrypted, in Vietnamese, with an id that a repeat keeps."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import time
from pathlib import Path

import pytest

from app.sending.email import Email, MailSecurity
from scenarios.notifying.errors import SendFailed, SendRefused
from tests.app.sending.letters import letter
from tests.app.sending.servers import mail_server, make_certificate
from tests.conftest import free_port

TO = "canbo@example.vn"
FROM = "diaban@bando.example.vn"
RIGHT, WRONG = "mat-khau", "sai-roi"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine and a context that believes it."""
    return make_certificate(tmp_path_factory.mktemp("mail"))


def _plain(port: int, **more: object) -> Email:
    return Email("127.0.0.1", port, FROM, MailSecurity.NONE, **more)  # type: ignore[arg-type]


class TestMessage:
    def test_arrives_as_it_was_written(self) -> None:
        message = letter()
        with mail_server() as server:
            _plain(server.port).send(message, TO)
            (envelope,) = server.envelopes
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert (envelope.mail_from, envelope.rcpt_tos) == (FROM, [TO])
        assert mail["Subject"] == message.subject
        assert mail["Message-ID"] == f"<{message.id}@bando.example.vn>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail.get_content().split() == message.text.split()  # type: ignore[attr-defined]


class TestSecurity:
    @pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
    def test_is_encrypted(self, certificate: tuple[Path, ssl.SSLContext], security: MailSecurity) -> None:
        path, trust = certificate
        with mail_server(path, starttls=security is MailSecurity.STARTTLS) as server:
            signs_in = security is MailSecurity.STARTTLS
            user, password = ("diaban", RIGHT) if signs_in else (None, None)
            Email("127.0.0.1", server.port, FROM, security, user, password, trust).send(letter(), TO)
            assert len(server.envelopes) == 1
            assert server.were_encrypted == [True]

    def test_a_certificate_that_nobody_vouches_for_gets_no_password(
        self, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        with mail_server(certificate[0]) as server:
            with pytest.raises(SendFailed, match="SSL"):
                Email("127.0.0.1", server.port, FROM, user="diaban", password=RIGHT).send(letter(), TO)
            assert server.envelopes == []

    def test_a_server_without_starttls_gets_nothing(self) -> None:
        with mail_server() as server:
            with pytest.raises(SendRefused, match="STARTTLS"):
                Email("127.0.0.1", server.port, FROM).send(letter(), TO)
            with pytest.raises(SendRefused, match="TLS"):
                _plain(server.port, user="diaban", password=WRONG).send(letter(), TO)
            assert server.envelopes == []

    def test_a_wrong_password_waits_for_people_and_is_shown_nowhere(
        self, certificate: tuple[Path, ssl.SSLContext]
    ) -> None:
        path, trust = certificate
        with mail_server(path) as server:
            sender = Email("127.0.0.1", server.port, FROM, user="diaban", password=WRONG, trust=trust)
            with pytest.raises(SendFailed) as caught:
                sender.send(letter(), TO)
        assert WRONG not in f"{sender!r} {caught.value}"


class TestAnswers:
    def test_later_is_tried_again_and_never_is_not(self) -> None:
        with mail_server() as server:
            server.answers = ["451 try later", "554 spam", "250 OK"]
            with pytest.raises(SendFailed, match="451"):
                _plain(server.port).send(letter(), TO)
            with pytest.raises(SendRefused, match="554"):
                _plain(server.port).send(letter(), TO)
            _plain(server.port).send(letter(), TO)

    @pytest.mark.parametrize(("answer", "error"), [("550 unknown", SendRefused), ("452 full", SendFailed)])
    def test_a_recipient_may_be_refused(self, answer: str, error: type[Exception]) -> None:
        with mail_server() as server:
            server.recipient_answer = answer
            with pytest.raises(error, match=answer[:3]):
                _plain(server.port).send(letter(), TO)

    def test_nobody_at_home_is_tried_again(self) -> None:
        with pytest.raises(SendFailed):
            _plain(free_port()).send(letter(), TO)

    def test_a_server_that_says_nothing_is_left(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            with pytest.raises(SendFailed):
                _plain(silent.getsockname()[1], step_s=0.3).send(letter(), TO)
            assert time.monotonic() - began < 6
