"""Definitions as JSON for the catalogue: lossless, code lists included, so that a row stands by itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from layers.definition import (
    DRAWN,
    CodeEntry,
    CodeList,
    DataGroup,
    Definition,
    Field,
    FieldType,
    Frequency,
    GeometryType,
    Label,
    Sensitivity,
    Style,
    StyleBreak,
    StyleClass,
    TileOptions,
)
from layers.definition_checks import definition_problem
from layers.errors import InvalidDefinition


def to_json(definition: Definition) -> dict[str, object]:
    """Returns the definition as JSON values; `from_json` gives an equal definition back."""
    return {
        "slug": definition.slug,
        "codes": list(definition.codes),
        "title": _label_json(definition.title),
        "description": _label_json(definition.description),
        "group": definition.group.value,
        "geometry": definition.geometry.value if definition.geometry else None,
        "geometry_required": definition.geometry_required,
        "key": list(definition.key),
        "key_ordinals": definition.key_ordinals,
        "unit_field": definition.unit_field,
        "data_date_field": definition.data_date_field,
        "steward": definition.steward,
        "frequency": definition.frequency.value,
        "sensitivity": definition.sensitivity.value,
        "source": definition.source,
        "fields": [_field_json(field) for field in definition.fields],
        "tiles": _tiles_json(definition.tiles) if definition.tiles else None,
        "style": style_json(definition.style) if definition.style else None,
    }


def from_json(document: Mapping[str, object]) -> Definition:
    """Returns the definition that `to_json` wrote.

    Raises:
        InvalidDefinition: A member is missing or of another kind, or the definition breaks a rule; `file` is
            the slug of the layer and `line` is 0.
    """
    slug = str(document.get("slug", "?"))
    try:
        definition = _Members(document).definition()
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDefinition(
            f"định nghĩa JSON không đọc được ({error}); hãy nạp lại lớp từ tệp YAML.",
            f"the JSON definition cannot be read ({error}); add the layer again from its YAML file.",
            file=slug,
            line=0,
            path="",
        ) from error
    problem = definition_problem(definition)
    if problem:
        raise InvalidDefinition(problem.vi, problem.en, file=slug, line=0, path=problem.path)
    return definition


def read_style(document: Mapping[str, object]) -> Style:
    """Returns the style that `style_json` wrote; what it draws by has not been checked against a layer.

    Raises:
        KeyError, TypeError, ValueError: A member is missing or of another kind; each names the member.
    """
    return _Members(document).style()


def _label_json(label: Label) -> dict[str, object]:
    return {"vi": label.vi, "en": label.en}


def _field_json(field: Field) -> dict[str, object]:
    return {
        "id": field.id,
        "name": field.name,
        "title": _label_json(field.title),
        "type": field.type.value,
        "unit": field.unit,
        "required": field.required,
        "codes": _code_list_json(field.codes) if field.codes else None,
        "minimum": field.minimum,
        "maximum": field.maximum,
        "max_length": field.max_length,
        "pattern": field.pattern,
        "personal": field.personal,
        "aliases": list(field.aliases),
        "hidden": field.hidden,
    }


def _code_list_json(code_list: CodeList) -> dict[str, object]:
    return {
        "slug": code_list.slug,
        "title": _label_json(code_list.title),
        "entries": [
            {
                "code": entry.code,
                "label": _label_json(entry.label),
                "valid_from": entry.valid_from.isoformat() if entry.valid_from else None,
                "valid_to": entry.valid_to.isoformat() if entry.valid_to else None,
                "replaced_by": entry.replaced_by,
            }
            for entry in code_list.entries
        ],
    }


def _tiles_json(tiles: TileOptions) -> dict[str, object]:
    return {
        "min_zoom": tiles.min_zoom,
        "max_zoom": tiles.max_zoom,
        "max_features": tiles.max_features,
        "fields_from": dict(tiles.fields_from),
    }


def style_json(style: Style) -> dict[str, object]:
    """Returns the style as JSON values; `read_style` gives an equal style back."""
    return {
        "type": style.type,
        "color": style.color,
        "by": style.by,
        "classes": [
            {"value": entry.value, "color": entry.color, "label": _label_json(entry.label)} for entry in style.classes
        ],
        "breaks": [
            {"at_least": entry.at_least, "color": entry.color, "label": _label_json(entry.label)}
            for entry in style.breaks
        ],
        "label_field": style.label_field,
        "min_zoom": style.min_zoom,
    }


class _Members:
    """Members of a JSON object, each read as the kind of value that it must be.

    A wrong kind raises TypeError and a missing member KeyError; both name the member.
    """

    def __init__(self, document: object) -> None:
        if not isinstance(document, Mapping):
            raise TypeError("object expected")
        self._document: Mapping[str, object] = document

    def definition(self) -> Definition:
        geometry = self.maybe_text("geometry")
        return Definition(
            slug=self.text("slug"),
            codes=self.texts("codes"),
            title=self.label("title"),
            description=self.label("description"),
            group=DataGroup(self.text("group")),
            geometry=GeometryType(geometry) if geometry else None,
            geometry_required=self.truth("geometry_required"),
            key=self.texts("key"),
            key_ordinals=self.truth("key_ordinals"),
            unit_field=self.maybe_text("unit_field"),
            data_date_field=self.maybe_text("data_date_field"),
            steward=self.text("steward"),
            frequency=Frequency(self.text("frequency")),
            sensitivity=Sensitivity(self.text("sensitivity")),
            source=self.text("source"),
            fields=tuple(_Members(field).field() for field in self.items("fields")),
            tiles=_Members(self["tiles"]).tiles() if self["tiles"] is not None else None,
            style=_Members(self["style"]).style() if self["style"] is not None else None,
        )

    def field(self) -> Field:
        return Field(
            id=self.text("id"),
            name=self.text("name"),
            title=self.label("title"),
            type=FieldType(self.text("type")),
            unit=self.maybe_text("unit"),
            required=self.truth("required"),
            codes=_Members(self["codes"]).code_list() if self["codes"] is not None else None,
            minimum=self.maybe_number("minimum"),
            maximum=self.maybe_number("maximum"),
            max_length=self.integer("max_length") if self["max_length"] is not None else None,
            pattern=self.maybe_text("pattern"),
            personal=self.truth("personal"),
            aliases=self.texts("aliases"),
            hidden=self.truth("hidden"),
        )

    def code_list(self) -> CodeList:
        return CodeList(
            slug=self.text("slug"),
            title=self.label("title"),
            entries=tuple(_Members(entry).code_entry() for entry in self.items("entries")),
        )

    def code_entry(self) -> CodeEntry:
        return CodeEntry(
            code=self.text("code"),
            label=self.label("label"),
            valid_from=self.maybe_day("valid_from"),
            valid_to=self.maybe_day("valid_to"),
            replaced_by=self.maybe_text("replaced_by"),
        )

    def tiles(self) -> TileOptions:
        zooms = _Members(self["fields_from"])
        return TileOptions(
            min_zoom=self.integer("min_zoom"),
            max_zoom=self.integer("max_zoom"),
            max_features=self.integer("max_features"),
            fields_from={name: zooms.integer(name) for name in zooms},
        )

    def style(self) -> Style:
        return Style(
            type=DRAWN[self.text("type")],
            color=self.text("color"),
            by=self.maybe_text("by"),
            classes=tuple(_Members(entry).style_class() for entry in self.items("classes")),
            # Catalogue rows of releases without breaks have no such member.
            breaks=tuple(_Members(entry).style_break() for entry in self.items("breaks")) if "breaks" in self else (),
            label_field=self.maybe_text("label_field"),
            min_zoom=self.integer("min_zoom"),
        )

    def style_class(self) -> StyleClass:
        return StyleClass(value=self.text("value"), color=self.text("color"), label=self.label("label"))

    def style_break(self) -> StyleBreak:
        return StyleBreak(at_least=self.number("at_least"), color=self.text("color"), label=self.label("label"))

    def label(self, name: str) -> Label:
        members = _Members(self[name])
        return Label(vi=members.text("vi"), en=members.text("en"))

    def text(self, name: str) -> str:
        value = self[name]
        if not isinstance(value, str):
            raise TypeError(f"{name}: text expected")
        return value

    def maybe_text(self, name: str) -> str | None:
        return None if self[name] is None else self.text(name)

    def maybe_day(self, name: str) -> date | None:
        return None if self[name] is None else date.fromisoformat(self.text(name))

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        if not all(isinstance(value, str) for value in values):
            raise TypeError(f"{name}: list of texts expected")
        return tuple(str(value) for value in values)

    def items(self, name: str) -> Sequence[object]:
        value = self[name]
        if not isinstance(value, list):
            raise TypeError(f"{name}: list expected")
        return value

    def truth(self, name: str) -> bool:
        value = self[name]
        if not isinstance(value, bool):
            raise TypeError(f"{name}: true or false expected")
        return value

    def integer(self, name: str) -> int:
        value = self[name]
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name}: whole number expected")
        return value

    def maybe_number(self, name: str) -> float | None:
        return None if self[name] is None else self.number(name)

    def number(self, name: str) -> float:
        value = self[name]
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{name}: number expected")
        return float(value)

    def __contains__(self, name: str) -> bool:
        return name in self._document

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __getitem__(self, name: str) -> object:
        return self._document[name]
