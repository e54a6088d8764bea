"""What the stand-in accepts: fields, types, models and pictures, as the documents say, and nothing else."""

import base64
import binascii
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

PROMPT_LIMIT = 2500
FORBIDDEN_WORD = "forbidden"
"""A prompt with this word is refused as unsafe; one with `[fail]` is accepted and fails."""


class Refusal(Exception):
    """A request that is answered with a business code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str) -> Refusal:
    """The refusal of a bad value."""
    return Refusal(400, 1201, message)


@dataclass(frozen=True)
class Capability:
    """One model: its operations, modes, lengths, and what it can do besides."""

    operations: frozenset[str]
    modes: frozenset[str]
    seconds: frozenset[int] = frozenset({5, 10})
    cfg: bool = False
    sound: frozenset[str] = frozenset()
    tail: frozenset[str] = frozenset()


_BOTH = frozenset({"text2video", "image2video"})
_TWO = frozenset({"std", "pro"})
MODELS: Mapping[str, Capability] = {
    "kling-v1": Capability(_BOTH, _TWO, cfg=True, tail=_TWO),
    "kling-v1-5": Capability(frozenset({"image2video"}), _TWO, cfg=True, tail=frozenset({"pro"})),
    "kling-v1-6": Capability(_BOTH, _TWO, cfg=True, tail=frozenset({"pro"})),
    "kling-v2-master": Capability(_BOTH, frozenset({"std"})),
    "kling-v2-1": Capability(frozenset({"image2video"}), _TWO, tail=frozenset({"pro"})),
    "kling-v2-1-master": Capability(_BOTH, frozenset({"std"})),
    "kling-v2-5-turbo": Capability(_BOTH, _TWO, tail=frozenset({"pro"})),
    "kling-v2-6": Capability(_BOTH, _TWO, sound=frozenset({"pro"}), tail=frozenset({"pro"})),
    "kling-v3": Capability(
        _BOTH,
        frozenset({"std", "pro", "4k"}),
        frozenset(range(3, 16)),
        sound=frozenset({"std", "pro", "4k"}),
        tail=_TWO,
    ),
}

_OFFICIAL_FIELDS = frozenset(
    {
        "model_name",
        "prompt",
        "negative_prompt",
        "sound",
        "cfg_scale",
        "mode",
        "duration",
        "callback_url",
        "external_task_id",
        "watermark_info",
    }
)


@dataclass(frozen=True)
class Wish:
    """A request that passed, in one form for all dialects."""

    operation: str
    model: str
    prompt: str
    mode: str
    seconds: int
    ratio: str
    sound: bool
    images: tuple[bytes, ...]
    external_id: str | None
    callback_url: str | None


def read_official(operation: str, body: Mapping[str, Any]) -> Wish:
    """Check a body of `/v1/videos/*`."""
    extra = {"aspect_ratio"} if operation == "text2video" else {"image", "image_tail"}
    unknown = set(body) - _OFFICIAL_FIELDS - extra
    if unknown:
        raise invalid(f"unknown field: {min(unknown)}")
    duration = _text(body, "duration", "5")
    if not duration.isdigit():
        raise invalid("duration must be a string of digits")
    sound = _text(body, "sound", "off")
    if sound not in {"on", "off"}:
        raise invalid("sound must be on or off")
    images = tuple(_image(body[name]) for name in ("image", "image_tail") if name in body)
    if operation == "image2video" and not images:
        raise invalid("image or image_tail is required")
    wish = Wish(
        operation=operation,
        model=_text(body, "model_name", "kling-v1"),
        prompt=_text(body, "prompt", ""),
        mode=_text(body, "mode", "std"),
        seconds=int(duration),
        ratio=_text(body, "aspect_ratio", "16:9"),
        sound=sound == "on",
        images=images,
        external_id=body.get("external_task_id"),
        callback_url=body.get("callback_url"),
    )
    _check(wish, body, tail="image_tail" in body)
    return wish


def read_generic(body: Mapping[str, Any]) -> Wish:
    """Check a body of `/v1/video/generations`."""
    known = {
        "model",
        "prompt",
        "image",
        "duration",
        "width",
        "height",
        "fps",
        "seed",
        "n",
        "response_format",
        "metadata",
    }
    unknown = set(body) - known
    if unknown:
        raise invalid(f"unknown field: {min(unknown)}")
    metadata = body.get("metadata", {})
    if not isinstance(metadata, dict):
        raise invalid("metadata must be an object")
    stray = set(metadata) - {
        "negative_prompt",
        "cfg_scale",
        "mode",
        "aspect_ratio",
        "callback_url",
        "external_task_id",
    }
    if stray:
        raise invalid(f"unknown metadata: {min(stray)}")
    if not body.get("prompt"):
        raise Refusal(400, 1200, "prompt is required")
    duration = body.get("duration", 5)
    # A gateway takes whole numbers; anything else becomes 5 without a word.
    seconds = duration if isinstance(duration, int) and not isinstance(duration, bool) else 5
    images = (_image(body["image"]),) if "image" in body else ()
    sizes = {(1280, 720): "16:9", (1920, 1080): "16:9", (720, 1280): "9:16", (1080, 1920): "9:16"}
    ratio = metadata.get("aspect_ratio") or sizes.get((body.get("width", 0), body.get("height", 0)), "1:1")
    wish = Wish(
        operation="image2video" if images else "text2video",
        model=_text(body, "model", "kling-v1"),
        prompt=_text(body, "prompt", ""),
        mode=_text(metadata, "mode", "std"),
        seconds=seconds,
        ratio=ratio,
        sound=False,
        images=images,
        external_id=None,
        callback_url=metadata.get("callback_url"),
    )
    _check(wish, metadata, tail=False)
    return wish


def _check(wish: Wish, body: Mapping[str, Any], *, tail: bool) -> None:
    model = MODELS.get(wish.model)
    if model is None:
        raise Refusal(404, 1203, f"model {wish.model} does not exist")
    if wish.operation not in model.operations:
        raise invalid(f"{wish.model} does not support {wish.operation}")
    if wish.mode not in model.modes:
        raise invalid(f"{wish.model} has no mode {wish.mode}")
    if wish.seconds not in model.seconds:
        raise invalid(f"{wish.model} does not support a duration of {wish.seconds}")
    if wish.ratio not in {"16:9", "9:16", "1:1"}:
        raise invalid("aspect_ratio must be 16:9, 9:16 or 1:1")
    if wish.sound and wish.mode not in model.sound:
        raise invalid(f"{wish.model} has no sound in mode {wish.mode}")
    if tail and wish.mode not in model.tail:
        raise invalid(f"{wish.model} has no image_tail in mode {wish.mode}")
    cfg = body.get("cfg_scale")
    if cfg is not None and (isinstance(cfg, bool) or not isinstance(cfg, (int, float)) or not 0 <= cfg <= 1):
        raise invalid("cfg_scale must be between 0 and 1")
    if cfg is not None and not model.cfg:
        raise invalid(f"{wish.model} does not support cfg_scale")
    if not wish.prompt and wish.operation == "text2video":
        raise invalid("prompt is required")
    negative = _text(body, "negative_prompt", "")
    if len(wish.prompt) > PROMPT_LIMIT or len(negative) > PROMPT_LIMIT:
        raise invalid(f"prompts may have {PROMPT_LIMIT} characters")
    if FORBIDDEN_WORD in wish.prompt.lower():
        raise Refusal(400, 1301, "the prompt may contain sensitive content")


def _text(body: Mapping[str, Any], name: str, default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    return value


def _image(value: object) -> bytes:
    if not isinstance(value, str) or value.startswith("data:"):
        raise invalid("image must be raw Base64, without a data: prefix")
    try:
        data = base64.b64decode(value, validate=True)
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            size, kind = picture.size, picture.format
    except (binascii.Error, ValueError, OSError, UnidentifiedImageError):
        raise invalid("image cannot be decoded") from None
    if kind not in {"JPEG", "PNG"} or len(data) > 10_000_000:
        raise invalid("image must be JPEG or PNG of at most 10 MB")
    if min(size) < 300 or max(size) > 2.5 * min(size):
        raise invalid("image must have 300 pixels a side and a ratio of 1:2.5 to 2.5:1")
    return data
