"""What a spatial question asks, in a sentence for each condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shapely import Point
from shapely.geometry.base import BaseGeometry

from layers.definition import Label
from spatial.question_model import (
    BoundaryCondition,
    Condition,
    NearestCondition,
    PointCondition,
    Question,
    RadiusCondition,
    Relation,
    RouteCondition,
    Source,
    ZoneCondition,
)
from web.environment import format_moment, format_number
from web.report_maps.report import About

_RELATIONS: Mapping[Relation, Label] = {
    Relation.INTERSECTS: Label("Giao với", "Meets"),
    Relation.WITHIN: Label("Nằm trọn trong", "Lies wholly within"),
    Relation.COVERS: Label("Phủ kín", "Covers"),
    Relation.DISJOINT: Label("Nằm ngoài", "Lies outside"),
}


def question_lines(
    question: Question, titles: Mapping[str, Label], names: Mapping[str, str], about: About
) -> list[str]:
    """The question's conditions, filter and moment, line by line.

    Args:
        question: As it was understood.
        titles: Titles of the layers that it names, by slug.
        names: Names of admin units by code; a unit without one is told by its code.
        about: Language of the lines.
    """
    return list(_lines(question, titles, names, about))


def _lines(question: Question, titles: Mapping[str, Label], names: Mapping[str, str], about: About) -> Iterator[str]:
    for condition in question.where:
        yield _condition(condition, titles, names, about)
    if question.filter is not None:
        document = question.filter.document
        text = document if isinstance(document, str) else about.say("theo thuộc tính đã chọn", "by the values chosen")
        yield f"{about.say('Lọc', 'Filter')}: {text}"
    if question.revision is not None:
        yield f"{about.say('Theo bản số', 'As of revision')} {question.revision}"
    if question.at is not None:
        yield f"{about.say('Theo dữ liệu lúc', 'As of')} {format_moment(question.at, english=about.english)}"


def _condition(item: Condition, titles: Mapping[str, Label], names: Mapping[str, str], about: About) -> str:
    match item:
        case PointCondition():
            return f"{about.say('Tại điểm', 'At the point')} {_place(item.point, about)}"
        case NearestCondition():
            point = _place(item.to, about)
            return about.say(f"{item.k} đối tượng gần điểm {point} nhất", f"The {item.k} features nearest to {point}")
        case RadiusCondition():
            metres, of = _metres(item.metres, about), _source(item.of, titles, about)
            if item.outside:
                return about.say(f"Xa hơn {metres} so với {of}", f"Farther than {metres} from {of}")
            return about.say(f"Trong bán kính {metres} quanh {of}", f"Within {metres} of {of}")
        case ZoneCondition():
            return f"{about.pick(_RELATIONS[item.relation])} {_source(item.zone, titles, about)}"
        case RouteCondition():
            metres, line = _metres(item.corridor_m, about), _source(item.line, titles, about)
            return about.say(f"Dọc {line}, mỗi bên {metres}", f"Along {line}, {metres} on each side")
        case BoundaryCondition():
            units = ", ".join(names.get(code, code) for code in item.units)
            return f"{about.say('Ngoài', 'Outside of') if item.outside else about.say('Thuộc', 'In')} {units}"


def _metres(metres: float, about: About) -> str:
    if metres >= 1000:
        return f"{format_number(metres / 1000, english=about.english)} km"
    return f"{format_number(metres, english=about.english)} m"


def _source(of: BaseGeometry | Source, titles: Mapping[str, Label], about: About) -> str:
    if isinstance(of, Source):
        title = about.pick(titles[of.layer]) if of.layer in titles else of.layer
        chosen = about.say(" (đã lọc)", " (filtered)") if of.filter is not None else ""
        return f"{about.say('lớp', 'the layer')} “{title}”{chosen}"
    if isinstance(of, Point):
        return f"{about.say('điểm', 'the point')} {_place(of, about)}"
    if of.geom_type.endswith("LineString"):
        return about.say("tuyến đã vẽ", "the line drawn")
    return about.say("vùng đã vẽ", "the zone drawn")


def _place(point: Point, about: About) -> str:
    """Latitude, then longitude, as people read coordinates; WGS 84."""
    return f"{_degrees(point.y, about)}; {_degrees(point.x, about)}"


def _degrees(value: float, about: About) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return text if about.english else text.replace(".", ",")
