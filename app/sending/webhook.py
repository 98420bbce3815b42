"""Webhooks: a message as JSON, signed so that the other side can tell that it is ours and fresh."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from app.sending.http import WHOLE_S, post
from scenarios.notifying.errors import SendRefused
from scenarios.notifying.letter import Letter

SIGNATURE: Final = "X-Diaban-Signature"
TIMESTAMP: Final = "X-Diaban-Timestamp"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Sends messages by HTTP POST.

    Attributes:
        key: What the secrets of all channels are derived from.
        hosts: Names of the only machines that are written to; empty for any.
        whole_s: How long an attempt may last.
    """

    key: bytes = field(repr=False)
    hosts: Sequence[str] = ()
    whole_s: float = WHOLE_S

    def send(self, message: Letter, address: str) -> None:
        """Posts a message; the repeat of one carries the same ``Idempotency-Key``.

        Raises:
            SendFailed: It did not go out; trying again may help.
            SendRefused: It did not go out and will not.
        """
        if self.hosts and urlsplit(address).hostname not in self.hosts:
            raise SendRefused("the machine is not among those that may be written to")
        body, moment = body_of(message), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "diaban",
            "Idempotency-Key": str(message.id),
            TIMESTAMP: moment,
            SIGNATURE: f"sha256={sign(secret_of(self.key, message.channel_id), moment, body)}",
        }
        post(address, body, headers, whole_s=self.whole_s)


def secret_of(key: bytes, channel_id: UUID) -> str:
    """The secret of one channel: whoever holds it can forge no message to another."""
    return hmac.new(key, f"webhook/{channel_id}".encode(), hashlib.sha256).hexdigest()


def sign(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 over the moment (seconds since 1970), a full stop and the body, as hexadecimal digits."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def body_of(message: Letter) -> bytes:
    """The message as JSON."""
    items = [{"kind": item.kind, "text": item.text, "link": item.link, **item.facts} for item in message.items]
    document = {
        "id": message.id,
        "channel": message.channel_id,
        "subject": message.subject,
        "text": message.text,
        "made_at": message.made_at,
        "items": items,
    }
    return orjson.dumps(document)
