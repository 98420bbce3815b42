"""ID tokens of a provider that lies: every one that is not wholly right is refused."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.identity.oidc import AnswerRefused, Journey, Provider, ProviderAway
from layers.identity.external import Confirmed

SECRET = "a-secret-of-the-client-that-is-long-enough"  # noqa: S105 - of a provider that lives as long as a test
JOURNEY = Journey("state", "nonce", "verifier" * 8, "/map")
ANSWER = {"state": "state", "code": "code"}


@dataclass
class Liar:
    """A provider that says whatever a test tells it to."""

    issuer: str = ""
    published: str = ""
    keys: list[ECKey | RSAKey] = field(default_factory=lambda: [ECKey.generate_key("P-256", {"kid": "one"})])
    id_token: str = ""
    user_info: object = None
    token_status: int = 200

    def document(self, path: str) -> tuple[int, object]:
        """What an address answers."""
        if path.endswith("/openid-configuration"):
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
            return 200, {"issuer": self.published, **{name: f"{self.issuer}/{name}" for name in names}}
        if path == "/jwks_uri":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/userinfo_endpoint":
            return 200, self.user_info
        return self.token_status, {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token}

    def claims(self, **changes: object) -> dict[str, Any]:
        """Right claims with some changed; None leaves one out."""
        now = int(time.time())
        right = {"iss": self.issuer, "aud": "diaban", "sub": "7", "nonce": "nonce", "iat": now, "exp": now + 60}
        found: dict[str, Any] = {**right, "preferred_username": "lan", **changes}
        return {name: value for name, value in found.items() if value is not None}

    def sign(self, **changes: object) -> str:
        """A token of the provider's own key."""
        return jwt.encode({"alg": "ES256", "kid": "one"}, self.claims(**changes), self.keys[0])


@pytest.fixture
def liar() -> Iterator[Liar]:
    made = Liar()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, document = made.document(self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815 - the names that the standard library calls

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.issuer = made.published = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def provider(liar: Liar, claim: str = "preferred_username") -> Provider:
    return Provider(liar.issuer, "diaban", SECRET, "openid profile", claim, "http://localhost/signin/oidc/callback")


def finish(liar: Liar, claim: str = "preferred_username") -> Confirmed:
    return asyncio.run(provider(liar, claim).finish(ANSWER, JOURNEY))


def test_a_right_token_is_taken(liar: Liar) -> None:
    liar.id_token = liar.sign(amr=["pwd", "otp"])
    assert finish(liar) == Confirmed(liar.issuer, "lan", is_proven_twice=True)
    liar.id_token = liar.sign(amr="otp", aud=["diaban"])
    assert finish(liar) == Confirmed(liar.issuer, "lan", is_proven_twice=False)


@pytest.mark.parametrize("changes", [
    {"iss": "https://evil.example"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": ["another"]},
    {"aud": ["diaban", "another"]}, {"azp": "another"}, {"nonce": "another"}, {"nonce": None}, {"sub": None},
    {"exp": 1}, {"exp": None}, {"iat": None}, {"iat": 32503680000}, {"exp": "soon"},
    {"preferred_username": ["lan"]}, {"preferred_username": " "}, {"preferred_username": 7},
])  # fmt: skip
def test_wrong_claims_are_refused(liar: Liar, changes: dict[str, object]) -> None:
    liar.id_token = liar.sign(**changes)
    with pytest.raises(AnswerRefused):
        finish(liar)


FORGERIES: dict[str, Callable[[Liar], str]] = {
    "a key of somebody else": lambda liar: jwt.encode(
        {"alg": "ES256", "kid": "one"}, liar.claims(), ECKey.generate_key("P-256", {"kid": "one"})
    ),
    "the secret of the client": lambda liar: jwt.encode(
        {"alg": "HS256", "kid": "one"}, liar.claims(), OctKey.import_key(SECRET)
    ),
    "a signature cut off": lambda liar: liar.sign().rpartition(".")[0] + ".",
    "claims changed later": lambda liar: ".".join(
        (liar.sign().split(".")[0], liar.sign(sub="8").split(".")[1], liar.sign().split(".")[2])
    ),
    "no algorithm": lambda liar: "eyJhbGciOiJub25lIn0." + liar.sign().split(".")[1] + ".",
    "nothing": lambda _: "",
    "no token": lambda _: "x.y.z",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_tokens_are_refused(liar: Liar, forgery: str) -> None:
    liar.id_token = FORGERIES[forgery](liar)
    with pytest.raises(AnswerRefused):
        finish(liar)


def test_a_new_key_is_read_when_the_provider_has_changed_it(liar: Liar) -> None:
    ours = provider(liar)
    liar.id_token = liar.sign()
    assert asyncio.run(ours.finish(ANSWER, JOURNEY)).username == "lan"
    liar.keys = [ECKey.generate_key("P-256", {"kid": "one"})]
    liar.id_token = liar.sign()
    assert asyncio.run(ours.finish(ANSWER, JOURNEY)).username == "lan"


def test_a_claim_that_is_told_apart_is_that_of_the_same_subject(liar: Liar) -> None:
    liar.id_token = liar.sign(preferred_username=None)
    liar.user_info = {"sub": "7", "preferred_username": "minh"}
    assert finish(liar).username == "minh"
    for told in ({"sub": "8", "preferred_username": "minh"}, {"sub": "7"}, ["sub"]):
        liar.user_info = told
        with pytest.raises(AnswerRefused):
            finish(liar)


def test_an_address_of_mail_counts_only_when_it_is_verified(liar: Liar) -> None:
    liar.id_token = liar.sign(email="lan@example.vn", email_verified=True)
    assert finish(liar, "email").username == "lan@example.vn"
    for said in (False, "true", None):
        liar.id_token = liar.sign(email="lan@example.vn", email_verified=said)
        with pytest.raises(AnswerRefused):
            finish(liar, "email")


def test_a_provider_of_another_name_or_out_of_order_is_away(liar: Liar) -> None:
    liar.id_token, liar.published = liar.sign(), "https://evil.example"
    with pytest.raises(ProviderAway):
        finish(liar)
    liar.published, liar.token_status = liar.issuer, 500
    with pytest.raises(ProviderAway):
        finish(liar)
