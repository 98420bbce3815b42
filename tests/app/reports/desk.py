"""The service as senders and officers of a small made-up province use it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from PIL import Image

from app.resources import Principal
from layers.access import Grant, Scope
from layers.rights import Action, Area, Attributes, Right
from tests.conftest import Service
from tests.layers.ask_world import SIZE, SOUTH, WEST, commune_code
from tests.people import WHO

HERE, ELSEWHERE = commune_code(0, 0), commune_code(3, 3)
LON, LAT = WEST + 0.02, SOUTH + 0.02
OUTSIDE = (WEST + SIZE + 1, SOUTH)
NAME, PHONE = "Nguyễn Thị Kín", "0912 345 678"


def person(subject: str, *actions: Action, unit: str = HERE, opens: bool = False) -> Principal:
    """Somebody with these actions on field reports of a commune."""
    attributes = Attributes.PERSONAL if opens else Attributes.PUBLIC
    right = Right(frozenset(actions), areas=frozenset({Area.FIELD_REPORTS}), attributes=attributes)
    grants = (Grant(right, frozenset({unit})),) if actions else ()
    return Principal(subject, subject, Scope(subject, grants))


PEOPLE = {
    "reader": person("reader", Action.READ),
    "officer": person("officer", Action.READ, Action.EDIT),
    "clerk": person("clerk", Action.READ, Action.EDIT, opens=True),
    "leader": person("leader", Action.READ, Action.EDIT, Action.APPROVE),
    "stranger": person("stranger", Action.READ, Action.EDIT, Action.APPROVE, unit=ELSEWHERE, opens=True),
    "citizen": person("citizen", Action.EDIT),
    "guest": person("guest"),
}


@dataclass(frozen=True)
class Desk:
    """A running service and what people do with reports in it."""

    service: Service

    def send(self, who: str | None = None, *, address: str = "198.51.100.7", **fields: Any) -> httpx.Response:
        """One report as JSON, at the usual place unless another is given."""
        body = {"kind": "waste", "text": "Rác đổ trước cổng chợ", "lon": LON, "lat": LAT, **fields}
        kept = {name: value for name, value in body.items() if value is not None}
        return self.service.client.post("/api/reports", json=kept, headers=_headers(who, address))

    def send_form(
        self, photos: list[tuple[str, bytes]], who: str | None = None, *, address: str = "198.51.100.8", **more: Any
    ) -> httpx.Response:
        """One report as a form with photos."""
        data = {"kind": "waste", "text": "Rác đổ trước cổng chợ", "lon": str(LON), "lat": str(LAT), **more}
        files = [("photo", (name, content, "image/jpeg")) for name, content in photos]
        return self.service.client.post("/api/reports", data=data, files=files, headers=_headers(who, address))

    def get(self, who: str, path: str = "", **params: Any) -> httpx.Response:
        """What an officer reads."""
        return self.service.client.get(f"/api/reports{path}", params=params, headers={WHO: who})

    def act(self, who: str, number: str, act: str, version: int, **more: Any) -> httpx.Response:
        """One act of an officer."""
        step = {"act": act, "version": version, **more}
        return self.service.client.post(f"/api/reports/{number}/steps", json=step, headers={WHO: who})

    def answered(self, **fields: Any) -> dict[str, Any]:
        """The receipt of a report that has been answered."""
        receipt: dict[str, Any] = self.send("officer", **fields).json()
        number = receipt["number"]
        for version, (who, act, more) in enumerate(
            [("leader", "route", {}), ("officer", "start", {}), ("officer", "answer", {"comment": "Đã dọn."})], 1
        ):
            done = self.act(who, number, act, version, **more)
            assert done.status_code == 200, done.text
        return receipt

    def events(self, number: str) -> list[tuple[str, str, str]]:
        """Actor, action and detail of each event of a report."""
        with psycopg.connect(self.service.database.superuser_dsn) as connection:
            return [
                (row[0], row[1], row[2])
                for row in connection.execute(
                    "SELECT actor, action, detail::text FROM audit.events WHERE object_id = %s ORDER BY id", [number]
                ).fetchall()
            ]


def _headers(who: str | None, address: str) -> dict[str, str]:
    return {WHO: who} if who else {"X-Forwarded-For": address}


def jpeg(width: int = 64, height: int = 48, *, gps: bool = False, orientation: int = 1) -> bytes:
    """A picture, red on the left and blue on the right, with a place and a camera's name on wish."""
    picture = Image.new("RGB", (width, height), (200, 0, 0))
    picture.paste((0, 0, 200), (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[0x0112] = orientation
    if gps:
        exif[0x010F] = "SecretCamera"
        exif.get_ifd(0x8825).update({1: "N", 2: (19.0, 48.0, 0.0), 3: "E", 4: (105.0, 46.0, 0.0)})
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif.tobytes())
    return file.getvalue()
