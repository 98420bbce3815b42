"""Another service that people sign in with: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from cryptography.fernet import Fernet, InvalidToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.settings import Settings
from layers.errors import LayerError
from layers.identity.external import Confirmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = structlog.get_logger(__name__)
WAIT_S: Final = 600
KEPT_S: Final = 3600.0
TIMEOUT_S: Final = 10.0
# Never HS256, with which whoever knows the client's secret signs for anybody, and never none.
ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
# RFC 8176: values of amr that stand for more than a password.
_TWICE: Final = frozenset({"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris"})
_PURPOSE: Final = "oidc"


class ProviderAway(LayerError):
    """The other service does not answer, or not as OpenID Connect says."""

    def __init__(self) -> None:
        super().__init__(
            "Hệ thống đăng nhập chung không trả lời đúng. Hãy thử lại sau ít phút, hoặc đăng nhập bằng mật khẩu.",
            "The other service does not answer rightly. Try again in a few minutes, or sign in with a password.",
        )


class AnswerRefused(LayerError):
    """What came back is not the answer to what this browser asked."""

    def __init__(self) -> None:
        super().__init__(
            "Kết quả đăng nhập không khớp với yêu cầu của trình duyệt này, hoặc đã quá hạn. Hãy đăng nhập lại từ đầu.",
            "The answer does not fit what this browser asked, or it is too late. Sign in again from the beginning.",
        )


@dataclass(frozen=True, slots=True)
class Journey:
    """What a browser keeps, encrypted, while the person is away at the other service."""

    state: str
    nonce: str
    verifier: str
    following: str

    def sealed(self, key: Fernet) -> str:
        """The text of the cookie."""
        values = {"for": _PURPOSE, "state": self.state, "nonce": self.nonce, "verifier": self.verifier}
        return key.encrypt(json.dumps({**values, "following": self.following}).encode()).decode()


def opened_journey(sealed: str, key: Fernet) -> Journey:
    """The journey of a cookie.

    Raises:
        AnswerRefused: There is none, it is older than ten minutes, or not ours.
    """
    try:
        values = json.loads(key.decrypt(sealed.encode(), ttl=WAIT_S))
    except (InvalidToken, ValueError):
        raise AnswerRefused from None
    if not isinstance(values, dict) or values.pop("for", None) != _PURPOSE:
        raise AnswerRefused
    return Journey(**values)


@dataclass(slots=True)
class Provider:
    """The service that is set, with what it publishes about itself.

    Attributes:
        issuer: Its address, exactly as it writes it.
        redirect_uri: Where it sends people back to.
        claim: The claim that is the user name here.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: str
    claim: str
    redirect_uri: str
    _metadata: tuple[float, Mapping[str, Any]] | None = field(default=None, repr=False)
    _keys: tuple[float, KeySet] | None = field(default=None, repr=False)

    async def begin(self, following: str) -> tuple[str, Journey]:
        """The address to send the browser to, and what it must bring back.

        Raises:
            ProviderAway: The service does not answer rightly.
        """
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        journey = Journey(state, nonce, verifier, following)
        async with self._client() as client:
            metadata = await self._known(client)
            url, _ = client.create_authorization_url(
                str(metadata["authorization_endpoint"]),
                state=journey.state,
                nonce=journey.nonce,
                code_verifier=journey.verifier,
            )
        return str(url), journey

    async def finish(self, answer: Mapping[str, str], journey: Journey) -> Confirmed:
        """Whom the service has confirmed.

        Args:
            answer: The parameters that the browser came back with.
            journey: What it kept.

        Raises:
            AnswerRefused: State, issuer, code, signature, audience, nonce or time is wrong, or the claim is missing.
            ProviderAway: The service does not answer rightly.
        """
        # RFC 9207: an answer of another issuer must not be taken for this one's.
        right = secrets.compare_digest(answer.get("state", "").encode(), journey.state.encode())
        if not right or "code" not in answer or answer.get("iss", self.issuer) != self.issuer:
            raise AnswerRefused
        async with self._client() as client:
            metadata = await self._known(client)
            try:
                token = await client.fetch_token(
                    str(metadata["token_endpoint"]),
                    grant_type="authorization_code",
                    code=answer["code"],
                    code_verifier=journey.verifier,
                )
            except AuthlibBaseError as error:
                log.warning("oidc_code_refused", error=str(error.error))
                raise AnswerRefused from None
            claims = await self._claims(client, str(token.get("id_token", "")), journey.nonce)
            if self.claim not in claims and "userinfo_endpoint" in metadata:
                claims = await self._with_user_info(client, str(metadata["userinfo_endpoint"]), claims)
        return self._confirmed(claims)

    async def _claims(self, client: AsyncOAuth2Client, id_token: str, nonce: str) -> Mapping[str, Any]:
        """Claims of the ID token after every check of OpenID Connect Core 1.0, 3.1.3.7."""
        registry = jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            try:
                token = jwt.decode(id_token, await self._key_set(client), algorithms=ALGORITHMS)
            except JoseError:
                # The service may have changed its keys since they were read.
                token = jwt.decode(id_token, await self._key_set(client, anew=True), algorithms=ALGORITHMS)
            registry.validate(token.claims)
        except (JoseError, ValueError) as error:
            log.warning("oidc_token_refused", error=type(error).__name__)
            raise AnswerRefused from None
        audience = token.claims["aud"]
        party = token.claims.get("azp", self.client_id)
        if party != self.client_id or (isinstance(audience, list) and len(audience) > 1 and "azp" not in token.claims):
            raise AnswerRefused
        return token.claims

    async def _with_user_info(
        self, client: AsyncOAuth2Client, url: str, claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The ID token's claims, and those that the service hands out apart (OpenID Connect Core 1.0, 5.3.2)."""
        answer = await client.request("GET", url)
        answer.raise_for_status()
        found = answer.json()
        if not isinstance(found, dict) or found.get("sub") != claims["sub"]:
            raise AnswerRefused
        return {**found, **claims}

    def _confirmed(self, claims: Mapping[str, Any]) -> Confirmed:
        value = claims.get(self.claim)
        unverified = self.claim == "email" and claims.get("email_verified") is not True
        if not isinstance(value, str) or not value.strip() or unverified:
            log.warning("oidc_claim_missing", claim=self.claim)
            raise AnswerRefused
        methods = claims.get("amr")
        said = {word for word in methods if isinstance(word, str)} if isinstance(methods, list) else set()
        return Confirmed(self.issuer, value, bool(said & _TWICE))

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOAuth2Client]:
        """A client for one conversation; what goes wrong on the wire is told as such."""
        client = AsyncOAuth2Client(
            self.client_id,
            self.client_secret,
            scope=self.scopes,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self.client_secret else "none",
            timeout=TIMEOUT_S,
        )
        try:
            async with client:
                yield client
        except (httpx2.HTTPError, KeyError, ValueError) as error:
            log.error("oidc_provider_away", error=type(error).__name__)
            raise ProviderAway from None

    async def _known(self, client: AsyncOAuth2Client) -> Mapping[str, Any]:
        """What the service publishes, read once an hour; the issuer must be equal (Discovery 1.0, 4.3)."""
        if self._metadata is None or self._metadata[0] < time.monotonic():
            found = await _fetch(client, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ValueError("the issuer is another one")
            self._metadata = (time.monotonic() + KEPT_S, found)
        return self._metadata[1]

    async def _key_set(self, client: AsyncOAuth2Client, *, anew: bool = False) -> KeySet:
        if anew or self._keys is None or self._keys[0] < time.monotonic():
            metadata = await self._known(client)
            found = await _fetch(client, str(metadata["jwks_uri"]))
            self._keys = (time.monotonic() + KEPT_S, KeySet.import_key_set(found))  # type: ignore[arg-type]
        return self._keys[1]


async def _fetch(client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
    answer = await client.request("GET", url, withhold_token=True)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def provider_of(settings: Settings) -> Provider | None:
    """The service that is set, if one is."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        None if secret is None else secret.get_secret_value(),
        settings.oidc_scopes,
        settings.oidc_claim,
        f"{settings.public_url}/signin/oidc/callback",
    )


def cookie_path(settings: Settings) -> str:
    """Where the browser sends the journey's cookie to, and nowhere else."""
    return f"{urlsplit(settings.public_url).path.rstrip('/')}/signin/oidc"
