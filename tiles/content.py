"""What of a layer is in a tile at which zoom: fields, labels, and the companions that stand in for features."""

from __future__ import annotations

from typing import Final

from layers.definition import Definition, Field, GeometryType, Sensitivity

# A field that the definition gives no first zoom is in the tile from here on.
DETAIL_ZOOM: Final = 14
# Layers of polygons and points that begin below this zoom are shown from it on as counts by cell.
OVERVIEW_ZOOM: Final = 6
# Lines and large polygons are drawn simplified down to this zoom.
LAST_SHAPE_ZOOM: Final = 9
# A layer of polygons that begins here or above is drawn whole on maps of a region: boundaries, not parcels.
BOUNDARY_ZOOM: Final = 7
# Down to this zoom a tile may hold more features than it should, and polygons smaller than a pixel.
DENSE_ZOOM: Final = 14
# No field begins with an underscore, so the name is never that of a property.
CELL_COUNT: Final = "_count"


def tile_fields(definition: Definition, z: int) -> tuple[str, ...]:
    """Names of the public fields that a tile of zoom ``z`` carries, in definition order."""
    first = first_zooms(definition)
    return tuple(field.name for field in definition.public_fields if z >= first[field.name])


def first_zooms(definition: Definition) -> dict[str, int]:
    """Zoom from which a tile carries each public field."""
    options, style = definition.tiles, definition.style
    given = dict(options.fields_from) if options else {}
    if style is not None:
        for name in (style.by, style.label_field):
            if name is not None:
                given.setdefault(name, 0)
    return {field.name: given.get(field.name, DETAIL_ZOOM) for field in definition.public_fields}


def class_field(definition: Definition) -> Field | None:
    """The public field that the style goes by."""
    name = definition.style.by if definition.style else None
    return next((field for field in definition.public_fields if field.name == name), None)


def class_key(definition: Definition) -> str:
    """What the classes of cells are counted by: equal keys mean that counts made before still serve."""
    by, style = class_field(definition), definition.style
    if by is None or style is None:
        return ""
    return ":".join([by.name, *(f"{entry.at_least:.17g}" for entry in style.breaks)])


def label_field(definition: Definition) -> Field | None:
    """The public field that labels show."""
    name = definition.style.label_field if definition.style else None
    return next((field for field in definition.public_fields if field.name == name), None)


def label_layer(definition: Definition) -> str | None:
    """Name of the layer of label points in the tile; None where labels sit on the features themselves.

    No slug holds an underscore, so the name is never another layer's.
    """
    if definition.geometry is GeometryType.MULTIPOLYGON and definition.tiles and label_field(definition):
        return f"{definition.slug}_labels"
    return None


def has_cells(definition: Definition) -> bool:
    """Whether the layer is counted by cell below its first zoom and in crowded tiles.

    Counts would tell a reader of few units about all others, so only wholly public layers have them.
    """
    options = definition.tiles
    if options is None or definition.sensitivity is not Sensitivity.PUBLIC:
        return False
    return definition.geometry is not GeometryType.MULTILINESTRING and options.min_zoom > OVERVIEW_ZOOM


def has_shapes(definition: Definition) -> bool:
    """Whether simplified copies of the layer's features are kept for small scales."""
    options = definition.tiles
    if options is None or definition.sensitivity is not Sensitivity.PUBLIC:
        return False
    if definition.geometry is GeometryType.MULTILINESTRING:
        return options.min_zoom <= LAST_SHAPE_ZOOM
    return definition.geometry is GeometryType.MULTIPOLYGON and options.min_zoom <= BOUNDARY_ZOOM


def first_zoom(definition: Definition) -> int:
    """The first zoom at which tiles of the layer hold anything."""
    if definition.tiles is None:
        raise ValueError(f"layer {definition.slug} has no tiles")
    return min(definition.tiles.min_zoom, OVERVIEW_ZOOM) if has_cells(definition) else definition.tiles.min_zoom
