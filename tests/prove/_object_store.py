"""An object store that speaks as much of S3 as pgBackRest asks of one, over TLS, in this process."""

from __future__ import annotations

import datetime
import hashlib
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SECRET = "s3-secret-of-the-officer"  # noqa: S105 - of a store that lives for a test
BUCKET = "diaban-backup"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")
MOMENT = "2026-12-01T00:00:00.000Z"


@dataclass
class Store:
    """What the bucket holds, by key, and unfinished uploads by their parts."""

    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)


@contextmanager
def object_store(folder: Path) -> Iterator[Store]:
    """Runs a store for the length of the block.

    Args:
        folder: Where its certificate goes.
    """
    store = Store()
    handler = type("Handler", (_Handler,), {"store": store})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    store.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def options(store: Store) -> str:
    """pgBackRest's options for it, as an officer writes them."""
    return (
        "[global]\nrepo1-type=s3\nrepo1-path=/tinh\nrepo1-s3-uri-style=path\nrepo1-s3-region=hn\n"
        f"repo1-s3-bucket={BUCKET}\nrepo1-s3-endpoint=s3.example.vn\nrepo1-storage-host=127.0.0.1\n"
        f"repo1-storage-port={store.port}\nrepo1-storage-verify-tls=n\n"
        f"repo1-s3-key=accessKey\nrepo1-s3-key-secret={SECRET}\n"
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        key, asked = self._asked()
        if "list-type" in asked:
            self._answer(200, _listing(self.store, asked.get("prefix", [""])[0], "delimiter" in asked))
        elif key in self.store.objects:
            whole, wanted = self.store.objects[key], _RANGE.fullmatch(self.headers.get("range", ""))
            part = whole[int(wanted[1]) : int(wanted[2]) + 1] if wanted else whole
            self._answer(206 if wanted else 200, part)
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_HEAD(self) -> None:
        key, _ = self._asked()
        found = self.store.objects.get(key)
        self._answer(404 if found is None else 200, found or b"", send=False)

    def do_PUT(self) -> None:
        key, asked = self._asked()
        body = self._body()
        if "uploadId" in asked:
            self.store.parts[asked["uploadId"][0]][int(asked["partNumber"][0])] = body
        else:
            self.store.objects[key] = body
        self._answer(200, b"", tag=body)

    def do_POST(self) -> None:
        key, asked = self._asked()
        body = self._body()
        if "uploads" in asked:
            upload = hashlib.sha256(f"{key}{len(self.store.parts)}".encode()).hexdigest()
            self.store.parts[upload] = {}
            self._answer(200, f"<R><UploadId>{upload}</UploadId></R>".encode())
        elif "uploadId" in asked:
            parts = self.store.parts.pop(asked["uploadId"][0])
            self.store.objects[key] = b"".join(parts[number] for number in sorted(parts))
            self._answer(200, b'<R><ETag>"x"</ETag></R>')
        else:
            for name in re.findall(rb"<Key>(.*?)</Key>", body):
                self.store.objects.pop(name.decode(), None)
            self._answer(200, b"<DeleteResult/>")

    def do_DELETE(self) -> None:
        key, _ = self._asked()
        self.store.objects.pop(key, None)
        self._answer(204, b"")

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        found = urlsplit(self.path)
        return unquote(found.path).removeprefix(f"/{BUCKET}/"), parse_qs(found.query, keep_blank_values=True)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, status: int, body: bytes, *, send: bool = True, tag: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", f'"{hashlib.md5(tag, usedforsecurity=False).hexdigest()}"')
        self.send_header("last-modified", "Tue, 01 Dec 2026 00:00:00 GMT")
        self.end_headers()
        if send:
            self.wfile.write(body)


def _listing(store: Store, prefix: str, is_one_level: bool) -> bytes:
    folders, files = set(), []
    for key, content in sorted(store.objects.items()):
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix) :]
        if is_one_level and "/" in rest:
            folders.add(prefix + rest.partition("/")[0] + "/")
        else:
            files.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{MOMENT}</LastModified><Size>{len(content)}</Size>"
                "</Contents>"
            )
    prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(path)}</Prefix></CommonPrefixes>" for path in sorted(folders))
    whole = "<IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult>{whole}{''.join(files)}{prefixes}</ListBucketResult>".encode()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "store.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
