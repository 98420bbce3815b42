"""What the sender said, as JSON and as the pipeline takes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from layers.intake.model import Wish
from layers.uploads.model import Upload

_OWN = frozenset({"layer", "unit_code", "mode"})
_NAMES = tuple(field.name for field in fields(Wish) if field.name not in _OWN)


def wish_of(upload: Upload) -> Wish:
    """The wish that an upload keeps."""
    said: dict[str, Any] = {name: upload.wish[name] for name in _NAMES if upload.wish.get(name) not in (None, {})}
    if "data_on" in said:
        said["data_on"] = date.fromisoformat(said["data_on"])
    return Wish(layer=upload.layer, unit_code=upload.unit_code, mode=upload.mode, **said)


def merged_wish(old: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said before with what is said now; answers by column are added to the earlier ones."""
    merged = {name: value for name, value in old.items() if name in _NAMES}
    for name, value in said.items():
        if name not in _NAMES:
            continue
        before = merged.get(name)
        merged[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def wish_digest(upload: Upload) -> str:
    """Names the file and what was said about it: a check of the same is not done twice."""
    said = json.dumps([upload.wish, upload.mode.value, upload.unit_code, upload.file_sha256], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
