"""The home page, the page of endpoints, and the overview of the territory's communes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from layers.catalogue import Layer
from layers.definition import Label
from web.endpoints import Group, endpoint_groups
from web.environment import Site, environment, render
from web.ogc_pages import grouped
from web.svg_map import Frame
from web.words import GEOMETRIES, SENSITIVITIES

# Up to this many communes, about a province, each is a link of its own.
MAX_LINKED = 400
# The archipelagos are named on every map of the whole country.
ARCHIPELAGOS = ("Hoàng Sa", "Trường Sa")
LABEL_GAP = 16
_START = re.compile(r"M\s*(-?\d+)[ ,](-?\d+)")


@dataclass(frozen=True, slots=True)
class Outline:
    """A commune on the overview: SVG path data in drawing units."""

    fid: int
    name: str
    path: str

    @property
    def anchor(self) -> tuple[int, int]:
        """Where the name may stand: above the first corner of the outline."""
        start = _START.match(self.path)
        return (int(start[1]), int(start[2]) - LABEL_GAP) if start else (0, 0)


@dataclass(frozen=True, slots=True)
class Overview:
    """The communes of the territory as one drawing, at a revision.

    Attributes:
        count: Number of communes, those too small to be drawn included.
    """

    frame: Frame
    revision: int
    count: int
    outlines: tuple[Outline, ...]

    @property
    def is_linked(self) -> bool:
        """Whether the communes are few enough to be links on the page itself."""
        return len(self.outlines) <= MAX_LINKED

    @property
    def labelled(self) -> list[Outline]:
        """Outlines whose name is written on the drawing."""
        return [outline for outline in self.outlines if outline.name in ARCHIPELAGOS]


@dataclass(frozen=True, slots=True)
class Question:
    """One of the five kinds of spatial question, with an example in words."""

    kind: Label
    example: Label


QUESTIONS = (
    Question(
        Label("Theo điểm", "By point"),
        Label(
            "Tọa độ này thuộc thửa đất nào, xã nào; năm trạm y tế gần nhất cách bao xa?",
            "Which parcel and commune hold this point; how far are the five nearest clinics?",
        ),
    ),
    Question(
        Label("Bán kính", "By radius"),
        Label(
            "Trường học nào không có trạm y tế trong vòng 3 km?",
            "Which schools have no clinic within 3 km?",
        ),
    ),
    Question(
        Label("Theo vùng", "By zone"),
        Label(
            "Bao nhiêu héc-ta đất lúa nằm trong vùng quy hoạch vừa vẽ?",
            "How many hectares of rice land lie inside the planning zone just drawn?",
        ),
    ),
    Question(
        Label("Theo tuyến", "By route"),
        Label(
            "Công trình nào nằm trong hành lang 50 m của tuyến đường, theo thứ tự lý trình?",
            "What stands within 50 m of the road, in order of chainage?",
        ),
    ),
    Question(
        Label("Theo địa giới", "By boundary"),
        Label(
            "Mỗi xã có bao nhiêu cơ sở OCOP, tổng bao nhiêu sản phẩm?",
            "How many OCOP producers has each commune, and how many products in all?",
        ),
    ),
)


def render_home(layers: Sequence[Layer], *, overview: Overview | None, is_current: bool, site: Site) -> bytes:
    """The home page.

    Args:
        layers: All layers that the reader may know of.
        overview: The communes' drawing, if they have data.
        is_current: Whether the process hears of new publications.
        site: Where the page stands.
    """
    dates: list[date] = [layer.newest_data_at for layer in layers if layer.newest_data_at is not None]
    return render(
        "home.html",
        site=site,
        path="/",
        synthetic=any(layer.synthetic for layer in layers),
        groups=grouped(layers),
        layers=layers,
        features=sum(layer.feature_count for layer in layers),
        newest=max(dates, default=None),
        overview=overview,
        example=_example(layers),
        questions=QUESTIONS,
        is_current=is_current,
        geometries=GEOMETRIES,
        sensitivities=SENSITIVITIES,
    )


def _example(layers: Sequence[Layer]) -> str:
    """A layer with tiles and data, for addresses that work when they are copied."""
    tiled = [layer for layer in layers if layer.definition.tiles is not None]
    best = max(tiled, key=lambda layer: layer.feature_count, default=None)
    return best.slug if best is not None else "communes"


TAGS = {
    "query": Label("Câu hỏi không gian", "Spatial questions"),
    "layers": Label("Danh mục lớp", "Catalogue of layers"),
    "units": Label("Đơn vị hành chính", "Administrative units"),
    "tiles": Label("Ô bản đồ", "Tiles"),
    "health": Label("Tình trạng", "Health"),
}


def render_docs(document: Mapping[str, Any], *, synthetic: bool, site: Site) -> bytes:
    """Every endpoint of the service outside the OGC API, which describes itself.

    Args:
        document: The application's OpenAPI document.
        synthetic: Whether the service holds made-up data, as its examples then do.
        site: Where the page stands.
    """
    return render(
        "endpoints.html",
        site=site,
        path="/docs",
        synthetic=synthetic,
        heading=Label("Tài liệu", "Documentation"),
        intro=Label(
            "Các điểm truy cập của dịch vụ. OGC API có mô tả riêng.",
            "The endpoints of the service. The OGC API has a description of its own.",
        ),
        groups=_titled(endpoint_groups(document), site),
        questions=QUESTIONS,
        json_href=f"{site.root}/openapi.json",
    )


def _titled(groups: Sequence[Group], site: Site) -> list[Group]:
    """The groups in the order in which people look for them, under names instead of tags."""
    order = list(TAGS)
    known = sorted(groups, key=lambda group: order.index(group[0]) if group[0] in TAGS else len(order))
    return [(tag, site.pick(TAGS[tag]) if tag in TAGS else tag, endpoints) for tag, _, endpoints in known]


def render_overview(overview: Overview) -> bytes:
    """The communes as an SVG document of its own."""
    return environment().get_template("overview.svg").render(overview=overview).encode()
