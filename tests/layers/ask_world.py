"""A small made-up province for spatial questions: communes, hamlets, parcels, schools, clinics, roads, zones."""

from __future__ import annotations

import dataclasses
import datetime
import itertools

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import Engine

from layers.definition import Definition, Sensitivity
from layers.definition_reader import load_builtin
from layers.publish import ChangeNote, Mode, publish_rows
from layers.registry import put_layer

WEST, SOUTH, SIZE = 105.9, 9.9, 0.4
COMMUNES = 4
PARCELS = 150
SCHOOLS, CLINICS = 1_500, 40
DAY = datetime.date(2025, 7, 1)
NOTE = ChangeNote("test", data_date=DAY)
INTERNAL = "parcels-internal"


def definitions() -> dict[str, Definition]:
    known = load_builtin()
    names = ("provinces", "communes", "hamlets", "schools", "clinics", "roads", "flood-areas", "parcels", "documents")
    found = {name: known[name] for name in names}
    found[INTERNAL] = dataclasses.replace(known["parcels"], slug=INTERNAL, sensitivity=Sensitivity.INTERNAL)
    found["schools-restricted"] = dataclasses.replace(
        known["schools"], slug="schools-restricted", sensitivity=Sensitivity.RESTRICTED
    )
    return found


def commune_code(column: int, row: int) -> str:
    return f"999{row * COMMUNES + column + 1:02d}"


def cells(number: int) -> list[tuple[int, int, shapely.Polygon]]:
    edges_x = np.linspace(WEST, WEST + SIZE, number + 1)
    edges_y = np.linspace(SOUTH, SOUTH + SIZE, number + 1)
    return [
        (x, y, shapely.box(edges_x[x], edges_y[y], edges_x[x + 1], edges_y[y + 1]))
        for x, y in itertools.product(range(number), repeat=2)
    ]


def frame(rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")


def units() -> dict[str, gpd.GeoDataFrame]:
    whole = shapely.box(WEST, SOUTH, WEST + SIZE, SOUTH + SIZE)
    province = [{"code": "99", "name": "Tỉnh Thử", "unit_type": "tỉnh", "geometry": whole}]
    communes = [
        {
            "code": commune_code(x, y), "name": f"Xã {x}-{y}", "unit_type": "xã", "parent_code": "99",
            "valid_from": DAY, "geometry": shape,
        }
        for x, y, shape in cells(COMMUNES)
    ]  # fmt: skip
    hamlets = []
    for x, y, shape in cells(COMMUNES * 2):
        parent = commune_code(x // 2, y // 2)
        code = f"{parent}-{(y % 2) * 2 + x % 2 + 1:02d}"
        hamlets.append({"code": code, "name": f"Thôn {code}", "parent_code": parent, "geometry": shape})
    return {"provinces": frame(province), "communes": frame(communes), "hamlets": frame(hamlets)}


def points(seed: int, number: int) -> list[shapely.Point]:
    random = np.random.default_rng(seed)
    # One corner of the province stays empty, so that some units have nothing.
    places = WEST + SIZE * random.random(number), SOUTH + SIZE * 0.74 * random.random(number)
    return [shapely.Point(x, y) for x, y in zip(*places, strict=True)]


def facilities() -> dict[str, gpd.GeoDataFrame]:
    levels = ("MN", "TH", "THCS")
    schools = [
        {
            "code": f"S{n}", "name": "=1+1" if n == 0 else f"Trường {n}", "level": levels[n % 3],
            "pupils": None if n % 7 == 0 else 100 + n, "classrooms": n % 20, "principal": "Nguyễn Văn A",
            "geometry": place,
        }
        for n, place in enumerate(points(1, SCHOOLS))
    ]  # fmt: skip
    clinics = [
        {"code": f"C{n}", "name": f"Trạm {n}", "kind": "hospital_general", "geometry": place}
        for n, place in enumerate(points(2, CLINICS))
    ]
    return {"schools": frame(schools), "clinics": frame(clinics), "schools-restricted": frame(schools[:100])}


def lines_and_zones() -> dict[str, gpd.GeoDataFrame]:
    random = np.random.default_rng(3)
    roads = []
    for number in range(60):
        start = WEST + SIZE * random.random(), SOUTH + SIZE * random.random()
        steps = np.cumsum(random.normal(0.004, 0.006, (6, 2)), axis=0)
        vertices = [start, *((start[0] + dx, start[1] + dy) for dx, dy in steps)]
        roads.append({"source_id": f"R{number}", "road_class": "DT", "geometry": shapely.LineString(vertices)})
    main = [
        (WEST + 0.02, SOUTH + 0.03),
        (WEST + 0.15, SOUTH + 0.1),
        (WEST + 0.2, SOUTH + 0.22),
        (WEST + 0.38, SOUTH + 0.3),
    ]
    for number, ends in enumerate(itertools.pairwise(main)):
        roads.append(
            {"source_id": f"M{number}", "route_code": "QL99", "road_class": "QL", "geometry": shapely.LineString(ends)}
        )
    floods = [
        {"source_id": f"F{number}", "depth_m": 1.0, "geometry": place.buffer(0.02, quad_segs=8)}
        for number, place in enumerate(points(4, 5))
    ]
    return {"roads": frame(roads), "flood-areas": frame(floods)}


def parcels() -> gpd.GeoDataFrame:
    return frame(
        [
            {
                "old_commune_code": "99001", "sheet": str(x), "parcel": str(y),
                "area_legal_m2": float(x + y), "owner_name": "Trần Thị B",
                # A gap keeps parcels apart; a slant lets some cross the boundaries of communes.
                "geometry": shapely.Polygon(shape.buffer(-0.0002, join_style="mitre").exterior),
            }
            for x, y, shape in cells(PARCELS)
        ]
    )  # fmt: skip


def build_world(owner: Engine) -> None:
    """Creates the layers in a migrated database and publishes their features."""
    with owner.begin() as connection:
        for definition in definitions().values():
            put_layer(connection, definition, author="test", synthetic=True)
    land = parcels()
    frames = {**units(), **facilities(), **lines_and_zones(), "parcels": land, INTERNAL: land}
    for slug, rows in frames.items():
        with owner.begin() as connection:
            publish_rows(connection, slug, [rows], mode=Mode.REPLACE, note=NOTE)
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
