"""Cards: what people send and tap becomes one request, kept in the store, at a model that takes it."""

import json
from dataclasses import replace

import pytest

from bot.domain.library.asset import Names
from bot.domain.requests import catalog
from bot.domain.requests.choices import Preferences
from bot.domain.requests.operations import Operation
from bot.domain.requests.options import Option
from bot.domain.requests.prompt import parse
from bot.domain.requests.references import Kind
from bot.domain.requests.request import AudioRef, GenerationRequest, ImageRef, Speech
from bot.domain.requests.values import Vocabulary
from bot.errors import UserError
from bot.services.compose import Compose, Images, Inputs
from bot.services.requests.card import (
    FRAMES,
    NEW,
    ONLY_NEW,
    ONWARD,
    PHOTO,
    READY,
    REFERENCES,
    TWO_PHOTOS,
    WITH_WORDS,
    Card,
)
from bot.services.requests.cards import Cards
from bot.store import Draft
from tests.builders import ADA, ADAS_CHAT, NOW

CATALOG = catalog.load()
MODELS = ("kling-v2-6", "kling-v2-5-turbo", "kling-v1-6", "kling-v3")


def an_image(number: int) -> ImageRef:
    return ImageRef(sha256=f"{number:064x}", media_type="image/jpeg", width=640, height=640)


ONE, TWO, THREE = an_image(1), an_image(2), an_image(3)


@pytest.fixture
async def cards(bare) -> Cards:
    await bare.open(models=json.dumps(MODELS), extra='[models]\ndefault = "kling-v2-6"\n')
    return bare.services.cards


def begun(cards: Cards, text: str = "", *images: ImageRef) -> Card:
    return cards.start("a1", parse(text, Vocabulary.of_models(MODELS)), images)


async def test_a_card_reads_back_as_it_was_kept(cards):
    card = replace(begun(cards, "a fox 10s", ONE, TWO), message_id=7, source_message_id=5)
    await cards.save(ADA, ADAS_CHAT, card)
    assert await cards.get(ADA, ADAS_CHAT) == card
    assert await cards.get_named(ADA, ADAS_CHAT, "a1") == card


def test_two_photos_that_are_combined_keep_the_quality_that_only_two_frames_need_more_of(cards):
    asking = begun(cards, "they dance --model kling-v1-6", ONE, TWO)
    assert (asking.question, asking.request.mode) == (TWO_PHOTOS, "std")
    assert cards.use_images(asking, REFERENCES).request.mode == "std"
    assert cards.use_images(asking, FRAMES).request.mode == "pro"
    said = begun(cards, "they dance --model kling-v1-6 pro", ONE, TWO)
    assert cards.use_images(said, REFERENCES).request.mode == "pro"


async def test_two_photos_may_have_a_duration_that_one_alone_may_not(bare):
    models = ["kling-video-o1"]
    await bare.open(models=json.dumps(models))
    parsed = parse("dawn to dusk 7s", Vocabulary.of_models(models))
    asking = bare.services.cards.start("a1", parsed, (ONE, TWO))
    assert bare.services.cards.use_images(asking, FRAMES).request.duration == 7


@pytest.mark.parametrize("question", [PHOTO, ONWARD])
@pytest.mark.parametrize(
    ("dialect", "model", "goes_without"),
    [
        ("official", "kling-v2-6", True),
        ("prefixed", "kling-v2-6", False),
        ("generic", "kling-v2-6", False),
    ],
)
async def test_a_photo_may_move_as_it_likes_where_its_model_needs_no_words(
    bare, dialect, model, goes_without, question
):
    await bare.open(models=json.dumps([model]), dialect=dialect, key="sk-demo-generic")
    cards = bare.services.cards
    card = replace(cards.start("a1", parse("", Vocabulary.of_models([model])), (ONE,)), question=question)
    assert cards.question(card) == (question if goes_without else WITH_WORDS[question])
    assert cards.question(replace(card, question=READY)) == READY


async def test_a_button_of_another_card_finds_nothing(cards):
    await cards.save(ADA, ADAS_CHAT, begun(cards, "a fox"))
    with pytest.raises(UserError, match=r"error\.draft\.gone"):
        await cards.get_named(ADA, ADAS_CHAT, "a2")
    await cards.close(ADA, ADAS_CHAT)
    with pytest.raises(UserError, match=r"error\.draft\.gone"):
        await cards.get_named(ADA, ADAS_CHAT, "a1")


async def test_what_another_version_kept_is_given_up(cards, bare):
    await bare.store.drafts.save(Draft(ADA, ADAS_CHAT, {"request": {}, "colour": "red"}, None, NOW))
    assert await cards.get(ADA, ADAS_CHAT) is None
    assert await bare.store.drafts.get(ADA, ADAS_CHAT) is None


def test_a_card_asks_for_what_it_lacks(cards):
    assert begun(cards).question == NEW
    assert begun(cards, "a fox").question == READY
    assert begun(cards, "", ONE).question == PHOTO
    assert begun(cards, "", ONE, TWO).question == TWO_PHOTOS


def test_words_become_the_prompt_and_their_options_are_set(cards):
    card = cards.answer(begun(cards), "a fox runs --model v3 12s 9:16")
    assert (card.request.prompt, card.question) == ("a fox runs", READY)
    assert (card.request.model, card.request.duration, card.request.aspect_ratio) == ("kling-v3", 12, "9:16")


def test_options_alone_leave_the_prompt_as_it_is(cards):
    card = cards.answer(begun(cards, "a fox"), "10s")
    assert (card.request.prompt, card.request.duration) == ("a fox", 10)


def test_an_answer_goes_where_it_was_asked_for(cards):
    card = begun(cards, "a fox")
    without = cards.set_typed(card, Option.NEGATIVE, " blur, 10s ")
    assert (without.request.negative_prompt, without.request.prompt) == ("blur, 10s", "a fox")
    assert cards.set_typed(card, Option.SEED, "42").request.seed == 42


@pytest.mark.parametrize("text", ["-1", "a lot", "2147483648", "1" * 5000, "4.2", "²"])
def test_a_seed_that_is_none_is_asked_for_again(cards, text):
    with pytest.raises(UserError, match=r"error\.card\.seed"):
        cards.set_typed(begun(cards, "a fox"), Option.SEED, text)


def test_a_negative_prompt_that_is_too_long_is_refused(cards):
    with pytest.raises(UserError, match=r"error\.prompt\.negative_too_long"):
        cards.set_typed(begun(cards, "a fox"), Option.NEGATIVE, "x" * 2_501)


def test_what_a_text_says_is_spoken_when_it_changes(cards):
    request = GenerationRequest(
        operation=Operation.AVATAR,
        model=CATALOG.without_choice(Operation.AVATAR)[0].id,
        prompt="she nods",
        duration=0,
        aspect_ratio=None,
        references=(ONE,),
        speech=Speech(text="Hello, how are you today?", voice="AOT"),
    )
    card = cards.answer(Card("a1", request), "Good morning to all of you out there")
    assert card.request.speech.text == card.request.words == "Good morning to all of you out there"
    assert card.request.prompt == "she nods"
    changed = cards.answer(card, '--moves "she waves"').request
    assert (changed.words, changed.prompt) == (card.request.words, "she waves")


def test_words_are_not_taken_where_nothing_is_said_in_words(cards):
    effect = GenerationRequest(
        operation=Operation.EFFECT,
        model="kling-v1-6",
        duration=0,
        aspect_ratio=None,
        references=(ONE,),
        effect="running",
    )
    assert not Card("a1", effect).takes_words
    assert not Card("a1", effect).takes_images
    sound = Speech(audio=AudioRef(sha256="0" * 64, duration_ms=3_000))
    assert not Card("a1", begun(cards, "a fox").request.model_copy(update={"speech": sound})).takes_words
    assert begun(cards, "a fox").takes_words


# -- pictures ----------------------------------------------------------------------------------------


def test_the_first_photo_is_what_the_video_begins_with(cards):
    card = cards.add_images(begun(cards, "a fox"), (ONE,))
    assert (card.request.first_frame, card.request.operation) == (ONE, Operation.IMAGE_TO_VIDEO)
    assert (card.request.prompt, card.request.aspect_ratio) == ("a fox", None)


def test_three_photos_are_references(cards):
    card = cards.add_images(begun(cards, "a fox"), (ONE, TWO, THREE))
    assert card.request.references == (ONE, TWO, THREE)


def test_a_second_photo_is_asked_about(cards):
    asked = cards.add_images(begun(cards, "it runs", ONE), (TWO,))
    assert asked.question == TWO_PHOTOS
    assert cards.uses(asked) == (FRAMES, REFERENCES, ONLY_NEW)
    framed = cards.use_images(asked, FRAMES).request
    assert (framed.first_frame, framed.last_frame, framed.mode) == (ONE, TWO, "pro")
    assert cards.use_images(asked, REFERENCES).request.references == (ONE, TWO)
    assert cards.use_images(asked, ONLY_NEW).request.first_frame == TWO
    assert cards.use_images(asked, FRAMES).images == ()


def test_words_do_not_answer_what_photos_are_for(cards):
    asked = cards.add_images(begun(cards, "it runs", ONE), (TWO,))
    assert cards.answer(asked, "it flies").question == TWO_PHOTOS


def test_more_references_are_added_without_a_question(cards):
    card = cards.add_images(begun(cards, "a fox", ONE, TWO, THREE), (an_image(4),))
    assert len(card.request.references) == 4
    with pytest.raises(UserError, match=r"error\.(model|pictures)\.too_many"):
        cards.add_images(card, (an_image(5), an_image(6), an_image(7), an_image(8), an_image(9)))


def test_the_end_photo_that_was_asked_for_is_taken_as_such(cards):
    waiting = begun(cards, "it runs", ONE)
    card = cards.set_image(waiting, Option.END_FRAME, (TWO,))
    assert (card.request.last_frame, card.images) == (TWO, ())
    with pytest.raises(UserError, match=r"error\.request\.one_picture"):
        cards.set_image(waiting, Option.END_FRAME, (TWO, THREE))


def test_photos_go_to_a_model_that_takes_them(cards):
    no_references = begun(cards, "a fox --model kling-v2-5-turbo")
    card = cards.add_images(no_references, (ONE, TWO, THREE))
    assert card.request.model == "kling-v1-6"


# -- choices and defaults ----------------------------------------------------------------------------


def test_a_choice_that_is_no_longer_there_is_refused_politely(cards):
    with pytest.raises(UserError, match=r"error\.card\.choice"):
        cards.choose(begun(cards, "a fox"), Option.DURATION, "7")


def test_a_blank_card_is_as_the_person_prefers(cards):
    mine = Preferences(model="kling-v3", mode="4k", duration=12, aspect_ratio="9:16")
    request = cards.blank(mine)
    assert (request.model, request.mode, request.duration, request.aspect_ratio) == (
        "kling-v3",
        "4k",
        12,
        "9:16",
    )


def test_a_preferred_model_that_is_gone_gives_way(cards):
    assert cards.blank(Preferences(model="kling-v9")).model == "kling-v2-6"


def test_a_request_of_earlier_comes_back_with_what_is_on_offer_now(cards):
    earlier = begun(cards, "a fox").request.model_copy(update={"model": "kling-v9", "duration": 7})
    revived = cards.restore(earlier)
    assert (revived.model, revived.duration, revived.prompt) == ("kling-v2-6", 5, "a fox")
    assert cards.restore(begun(cards, "a cat").request) == begun(cards, "a cat").request


# -- elements and voices: the model that takes them is found by itself --------------------------------------

MINE = Names({"fox": 7}, {"ada": "829877"})
ELSE = Names({"fox": 7, "bear": 8})
A_PHOTO = Images(first=ONE)


@pytest.fixture
async def compose(bare) -> Compose:
    models = ("kling-v2-5-turbo", "kling-v2-6", "kling-v3", "kling-v3-omni")
    await bare.open(models=json.dumps(models), extra='[models]\ndefault = "kling-v2-5-turbo"\n')
    return bare.services.compose


@pytest.fixture
async def newer(bare) -> Compose:
    await bare.open(models='["kling-4.0"]', dialect="official", key="demo-api-key")
    return bare.services.compose


def made(compose: Compose, text: str, images: Images | None = None) -> GenerationRequest:
    return compose.video(compose.parse(text, MINE), images)


def test_words_with_an_element_go_to_a_model_that_takes_it(compose):
    request = made(compose, "it runs --element fox")
    assert (request.model, request.operation, request.elements) == (
        "kling-v3-omni",
        Operation.OMNI_VIDEO,
        (7,),
    )


def test_a_photo_with_an_element_goes_to_the_first_model_that_takes_both(compose):
    assert made(compose, "it runs --element fox", A_PHOTO).model == "kling-v3"


def test_a_voice_goes_to_a_model_that_speaks(compose):
    for words in ("she says hello --voice ada", "@Ada says hello", "hello --voice Ada --sound"):
        request = made(compose, words, A_PHOTO)
        assert (request.model, request.voices) == ("kling-v2-6", ("829877",))
        assert (request.sound, request.mode) == (True, "pro")
    with pytest.raises(UserError, match=r"error.model.voices"):
        made(compose, "she says hello --pro --sound --voice ada")


def test_a_name_on_a_card_brings_what_it_needs_and_goes_with_its_words(compose):
    draft = compose.video_draft(compose.parse("it jumps --model v2.6", MINE), A_PHOTO)
    spoken = compose.complete(draft, compose.parse("@Ada says hello", MINE))
    assert (spoken.prompt, spoken.sound, spoken.mode) == ("<<<voice_1>>> says hello", True, "pro")
    silent = compose.complete(spoken, compose.parse("nobody speaks", MINE))
    assert (silent.voices, silent.asset_names) == ((), ())
    kept = compose.complete(spoken, compose.parse("@Ada says hello --pro", MINE))
    assert kept == spoken


def test_what_a_suggested_prompt_no_longer_names_stays(bare, compose):
    draft = compose.video_draft(compose.parse("@fox meets @bear --model v3-omni", ELSE), None)
    cards = bare.services.cards
    better = cards.set_prompt(Card("c", draft), "@Bear meets a friend", ELSE, keeps_assets=True).request
    assert (better.prompt, better.elements) == ("<<<element_2>>> meets a friend", (7, 8))
    typed = cards.set_prompt(Card("c", draft), "@Bear meets a friend", ELSE).request
    assert (typed.prompt, typed.elements) == ("<<<element_1>>> meets a friend", (8,))


def test_a_model_that_does_words_elsewhere_is_asked_there_once_nothing_is_referred_to(newer):
    draft = newer.video_draft(newer.parse("@fox runs --model kling-4.0", MINE))
    assert draft.operation is Operation.OMNI_VIDEO
    assert newer.complete(draft, newer.parse("it snows", MINE)).operation is Operation.TEXT_TO_VIDEO


def test_more_photos_than_any_takes_are_refused_by_what_takes_them(compose):
    with pytest.raises(UserError) as caught:
        made(compose, "they dance --model v2.6", Images(references=(ONE,) * 6))
    assert (caught.value.key, caught.value.params["models"]) == (
        "error.model.multi-image2video",
        "kling-v3-omni",
    )


def test_an_element_added_by_a_button_goes_to_a_model_that_takes_it_and_stays(compose):
    draft = compose.video_draft(compose.parse("it snows --model v2.6", MINE))
    more = compose.with_asset(draft, Kind.ELEMENT, ("8", "Bear"))
    assert (more.model, more.elements) == ("kling-v3-omni", (8,))
    named = compose.complete(more, compose.parse("@fox runs", MINE))
    assert len(named.elements) == 2
    assert dict(named.asset_names)["8"] == "Bear"
    less = compose.with_asset(named, Kind.ELEMENT, ("8", "Bear"))
    assert (less.prompt, less.elements) == ("<<<element_1>>> runs", (7,))


def test_what_is_typed_for_a_draft_is_read_as_in_a_command(compose):
    draft = compose.video_draft(compose.parse("--pro --model v2.6", MINE), A_PHOTO)
    spoken = compose.complete(draft, compose.parse("she says hello --pro --sound --voice ada", MINE))
    assert (
        spoken.voices
        == made(compose, "she says hello --pro --sound --voice ada", A_PHOTO).voices
        == ("829877",)
    )


def test_an_option_that_an_operation_does_not_take_changes_no_draft_of_it(compose):
    sound = compose.compose(Operation.TEXT_TO_AUDIO, Inputs(), compose.parse("rain", MINE))
    assert compose.complete(sound, compose.parse("heavy rain --n 3", MINE)).count == sound.count == 1


def test_a_model_that_was_named_stays_and_says_what_it_cannot(compose):
    with pytest.raises(UserError) as caught:
        made(compose, "it runs --element fox --model v2.6")
    assert (caught.value.key, caught.value.params["models"]) == ("error.model.elements", "kling-v3-omni")


async def test_where_no_model_takes_elements_that_is_said(bare):
    await bare.open()
    with pytest.raises(UserError) as caught:
        made(bare.services.compose, "it runs --element fox")
    assert (caught.value.key, caught.value.params["models"]) == ("error.model.elements", "–")


def test_a_voice_of_ones_own_speaks_a_text(compose):
    speech = compose.speech(compose.parse("Hello there, how are you today? --voice Ada", MINE))
    assert speech.voice == "829877"
