"""The masks of a motion brush, and the grid on which one is marked."""

import io

from PIL import Image

from bot.media.grid import LONGEST_SIDE, Shade, draw_grid
from bot.media.masks import draw_mask


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def a_photo(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (40, 40, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_mask_is_white_where_the_boxes_are_and_black_elsewhere():
    mask = opened(draw_mask((301, 751), [(0, 0, 10, 20), (300, 750, 301, 751)]))
    assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (301, 751))
    assert sorted(mask.getcolors()) == [(201, 255), (301 * 751 - 201, 0)]
    places = ((9, 19), (10, 19), (9, 20), (300, 750), (299, 750))
    assert [mask.getpixel(place) for place in places] == [255, 0, 0, 255, 0]


def test_a_mask_of_the_largest_photo_is_small():
    assert len(draw_mask((3072, 3072), [(0, 0, 1000, 1000), (1500, 2, 2048, 3072)])) < 50_000


def test_what_is_marked_is_seen_in_its_colour_with_its_way():
    mask = draw_mask((800, 600), [(0, 0, 100, 100)])
    drawn = opened(
        draw_grid(a_photo(800, 600), (8, 6), shades=[Shade(mask, (0, 255, 0), ((0.5, 0.75), (0.9, 0.75)))])
    )
    assert drawn.size == (800, 600)
    # The middle of a cell that is marked is green, that of another is as it was.
    assert drawn.getpixel((70, 70))[1] > 100
    assert max(drawn.getpixel((170, 70))) < 70
    # The way is red between its ends.
    red, green, _ = drawn.getpixel((560, 450))
    assert red > 180 > green


def test_a_large_photo_is_shown_smaller_in_its_shape():
    mask = draw_mask((1280, 853), [(0, 0, 160, 142)])
    drawn = opened(draw_grid(a_photo(3000, 2000), (8, 6), shades=[Shade(mask, (0, 255, 0))]))
    assert drawn.size == (LONGEST_SIDE, 853)
    assert drawn.getpixel((100, 100))[1] > 100
