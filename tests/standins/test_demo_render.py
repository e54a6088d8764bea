"""The stand-in's results are real files, and the same wish always gives the same one."""

import io

import av
import pytest
from PIL import Image

from bot.demo.media.lettering import LONGEST_TEXT, font, overlay, wrapped
from bot.demo.media.moods import MOODS, mood_of
from bot.demo.media.render import FRAMES_A_SECOND, RenderSpec, frame_size, render_video
from bot.demo.media.scene import landscape
from bot.demo.media.sound import render_sound
from bot.demo.media.stills import StillSpec, render_still


def photo(width, height, colour):
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "PNG")
    return data.getvalue()


def frames(path):
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def streams(path):
    with av.open(str(path)) as container:
        return [(stream.type, stream.codec_context.name) for stream in container.streams]


def test_a_prompt_becomes_an_h264_video_of_its_length_and_shape(tmp_path):
    path = tmp_path / "a.mp4"
    render_video(RenderSpec("a fox in the snow", 1), path)
    assert streams(path) == [("video", "h264")]
    made = frames(path)
    assert (len(made), made[0].size) == (FRAMES_A_SECOND, (1280, 720))
    assert made[0].tobytes() != made[-1].tobytes()
    assert path.read_bytes()[4:8] == b"ftyp"
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_with_sound_has_an_audio_track_as_long_as_the_picture(tmp_path):
    path = tmp_path / "a.mp4"
    render_video(RenderSpec("the sea", 2, sound=True), path)
    assert streams(path) == [("video", "h264"), ("audio", "aac")]
    with av.open(str(path)) as container:
        assert container.duration / 1_000_000 == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        (RenderSpec("", 1), (1280, 720)),
        (RenderSpec("", 1, ratio="9:16"), (720, 1280)),
        (RenderSpec("", 1, ratio="1:1"), (720, 720)),
        (RenderSpec("", 1, mode="pro"), (1920, 1080)),
        (RenderSpec("", 1, mode="pro", ratio="4:3"), (1440, 1080)),
        (RenderSpec("", 1, ratio="9:16", images=(photo(600, 400, "red"),)), (1080, 720)),
    ],
)
def test_mode_and_shape_decide_the_size_and_a_picture_its_own_shape(spec, size):
    assert frame_size(spec) == size


def test_a_video_of_two_frames_goes_from_the_first_to_the_last(tmp_path):
    path = tmp_path / "a.mp4"
    render_video(RenderSpec("", 1, images=(photo(400, 400, "red"), photo(400, 400, "blue"))), path)
    made = frames(path)
    first, last = made[0].getpixel((200, 200)), made[-1].getpixel((200, 200))
    assert first[0] > 200 > first[2]
    assert last[2] > 200 > last[0]


def test_a_picture_that_is_no_picture_is_an_error_and_leaves_no_video(tmp_path):
    with pytest.raises(OSError, match="cannot identify"):
        render_video(RenderSpec("", 1, images=(b"nothing",)), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_the_same_wish_gives_the_same_frames(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        render_video(RenderSpec("a lake at dawn", 1), tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize(("kind", "codec"), [("mp3", "mp3"), ("wav", "pcm_s16le")])
def test_a_sound_has_its_kind_and_length(tmp_path, kind, codec):
    path = tmp_path / f"a.{kind}"
    render_sound(3.5, path)
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name.startswith(codec)
        assert container.duration / 1_000_000 == pytest.approx(3.5, abs=0.1)


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        (StillSpec("a house", "16:9"), (1138, 640)),
        (StillSpec("a house", "1:1", "2k"), (1440, 1440)),
        (StillSpec("a house", "1:1", images=(photo(400, 300, "red"),), kind="blend"), (640, 640)),
        (StillSpec(images=(photo(400, 300, "red"), photo(300, 300, "blue")), kind="wear"), (400, 300)),
        (
            StillSpec(images=(photo(400, 300, "red"),), kind="expand", edges=(0.5, 0, 0.25, 0.25)),
            (600, 450),
        ),
    ],
)
def test_a_still_is_a_png_of_its_size(tmp_path, spec, size):
    path = tmp_path / "a.png"
    render_still(spec, path)
    with Image.open(path) as made:
        assert (made.format, made.size) == ("PNG", size)


def test_several_stills_of_one_prompt_differ(tmp_path):
    made = []
    for number in range(2):
        render_still(StillSpec("a house", number=number), tmp_path / f"{number}.png")
        made.append((tmp_path / f"{number}.png").read_bytes())
    assert made[0] != made[1]


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.name)
def test_each_mood_can_be_painted_and_moves(mood):
    paint = landscape(mood.words[0], (160, 90), 5)
    assert paint(0.0).tobytes() != paint(2.0).tobytes()


@pytest.mark.parametrize(
    ("prompt", "mood"), [("Snow falls", "snow"), ("一只猫在雪地里", "snow"), ("a boat on the SEA", "sea")]
)
def test_words_choose_the_mood(prompt, mood):
    assert mood_of(prompt).name == mood


def test_long_texts_are_cut_and_wrapped_within_the_picture():
    face = font(20)
    lines = list(wrapped("many words " * 20 + "一只猫在雪地里奔跑" * 5, face, 300))
    assert len(lines) > 3
    assert all(face.getlength(line) <= 300 for line in lines)
    assert overlay("x" * LONGEST_TEXT * 2, "", (320, 180)).getbbox() is not None
    assert overlay("", "", (320, 180)).getbbox() is None
