"""Masks for a motion brush: which pixels of a photo it covers. Pure, but for its time: call it in a thread.

A mask is a PNG or JPEG in the photo's shape, and all masks of a request have the same size (Kling API, image2video,
`static_mask` and `dynamic_masks`). The API's text names no colours: covered is white and the rest black here, as in masks
for inpainting everywhere, and without transparency, which nobody has to read.
"""

import io
from collections.abc import Iterable

COVERED, FREE = 255, 0

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the last two not included."""


def draw_mask(size: tuple[int, int], boxes: Iterable[Box]) -> bytes:
    """A PNG of that width and height, grey, white where the boxes are and black elsewhere."""
    from PIL import Image

    mask = Image.new("L", size, FREE)
    for box in boxes:
        mask.paste(COVERED, box)
    target = io.BytesIO()
    mask.save(target, "PNG", optimize=True)
    return target.getvalue()
