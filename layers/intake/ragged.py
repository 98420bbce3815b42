"""Tables whose rows differ in length, read so that no cell is lost."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa

from layers.intake.delimited import TableFacts, describe_table

_BATCH: Final = 20_000
_MOST_COLUMNS: Final = 2_000
_LONGEST_CELL: Final = 2**24


def read_ragged(path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch], list[int]]:
    """Returns the schema, the rows, and the numbers (from 1) of the rows that are longer or shorter than the header.

    Short rows end in empty cells; cells beyond the header come into columns of their own.

    Raises:
        ValueError: A row has absurdly many cells.
    """
    facts = describe_table(path)
    width = len(facts.columns)
    most, ragged = width, []
    for number, row in enumerate(_rows(path, facts), start=1):
        most = max(most, len(row))
        if len(row) != width:
            ragged.append(number)
    if most > _MOST_COLUMNS:
        raise ValueError(f"a row of {most} cells")
    names = [*facts.columns, *(f"column {number}" for number in range(width + 1, most + 1))]
    schema = pa.schema([(name, pa.large_string()) for name in names])
    return schema, _batches(path, facts, schema), ragged


def _rows(path: Path, facts: TableFacts) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding=facts.codec, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=facts.delimiter)
        yield from (row for row in islice(reader, facts.header_line, None) if any(row))


def _batches(path: Path, facts: TableFacts, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = _rows(path, facts)
    while chunk := list(islice(rows, _BATCH)):
        columns = [
            pa.array([row[at] if at < len(row) else None for row in chunk], pa.large_string())
            for at in range(len(schema))
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
