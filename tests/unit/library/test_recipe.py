"""Recipes: what of a request is kept, and what it makes of other pictures."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.library.recipe import (
    NAME_LIMIT,
    clean_name,
    is_token,
    made_of,
    new_token,
    previewed,
    recipe_of,
    suggested_name,
)
from bot.domain.requests.request import AudioRef, Operation, SourceVideo, Speech, VideoRequest
from bot.errors import UserError
from tests.builders import ADA, NOW, a_request, an_image

TOKEN = "F0X000000001"
BOAT, LAKE, HARBOUR = (an_image(name.encode()).ref for name in ("boat", "lake", "harbour"))


def saved(request: VideoRequest):
    return recipe_of(request, TOKEN, ADA, "Fox", NOW)


def test_a_recipe_of_words_makes_the_same_request_again():
    request = a_request(duration=10, aspect_ratio="9:16", mode="pro", seed=7, negative_prompt="blur")
    assert made_of(saved(request), ()) == request


def test_a_recipe_of_frames_takes_others_in_their_place_and_keeps_none_of_the_old():
    request = a_request(an_image(b"boat"), last_frame=LAKE, mode="pro")
    recipe = saved(request)
    assert recipe.pictures == 2
    assert BOAT.sha256 not in str(recipe.settings)
    again = made_of(recipe, (LAKE, HARBOUR))
    assert again == request.model_copy(update={"first_frame": LAKE, "last_frame": HARBOUR})


def test_a_recipe_of_references_takes_as_many():
    request = VideoRequest(
        operation=Operation.REFERENCES_TO_VIDEO, model="kling-v1-6", prompt="both", references=(BOAT, LAKE)
    )
    assert made_of(saved(request), (LAKE, HARBOUR)).references == (LAKE, HARBOUR)


@pytest.mark.parametrize("pictures", [(), (BOAT, LAKE)])
def test_another_number_of_pictures_is_refused(pictures):
    with pytest.raises(UserError) as refused:
        made_of(saved(a_request(an_image())), pictures)
    assert (refused.value.key, refused.value.params) == ("error.recipe.pictures", {"number": 1})


def test_what_works_on_a_certain_video_or_sound_is_no_recipe():
    source = SourceVideo(provider="official", video_id="v", model="kling-v2-6")
    longer = VideoRequest(operation=Operation.EXTEND, model="kling-v2-6", source=source)
    voice = Speech(audio=AudioRef(sha256="0" * 64, duration_ms=3_000))
    spoken = VideoRequest(operation=Operation.AVATAR, model="avatar", references=(BOAT,), speech=voice)
    for request in (longer, spoken):
        with pytest.raises(UserError, match=r"error\.recipe\.not_this"):
            saved(request)


def test_settings_of_another_version_are_told_as_such():
    recipe = saved(a_request())
    recipe.settings["mode"] = "ultra"
    with pytest.raises(UserError, match=r"error\.recipe\.outdated"):
        previewed(recipe)


@pytest.mark.parametrize(
    ("prompt", "taken", "name"),
    [
        ("a fox", [], "a fox"),
        ("a  fox\nin snow", [], "a fox in snow"),
        ("a fox", ["A Fox", "a fox 2"], "a fox 3"),
        ("a red fox trots through the fresh morning snow", [], "a red fox trots through the"),
    ],
)
def test_a_recipe_is_named_after_its_first_words(prompt, taken, name):
    assert suggested_name(a_request(prompt=prompt), taken) == name


@given(st.text(min_size=1, max_size=3_000), st.integers(0, 120))
def test_a_suggested_name_is_short_and_free(prompt, number):
    request = a_request(prompt="x" + prompt[:2_000])
    first = suggested_name(request, [])
    taken = [first, *(f"{first} {place}" for place in range(2, number))]
    found = suggested_name(request, taken)
    assert 0 < len(found) <= NAME_LIMIT
    assert found.casefold() not in {name.casefold() for name in taken}


@pytest.mark.parametrize(("text", "name"), [("  Boat\ntrip ", "Boat trip"), ("x" * 99, "x" * NAME_LIMIT)])
def test_names_are_kept_on_one_line_and_short(text, name):
    assert clean_name(text) == name


def test_a_name_of_nothing_is_refused():
    with pytest.raises(UserError, match=r"error\.recipe\.no_name"):
        clean_name(" \n ")


def test_a_token_is_told_from_what_anybody_may_type():
    assert is_token(new_token(random.Random(1)))
    assert not any(is_token(text) for text in ("", "F0X", "'; DROP TABLE", TOKEN.lower(), TOKEN + "1"))
