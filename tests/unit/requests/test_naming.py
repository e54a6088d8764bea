"""Names of elements, voices and photos in a prompt: read, refused, shown again, added and taken away."""

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from bot.domain.requests.naming import (
    list_unnamed,
    names_images,
    resolve,
    show_prompt,
    toggle_asset,
    without_named,
)
from bot.domain.requests.prompt import ParsedPrompt, parse
from bot.domain.requests.references import Kind
from bot.domain.requests.request import Shot
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError
from tests.operations import IMAGES, a_request_for

OWN = Vocabulary(
    {"v2.6": "kling-v2-6"},
    elements={"fox": 1, "foxy-lady": 2, "张": 3, "张三": 4},
    voices={"ada": "v-ada"},
)


def read(text: str, images: int = 0) -> tuple[str, dict[str, object]]:
    found = resolve(ParsedPrompt(text, {}, OWN), images)
    return found.prompt, {name: value for name, value in found.options.items() if name != "asset_names"}


@pytest.mark.parametrize(
    ("text", "images", "stored", "assets"),
    [
        ("@Fox runs", 0, "<<<element_1>>> runs", {"elements": (1,)}),
        (
            "a dog chases @fox, @FOX hides",
            0,
            "a dog chases <<<element_1>>>, <<<element_1>>> hides",
            {"elements": (1,)},
        ),
        ("@foxy-lady meets @fox", 0, "<<<element_1>>> meets <<<element_2>>>", {"elements": (2, 1)}),
        (
            "@Ada says hello to @Fox.",
            0,
            "<<<voice_1>>> says hello to <<<element_1>>>.",
            {"elements": (1,), "voices": ("v-ada",)},
        ),
        # Chinese goes on without a space; the longest name counts.
        ("＠张三在雪地里奔跑", 0, "<<<element_1>>>在雪地里奔跑", {"elements": (4,)}),
        ("看@张在跳舞", 0, "看<<<element_1>>>在跳舞", {"elements": (3,)}),
        ("@Fox在跑", 0, "<<<element_1>>>在跑", {"elements": (1,)}),
        # Photos, as many as there are.
        ("@1 hugs @image2", 2, "<<<image_1>>> hugs <<<image_2>>>", {}),
        ("@图1抱着@照片2", 2, "<<<image_1>>>抱着<<<image_2>>>", {}),
        ("meet @5", 0, "meet @5", {}),
        ("@image1 waits", 0, "<<<image_1>>> waits", {}),
        ("@voice_1 by hand", 0, "<<<voice_1>>> by hand", {}),
        # An element by its id: a preset, for instance.
        ("@1000001 shines", 0, "<<<element_1>>> shines", {"elements": (1000001,)}),
        # What is plainly no reference stays text.
        ("write to ada@fox.com", 0, "write to ada@fox.com", {}),
        ("like @nasa does, 3@1 @ noon", 1, "like @nasa does, 3@1 @ noon", {}),
        ("@1.5x faster, @1st", 2, "@1.5x faster, @1st", {}),
        ("<<<element_1>>> as it is stored", 0, "<<<element_1>>> as it is stored", {}),
        ("", 3, "", {}),
    ],
)
def test_names_are_read_as_they_are_typed(text, images, stored, assets):
    assert read(text, images) == (stored, assets)


@pytest.mark.parametrize("text", ["@Foxx runs", "@fo x", "@adda speaks"])
def test_a_misspelt_name_is_refused_with_the_nearest(text):
    with pytest.raises(UserError) as caught:
        read(text)
    assert caught.value.key == "error.reference.unknown"
    assert "@fox" in str(caught.value.params["nearest"]) or "@ada" in str(caught.value.params["nearest"])


PRESETS = Vocabulary(
    {"v2.6": "kling-v2-6"},
    elements={"fox": 1, "paper-crane": 2, "paper-crane-red": 3, "anna": 4},
    voices={"lady-ann": "v-lady"},
    presets=frozenset({"paper-crane", "paper-crane-red", "anna", "lady-ann"}),
)
"""A person's own fox, and what is Kling's own."""


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("@Paper-crane flies", "<<<element_1>>> flies"),
        ("@paper crane flies", "<<<element_1>>> flies"),
        ("@Paper Crane red, @lady ann.", "<<<element_1>>>, <<<voice_1>>>."),
        ("@Lady Ann说话", "<<<voice_1>>>说话"),
        ("@paper cranes fly, @paper  crane", "@paper cranes fly, @paper  crane"),
        # Among hundreds of names something is always a little alike.
        ("thanks to @annabel and @craner", "thanks to @annabel and @craner"),
    ],
)
def test_names_of_klings_own_may_have_spaces_and_are_like_few_words(text, stored):
    assert resolve(ParsedPrompt(text, {}, PRESETS), 0).prompt == stored


@pytest.mark.parametrize("text", ["@papercrane flies", "@foxx runs"])
def test_a_misspelt_name_of_klings_own_is_refused_too(text):
    with pytest.raises(UserError, match=r"error\.reference\.unknown"):
        resolve(ParsedPrompt(text, {}, PRESETS), 0)


def test_options_and_shots_share_the_numbers_of_the_prompt():
    parsed = parse('--element foxy-lady --shots "2s @Fox wakes | 3s @foxy-lady runs" x', OWN)
    found = resolve(parsed, 0)
    assert found.options["elements"] == (2, 1)
    assert [shot.prompt for shot in found.options["shots"]] == [
        "<<<element_2>>> wakes",
        "<<<element_1>>> runs",
    ]


def test_who_speaks_of_single_photos_means_references():
    assert names_images(ParsedPrompt("@1 and @2 dance"), 2)
    assert names_images(ParsedPrompt("", {"shots": (Shot(prompt="@图1", duration=5),)}), 1)
    assert not names_images(ParsedPrompt("it jumps, says @nasa"), 2)


def test_a_prompt_is_shown_with_the_names_of_its_person():
    request = a_request_for(
        "omni-video",
        prompt="<<<element_1>>> and <<<element_2>>> near <<<image_1>>>, <<<voice_1>>>, <<<element_9>>>",
        elements=(7, 8),
        asset_names=(("7", "Fox"),),
    )
    assert show_prompt(request) == "@Fox and @element2 near @image1, @voice1, @element9"


def test_a_button_adds_and_takes_away_and_the_numbers_follow():
    request = a_request_for("omni-video", prompt="it snows", references=IMAGES[:1])
    both = toggle_asset(toggle_asset(request, Kind.ELEMENT, "7", "Fox"), Kind.ELEMENT, "8", "Bear")
    assert (both.elements, list_unnamed(both)) == ((7, 8), ["Fox", "Bear"])
    named = both.model_copy(update={"prompt": "<<<element_1>>> hugs <<<element_2>>> in <<<image_1>>>"})
    less = toggle_asset(named, Kind.ELEMENT, "7", "Fox")
    assert (less.elements, less.prompt) == ((8,), "Fox hugs <<<element_1>>> in <<<image_1>>>")
    assert less.asset_names == (("8", "Bear"),)
    assert toggle_asset(both, Kind.VOICE, "v", "Ada").voices == ("v",)


def test_what_old_words_named_goes_with_them():
    request = a_request_for(
        "omni-video",
        prompt="<<<element_2>>> runs",
        elements=(7, 8),
        asset_names=(("7", "Fox"), ("8", "Bear")),
    )
    kept = without_named(request)
    assert (kept.elements, kept.asset_names) == ((7,), (("7", "Fox"),))


@given(st.text(st.sampled_from("@＠ Foxfox张三1.图ada-_"), max_size=30), st.integers(0, 3))
def test_any_text_is_read_and_shown_again(text, images):
    try:
        found = resolve(ParsedPrompt(text, {}, OWN), images)
    except UserError:
        reject()
    again = resolve(found, images)
    assert again.prompt == found.prompt
    assert again.options == found.options
