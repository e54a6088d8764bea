import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.requests.catalog import load
from bot.domain.requests.choices import (
    AUTOMATIC,
    CAMERAS,
    Preference,
    Preferences,
    choices,
    list_choosable,
    preference_choices,
)
from bot.domain.requests.operations import Operation
from bot.domain.requests.options import Option
from bot.domain.requests.request import GenerationRequest, ImageRef, Shot
from bot.domain.requests.rules import fit
from bot.errors import UserError

CATALOG = load()
ROWS = CATALOG.known()
OFFERED = tuple(row.id for row in ROWS)
IMAGE = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=1280, height=720)


def possible(request: GenerationRequest) -> bool:
    try:
        CATALOG.check(request, OFFERED)
    except UserError:
        return False
    return True


def of(request: GenerationRequest, option: Option):
    return choices(option.row, request, (CATALOG.row(request),), ROWS, possible)


def set_to(request: GenerationRequest, option: Option, key: str) -> GenerationRequest:
    (found,) = [choice for choice in of(request, option) if choice.key == key]
    return found.request


def on_offer(request: GenerationRequest) -> tuple[Option, ...]:
    return list_choosable(request, (CATALOG.row(request),), ROWS, possible)


def from_words(model: str = "kling-v2-6", **changes) -> GenerationRequest:
    return GenerationRequest(**{"operation": "text2video", "model": model, "prompt": "a fox"} | changes)


def from_photo(model: str = "kling-v2-6", **changes) -> GenerationRequest:
    frames = {"operation": "image2video", "aspect_ratio": None, "first_frame": IMAGE}
    return from_words(model, **frames | changes)


STARTS = (
    from_words(),
    from_words("kling-v1"),
    from_photo(),
    from_photo(mode="pro", last_frame=IMAGE),
    from_words("kling-v1-6", operation="multi-image2video", references=(IMAGE, IMAGE)),
    from_words("kling-v3", shots=(Shot(prompt="it wakes", duration=2), Shot(prompt="it runs", duration=3))),
    GenerationRequest(operation="image", model="kling-v2-1", prompt="a fox", duration=0, resolution="1k"),
)


@pytest.mark.parametrize("start", STARTS, ids=lambda request: f"{request.operation}-{request.model}")
@given(turns=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=6))
def test_whatever_is_chosen_can_be_made_and_loses_no_picture(start, turns):
    request = start
    for which, where in turns:
        open_knobs = [option for option in on_offer(request) if of(request, option)]
        if not open_knobs:
            return
        option = open_knobs[which % len(open_knobs)]
        found = of(request, option)
        changed = found[where % len(found)].request
        assert possible(changed)
        assert changed.references == request.references
        assert changed.first_frame == request.first_frame
        # Shots are only taken away where a person does so.
        assert changed.shots == request.shots or (option is Option.SHOTS and not changed.shots)
        assert changed.prompt == request.prompt
        request = changed


@pytest.mark.parametrize("start", STARTS, ids=lambda request: f"{request.operation}-{request.model}")
def test_keys_fit_on_buttons_and_one_choice_at_most_is_the_present_one(start):
    for knob in on_offer(start):
        found = of(start, knob)
        keys = [choice.key for choice in found]
        assert len(set(keys)) == len(keys)
        assert all(len(key) <= 10 and ":" not in key for key in keys)
        assert sum(choice.chosen for choice in found) <= 1


def test_only_what_the_model_can_do_is_on_offer():
    assert {Option.SOUND, Option.SEED} <= set(on_offer(from_words("kling-v2-6")))
    assert Option.SOUND not in on_offer(from_words("kling-v2-5-turbo"))
    assert Option.CAMERA in on_offer(from_words("kling-v1"))
    # Without a field for it, it is said in the prompt.
    assert Option.CAMERA in on_offer(from_words("kling-v2-6"))
    assert Option.RATIO not in on_offer(from_photo())
    assert Option.END_FRAME in on_offer(from_photo())
    assert Option.END_FRAME not in on_offer(from_words())
    assert Option.DURATION not in on_offer(STARTS[5])


def test_a_choice_brings_with_it_what_it_needs():
    loud = set_to(from_words(), Option.SOUND, "on")
    assert (loud.sound, loud.mode) == (True, "pro")
    moved = set_to(from_words("kling-v1", mode="pro", duration=10), Option.CAMERA, "zoom-in")
    assert (moved.camera, moved.mode, moved.duration) == (CAMERAS["zoom-in"], "std", 5)


def test_a_choice_drops_what_no_longer_goes_with_it():
    loud = set_to(from_words(), Option.SOUND, "on")
    assert set_to(loud, Option.MODE, "std").sound is False
    moved = set_to(from_words("kling-v1"), Option.CAMERA, "zoom-in")
    assert set_to(moved, Option.DURATION, "10").camera is None


def test_a_mode_that_would_lose_the_end_photo_is_not_offered():
    assert [choice.key for choice in of(STARTS[3], Option.MODE)] == ["pro"]


def test_models_that_cannot_take_the_photos_are_not_offered():
    models = {choice.request.model for choice in of(STARTS[4], Option.MODEL)}
    assert "kling-v1-6" in models
    assert "kling-v2-6" not in models
    assert all(CATALOG.model(model).references >= 2 for model in models), (
        "each takes as many references as there are"
    )


def test_another_model_gets_the_nearest_length():
    long = from_words("kling-v3", duration=12)
    assert fit(long, CATALOG.model("kling-v2-6")).duration == 10


def test_what_works_on_a_video_keeps_its_model():
    extension = GenerationRequest(
        operation=Operation.EXTEND,
        model="kling-v1-6",
        aspect_ratio=None,
        source={"provider": "official", "video_id": "7", "model": "kling-v1-6"},
    )
    assert of(extension, Option.MODEL) == ()
    assert Option.DURATION not in on_offer(extension)


# -- preferences -------------------------------------------------------------------------------------


def test_preferences_offer_what_the_preferred_model_can_do():
    mine = Preferences(model="kling-v2-6")
    assert list(preference_choices(mine, Preference.DURATION, ROWS)) == [AUTOMATIC, "5", "10"]
    assert "4k" not in preference_choices(mine, Preference.MODE, ROWS)
    assert "4k" in preference_choices(Preferences(), Preference.MODE, ROWS)
    assert preference_choices(mine, Preference.RATIO, ROWS)["9x16"].aspect_ratio == "9:16"


def test_another_model_leaves_what_it_cannot_do_to_the_bot():
    mine = Preferences(model="kling-v3", mode="4k", duration=5, aspect_ratio="9:16", silent=True)
    by_model = {
        changed.model: changed for changed in preference_choices(mine, Preference.MODEL, ROWS).values()
    }
    assert by_model["kling-v2-6"] == Preferences(
        model="kling-v2-6", duration=5, aspect_ratio="9:16", silent=True
    )
    assert by_model[None].mode == "4k"


def test_switches_are_on_or_off():
    assert preference_choices(Preferences(), Preference.CONFIRM_FIRST, ROWS)["on"].confirm_first is True
