"""Templates: what of a request is kept, and what it makes of other pictures."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.library.template import (
    TITLE_LIMIT,
    clean_title,
    fill_template,
    is_token,
    make_template,
    new_token,
    suggest_title,
)
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import AudioRef, GenerationRequest, SourceVideo, Speech
from bot.errors import UserError
from tests.builders import ADA, NOW, a_request, an_image

TOKEN = "F0X000000001"
BOAT, LAKE, HARBOUR = (an_image(name.encode()).ref for name in ("boat", "lake", "harbour"))


def saved(request: GenerationRequest):
    return make_template(request, TOKEN, ADA, "Fox", NOW)


def test_a_template_of_words_makes_the_same_request_again():
    request = a_request(duration=10, aspect_ratio="9:16", mode="pro", seed=7, negative_prompt="blur")
    assert fill_template(saved(request), ()) == request


def test_a_template_of_frames_takes_others_in_their_place_and_keeps_none_of_the_old():
    request = a_request(an_image(b"boat"), last_frame=LAKE, mode="pro")
    template = saved(request)
    assert template.images == 2
    assert BOAT.sha256 not in str(template.skeleton)
    again = fill_template(template, (LAKE, HARBOUR))
    assert again == request.model_copy(update={"first_frame": LAKE, "last_frame": HARBOUR})


def test_a_template_of_references_takes_as_many():
    request = GenerationRequest(
        operation=Operation.REFERENCES_TO_VIDEO, model="kling-v1-6", prompt="both", references=(BOAT, LAKE)
    )
    assert fill_template(saved(request), (LAKE, HARBOUR)).references == (LAKE, HARBOUR)


@pytest.mark.parametrize("images", [(), (BOAT, LAKE)])
def test_another_number_of_pictures_is_refused(images):
    with pytest.raises(UserError) as refused:
        fill_template(saved(a_request(an_image())), images)
    assert (refused.value.key, refused.value.params) == ("error.template.images", {"number": 1})


def test_what_works_on_a_certain_video_or_sound_is_no_template():
    source = SourceVideo(provider="official", video_id="v", model="kling-v2-6")
    longer = GenerationRequest(operation=Operation.EXTEND, model="kling-v2-6", source=source)
    voice = Speech(audio=AudioRef(sha256="0" * 64, duration_ms=3_000))
    spoken = GenerationRequest(operation=Operation.AVATAR, model="avatar", references=(BOAT,), speech=voice)
    for request in (longer, spoken):
        with pytest.raises(UserError, match=r"error\.template\.not_this"):
            saved(request)


def test_settings_of_another_version_are_told_as_such():
    template = saved(a_request())
    template.skeleton["mode"] = "ultra"
    with pytest.raises(UserError, match=r"error\.template\.outdated"):
        fill_template(template, ())


@pytest.mark.parametrize(
    ("prompt", "taken", "name"),
    [
        ("a fox", [], "a fox"),
        ("a  fox\nin snow", [], "a fox in snow"),
        ("a fox", ["A Fox", "a fox 2"], "a fox 3"),
        ("a red fox trots through the fresh morning snow", [], "a red fox trots through the"),
    ],
)
def test_a_template_is_named_after_its_first_words(prompt, taken, name):
    assert suggest_title(a_request(prompt=prompt), taken) == name


@given(st.text(min_size=1, max_size=3_000), st.integers(0, 120))
def test_a_suggested_title_is_short_and_free(prompt, number):
    request = a_request(prompt="x" + prompt[:2_000])
    first = suggest_title(request, [])
    taken = [first, *(f"{first} {place}" for place in range(2, number))]
    found = suggest_title(request, taken)
    assert 0 < len(found) <= TITLE_LIMIT
    assert found.casefold() not in {name.casefold() for name in taken}


@pytest.mark.parametrize(("text", "name"), [("  Boat\ntrip ", "Boat trip"), ("x" * 99, "x" * TITLE_LIMIT)])
def test_names_are_kept_on_one_line_and_short(text, name):
    assert clean_title(text) == name


def test_a_name_of_nothing_is_refused():
    with pytest.raises(UserError, match=r"error\.template\.no_title"):
        clean_title(" \n ")


def test_a_token_is_told_from_what_anybody_may_type():
    assert is_token(new_token(random.Random(1)))
    assert not any(is_token(text) for text in ("", "F0X", "'; DROP TABLE", TOKEN.lower(), TOKEN + "1"))
