"""Errors of tiles: one root, each message in Vietnamese and English with its remedy."""


class TileError(Exception):
    """Root of every error raised by this package; ``vi`` and ``en`` are messages for people."""

    def __init__(self, vi: str, en: str, *, parameter: str | None = None) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en
        self.parameter = parameter


class TileOutsideMatrix(TileError):
    """The address names no tile of the tile matrix set."""

    def __init__(self, z: int, x: int, y: int, *, max_zoom: int) -> None:
        super().__init__(
            f"Không có ô bản đồ {z}/{x}/{y}: mức thu phóng từ 0 đến {max_zoom}, cột và hàng từ 0 đến 2^z - 1.",
            f"There is no tile {z}/{x}/{y}: zoom goes from 0 to {max_zoom}, column and row from 0 to 2^z - 1.",
            parameter="tile",
        )


class TileOutsideLimits(TileError):
    """The tile lies outside the part of the tile matrix set in which the layer has tiles."""

    def __init__(self, slug: str, z: int, x: int, y: int) -> None:
        super().__init__(
            f"Lớp “{slug}” không có ô {z}/{x}/{y}. Xem tileMatrixSetLimits ở /ogc/collections/{slug}/tiles.",
            f'Layer "{slug}" has no tile {z}/{x}/{y}. See tileMatrixSetLimits at /ogc/collections/{slug}/tiles.',
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
