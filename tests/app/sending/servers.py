"""Real servers on loopback that answer as they are told: HTTP and SMTP."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conftest import free_port

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HTTPServer:
    """What a server was asked and how it is going to answer; the last answer is given again and again."""

    url: str
    answers: list[Answer]
    received: list[Received] = field(default_factory=list)


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answers with a status at once."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs(seconds: float) -> Answer:
    """Takes the request and is silent."""
    return lambda _: time.sleep(seconds)


def drips(seconds: float) -> Answer:
    """Sends a byte of its headers now and then, so that no single wait is long."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        end = time.monotonic() + seconds
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while time.monotonic() < end:
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.05)

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answers 200 with a body that does not end before the other side goes away."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


@contextmanager
def http_server(*answers: Answer) -> Iterator[HTTPServer]:
    """A server that gives these answers in turn."""
    told = HTTPServer("", list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing is written."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class MailServer:
    """What a mail server took, and what it answers to the data of a message."""

    port: int = 0
    answers: list[str] = field(default_factory=lambda: ["250 OK"])
    recipient_answer: str = "250 OK"
    envelopes: list[Envelope] = field(default_factory=list)
    were_encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes or refuses a recipient."""
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps a message and answers the next of the answers."""
        self.envelopes.append(envelope)
        self.were_encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _authenticate(_s: SMTP, _session: Session, _e: Envelope, _mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data == LoginPassword(b"diaban", b"mat-khau"), handled=False)


@contextmanager
def mail_server(certificate: Path | None = None, *, starttls: bool = True) -> Iterator[MailServer]:
    """An SMTP server: plain, with STARTTLS and sign-in, or in TLS from the beginning."""
    told = MailServer()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    asks = {"tls_context": context, "require_starttls": True, "authenticator": _authenticate, "auth_required": True}
    controller = Controller(
        told,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=context if not starttls else None,
        **(asks if context is not None and starttls else {}),
    )
    controller.start()
    told.port = controller.port
    yield told
    controller.stop()


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A key with a certificate for 127.0.0.1 in one file, and a context that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(private + public)
    return path, ssl.create_default_context(cadata=public.decode())
