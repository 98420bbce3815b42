"""Values that sensors publish over MQTT (3.1.1), kept before they are acknowledged.

A message is acknowledged to the broker once its value is in the database: what a crash leaves open comes again, and
recording a value twice is recording it once. The session is persistent, so that the broker keeps what is sent while
nobody listens.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import aiomqtt
import anyio.to_thread
import orjson
import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from app.observing.rows import ObservationBody
from layers.access import Scope
from layers.errors import LayerError
from layers.grants import load_scope
from layers.identity.accounts import find_account
from layers.identity.errors import AccountNotFound
from scenarios.observations.observation import Observation, Recorded
from scenarios.observations.recording import record_observations

_BATCH = 1000
_GATHER_S = 0.2
_AGAIN_S = 5.0
_LONGEST = 4096
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to listen, and on whose behalf values are kept.

    Attributes:
        url: ``mqtt://user:password@host:port`` or ``mqtts://…``.
        topic: Topics ``<topic>/<indicator>/<place>`` are listened to.
        account: User name of the service account whose rights hold.
    """

    url: str
    topic: str
    account: str

    def client(self) -> aiomqtt.Client:
        """A client with a persistent session of a fixed name, so that one listener goes on where another ended."""
        parts = urlsplit(self.url)
        tls = ssl.create_default_context() if parts.scheme == "mqtts" else None
        client = aiomqtt.Client(
            parts.hostname or "127.0.0.1",
            parts.port or (8883 if tls else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            identifier=f"diaban-{self.account}",
            clean_session=False,
            tls_context=tls,
        )
        # The library would acknowledge a message when it arrives, before it is kept; and what the broker has held
        # back arrives together with the connection.
        client._client.manual_ack_set(True)
        return client


async def listen(broker: Broker, engine: Engine, subscribed: asyncio.Event | None = None) -> None:
    """Listens until cancelled; a broker that is away is tried again every few seconds.

    Args:
        broker: Where, and on whose behalf.
        engine: The writer's.
        subscribed: Set as soon as the broker keeps what is sent.
    """
    while True:
        try:
            async with broker.client() as client:
                await client.subscribe(f"{broker.topic}/+/+", qos=1)
                log.info("mqtt_listening", topic=broker.topic)
                if subscribed is not None:
                    subscribed.set()
                await _take(broker, client, engine)
        except aiomqtt.MqttError as error:
            log.warning("mqtt_away", reason=str(error)[:200])
        await asyncio.sleep(_AGAIN_S)


async def _take(broker: Broker, client: aiomqtt.Client, engine: Engine) -> None:
    waiting: asyncio.Queue[aiomqtt.Message] = asyncio.Queue(maxsize=10 * _BATCH)

    async def keep() -> None:
        while True:
            batch = [await waiting.get()]
            await asyncio.sleep(_GATHER_S)
            while len(batch) < _BATCH and not waiting.empty():
                batch.append(waiting.get_nowait())
            await _keep(broker, engine, batch)
            for message in batch:
                client._client.ack(message.mid, message.qos)

    keeping = asyncio.create_task(keep())
    try:
        async for message in client.messages:
            await waiting.put(message)
    finally:
        # What is not acknowledged by now comes again.
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(broker: Broker, engine: Engine, batch: Sequence[aiomqtt.Message]) -> None:
    """Keeps a batch, however long the database or the account's right is away."""
    now = datetime.now(UTC)
    read = [_read(str(message.topic), message.payload, broker.topic, now) for message in batch]
    rows = [row for row in read if row is not None]
    while True:
        try:
            done = await anyio.to_thread.run_sync(_record, broker, engine, rows)
            break
        except (OperationalError, LayerError) as error:
            log.error("mqtt_waits", error=type(error).__name__, messages=len(batch))
        except Exception:
            log.exception("mqtt_waits", messages=len(batch))
        await asyncio.sleep(_AGAIN_S)
    unread = len(batch) - len(rows)
    if done.refused or unread:
        fields = sorted({refused.field for refused in done.refused})
        log.warning("mqtt_refused", refused=len(done.refused), unread=unread, fields=fields)


def _record(broker: Broker, engine: Engine, rows: Sequence[Observation]) -> Recorded:
    with engine.begin() as connection:
        scope = scope_of_account(connection, broker.account)
        return record_observations(connection, scope, rows, source=f"mqtt:{broker.topic}")


def scope_of_account(connection: Connection, username: str) -> Scope:
    """What the service account may do today.

    Raises:
        AccountNotFound: There is no such account, or it is closed.
    """
    account = find_account(connection, username)
    if account.state != "active":
        raise AccountNotFound(username)
    return load_scope(connection, account.id).scope


def _read(topic: str, payload: object, base: str, now: datetime) -> Observation | None:
    """The value of a message: a bare number, or JSON with the members of a row; None where it is neither."""
    levels = topic.removeprefix(f"{base}/").split("/")
    if len(levels) != 2 or not isinstance(payload, bytes | bytearray) or len(payload) > _LONGEST:
        return None
    try:
        told = orjson.loads(payload)
        members = told if isinstance(told, dict) else {"value": told}
        body = ObservationBody.model_validate({"at": now, **members, "indicator": levels[0], "place": levels[1]})
    except (orjson.JSONDecodeError, ValidationError):
        return None
    return Observation(**body.model_dump())
