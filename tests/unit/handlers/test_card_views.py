import pytest

from bot.domain.requests.catalog import load
from bot.domain.requests.choices import (
    CAMERAS,
    Choice,
    Preference,
    Preferences,
    choices,
    preference_choices,
)
from bot.domain.requests.options import ON_CARDS, Option
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.domain.types import Credits, UserId
from bot.i18n import NAMES, for_language
from bot.services.requests.card import Card
from bot.services.requests.swaps import GONE, REASONS, SETTINGS, Swap
from handlers.account import settings
from handlers.chat.html import View
from handlers.chat.keyboards import Signer, markup
from handlers.making import card_views, names
from tests.builders import ADA, a_request
from tests.operations import IMAGES, SOURCE, a_request_for
from tests.unit.handlers.screens import ENGLISH, labels

CATALOG = load()
ROWS = CATALOG.known()
LARGEST_USER = UserId(2**52 - 1)
LONGEST_NAME = "zzzzzzz"
"""What the update ids of Telegram, up to 2^31, come to as names of cards."""


EVERYTHING = a_request_for(
    "omni-video",
    model="kling-4.0",
    prompt="they meet <<<image_2>>>",
    references=IMAGES[:5],
    features=(SOURCE,) * 2,
    elements=(1, 2, 3, 4, 5),
    voices=("v", "w", "x"),
    asset_names=(("1", "Fox"), ("2", "a" * 20), ("3", "戴帽子的红狐狸"), ("v", "Ada")),
)
"""Fifteen inputs of all kinds."""


def a_card(request: GenerationRequest | None = None, **changes) -> Card:
    return Card(LONGEST_NAME, request or a_request(), **changes)


def shown(t=ENGLISH, card: Card | None = None, *, owner: UserId = ADA, is_private: bool = True) -> View:
    return card_views.summary(
        t, card or a_card(), ON_CARDS, Credits(15), Credits(200), owner, is_private=is_private
    )


def opened(t, option: Option, card: Card, owner: UserId = ADA) -> View:
    request = card.request
    found = choices(option.row, request, (CATALOG.row(request),), ROWS, lambda _: True)
    prices = {choice.key: CATALOG.price(choice.request) for choice in found}
    return card_views.choices(t, card, option, found, prices, owner)


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("model", ["kling-v1", "kling-v3"])
def test_every_button_fits_whoever_it_is_for(language, model):
    t, signer = for_language(language), Signer("secret")
    card = a_card(GenerationRequest(operation="text2video", model=model, prompt="a fox", seed=2**31 - 1))
    pages = [
        shown(t, card, owner=LARGEST_USER),
        *(opened(t, option, card, LARGEST_USER) for option in ON_CARDS),
        card_views.image_uses(t, card, ("frames", "references", "only"), LARGEST_USER),
        names.names(t, a_card(EVERYTHING), LARGEST_USER),
        settings.overview(t, Preferences(), card.request, LARGEST_USER),
        settings.languages_page(t, None, LARGEST_USER),
        *(
            settings.preference_page(
                t, Preferences(), which, preference_choices(Preferences(), which, ROWS), LARGEST_USER
            )
            for which in Preference
        ),
    ]
    for page in pages:
        keyboard = markup(page.buttons, signer)
        assert keyboard is not None
        for row in keyboard.inline_keyboard:
            assert len(row) <= 3
            for button in row:
                assert 0 < len(button.text) <= 30, button.text


def test_a_card_says_what_it_costs_and_what_is_left():
    view = shown()
    assert view.buttons[0][0].text == "Generate · 15 credits"
    assert "Balance: 200 credits" in view.html


def test_what_people_wrote_is_escaped():
    card = a_card(a_request(prompt="<b>fox</b>", negative_prompt="<i>blur"))
    assert "&lt;b&gt;fox" in shown(card=card).html
    assert "&lt;i&gt;blur" in shown(card=card).html
    assert "&lt;i&gt;blur" in opened(ENGLISH, Option.NEGATIVE, a_card(card.request)).html


def test_in_a_group_the_card_says_how_to_answer_it():
    assert "Reply to this message" in shown(is_private=False).html
    assert "Reply to this message" not in shown().html


def test_the_present_choice_is_marked_and_prices_stand_where_they_differ():
    request = GenerationRequest(operation="text2video", model="kling-v2-6", prompt="a fox")
    assert labels(opened(ENGLISH, Option.DURATION, a_card(request))) == ["✓ 5 s · 15", "10 s · 30", "Back"]
    assert labels(opened(ENGLISH, Option.RATIO, a_card(request))) == ["✓ 16:9", "9:16", "1:1", "Back"]


@pytest.mark.parametrize("language", NAMES)
def test_camera_moves_have_a_name_in_every_language(language):
    t = for_language(language)
    for camera in CAMERAS.values():
        request = a_request(camera=camera, model="kling-v1")
        assert camera_label(t, request) not in {"", t("value.none")}


def camera_label(t, request: GenerationRequest) -> str:
    return card_views.option_value(t, Option.CAMERA, request)


def test_photos_are_told_by_what_they_are_for():
    image = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=640, height=640)
    first = a_request(operation="image2video", first_frame=image, aspect_ratio=None)
    both = first.model_copy(update={"last_frame": image})
    several = a_request(operation="multi-image2video", references=(image, image))
    assert "first frame" in shown(card=a_card(first)).html
    assert "first and last frame" in shown(card=a_card(both)).html
    assert "Reference photos: 2" in shown(card=a_card(several)).html


def test_while_photos_are_asked_about_nothing_can_be_generated():
    image = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=640, height=640)
    asked = a_card(question="draft.two_photos", images=(image, image), new_images=2)
    view = card_views.image_uses(ENGLISH, asked, ("frames", "references"), ADA)
    assert [button.payload.action for row in view.buttons for button in row] == ["use", "use", "discard"]


@pytest.mark.parametrize("language", NAMES)
@pytest.mark.parametrize("why", [*REASONS, GONE, SETTINGS])
def test_a_model_that_stands_in_for_another_is_told_with_the_way_back(language, why):
    t, left = for_language(language), "kling-v2-5-turbo"
    request = a_request(model="kling-v1-6")
    told = shown(t, a_card(request, swap=Swap(left, why, a_request(model=left))))
    assert t(f"card.swapped.{why}", model=left, other="kling-v1-6") in told.html
    assert t("button.go_back", model="v2-5-turbo") in labels(told)
    final = shown(t, a_card(request, swap=Swap(left, why)))
    assert left in final.html
    assert t("button.go_back", model="v2-5-turbo") not in labels(final)
    assert left not in shown(t, a_card(request)).html


def test_a_choice_to_have_none_is_a_removal():
    request = a_request(negative_prompt="blur")
    view = card_views.choices(
        ENGLISH,
        a_card(request),
        Option.NEGATIVE,
        [Choice("none", a_request(), False)],
        {"none": Credits(15)},
        ADA,
    )
    assert view.buttons[0][0].text == "Remove it"


@pytest.mark.parametrize("language", NAMES)
def test_everything_that_a_prompt_can_name_has_a_button_by_its_name(language):
    view = names.names(for_language(language), a_card(EVERYTHING), ADA)
    *inputs, _ = labels(view)
    assert inputs == [
        *("@image1", "✓ @image2", "@image3", "@image4", "@image5"),
        *("@Ada", "@voice2", "@voice3"),
        *("@Fox", f"@{'a' * 20}", "@戴帽子的红狐狸", "@element4", "@element5"),
        *("@video1", "@video2"),
    ]
    assert max(map(len, view.buttons)) == 2, "a long name needs room"
    few = names.names(ENGLISH, a_card(a_request_for("omni-video")), ADA)
    assert [len(row) for row in few.buttons] == [2, 1]


def test_only_where_something_can_be_named_is_there_a_button_for_it():
    assert "Name in prompt" in labels(shown(card=a_card(EVERYTHING)))
    assert "Name in prompt" in labels(shown(card=a_card(a_request_for("multi-image2video"))))
    for other in ("text2video", "image2video", "video-to-audio"):
        assert "Name in prompt" not in labels(shown(card=a_card(a_request_for(other))))
