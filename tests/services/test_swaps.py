"""Wherever a model is changed for somebody, the card says so and why, and offers the way back where there is one."""

import json
from dataclasses import replace

import pytest

from bot.domain.requests.choices import Preferences
from bot.domain.requests.options import Option
from bot.domain.requests.prompt import parse
from bot.domain.requests.references import Kind
from bot.domain.requests.request import ImageRef
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError
from bot.services.requests.card import FRAMES, REFERENCES, Card, dump_card, load_card
from bot.services.requests.cards import Cards
from tests.builders import ADA, ADAS_CHAT, a_request

MODELS = ("kling-v2-6", "kling-v1-5", "kling-v1-6", "kling-v2-1", "kling-v3", "kling-v3-omni")
PHOTOS = tuple(
    ImageRef(sha256=f"{number:064x}", media_type="image/jpeg", width=640, height=640) for number in range(8)
)
TEXTS = ("", "a fox runs", "@1 meets @2", "a fox --model kling-v1-6", "a fox --voice Melody")
FOX, VOICE = (Kind.ELEMENT, ("1000001", "Fox")), (Kind.VOICE, ("860000000000000001", "Ada"))


@pytest.fixture(params=MODELS)
async def cards(request, bare) -> Cards:
    await bare.open(models=json.dumps(MODELS), extra=f'[models]\ndefault = "{request.param}"\n')
    return bare.services.cards


@pytest.fixture
def usual(request) -> str:
    return str(request.node.callspec.params["cards"])


def begun(cards: Cards, text: str, photos: int, preferred: str | None = None) -> Card | None:
    """A new card; None where nobody can do that."""
    preferences = Preferences(model=preferred)
    try:
        return cards.start("a1", parse(text, Vocabulary.of_models(MODELS)), PHOTOS[:photos], preferences)
    except UserError:
        return None


def changed(cards: Cards, card: Card):
    """Every card that becomes of one by a change that may need another model."""
    ways = [
        *(lambda use=use: cards.use_images(card, use) for use in (cards.uses(card) if card.images else ())),
        lambda: cards.add_images(card, PHOTOS[6:7]),
        lambda: cards.add_images(card, PHOTOS[5:8]),
        lambda: cards.set_image(card, Option.END_FRAME, PHOTOS[7:8]),
        lambda: cards.toggle_asset(card, *FOX),
        lambda: cards.toggle_asset(card, *VOICE),
        lambda: cards.set_prompt(card, "it runs on"),
        lambda: cards.answer(card, "10s"),
        *(
            lambda option=option, choice=choice: cards.choose(card, option, choice.key)
            for option in cards.list_choosable(card.request)
            if option is not Option.MODEL
            for choice in cards.choices(card.request, option)[:2]
        ),
    ]
    for way in ways:
        try:
            yield way()
        except UserError:
            continue


def hold(cards: Cards, card: Card, wanted: str) -> None:
    """The card has the model that its person wanted, or says that it has another; the way back leads to it."""
    if card.request.model == wanted:
        assert card.swap is None
        return
    assert card.swap is not None, card
    assert card.swap.model == wanted
    assert load_card(dump_card(card)) == replace(card, message_id=None)
    if card.swap.back is None:
        with pytest.raises(UserError, match=r"error\.card\.choice"):
            cards.go_back(card)
    else:
        back = cards.go_back(card)
        assert (back.request.model, back.swap) == (wanted, None)
        assert back.request.prompt in {card.request.prompt, card.swap.back.prompt}


@pytest.mark.timeout(300)
def test_another_model_than_the_wanted_one_is_told_on_the_card(cards, usual):
    seen = 0
    for text in TEXTS:
        for photos in (0, 1, 2, 3, 5):
            card = begun(cards, text, photos)
            if card is None:
                continue
            wanted = "kling-v1-6" if "--model" in text else usual
            hold(cards, card, wanted)
            for one in changed(cards, card):
                hold(cards, one, wanted)
                seen += one.swap is not None
                for other in list(changed(cards, one))[:6] if (text, photos) == (TEXTS[1], 2) else ():
                    hold(cards, other, wanted)
    assert seen


def test_what_a_person_prefers_and_nobody_has_is_told_too(cards, usual):
    card = begun(cards, "a fox", 1, "kling-v1")
    assert (card.swap.model, card.swap.why, card.swap.back) == ("kling-v1", "gone", None)
    hold(cards, begun(cards, "a fox", 1, "kling-v3"), "kling-v3")


def test_a_model_that_is_chosen_is_no_swap(cards, usual):
    card = begun(cards, "they meet", 3)
    for choice in cards.choices(card.request, Option.MODEL):
        assert cards.choose(card, Option.MODEL, choice.key).swap is None
    named = cards.answer(card, f"--model {card.request.model}")
    assert named.swap is None


async def test_an_album_for_a_model_without_references_says_why_and_keeps_its_first_photo_on_the_way_back(
    bare,
):
    await bare.open(models='["kling-v2-6", "kling-v1-6"]')
    cards = bare.services.cards
    card = cards.start("a1", parse("they meet", Vocabulary.of_models(MODELS)), PHOTOS[:3])
    assert card.request.model == "kling-v1-6"
    assert (card.swap.model, card.swap.why) == ("kling-v2-6", "references")
    await cards.save(ADA, ADAS_CHAT, card)
    assert await cards.get(ADA, ADAS_CHAT) == card
    back = cards.go_back(cards.answer(card, "they part")).request
    assert (back.model, back.first_frame, back.references) == ("kling-v2-6", PHOTOS[0], ())
    assert back.prompt == "they part"


async def test_two_photos_that_are_combined_go_back_to_what_they_were(bare):
    await bare.open(models='["kling-v2-6", "kling-v1-6"]')
    cards = bare.services.cards
    card = cards.start("a1", parse("they meet", Vocabulary.of_models(MODELS)), PHOTOS[:2])
    assert card.swap is None
    combined = cards.use_images(card, REFERENCES)
    assert (combined.request.model, combined.swap.model) == ("kling-v1-6", "kling-v2-6")
    # As two frames, which is what their own model takes of two photos.
    assert cards.go_back(combined).request == cards.use_images(card, FRAMES).request


def test_a_card_of_another_version_has_no_swap():
    data = dump_card(Card("a1", a_request()))
    del data["swap"]
    assert load_card(data).swap is None
