import hashlib
import io
import random
import struct
import zlib
from dataclasses import replace

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.errors import UserError
from bot.media.images import DECODING, KLING_LIMITS, WEBP_HEAD, ImageLimits, prepare

pillow_heif.register_heif_opener()

ORIENTATION, GPS, DESCRIPTION = 0x0112, 0x8825, 0x010E
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def an_image(size=(640, 480), mode="RGB", color=RED) -> Image.Image:
    return Image.new(mode, size, color)


def encoded(image: Image.Image, image_format="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def a_png_header(width: int, height: int) -> bytes:
    """A file of a few bytes that claims to hold `width` by `height` pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def is_near(one, other) -> bool:
    """Whether two colours are the same but for what JPEG loses."""
    return all(abs(a - b) <= 12 for a, b in zip(one, other, strict=True))


def refusal(data: bytes, limits=KLING_LIMITS) -> UserError:
    with pytest.raises(UserError) as refused:
        prepare(data, limits)
    return refused.value


# -- what is taken -----------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP", "MPO"])
def test_every_format_that_people_send_becomes_a_jpeg(image_format):
    prepared = prepare(encoded(an_image(color=BLUE), image_format))
    result = opened(prepared.data)
    assert (result.format, result.mode, result.size) == ("JPEG", "RGB", (640, 480))
    assert is_near(result.getpixel((320, 240)), BLUE)


def test_what_is_told_of_the_result_is_true():
    prepared = prepare(encoded(an_image((900, 600))))
    assert (prepared.media_type, prepared.width, prepared.height) == ("image/jpeg", 900, 600)
    assert prepared.sha256 == hashlib.sha256(prepared.data).hexdigest()


def test_the_bytes_are_not_in_the_repr():
    assert "data" not in repr(prepare(encoded(an_image())))


@pytest.mark.parametrize("image_format", ["JPEG", "HEIF", "WEBP", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright(image_format, orientation):
    image = an_image((640, 400), color=WHITE)
    image.paste(RED, (0, 0, 320, 200))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    result = opened(prepare(encoded(image, image_format, exif=exif.tobytes())).data)
    # Where the corner that is stored first belongs (EXIF 2.3, tag 274): row, column.
    red = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[
        orientation
    ]
    assert result.size == ((640, 400) if orientation < 5 else (400, 640))
    width, height = result.size
    corners = {
        (row, column): result.getpixel((width // 4 + column * width // 2, height // 4 + row * height // 2))
        for row in (0, 1)
        for column in (0, 1)
    }
    assert [corner for corner, color in corners.items() if is_near(color, RED)] == [red]


@pytest.mark.parametrize("image_format", ["JPEG", "HEIF", "WEBP", "PNG"])
def test_where_a_photo_was_taken_goes(image_format):
    exif = Image.Exif()
    exif[DESCRIPTION] = "at home"
    exif.get_ifd(GPS)[1] = "N"
    result = opened(prepare(encoded(an_image(), image_format, exif=exif.tobytes())).data)
    assert dict(result.getexif()) == {}
    assert b"at home" not in prepare(encoded(an_image(), image_format, exif=exif.tobytes())).data


def test_what_was_written_into_a_jpeg_goes():
    prepared = prepare(encoded(an_image(), "JPEG", comment=b"at home", xmp=b"<x:xmpmeta>at home</x:xmpmeta>"))
    assert b"at home" not in prepared.data


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGBA", (*BLUE, 0), WHITE),
        ("RGBA", (*BLUE, 255), BLUE),
        ("RGBA", (*BLUE, 128), (127, 127, 255)),
        ("LA", (0, 0), WHITE),
        ("L", 100, (100, 100, 100)),
        ("1", 1, WHITE),
        ("I;16", 100 * 256, (100, 100, 100)),
        ("P", 0, (0, 0, 0)),
    ],
)
def test_whatever_a_pixel_is_made_of_it_becomes_plain_colour(mode, color, expected):
    result = opened(prepare(encoded(an_image(mode=mode, color=color))).data)
    assert (result.mode, is_near(result.getpixel((9, 9)), expected)) == ("RGB", True)


def test_a_picture_for_print_becomes_one_for_the_screen():
    result = opened(prepare(encoded(an_image(mode="CMYK", color=(0, 255, 255, 0)), "JPEG")).data)
    assert is_near(result.getpixel((9, 9)), RED)


def test_a_palette_with_a_hole_in_it_shows_white_there():
    image = an_image(mode="P", color=0)
    image.putpalette([*BLUE, *RED])
    result = opened(prepare(encoded(image, "GIF", transparency=0)).data)
    assert is_near(result.getpixel((9, 9)), WHITE)


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGB", {"lossless": True}), ("RGBA", {}), ("RGB", {"xmp": b"<x/>"})],
    ids=["lossy", "lossless", "transparent", "extended"],
)
def test_the_size_of_a_webp_is_checked_before_its_decoder_takes_memory_for_it(mode, options):
    image = encoded(an_image((700, 500), mode, 0), "WEBP", **options)
    enough = DECODING["WEBP"] * 700 * 500
    assert prepare(image, ImageLimits(max_memory=int(enough) + 1)).width == 700
    # What follows the head is never looked at.
    head = image[:WEBP_HEAD]
    with pytest.raises(UserError, match=r"error\.image\.too_many_pixels"):
        prepare(head, ImageLimits(max_memory=int(enough) - 1))


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_of_a_moving_picture_the_first_is_taken(image_format):
    data = encoded(
        an_image(color=RED), image_format, save_all=True, append_images=[an_image(color=BLUE)], duration=100
    )
    assert is_near(opened(prepare(data).data).getpixel((9, 9)), RED)


def test_a_large_picture_is_scaled_down_and_keeps_its_shape():
    prepared = prepare(encoded(an_image((4000, 3000))))
    assert (prepared.width, prepared.height) == (3072, 2304)


def test_a_picture_of_many_bytes_is_saved_more_coarsely():
    noise = Image.frombytes("RGB", (600, 600), random.Random(1).randbytes(600 * 600 * 3))
    fine, limits = prepare(encoded(noise)), replace(KLING_LIMITS, max_bytes=250_000)
    coarse = prepare(encoded(noise), limits)
    assert len(coarse.data) <= limits.max_bytes < len(fine.data)


SIDES = st.integers(KLING_LIMITS.min_side - 50, 2500)


@settings(max_examples=40)
@given(
    SIDES, st.floats(1, 2.6), st.booleans(), st.sampled_from([("L", 9), ("RGB", RED), ("RGBA", (*RED, 9))])
)
def test_the_result_is_always_one_that_kling_takes(shorter, ratio, upright, pixels):
    size = (shorter, int(shorter * ratio))
    mode, color = pixels
    data = encoded(an_image(size if upright else size[::-1], mode, color), compress_level=1)
    try:
        prepared = prepare(data)
    except UserError:
        too_large = mode == "RGBA" and size[0] * size[1] > 12_900_000
        assert too_large or shorter < KLING_LIMITS.min_side or size[1] > size[0] * KLING_LIMITS.max_ratio
        return
    sides = sorted((prepared.width, prepared.height))
    assert opened(prepared.data).size == (prepared.width, prepared.height)
    assert KLING_LIMITS.min_side <= sides[0]
    assert sides[1] <= KLING_LIMITS.max_side
    assert sides[1] <= sides[0] * KLING_LIMITS.max_ratio
    assert len(prepared.data) <= KLING_LIMITS.max_bytes


# -- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "key"),
    [
        ((299, 400), "error.image.too_small"),
        ((400, 299), "error.image.too_small"),
        ((1, 1), "error.image.too_small"),
        ((300, 751), "error.image.too_long"),
        ((751, 300), "error.image.too_long"),
    ],
)
def test_a_picture_that_kling_would_refuse_is_refused(size, key):
    assert refusal(encoded(an_image(size))).key == key


@pytest.mark.parametrize("size", [(300, 300), (300, 750), (750, 300)])
def test_a_picture_at_the_limit_is_taken(size):
    prepared = prepare(encoded(an_image(size)))
    assert (prepared.width, prepared.height) == size


def test_a_refusal_tells_the_figures():
    assert refusal(encoded(an_image((200, 400)))).params == {"width": 200, "height": 400, "side": 300}
    assert refusal(encoded(an_image((300, 900)))).params == {"ratio": "2.5"}


@pytest.mark.parametrize("side", [8_001, 20_000, 100_000])
def test_a_bomb_of_pixels_is_refused_before_it_is_unpacked(side):
    refused = refusal(a_png_header(side, side))
    assert (refused.key, refused.params) == ("error.image.too_many_pixels", {"limit": 21})


def test_a_picture_that_no_quality_makes_small_enough_is_refused():
    noise = Image.frombytes("RGB", (300, 300), random.Random(1).randbytes(300 * 300 * 3))
    refused = refusal(encoded(noise), replace(KLING_LIMITS, max_bytes=10_000))
    assert refused.key == "error.image.too_large"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF",
        b"a fox in the snow" * 99,
        b"%PDF-1.7\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x00\x00\x00\x20ftypisom" + b"\x00" * 99,
        encoded(an_image(), "TIFF"),
    ],
    ids=["nothing", "three letters", "words", "pdf", "svg", "video", "tiff"],
)
def test_what_is_no_picture_is_refused(data):
    assert refusal(data).key == "error.image.not_an_image"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP"])
def test_a_picture_that_breaks_off_is_refused(image_format):
    noise = Image.frombytes("RGB", (400, 400), random.Random(1).randbytes(400 * 400 * 3))
    data = encoded(noise, image_format)
    assert refusal(data[: len(data) // 2]).key in {"error.image.damaged", "error.image.not_an_image"}


@settings(max_examples=150)
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP", "HEIF", "GIF", "BMP"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_damaged_picture_is_taken_or_refused_and_nothing_else(image_format, changes):
    data = bytearray(SMALL[image_format])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        prepared = prepare(bytes(data))
    except UserError as refused:
        key = refused.key
    else:
        key = opened(prepared.data).format
    assert key == "JPEG" or key.startswith("error.image.")


SMALL = {
    name: encoded(an_image((300, 300)), name, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00")
    for name in ("JPEG", "PNG", "WEBP", "HEIF")
} | {name: encoded(an_image((300, 300)), name) for name in ("GIF", "BMP")}
