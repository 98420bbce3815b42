"""Files of others mapped to layers: what a mapping file says, and the rows that it makes of a folder."""

from layers.mapping.combine import CombinedLayer, SourceCount, iter_combined
from layers.mapping.model import Mapping
from layers.mapping.provinces import former_provinces, successions
from layers.mapping.reader import SAMPLE, find_mapping, read_mapping
from layers.mapping.sources import SourceLayer, iter_layers

__all__ = [
    "SAMPLE",
    "CombinedLayer",
    "Mapping",
    "SourceCount",
    "SourceLayer",
    "find_mapping",
    "former_provinces",
    "iter_combined",
    "iter_layers",
    "read_mapping",
    "successions",
]
