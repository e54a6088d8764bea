"""A sheet of numbered pictures, out of which a person chooses one, drawn with Pillow."""

import io
import math
from collections.abc import Sequence

TILE = 750
"""Pixels of the longer side of a picture that is put on a sheet; each is shown at half of it."""

PLACE = 360
GAP = 12
LETTER = 72
COLUMNS = 4


def draw_sheet(tiles: Sequence[bytes | None]) -> bytes:
    """The pictures (JPEG) in rows, numbered from 1 on, as a JPEG; None leaves a place empty.

    Takes processor time: call it in a thread.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    columns = min(len(tiles), COLUMNS)
    rows = math.ceil(len(tiles) / columns)
    size = (columns * (PLACE + GAP) + GAP, rows * (PLACE + GAP) + GAP)
    sheet = Image.new("RGB", size, "#ffffff")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LETTER)
    for position, tile in enumerate(tiles):
        row, column = divmod(position, columns)
        left, top = GAP + column * (PLACE + GAP), GAP + row * (PLACE + GAP)
        draw.rectangle((left, top, left + PLACE, top + PLACE), fill="#dde3e9")
        if tile is not None:
            with Image.open(io.BytesIO(tile), formats=("JPEG",)) as opened:
                shown = ImageOps.contain(opened.convert("RGB"), (PLACE, PLACE))
            sheet.paste(shown, (left + (PLACE - shown.width) // 2, top + (PLACE - shown.height) // 2))
        draw.rectangle((left, top, left + LETTER, top + LETTER), fill="#1f2933")
        draw.text((left + LETTER / 2, top + LETTER / 2), str(position + 1), "#ffffff", font, "mm")
    written = io.BytesIO()
    sheet.save(written, "JPEG", quality=85)
    return written.getvalue()
