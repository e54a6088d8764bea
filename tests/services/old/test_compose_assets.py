"""Requests that name elements and voices: the model that takes them is found by itself."""

import pytest

from bot.domain.library.asset import Names
from bot.domain.requests import (
    catalog,
    presets,
)
from bot.domain.requests.request import ImageRef, Operation, VideoRequest
from bot.errors import UserError
from bot.services.compose import Compose, Pictures
from bot.settings import sections
from tests.services.old.everything import Everything

CATALOG = catalog.load()

MODELS = ("kling-v2-5-turbo", "kling-v2-6", "kling-v3", "kling-v3-omni")
MINE = Names({"fox": 7}, {"ada": "829877"})
PHOTO = Pictures(first=ImageRef(sha256="1" * 64, media_type="image/jpeg", width=640, height=640))


def compose(models: tuple[str, ...] = MODELS) -> Compose:
    defaults = sections.Models(default=models[0])
    return Compose(
        prices=lambda _: CATALOG,
        pool=Everything(models),
        defaults=defaults,
        voices=presets.load_voices(),
        effects=presets.load_effects(),
    )


def made(text: str, pictures: Pictures | None = None) -> VideoRequest:
    return compose().video(compose().parse(text, MINE), pictures)


def test_words_with_an_element_go_to_a_model_that_takes_it():
    request = made("it runs --element fox")
    assert (request.model, request.operation, request.elements) == (
        "kling-v3-omni",
        Operation.OMNI_VIDEO,
        (7,),
    )


def test_a_photo_with_an_element_goes_to_the_first_model_that_takes_both():
    assert made("it runs --element fox", PHOTO).model == "kling-v3"


def test_a_voice_goes_to_a_model_that_speaks():
    request = made("she says hello --pro --sound --voice ada")
    assert (request.model, request.voices) == ("kling-v2-6", ("829877",))


def test_a_model_that_was_named_stays_and_says_what_it_cannot():
    with pytest.raises(UserError) as caught:
        made("it runs --element fox --model v2.6")
    assert (caught.value.key, caught.value.params["models"]) == ("error.model.elements", "kling-v3-omni")


def test_where_no_model_takes_elements_that_is_said():
    bare = compose(("kling-v2-6",))
    with pytest.raises(UserError) as caught:
        bare.video(bare.parse("it runs --element fox", MINE))
    assert (caught.value.key, caught.value.params["models"]) == ("error.model.elements", "–")


def test_a_voice_of_ones_own_speaks_a_text():
    speech = compose().speech(compose().parse("Hello there, how are you today? --voice Ada", MINE))
    assert speech.voice == "829877"
