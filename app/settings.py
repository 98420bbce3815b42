"""Settings: read from the environment and from .env, once, by the program that starts."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.sending.email import MailSecurity
from layers.identity.rules import Profile

CHECKOUT = Path(__file__).resolve().parent.parent
EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - recognised, not chosen


class Settings(BaseSettings):
    """Everything that the environment decides; durations are seconds or ISO 8601 (``PT10S``).

    The names that users type (HOST, PORT, DATA …) have no prefix; all others begin with ``DIABAN_``.
    """

    model_config = SettingsConfigDict(
        env_prefix="DIABAN_",
        env_file=CHECKOUT / ".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(8000, ge=1, le=65535, validation_alias="PORT")
    workers: int = Field(1, ge=1, le=256, validation_alias="WORKERS")
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    data: Path | None = Field(None, validation_alias="DATA")
    reset: bool = Field(False, validation_alias="RESET")

    given_public_url: str | None = Field(None, pattern=r"^https?://\S+$", validation_alias="DIABAN_PUBLIC_URL")
    state_dir: Path = CHECKOUT / ".diaban"
    second_factor_key: Path | None = None
    # What personal fields are sealed under; back-ups of the database must not hold it.
    personal_key: Path | None = None
    # How often one account may open personal values in full within an hour.
    personal_views_per_hour: int = Field(60, ge=1, le=10_000)
    # From how many persons on the system needs the next level (Decree 331/2026); 0 where it is approved for more.
    # Groups of fewer features are kept back in figures of restricted layers; 0 keeps none back.
    small_count: int = Field(5, ge=0, le=100)
    personal_limit: int = Field(100_000, ge=0)
    personal_sensitive_limit: int = Field(10_000, ge=0)
    # Another service that people sign in with (OpenID Connect); an address without TLS only on this very machine.
    oidc_issuer: str | None = Field(None, pattern=r"^(https://\S+|http://(127\.0\.0\.1|localhost)(:\d+)?(/\S*)?)$")
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scopes: str = Field("openid profile", pattern=r"^openid( \S+)*$")
    oidc_claim: str = Field("preferred_username", pattern=r"^\S+$")
    oidc_name: str = "SSO"
    account_profile: Profile = Profile.STANDARD
    # These win over the profile's.
    password_min_length: int | None = Field(None, ge=8, le=64)
    sign_in_failures: int | None = Field(None, ge=1, le=100)
    sign_in_wait: timedelta | None = Field(None, gt=timedelta(0), le=timedelta(days=1))
    breach_list: Path | None = None
    # Accounts of people that nobody has used for so many days are closed; 0 closes none.
    account_idle_days: int = Field(45, ge=0, le=3650)
    log_format: Literal["console", "json"] = "console"

    pool_public: int = Field(8, ge=1, le=100)
    pool_reader: int = Field(4, ge=1, le=100)
    pool_tiles: int = Field(4, ge=1, le=100)
    pool_writer: int = Field(2, ge=1, le=100)
    pool_auth: int = Field(2, ge=1, le=100)

    timeout_tiles: timedelta = Field(timedelta(seconds=5), gt=timedelta(0))
    timeout_query: timedelta = Field(timedelta(seconds=30), gt=timedelta(0))

    max_items: int = Field(10_000, ge=1, le=10_000)
    default_items: int = Field(100, ge=1, le=10_000)
    tile_cache_mb: int = Field(256, ge=0)
    keep_exports: timedelta = Field(timedelta(hours=24), gt=timedelta(0))
    # Websites whose pages may read what anybody may read; never with a cookie.
    cors_origins: tuple[str, ...] = ("*",)
    # Days off and days worked in exchange that the Government decides each year, besides the public holidays.
    days_off: tuple[date, ...] = ()
    days_worked: tuple[date, ...] = ()
    # How long each rung has with a late task before the one above is told.
    task_escalates_every: timedelta = Field(timedelta(hours=4), gt=timedelta(0))
    # A broker that sensors publish to: <topic>/<indicator>/<place>, kept by the rights of a service account.
    mqtt_url: SecretStr | None = None
    mqtt_topic: str = Field("diaban/observations", pattern=r"^[^#+\x00/][^#+\x00]{0,199}$")
    mqtt_account: str | None = None
    raster_cache_mb: int = Field(64, ge=0)

    max_upload_mb: int = Field(2048, ge=1)
    # The disk of uploads keeps this much room; a file that would use it up is refused with 507.
    disk_reserve_mb: int = Field(512, ge=0)
    # A larger share of a unit's features is deleted only with an explicit yes.
    deletion_limit: float = Field(0.2, ge=0, le=1)
    watch_dir: Path | None = None
    # Whether people without an account may report what they see, and how often from one address.
    public_reports: bool = False
    reports_per_hour: int = Field(20, ge=1, le=1000)
    reports_key: Path | None = None
    # Who sent a report is forgotten so many days after it was closed; 0 forgets nobody.
    reporters_kept_days: int = Field(365, ge=0, le=3650)
    # Addresses or networks whose X-Forwarded-* headers are believed.
    trusted_proxies: tuple[str, ...] = ()

    audit_key: Path | None = None
    audit_folder: Path | None = None
    audit_second_place: Path | None = None
    # A folder on another disk or machine, or a .conf file of pgBackRest options for another kind of repository.
    backup_repo: Path | None = None
    backup_key: Path | None = None
    backup_hour: int = Field(1, ge=0, le=23)
    backup_full_days: int = Field(7, ge=1, le=366)
    backup_keep_full: int = Field(2, ge=1, le=999)
    # A change waits at most so long for its WAL to leave the machine.
    backup_wal_every: timedelta = Field(timedelta(seconds=60), ge=timedelta(seconds=1), le=timedelta(hours=1))
    # A base map from elsewhere, for those who have one; without it the viewer draws its own from our layers.
    base_map_url: str | None = Field(None, pattern=r"^(https?://\S+|/\S*)$")
    base_map_credit: str = ""
    # The office whose name stands on reports of people without a unit of their own.
    office: str = Field("", max_length=200)

    # The office's mail server; without a host no mail goes out.
    smtp_host: str | None = Field(None, pattern=r"^[A-Za-z0-9.:-]+$")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str | None = Field(None, pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")
    smtp_tls: MailSecurity = MailSecurity.STARTTLS
    # Groups of Zalo; the token is given by itself, or in a file that another program renews each day.
    zalo_url: str = Field("https://openapi.zalo.me", pattern=r"^https?://\S+$")
    zalo_token: SecretStr | None = None
    zalo_token_file: Path | None = None
    # The office's gateway for SMS and loudspeakers.
    gateway_url: str | None = Field(None, pattern=r"^https?://\S+$")
    gateway_token: SecretStr | None = None
    webhook_key: Path | None = None
    # Machines that webhooks may go to; without any, offices may name any and people none.
    webhook_hosts: tuple[str, ...] = ()

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError(
                "địa chỉ phải có dạng postgresql://người-dùng:mật-khẩu@máy:cổng/cơ-sở-dữ-liệu; "
                "the URL must read postgresql://user:password@host:port/database"
            )
        return value

    @field_validator("mqtt_url")
    @classmethod
    def _is_broker(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"mqtts?://\S+", value.get_secret_value()):
            raise ValueError(
                "địa chỉ phải có dạng mqtt://người-dùng:mật-khẩu@máy:cổng (mqtts nếu có TLS); "
                "the URL must read mqtt://user:password@host:port (mqtts with TLS)"
            )
        return value

    @field_validator(
        "timeout_tiles",
        "timeout_query",
        "keep_exports",
        "task_escalates_every",
        "sign_in_wait",
        "backup_wal_every",
        mode="before",
    )
    @classmethod
    def _from_seconds(cls, value: object) -> object:
        # pydantic reads a number as seconds, but the environment only holds text.
        return float(value) if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value) else value

    @field_validator("state_dir")
    @classmethod
    def _below_checkout(cls, value: Path) -> Path:
        return CHECKOUT / value

    @property
    def exports_dir(self) -> Path:
        """Where finished downloads lie; worker and service see the same folder."""
        return self.state_dir / "exports"

    @property
    def uploads_dir(self) -> Path:
        """Folder of uploads: originals as they came, and what was made of them."""
        return self.state_dir / "uploads"

    @property
    def photos_dir(self) -> Path:
        """Folder of photos, each under its digest."""
        return self.state_dir / "photos"

    @property
    def raster_dir(self) -> Path:
        """Folder of raster files, originals and COGs."""
        return self.state_dir / "rasters"

    @property
    def public_url(self) -> str:
        """The address that links carry, without a final slash: as given, else host and port."""
        if self.given_public_url is not None:
            return self.given_public_url.rstrip("/")
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
