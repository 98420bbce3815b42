"""Where a cluster's back-ups go, and pgBackRest's configuration for it."""

from __future__ import annotations

import configparser
import os
import pwd
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.backup.errors import BackedUpElsewhere, NoRepository, OptionsUnfit, PgBackRestMissing, PlaceUnfit
from app.cluster import locate_cluster
from app.postgres import run_program
from app.postmaster import SUPERUSER, write_as
from app.settings import CHECKOUT, Settings

STANZA: Final = "diaban"
# What is decided here alone, whatever the officer's file says.
_OURS: Final = ("repo1-cipher-type", "repo1-cipher-pass", "lock-path", "log-path", "spool-path")


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster and the repository of its back-ups.

    Attributes:
        home: Folder of the cluster.
        os_user: OS user that runs it and pgBackRest; None means the caller.
        key_file: File of the repository's passphrase, outside the repository.
        repository: Folder of the repository; None where the officer's options name another kind of place.
        options: pgBackRest options of the repository.
        conf_name: Name of the configuration; a restore has its own, because the living cluster archives with the
            usual one.
    """

    home: Path
    os_user: str | None
    key_file: Path
    repository: Path | None
    options: Mapping[str, str]
    conf_name: str = "pgbackrest.conf"

    @property
    def data_dir(self) -> Path:
        """The cluster's data."""
        return self.home / "pg"

    @property
    def folder(self) -> Path:
        """Configuration, locks and log, closed to all but the cluster's user."""
        return self.home / "backup"

    @property
    def conf(self) -> Path:
        """The configuration that every call of pgBackRest reads."""
        return self.folder / self.conf_name

    @property
    def passwords(self) -> Path:
        """Libpq's password file for pgBackRest's own connection."""
        return self.folder / "pgpass"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a running cluster answers."""

    socket_dir: Path
    port: int


def is_configured(settings: Settings) -> bool:
    """Whether there is something to back up and a place for it."""
    return settings.backup_repo is not None and settings.database_url is None


def find_place(settings: Settings, *, state_dir: Path | None = None) -> Place:
    """The place of the settings' cluster, or of the cluster in another state folder with the same repository.

    Raises:
        BackedUpElsewhere: The database is an administrator's of its own.
        NoRepository: None is named.
        OptionsUnfit: The officer's file cannot be used.
    """
    if settings.database_url is not None:
        raise BackedUpElsewhere
    if settings.backup_repo is None:
        raise NoRepository
    if shutil.which("pgbackrest", path="/usr/bin:/bin:/usr/local/bin") is None:
        raise PgBackRestMissing
    home, os_user = locate_cluster(CHECKOUT, "main", state_dir=state_dir or settings.state_dir)
    key_file = settings.backup_key or settings.state_dir / "secrets" / "backup.key"
    own = {"repo1-retention-full": str(settings.backup_keep_full)}
    if settings.backup_repo.suffix == ".conf":
        return Place(home, os_user, key_file, None, own | read_options(settings.backup_repo))
    repository = (CHECKOUT / settings.backup_repo).resolve()
    return Place(home, os_user, key_file, repository, MappingProxyType({"repo1-path": str(repository), **own}))


def read_options(path: Path) -> dict[str, str]:
    """The options of the officer's file, without those that are decided here.

    Raises:
        OptionsUnfit: It cannot be read, or has no repository.
    """
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        found = dict(parser["global"])
    except KeyError:
        raise OptionsUnfit(path, "[global]") from None
    except (OSError, UnicodeError, configparser.Error) as error:
        # Only the kind: a parser's message repeats the line, which may hold a secret.
        raise OptionsUnfit(path, type(error).__name__) from None
    if not any(name.startswith("repo1-") for name in found):
        raise OptionsUnfit(path, "repo1-")
    return {name: value for name, value in found.items() if name not in _OURS}


def conf_text(place: Place, passphrase: str, data_dir: Path, server: Server | None) -> str:
    """PgBackRest's configuration.

    Args:
        place: The repository and the folders.
        passphrase: Encrypts everything that goes into the repository.
        data_dir: The data to back up, or the folder to restore into.
        server: The running cluster, for commands that ask it.
    """
    common = {
        "repo1-path": f"/{STANZA}",
        # PostgreSQL has thousands of small files, each of which would be a file of the repository.
        "repo1-bundle": "y",
        "compress-type": "zst",
        "compress-level": "3",
        "process-max": "2",
        "start-fast": "y",
        "log-level-console": "warn",
        "log-level-file": "info",
        **place.options,
        "repo1-cipher-type": "aes-256-cbc",
        "repo1-cipher-pass": passphrase,
        "lock-path": str(place.folder / "lock"),
        "log-path": str(place.folder / "log"),
        "spool-path": str(place.folder / "spool"),
    }
    cluster = {"pg1-path": str(data_dir), "pg1-user": SUPERUSER, "pg1-database": "postgres"}
    if server is not None:
        cluster |= {"pg1-socket-path": str(server.socket_dir), "pg1-port": str(server.port)}
    sections = {"global": common, STANZA: cluster}
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in options.items())
        for name, options in sections.items()
    )


def write_conf(place: Place, passphrase: str, *, data_dir: Path | None = None, server: Server | None = None) -> None:
    """Writes the configuration for the cluster's user alone.

    Raises:
        ClusterError: It cannot be written.
    """
    make_folder(place.folder, place.os_user)
    make_folder(place.folder / "log", place.os_user)
    write_as(place.conf, conf_text(place, passphrase, data_dir or place.data_dir, server), place.os_user)


def make_repository(place: Place) -> None:
    """Makes the repository's folder where it is missing.

    Raises:
        PlaceUnfit: It cannot be made, or the cluster's user cannot write to it.
    """
    if place.repository is None:
        return
    try:
        make_folder(place.repository, place.os_user)
    except OSError as error:
        raise PlaceUnfit(place.repository, place.os_user) from error
    if run_program(["test", "-w", place.repository, "-a", "-x", place.repository], os_user=place.os_user).code != 0:
        raise PlaceUnfit(place.repository, place.os_user)


def make_folder(path: Path, os_user: str | None) -> None:
    """Makes a folder, and those above it, closed to all but its user; one that is there stays as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    if os_user is not None:
        account = pwd.getpwnam(os_user)
        os.chown(path, account.pw_uid, account.pw_gid)
