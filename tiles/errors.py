"""Errors of tiles: one root, each message in Vietnamese and English with its remedy."""

from collections.abc import Iterable


class TileError(Exception):
    """Root of every error raised by this package; ``vi`` and ``en`` are messages for people."""

    def __init__(self, vi: str, en: str, *, parameter: str | None = None) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
        self.parameter = parameter


class TileOutsideMatrix(TileError):
    """The address names no tile of the tile matrix set."""

    def __init__(self, z: int, x: int, y: int, *, max_zoom: int, columns: int = 1) -> None:
        last = "2^z - 1" if columns == 1 else f"{columns}·2^z - 1"
        super().__init__(
            f"Không có ô bản đồ {z}/{x}/{y}: mức thu phóng từ 0 đến {max_zoom}, cột từ 0 đến {last},"
            " hàng từ 0 đến 2^z - 1.",
            f"There is no tile {z}/{x}/{y}: zoom goes from 0 to {max_zoom}, column from 0 to {last},"
            " row from 0 to 2^z - 1.",
            parameter="tile",
        )


class TileOutsideLimits(TileError):
    """The address names a tile outside the limits that the layer's tile set publishes."""

    def __init__(self, slug: str, z: int, x: int, y: int) -> None:
        super().__init__(
            f"Ô {z}/{x}/{y} nằm ngoài giới hạn của lớp “{slug}”. Xem tileMatrixSetLimits của bộ ô.",
            f'Tile {z}/{x}/{y} is outside the limits of layer "{slug}". See tileMatrixSetLimits of the tile set.',
            parameter="tile",
        )


class LayerHasNoTiles(TileError):
    """The layer is a table without geometry, or its definition offers no tiles."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Lớp “{slug}” không có ô bản đồ. Hãy đọc lớp này qua /ogc/collections hoặc /api/query.",
            f'Layer "{slug}" has no tiles. Read it through /ogc/collections or /api/query.',
            parameter="layer",
        )


class TooManyLayers(TileError):
    """One tile names more layers than a request may ask for."""

    def __init__(self, asked: int, limit: int) -> None:
        super().__init__(
            f"Một ô bản đồ chỉ được gồm tối đa {limit} lớp, yêu cầu có {asked}. Hãy chia thành nhiều yêu cầu.",
            f"One tile may hold at most {limit} layers, {asked} were asked for. Split the request.",
            parameter="layers",
        )


class MatrixSetNotFound(TileError):
    """The service offers no tile matrix set of this name."""

    def __init__(self, name: str, *, known: Iterable[str]) -> None:
        listed = ", ".join(known)
        super().__init__(
            f"Không có hệ ô bản đồ “{name[:60]}”. Hãy dùng một trong: {listed}.",
            f'There is no tile matrix set "{name[:60]}". Use one of: {listed}.',
            parameter="tileMatrixSetId",
        )


class StyleNotFound(TileError):
    """The collection has no style of this name."""

    def __init__(self, name: str, *, known: str) -> None:
        super().__init__(
            f"Không có kiểu vẽ “{name[:60]}”. Hãy dùng “{known}”.",
            f'There is no style "{name[:60]}". Use "{known}".',
            parameter="styleId",
        )
