"""The means by which this installation can send, as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.sending.email import Email
from app.sending.gateway import Gateway
from app.sending.webhook import Webhook
from app.sending.zalo import Zalo
from app.settings import Settings
from layers.identity.second_factor import open_key
from scenarios.notifying.channel import ChannelKind
from scenarios.notifying.errors import SendFailed
from scenarios.notifying.letter import Sender


def senders_of(settings: Settings) -> Mapping[ChannelKind, Sender]:
    """Who sends which kind of channel; kinds that are not set up are missing."""
    found: dict[ChannelKind, Sender] = {ChannelKind.WEBHOOK: Webhook(webhook_key(settings), settings.webhook_hosts)}
    mail = _mail(settings)
    if mail is not None:
        found[ChannelKind.EMAIL] = mail
    zalo = _zalo(settings)
    if zalo is not None:
        found[ChannelKind.ZALO] = zalo
    if settings.gateway_url is not None:
        token = None if settings.gateway_token is None else settings.gateway_token.get_secret_value()
        for kind in (ChannelKind.SMS, ChannelKind.LOUDSPEAKER):
            found[kind] = Gateway(settings.gateway_url.rstrip("/"), kind, token)
    return found


def kinds_set_up(settings: Settings) -> frozenset[ChannelKind]:
    """The kinds of channels that something can be sent by."""
    return frozenset(senders_of(settings))


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


def _zalo(settings: Settings) -> Zalo | None:
    given, file = settings.zalo_token, settings.zalo_token_file
    if given is None and file is None:
        return None

    def token() -> str:
        if file is None:
            return given.get_secret_value() if given else ""
        try:
            return file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            raise SendFailed("the file of Zalo's token cannot be read") from None

    return Zalo(settings.zalo_url.rstrip("/"), token)
