"""Why a raster is refused or cannot be answered; each message in Vietnamese and English with its remedy."""

from __future__ import annotations

from tiles.errors import TileError


class RasterRefused(TileError):
    """A file may not become a scene.

    Attributes:
        reason: A short word for programs, such as ``no-crs`` or ``pixel-bomb``.
    """

    def __init__(self, reason: str, vi: str, en: str, *, parameter: str = "file") -> None:
        self.reason = reason
        super().__init__(vi, en, parameter=parameter)


class RasterNotFound(TileError):
    """No raster layer has this slug, or the reader may not know of it."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Không có lớp ảnh “{slug[:60]}”. Xem danh sách tại /api/rasters.",
            f'There is no raster layer "{slug[:60]}". See /api/rasters for the list.',
            parameter="raster",
        )


class RasterExists(TileError):
    """A raster layer with this slug is already in the catalogue, with another description."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Lớp ảnh “{slug}” đã có với loại khác. Hãy chọn tên khác.",
            f'Raster layer "{slug}" exists with another kind. Choose another name.',
            parameter="slug",
        )


class NoSceneThen(TileError):
    """The layer has no scene on or before the day asked for."""

    def __init__(self, slug: str, day: str) -> None:
        super().__init__(
            f"Lớp ảnh “{slug}” không có ảnh nào vào hoặc trước ngày {day}. Xem các ngày tại /api/rasters/{slug}.",
            f'Raster layer "{slug}" has no scene on or before {day}. See /api/rasters/{slug} for its days.',
            parameter="date",
        )


class NoValuesHere(TileError):
    """The layer's pixels are colours, of which there are no figures."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Lớp ảnh “{slug}” là ảnh màu, không có số liệu để thống kê. Hãy dùng lớp độ cao hoặc bề mặt.",
            f'Raster layer "{slug}" is a picture: it has no values to sum up. Use an elevation or surface layer.',
            parameter="raster",
        )
