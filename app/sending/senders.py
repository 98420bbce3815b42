"""The means by which this installation can send, as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.sending.email import Email
from app.sending.webhook import Webhook
from app.settings import Settings
from layers.identity.second_factor import open_key
from scenarios.notifying.channel import ChannelKind
from scenarios.notifying.letter import Sender


def senders_of(settings: Settings) -> Mapping[ChannelKind, Sender]:
    """Who sends which kind of channel; kinds that are not set up are missing."""
    found: dict[ChannelKind, Sender] = {ChannelKind.WEBHOOK: Webhook(webhook_key(settings), settings.webhook_hosts)}
    mail = _mail(settings)
    if mail is not None:
        found[ChannelKind.EMAIL] = mail
    return found


def webhook_key(settings: Settings) -> bytes:
    """What the secrets of webhooks are derived from; made where it is missing, shared by service and worker."""
    path = webhook_key_file(settings)
    open_key(path)
    return path.read_bytes().strip()


def webhook_key_file(settings: Settings) -> Path:
    """Where the key of webhooks lies."""
    return settings.webhook_key or settings.state_dir / "secrets" / "webhook.key"


def _mail(settings: Settings) -> Email | None:
    if settings.smtp_host is None:
        return None
    password = settings.smtp_password
    return Email(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_from or f"diaban@{settings.smtp_host}",
        settings.smtp_tls,
        settings.smtp_user,
        None if password is None else password.get_secret_value(),
    )
