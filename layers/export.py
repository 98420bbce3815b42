"""Writes a layer to a file as GeoJSON, feature by feature, without holding the layer in memory."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, select

from layers.definition import Definition
from layers.reader import current_target
from spatial.crs import CRS84
from spatial.features import feature_text

BATCH = 5000


def export_geojson(connection: Connection, definition: Definition, path: Path) -> int:
    """Writes the current features as an RFC 7946 FeatureCollection and returns their number.

    The file appears whole or not at all: it is written beside its place and renamed. Personal fields are
    not in the feature tables and so not in the file.
    """
    target = current_target(definition)
    statement = select(feature_text(target, target.rows, CRS84, None)).order_by(target.column("fid"))
    draft = path.with_name(path.name + ".part")
    count = 0
    with draft.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        streamed = connection.execution_options(yield_per=BATCH).execute(statement)
        for count, text in enumerate(streamed.scalars(), start=1):
            file.write((",\n" if count > 1 else "\n") + text + "}")
        file.write("\n]}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return count
