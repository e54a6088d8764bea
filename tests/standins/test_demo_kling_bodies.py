"""The models of request bodies at the stand-in: all are frozen and strict, and only lenient accounts are spared."""

import pytest

from bot.demo.kling import gateways, official, unified
from bot.demo.kling.body import Body, read
from bot.demo.kling.refusals import Refusal
from bot.demo.kling.videos import FlatImage, FlatText, TextToVideo


def models(base=Body):
    for model in base.__subclasses__():
        yield model
        yield from models(model)


@pytest.mark.parametrize("model", sorted(set(models()), key=str))
def test_every_model_is_frozen_and_strict(model):
    config = model.model_config
    assert config["frozen"]
    assert config["strict"]
    assert config["extra"] == ("ignore" if model.__name__ == "_TryOn" else "forbid")


def test_every_endpoint_has_a_model():
    endpoints = {*official.ENDPOINTS.values(), *gateways.PREFIXED_ENDPOINTS.values()}
    assert endpoints <= set(models())
    others = {gateways.ClassicBody, gateways.NewApiBody, gateways.OmniMaasBody, FlatText, FlatImage}
    assert others | {unified.PromptBody, unified.ContentsBody} <= set(models())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"extra": 1}, "unknown field: extra"),
        ({"negative_prompt": None}, "negative_prompt must be a string"),
        ({"duration": 5}, "duration must be a string of digits"),
        ({"watermark_info": {"enabled": True, "text": None}}, "unknown field: watermark_info.text"),
        ({"voice_list": [{"voice_id": "a", "speed": 2}]}, "unknown field: voice_list[0].speed"),
    ],
)
def test_a_lenient_account_is_spared_what_others_are_told(more, words):
    body = {"prompt": "a fox"} | more
    with pytest.raises(Refusal) as caught:
        read(TextToVideo, body)
    assert (caught.value.code, caught.value.message) == (1201, words)
    assert read(TextToVideo, body, lenient=True).prompt == "a fox"
