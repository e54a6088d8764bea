"""What a provider's reason means for whoever asked: a table of known refusals, each with its own text and advice. Pure.

The texts are `notice.advice.<advice>` in every language. The reason itself, in the provider's words and language, is for
admins only.
"""

import re
from enum import StrEnum

from bot.domain.tasks.task import FailureKind


class Advice(StrEnum):
    """What a refusal was about, as far as there is something to do about it."""

    PIXELS = "pixels"
    FILE_SIZE = "file_size"
    FILE_FORMAT = "file_format"
    LAST_FRAME = "last_frame"
    CAMERA = "camera"
    COMBINATION = "combination"
    MODEL = "model"
    RATIO = "ratio"
    PROMPT_LENGTH = "prompt_length"
    FACE = "face"
    VOICE = "voice"
    ELEMENT = "element"
    SOURCE = "source"
    LIKENESS = "likeness"
    COPYRIGHT = "copyright"
    TOOK_TOO_LONG = "took_too_long"
    OVERLOADED = "overloaded"


_REFUSED = frozenset({FailureKind.PARAMETERS, FailureKind.PROVIDER})
_CONTENT = frozenset({FailureKind.CONTENT})

TABLE: tuple[tuple[Advice, frozenset[FailureKind], str], ...] = (
    (
        Advice.LIKENESS,
        _CONTENT,
        r"public figure|celebrit|portrait|likeness|real person|politician|人物肖像|名人|公众人物|明星",
    ),
    (Advice.COPYRIGHT, _CONTENT, r"copyright|trademark|intellectual property|\bip\b|版权|商标|知识产权"),
    # "Image pixel is invalid" (new-api 2532); 300 px and 1:2.5 are of kling.ai/document-api, "Image to Video".
    (
        Advice.PIXELS,
        _REFUSED,
        r"pixel|\b(?:width|height)\b|image[^.]{0,20}(?:resolution|dimension|width|height)|(?:图片|图像)[^，。]{0,6}(?:尺寸|分辨率|像素|宽|高)",
    ),
    (
        Advice.FILE_SIZE,
        _REFUSED,
        r"(?:image|picture|file)[^.]{0,20}(?:too large|too big|size)|(?:图片|文件)[^，。]{0,6}(?:过大|太大|大小)",
    ),
    (
        Advice.FILE_FORMAT,
        _REFUSED,
        r"(?:image|picture|file)[^.]{0,20}(?:format|type|decode|corrupt|invalid)|invalid (?:image|base64)|(?:图片|文件)[^，。]{0,6}(?:格式|损坏|无效)",
    ),
    # "Image tail is not supported by the current model" (Nexior 581).
    (Advice.LAST_FRAME, _REFUSED, r"image[_ ]?tail|(?:last|end)[_ ]frame|尾帧"),
    # "camera_control is only supported in std mode with 5s duration and kling-v1" (ComfyUI-KLingAI-API 14).
    (Advice.CAMERA, _REFUSED, r"camera|运镜"),
    # "model/mode/duration(kling-v2-5-turbo/std/10) is not supported" (Nexior 581).
    (
        Advice.COMBINATION,
        _REFUSED,
        r"model/mode/duration|\bmode\b[^.]{0,40}(?:not support|invalid|only)|duration[^.]{0,40}(?:not support|invalid|must|only)|(?:时长|模式)[^，。]{0,6}(?:不支持|无效|错误)",
    ),
    (Advice.RATIO, _REFUSED, r"aspect[_ ]?ratio|宽高比|比例"),
    (
        Advice.PROMPT_LENGTH,
        _REFUSED,
        r"prompt[^.]{0,40}(?:too long|exceed|length|characters|at most)|提示词[^，。]{0,8}(?:过长|太长|超)",
    ),
    (Advice.FACE, _REFUSED, r"\bface\b|人脸"),
    (
        Advice.VOICE,
        _REFUSED,
        r"voice[^.]{0,20}(?:not found|not exist|invalid)|音色[^，。]{0,6}(?:不存在|无效)",
    ),
    (
        Advice.ELEMENT,
        _REFUSED,
        r"element[^.]{0,20}(?:not found|not exist|invalid)|主体[^，。]{0,6}(?:不存在|无效)",
    ),
    (
        Advice.SOURCE,
        _REFUSED,
        r"video[^.]{0,20}(?:not found|not exist|expired|duration|length|resolution|format)|(?:源视频|原视频)",
    ),
    (
        Advice.MODEL,
        _REFUSED,
        r"model[^.]{0,40}(?:not support|not exist|not available|deprecated|retired|offline)|模型[^，。]{0,6}(?:不支持|不存在|下线)",
    ),
    (Advice.TOOK_TOO_LONG, _REFUSED, r"time[ds]?[ _-]?out|took too long|expired|超时|过期"),
    (
        Advice.OVERLOADED,
        _REFUSED,
        r"overload|too busy|\bbusy\b|capacity|queue (?:is )?full|繁忙|过载|排队已满",
    ),
)
"""What is looked for, in this order, and in which kinds of failures."""

_PATTERNS = tuple((advice, kinds, re.compile(pattern)) for advice, kinds, pattern in TABLE)


def advice_for(kind: FailureKind, reason: str | None) -> Advice | None:
    """What a reason in a provider's words was about; None where the kind of failure says all that is known."""
    said = (reason or "").casefold()
    return next((advice for advice, kinds, found in _PATTERNS if kind in kinds and found.search(said)), None)
