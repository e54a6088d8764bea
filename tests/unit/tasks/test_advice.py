"""What providers say when they refuse, and what people are told of it."""

import pytest

from bot.domain.tasks.advice import Advice, advice_for
from bot.domain.tasks.task import FailureKind

SAID = [
    ("Image pixel is invalid", Advice.PIXELS),
    ("height must be 300 at least", Advice.PIXELS),
    ("图片尺寸不符合要求", Advice.PIXELS),
    ("Image file size is too large", Advice.FILE_SIZE),
    ("图片过大", Advice.FILE_SIZE),
    ("Image format is not supported", Advice.FILE_FORMAT),
    ("图片格式错误", Advice.FILE_FORMAT),
    ("Image tail is not supported by the current model", Advice.LAST_FRAME),
    ("model/mode/duration(kling-v2-5-turbo/std/10) is not supported with image_tail", Advice.LAST_FRAME),
    ("camera_control is only supported in std mode with 5s duration and kling-v1", Advice.CAMERA),
    ("model/mode/duration(kling-v2-1/std/15) is not supported", Advice.COMBINATION),
    ("该模型不支持此时长：时长无效", Advice.COMBINATION),
    ("aspect_ratio value '4:5' is invalid", Advice.RATIO),
    ("prompt length exceeds 2500 characters", Advice.PROMPT_LENGTH),
    ("提示词过长", Advice.PROMPT_LENGTH),
    ("no face was found in the video", Advice.FACE),
    ("Voice id not found", Advice.VOICE),
    ("Element 12 does not exist", Advice.ELEMENT),
    ("The video has expired", Advice.SOURCE),
    ("model is not supported", Advice.MODEL),
    ("模型已下线", Advice.MODEL),
    ("任务超时（30分钟）", Advice.TOOK_TOO_LONG),
    ("the service is overloaded", Advice.OVERLOADED),
]
CONTENT = [
    ("the prompt names a public figure", Advice.LIKENESS),
    ("包含名人肖像", Advice.LIKENESS),
    ("copyright infringement", Advice.COPYRIGHT),
]


@pytest.mark.parametrize(("said", "advice"), SAID)
def test_a_known_refusal_has_its_own_advice(said, advice):
    assert advice_for(FailureKind.PARAMETERS, said) is advice
    assert advice_for(FailureKind.PROVIDER, said) is advice
    assert advice_for(FailureKind.UNAVAILABLE, said) is None


@pytest.mark.parametrize(("said", "advice"), CONTENT)
def test_a_refusal_of_content_has_its_own_where_more_is_known(said, advice):
    assert advice_for(FailureKind.CONTENT, said) is advice


@pytest.mark.parametrize("said", [None, "", "the renderer stopped", "请检查参数"])
def test_an_unknown_reason_has_none(said):
    assert advice_for(FailureKind.PROVIDER, said) is None
    assert advice_for(FailureKind.CONTENT, said) is None


def test_every_advice_is_given_to_something():
    assert {advice for _, advice in SAID + CONTENT} == set(Advice)
