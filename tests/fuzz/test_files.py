"""Files of any content: images and sounds that people send, results that providers send."""

import io

import pillow_heif
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.errors import UserError
from bot.media.clips import (
    NotAVideo,
    as_mp3,
    first_frame,
    image_size,
    last_frame,
    probe,
    sound_length,
    thumbnail,
)
from bot.media.images import prepare
from tests.fuzz.target import target
from tests.world.media import a_voice_message, film, image

pillow_heif.register_heif_opener()


def _detailed(form: str, **options: object) -> bytes:
    """An image with metadata, which decoders read too."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    mode = "P" if form in {"GIF", "PNG"} else "RGB"
    Image.linear_gradient("L").resize((320, 330)).convert(mode).save(buffer, form, exif=exif, **options)
    return buffer.getvalue()


IMAGES = [
    image(320, 330),
    image(320, 330, "PNG"),
    _detailed("JPEG", progressive=True, icc_profile=b"x" * 200),
    _detailed("PNG", transparency=0),
    _detailed("WEBP"),
    _detailed("HEIF"),
    image(320, 330, "GIF"),
    image(320, 330, "BMP"),
]
FILMS = [film(), a_voice_message(2), image()]


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    """These bytes, changed at some places, mostly among the first, where the headers stand."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 4))):
        last = draw(st.sampled_from([40, 200, max(1, len(data))]))
        at = draw(st.integers(0, min(last, len(data))))
        match draw(st.integers(0, 4)):
            case 0:
                del data[at : at + draw(st.sampled_from([1, 2, 4, 100, 10_000_000]))]
            case 1:
                data[at:at] = draw(st.binary(max_size=8))
            case 2:
                data[at : at + 4] = draw(
                    st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
                )
            case _:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
    return bytes(data)


@target(share=0.01, usual=60)
@given(data=st.sampled_from(IMAGES).flatmap(spoiled))
def test_an_image_is_prepared_or_an_error_that_says_why(tried, part, data):
    tried()
    try:
        prepared = prepare(data)
    except UserError as error:
        assert error.key.startswith("error.image.")
        return
    assert max(prepared.width, prepared.height) <= 3072


@target(share=0.01, usual=40)
@given(data=st.sampled_from(FILMS).flatmap(spoiled))
def test_a_film_or_sound_is_measured_or_none(tmp_path, tried, part, data):
    tried()
    path = tmp_path / "result"
    path.write_bytes(data)
    for measure in (probe, image_size, sound_length, first_frame, last_frame):
        try:
            measure(path)
        except NotAVideo:
            continue
    try:
        thumbnail(path, tmp_path / "thumbnail.jpg")
    except NotAVideo:
        assert not (tmp_path / "thumbnail.jpg").exists()
    try:
        as_mp3(data, 5_000, 500)
    except UserError as error:
        assert error.key.startswith("error.sound.")
    (tmp_path / "thumbnail.jpg").unlink(missing_ok=True)
