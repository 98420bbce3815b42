"""A seeded synthetic province: admin units, parcels and rows for every layer, codes issued to nobody."""

from layers.synthetic.fill import layer_rows
from layers.synthetic.names import SYNTHETIC_EN, SYNTHETIC_VI
from layers.synthetic.parcel_rows import parcel_rows
from layers.synthetic.parcels import make_parcels_inside
from layers.synthetic.province import (
    REFERENCE_DATE,
    Province,
    former_units,
    make_many_parcels,
    make_province,
    successions,
)

__all__ = [
    "REFERENCE_DATE",
    "SYNTHETIC_EN",
    "SYNTHETIC_VI",
    "Province",
    "former_units",
    "layer_rows",
    "make_many_parcels",
    "make_parcels_inside",
    "make_province",
    "parcel_rows",
    "successions",
]
