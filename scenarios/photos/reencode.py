"""Makes a photo anew from its pixels: nothing of the file that was sent is kept. Runs in the confined child only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 85


def reencode(*, source: str, target: str, max_pixels: int, max_side: int) -> dict[str, Any]:
    """Writes the first picture of a file as JPEG, upright and at most so many pixels a side.

    Position, time, camera and every other note of the file are left behind with it; transparent parts become white.

    Args:
        source: The file as it came.
        target: Where the JPEG goes, in the folder that the child may write to.
        max_pixels: Width times height that is decoded at all; known from the head of the file.
        max_side: Longest side of what is made, in pixels.

    Returns:
        ``width`` and ``height`` of what was made, or ``refused``: ``kind`` or ``pixels``.
    """
    Image.MAX_IMAGE_PIXELS = None  # the head is looked at below, with a bound of our own
    try:
        with Image.open(source, formats=FORMATS) as picture:
            if picture.width * picture.height > max_pixels:
                return {"refused": "pixels"}
            # A JPEG decodes at half or a quarter of its size where that is enough.
            picture.draft("RGB", (max_side, max_side))
            made = _flat(ImageOps.exif_transpose(picture))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        return {"refused": "kind"}
    made.thumbnail((max_side, max_side))
    clean = Image.new("RGB", made.size)
    clean.paste(made)
    clean.save(Path(target), "JPEG", quality=QUALITY, optimize=True)
    return {"width": clean.width, "height": clean.height}


def _flat(picture: Image.Image) -> Image.Image:
    """The picture in red, green and blue, on white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")
