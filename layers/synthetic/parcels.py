"""Land parcels in bulk: blocks cut one by one, handed out in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.synthetic.cutting import Rings, cut_block
from layers.synthetic.landscape import LAND_USES, SLIMNESS, Ground, cuts_for, grounds, quotas
from layers.synthetic.lattice import METRES_PER_DEGREE, Frame, Lattice, build_lattice
from layers.synthetic.partition import BoolArray, solid, split

CHUNK_ROWS: Final = 50_000

_LAND_USE_VALUES: Final = {ground: np.array(list(uses), dtype=object) for ground, uses in LAND_USES.items()}
_LAND_USE_SHARES: Final = {
    ground: np.array(list(uses.values())) / sum(uses.values()) for ground, uses in LAND_USES.items()
}


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """How one block becomes one cadastral sheet: number of parcels, ground, and the units that hold it."""

    block: int
    count: int
    ground: int
    commune_code: str
    old_commune_code: str
    hamlet_code: str | None
    sheet: int


def parcel_frames(
    lattice: Lattice, plans: Sequence[BlockPlan], *, seed: int, chunk_rows: int = CHUNK_ROWS
) -> Iterator[gpd.GeoDataFrame]:
    """Yield the parcels of the planned blocks in chunks of at most `chunk_rows` rows, in EPSG:4326.

    Columns: commune_code, old_commune_code, hamlet_code, sheet_no, parcel_no, land_use, area_m2,
    legal_area_m2, ground, geometry (MultiPolygon of one ring, counter-clockwise). A block depends on the
    seed and its number only, so chunks of any size hold the same parcels. A single block of more parcels
    than `chunk_rows` makes a chunk by itself.
    """
    waiting: list[BlockPlan] = []
    rows = 0
    for plan in plans:
        if waiting and rows + plan.count > chunk_rows:
            yield _frame(lattice, waiting, seed)
            waiting, rows = [], 0
        waiting.append(plan)
        rows += plan.count
    if waiting:
        yield _frame(lattice, waiting, seed)


def _frame(lattice: Lattice, plans: list[BlockPlan], seed: int) -> gpd.GeoDataFrame:
    parts, uses, legal = [], [], []
    for plan in plans:
        rng = np.random.default_rng([seed, 4, plan.block])
        ground = Ground(plan.ground)
        parts.append(cut_block(lattice.grid(plan.block), plan.count, slimness=SLIMNESS[ground], rng=rng))
        pick = rng.choice(len(_LAND_USE_SHARES[ground]), plan.count, p=_LAND_USE_SHARES[ground])
        uses.append(_LAND_USE_VALUES[ground][pick])
        legal.append(1 + np.clip(rng.normal(0, 0.004, plan.count), -0.02, 0.02))
    rings = Rings.joined(parts)
    area = rings.areas_m2()
    counts = [plan.count for plan in plans]
    data = {
        "commune_code": _repeated([plan.commune_code for plan in plans], counts),
        "old_commune_code": _repeated([plan.old_commune_code for plan in plans], counts),
        "hamlet_code": _repeated([plan.hamlet_code for plan in plans], counts),
        "sheet_no": np.repeat([plan.sheet for plan in plans], counts),
        "parcel_no": np.concatenate([np.arange(1, count + 1) for count in counts]),
        "land_use": np.concatenate(uses),
        "area_m2": np.round(area, 2),
        "legal_area_m2": np.maximum(np.round(area * np.concatenate(legal), 1), 0.1),
        "ground": np.repeat([plan.ground for plan in plans], counts),
    }
    return gpd.GeoDataFrame(data, geometry=rings.multipolygons(), crs="EPSG:4326")


def _repeated(values: Sequence[str | None], counts: list[int]) -> npt.NDArray[np.object_]:
    return np.repeat(np.array(values, dtype=object), counts)


def _lattice_over(outline: shapely.Polygon | shapely.MultiPolygon, n: int) -> tuple[Frame, BoolArray]:
    """Return a frame over the outline and the mask of the blocks whose middle is inside or near it."""
    west, south, east, north = outline.bounds
    longitude, latitude = (west + east) / 2, (south + north) / 2
    per_degree = 111_320.0 * np.cos(np.radians(latitude))
    area_m2 = outline.area * per_degree * METRES_PER_DEGREE
    block_m = float((area_m2 / np.clip(n / 60, 30, 2_000)) ** 0.5)
    frame = Frame(longitude=longitude, latitude=latitude, block_m=block_m)
    columns = int((east - west) * per_degree / block_m) + 4
    rows = int((north - south) * METRES_PER_DEGREE / block_m) + 4
    y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
    middle = frame.place(x - columns / 2, y - rows / 2)
    half_block = 0.5 * block_m / METRES_PER_DEGREE
    return frame, solid(np.asarray(shapely.dwithin(outline, shapely.points(middle), half_block)))


def make_parcels_inside(
    outline: shapely.Polygon | shapely.MultiPolygon,
    commune_code: str,
    old_commune_codes: Sequence[str],
    n: int,
    seed: int = 2026,
) -> gpd.GeoDataFrame:
    """Return `n` made-up parcels wholly inside a real commune (EPSG:4326), columns as `parcel_frames`.

    The commune is divided among its old communes by made-up lines. Parcels are topologically clean among
    themselves; a fringe narrower than a parcel along the outline stays empty. `hamlet_code` is null.

    Raises:
        ValueError: n < 1, no old commune, or an outline too thin for one parcel.
    """
    if n < 1 or not old_commune_codes:
        raise ValueError("at least one parcel and one old commune are needed")
    frame, mask = _lattice_over(outline, n)
    shapely.prepare(outline)
    wanted = n
    for _ in range(6):
        found = _covering(frame, mask, commune_code, old_commune_codes, wanted, seed)
        inside = found[shapely.contains_properly(outline, found.geometry.to_numpy())]
        if len(inside) >= n:
            distance = shapely.distance(inside.geometry.to_numpy(), outline.boundary)
            farthest = np.sort(np.argsort(-distance, kind="stable")[:n])
            return inside.iloc[farthest].reset_index(drop=True)
        wanted = int(wanted * max(n / max(len(inside), 1), 1.02)) + 8
    raise ValueError("the outline is too thin to hold parcels")


def _covering(
    frame: Frame, mask: BoolArray, commune_code: str, old_codes: Sequence[str], n: int, seed: int
) -> gpd.GeoDataFrame:
    """Return about `n` parcels over the blocks of `mask`, some of them across the outline."""
    rng = np.random.default_rng([seed, 6])
    blocks, width = np.flatnonzero(mask), mask.shape[1]
    parts = split(blocks, [1.0] * len(old_codes), width, rng)
    villages = [int(block) for block in rng.choice(blocks, max(len(blocks) // 25, 1), replace=False)]
    ground = grounds(mask.shape, wards=[], seats=[villages[0]], villages=villages, rng=rng)
    quota = dict(zip(blocks.tolist(), quotas(ground[blocks], n, rng).tolist(), strict=True))
    cuts = cuts_for(np.array(list(quota.values())))
    lattice = build_lattice(mask, frame, cuts, towns=[], seed=seed)
    plans = [
        BlockPlan(block, quota[block], int(ground[block]), commune_code, old_code, None, sheet)
        for old_code, part in zip(old_codes, parts, strict=True)
        for sheet, block in enumerate(part.tolist(), start=1)
    ]
    frames = list(parcel_frames(lattice, plans, seed=seed))
    joined: gpd.GeoDataFrame = pd.concat(frames, ignore_index=True)
    return joined
