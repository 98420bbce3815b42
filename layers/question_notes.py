"""What an answer tells about its figures: units, titles, and how they are to be read."""

from __future__ import annotations

from layers.answer import Column
from layers.definition import Definition, Label
from layers.question_layers import AskedLayers
from layers.tables import has_unit_codes
from spatial.question_model import (
    BoundaryCondition,
    Condition,
    Level,
    NearestCondition,
    Op,
    PointCondition,
    Question,
    RadiusCondition,
    RouteCondition,
    Source,
    Value,
    ZoneCondition,
)

_STRAIGHT = Label(
    "Khoảng cách là đường chim bay (trắc địa, WGS 84), không theo đường đi.",
    "Distances are straight-line (geodesic, WGS 84), not along roads.",
)
_ONCE = Label(
    "Đường, vùng nằm trên nhiều đơn vị hành chính chỉ tính một lần, cho đơn vị có phần lớn nhất.",
    "Lines and polygons that cross units are counted once, under the unit with the largest share.",
)
_PARTLY = Label(
    "Địa giới gồm cả đường, vùng chỉ nằm một phần trong đó; số đo là của toàn bộ đối tượng.",
    "The boundary includes lines and polygons that lie in it only in part; measures are of whole features.",
)
_SYNTHETIC = Label("Dữ liệu mô phỏng, không phải số liệu thật.", "Synthetic data, not real figures.")
_OTHERS = Label("Một đối tượng không được tính là nguồn của chính nó.", "A feature is not its own source.")
_UNION = Label(
    "Phần bên trong được đo theo hợp của các vùng nguồn.", "The part inside is measured in the zones' union."
)
_FEW = Label(
    "Nhóm có rất ít đối tượng (và nhóm dễ suy ra từ tổng) để trống, để không nhận ra được từng hộ, từng người.",
    "Groups of very few features, and one that the total would give away, are left empty so that nobody is recognised.",
)
_TITLES = {
    Op.COUNT: Label("Số lượng", "Count"),
    Op.SUM: Label("Tổng", "Sum"),
    Op.MEAN: Label("Trung bình", "Mean"),
    Op.MIN: Label("Nhỏ nhất", "Minimum"),
    Op.MAX: Label("Lớn nhất", "Maximum"),
    Op.MEDIAN: Label("Trung vị", "Median"),
    Op.AREA_M2: Label("Diện tích", "Area"),
    Op.LENGTH_M: Label("Chiều dài", "Length"),
    Op.PART_AREA_M2: Label("Diện tích phần bên trong", "Area of the part inside"),
    Op.PART_LENGTH_M: Label("Chiều dài phần bên trong", "Length of the part inside"),
    Op.SHARE: Label("Tỷ trọng", "Share"),
}
_UNITS = {
    Op.COUNT: "1",
    Op.AREA_M2: "m²",
    Op.LENGTH_M: "m",
    Op.PART_AREA_M2: "m²",
    Op.PART_LENGTH_M: "m",
    Op.SHARE: "1",
}
_SYSTEM = {
    "fid": (Label("Số đối tượng", "Feature id"), ""),
    "unit_code": (Label("Mã xã", "Commune code"), ""),
    "province_code": (Label("Mã tỉnh", "Province code"), ""),
    "geom_area_m2": (Label("Diện tích hình học", "Area of the geometry"), "m²"),
    "geom_length_m": (Label("Chiều dài hình học", "Length of the geometry"), "m"),
    "geometry": (Label("Hình học", "Geometry"), ""),
    "distance_m": (Label("Khoảng cách đường chim bay", "Straight-line distance"), "m"),
    "chainage_m": (Label("Lý trình", "Chainage"), "m"),
    "offset_m": (Label("Khoảng cách đến tuyến", "Distance from the route"), "m"),
    "part_area_m2": (_TITLES[Op.PART_AREA_M2], "m²"),
    "part_length_m": (_TITLES[Op.PART_LENGTH_M], "m"),
}
UNIT_COLUMNS = {
    Level.PROVINCE: ("province_code", "province_name", Label("Mã tỉnh", "Province code"), Label("Tỉnh", "Province")),
    Level.COMMUNE: ("unit_code", "unit_name", Label("Mã xã", "Commune code"), Label("Xã", "Commune")),
    Level.HAMLET: ("hamlet_code", "hamlet_name", Label("Mã thôn", "Hamlet code"), Label("Thôn", "Hamlet")),
}


def field_column(definition: Definition, name: str, *, shown: str | None = None) -> Column:
    """Returns the column of a property, of a system property, or of something computed."""
    field = definition.find(name)
    if field is None:
        # A second distance is called distance_m_2.
        title, unit = _SYSTEM.get(name) or _SYSTEM.get(name.rstrip("0123456789").rstrip("_"), (Label(name, name), ""))
        return Column(shown or name, title, unit)
    return Column(shown or name, field.title, field.unit or "")


def value_column(definition: Definition, value: Value) -> Column:
    """Returns the column of a figure."""
    title = _TITLES[value.op]
    of = _TITLES[value.of] if value.of else None
    name_vi, name_en = title.vi, title.en
    if of:
        name_vi, name_en = f"{name_vi} {of.vi.lower()}", f"{name_en} of {of.en.lower()}"
    unit = _UNITS.get(value.op, "")
    if value.field:
        field = field_column(definition, value.field)
        name_vi, name_en = f"{name_vi}: {field.title.vi}", f"{name_en}: {field.title.en}"
        unit = unit or field.unit
    return Column(value.name, Label(name_vi, name_en), unit)


def notes_of(question: Question, asked: AskedLayers) -> tuple[Label, ...]:
    """Returns the sentences that keep a reader from misreading the answer."""
    notes: list[Label] = []
    spans = has_unit_codes(asked.layer.definition)
    if any(_measures_distance(item) for item in question.where):
        notes.append(_STRAIGHT)
    if spans and any(isinstance(item, BoundaryCondition) for item in question.where):
        notes.append(_PARTLY)
    if spans and question.figures is not None and question.figures.level is not None:
        notes.append(_ONCE)
    if question.figures is not None and asked.least_told:
        notes.append(_FEW)
    if any(_of_own_layer(item, asked) for item in question.where):
        notes.append(_OTHERS)
    if any(isinstance(item, ZoneCondition) and item.parts and isinstance(item.zone, Source) for item in question.where):
        notes.append(_UNION)
    if any(layer.synthetic for layer in (asked.layer, *(source.layer for source in asked.sources.values()))):
        notes.append(_SYNTHETIC)
    return tuple(notes)


def _of_own_layer(condition: Condition, asked: AskedLayers) -> bool:
    match condition:
        case RadiusCondition(of=Source() as source) | ZoneCondition(zone=Source() as source):
            return asked.sources[source.path].rows.same_layer
    return False


def _measures_distance(condition: object) -> bool:
    return isinstance(condition, NearestCondition | RadiusCondition | RouteCondition | PointCondition)
