"""Elements and voices: what people may call them, what they are made of, and how they are called in prompts."""

import io

import pytest
from PIL import Image

from bot.domain.library.asset import Names, check_film, check_images, read_name, split_voice, voice_source
from bot.domain.requests.operations import Operation
from bot.domain.requests.prompt import parse
from bot.domain.requests.request import SourceVideo, VideoRef
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError
from bot.media.images import KLING_LIMITS, close_up, prepare
from tests.builders import a_request

MINE = Vocabulary(
    {"kling-v3": "kling-v3"}, elements={"fox": 829877809978941442, "小狐狸": 7}, voices={"ada": "829877"}
)


@pytest.mark.parametrize(
    ("words", "name", "description"),
    [
        ("Fox", "Fox", ""),
        ("Fox  a small\nred fox ", "Fox", "a small red fox"),
        ("小狐狸 一只红色的小狐狸", "小狐狸", "一只红色的小狐狸"),
        ("red_fox-2", "red_fox-2", ""),
        ("f" * 20, "f" * 20, ""),
    ],
)
def test_the_first_word_is_the_name_and_the_others_describe_it(words, name, description):
    assert read_name(Operation.ELEMENT, words) == (name, description)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("", "error.asset.element_unnamed"),
        ("1234", "error.asset.name"),
        ("１２３", "error.asset.name"),
        ("--pro", "error.asset.name"),
        ("fox,cat", "error.asset.name"),
        ("f" * 21, "error.asset.name"),
        ("<b>", "error.asset.name"),
        ("Fox " + "d" * 101, "error.asset.description"),
    ],
)
def test_what_can_be_no_name_is_refused(words, key):
    with pytest.raises(UserError) as refused:
        read_name(Operation.ELEMENT, words)
    assert refused.value.key == key


@pytest.mark.parametrize("number", [0, 5])
def test_an_element_takes_one_to_four_pictures(number):
    with pytest.raises(UserError) as refused:
        check_images(number)
    assert refused.value.params == {"number": number, "limit": 4}


# -- names in prompts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("it runs --element fox", (829877809978941442,)),
        ("it runs --element FOX", (829877809978941442,)),
        ("they meet --element fox,小狐狸", (829877809978941442, 7)),
        ("它奔跑 --主体 小狐狸", (7,)),
        ("they meet --element fox,1001", (829877809978941442, 1001)),
    ],
)
def test_an_element_is_called_by_its_name_or_by_its_id(text, elements):
    assert parse(text, MINE).options["elements"] == elements


def test_a_name_that_one_does_not_have_is_told_with_those_that_one_has():
    with pytest.raises(UserError) as refused:
        parse("it runs --element cat", MINE)
    assert refused.value.key == "error.element.unknown"
    assert refused.value.params == {"element": "cat", "elements": "fox, 小狐狸"}


def test_more_than_seven_elements_are_refused():
    with pytest.raises(UserError) as refused:
        parse("they meet --element 1,2,3,4,5,6,7,8", MINE)
    assert refused.value.key == "error.prompt.bad_value"


def test_a_voice_is_called_by_its_name_and_others_stay_as_they_were_typed():
    assert parse("hello --voice Ada", MINE).options["voice"] == "829877"
    assert parse("hello --voice Melody", MINE).options["voice"] == "Melody"


# -- what voices are made of ---------------------------------------------------------------------------


def a_video(**changes) -> SourceVideo:
    values = {"provider": "official", "video_id": "v1", "model": "kling-v2-6", "duration_ms": 5_000}
    return SourceVideo(**values | changes)


def test_a_voice_comes_of_a_video_of_the_model_that_speaks():
    request = a_request(sound=True, mode="pro")
    assert voice_source(request, a_video()) == a_video()


@pytest.mark.parametrize(
    ("request_", "video", "key"),
    [
        (a_request(), a_video(), "error.asset.silent_video"),
        (a_request(model="kling-v3", sound=True), a_video(), "error.asset.silent_video"),
        (a_request(sound=True), a_video(duration_ms=4_000), "error.asset.speech_length"),
        (a_request(sound=True), a_video(duration_ms=31_000), "error.asset.speech_length"),
    ],
)
def test_a_voice_comes_of_no_other_video(request_, video, key):
    with pytest.raises(UserError) as refused:
        voice_source(request_, video)
    assert refused.value.key == key


# -- what elements are made of, beside photos -------------------------------------------------------------


def a_film(width: int = 1920, height: int = 1080, seconds: float = 5, size: int = 200_000_000) -> SourceVideo:
    figures = {"width": width, "height": height, "duration_ms": int(seconds * 1000), "size": size}
    return SourceVideo.of_file(VideoRef(sha256="a" * 64, **figures))


@pytest.mark.parametrize(
    ("film", "sides"),
    [
        (a_film(), None),
        (a_film(1080, 1920, 3), None),
        (a_film(1928, 1076, 8), None),
        (a_video(), (1920, 1080)),
        # Nobody knows the size of one that was never sent.
        (a_video(duration_ms=None), None),
    ],
)
def test_an_element_comes_of_a_short_video_in_1080p(film, sides):
    check_film(film, sides)


@pytest.mark.parametrize(
    ("film", "sides"),
    [
        (a_film(seconds=2.4), None),
        (a_film(seconds=8.6), None),
        (a_film(1280, 720), None),
        (a_film(3840, 2160), None),
        (a_film(1440, 1080), None),
        (a_film(1080, 1080), None),
        (a_film(size=200_000_001), None),
        (a_video(), (1280, 720)),
        (a_video(duration_ms=10_000), None),
    ],
)
def test_an_element_comes_of_no_other_video(film, sides):
    with pytest.raises(UserError) as refused:
        check_film(film, sides)
    assert refused.value.key == "error.asset.film"
    assert refused.value.params == {"low": "3", "high": "8", "size": 200}


# -- close-ups -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(300, 300), (300, 750), (1280, 720), (3000, 1200)])
def test_a_close_up_is_a_picture_that_kling_takes(size):
    front = io.BytesIO()
    Image.new("RGB", size, (200, 60, 30)).save(front, "JPEG")
    nearer = prepare(close_up(front.getvalue()))
    assert min(nearer.width, nearer.height) >= KLING_LIMITS.min_side
    assert max(nearer.width, nearer.height) <= max(*size, KLING_LIMITS.min_side * KLING_LIMITS.max_ratio)


def test_a_close_up_shows_the_middle():
    image = Image.new("RGB", (1000, 1000), (0, 0, 0))
    image.paste((255, 255, 255), (200, 200, 800, 800))
    front = io.BytesIO()
    image.save(front, "PNG")
    nearer = Image.open(io.BytesIO(close_up(front.getvalue())))
    assert nearer.size == (600, 600)
    assert min(nearer.convert("L").getextrema()) > 200


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a small red fox", ("a small red fox", "")),
        ("a woman @Ada", ("a woman", "829877")),
        ("＠ada", ("", "829877")),
        ("a fan of @nasa", ("a fan of @nasa", "")),
    ],
)
def test_an_element_speaks_with_a_voice_that_its_description_names(words, found):
    assert split_voice(words, Names(voices={"ada": "829877"})) == found
