"""Reads the bodies of text2video, image2video and multi-image2video; each function returns an order or refuses."""

from dataclasses import dataclass, replace
from typing import Any

from bot.demo.kling.conventions import OFFICIAL, Conventions
from bot.demo.kling.fields import Fields
from bot.demo.kling.models import CAMERAS, IMAGE, TEXT, Wish, capability, check
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import invalid

PROMPT_LIMIT = 2500
SHOT_LIMIT = 512
MOST_SHOTS = 6
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
FLAT_SECONDS = (5, 10)
TRY_ON_SECONDS = (3, 5, 10)
_FLAT_CAMERAS = (*AXES, *CAMERAS)
_MODES = ("std", "pro", "4k")


@dataclass(frozen=True)
class Shots:
    """Several shots of one video: whether they were asked for, and the prompts of those that are spelt out."""

    wanted: bool = False
    spelt_out: bool = False
    prompt: str = ""


def text2video(body: Fields, conventions: Conventions = OFFICIAL) -> Order:
    """Words to video."""
    ratio = body.choice("aspect_ratio", conventions.ratios, "16:9")
    return _video(body, TEXT, conventions, ratio=ratio)


def image2video(body: Fields, conventions: Conventions = OFFICIAL) -> Order:
    """One or two frames to video."""
    if conventions.plain_images and body.has("image_list"):
        return _from_plain_images(body, conventions)
    if not body.has("image") and not body.has("image_tail"):
        raise invalid("image or image_tail is required")
    pictures = [Picture(name, body.text(name)) for name in ("image", "image_tail") if body.has(name)]
    shown = len(pictures)
    pictures += _masks(body)
    ratio = body.choice("aspect_ratio", conventions.ratios, "16:9") if conventions.image_ratio else "16:9"
    order = _video(
        body,
        IMAGE,
        conventions,
        ratio=ratio,
        first=body.has("image"),
        tail=body.has("image_tail"),
        brush=len(pictures) > shown,
    )
    return replace(order, pictures=tuple(pictures), shown=shown, closing=not body.has("image"))


def multi_image2video(body: Fields, conventions: Conventions = OFFICIAL) -> Order:
    """One to four pictures of things to video; of kling-v1-6 only."""
    del conventions
    model = body.choice("model_name", ("kling-v1-6",), "kling-v1-6")
    pictures = tuple(
        Picture(f"image_list[{number}].image", _only(item, "image"))
        for number, item in enumerate(body.inners("image_list", 1, 4))
    )
    if not pictures:
        raise invalid("image_list is required")
    prompt = needed_prompt(body)
    negative(body)
    seconds = body.seconds("duration")
    if seconds not in FLAT_SECONDS:
        raise invalid("duration must be 5 or 10")
    return Order(
        operation="multi-image2video",
        model=model,
        prompt=prompt,
        mode=body.choice("mode", ("std", "pro"), "std"),
        seconds=seconds,
        ratio=body.choice("aspect_ratio", OFFICIAL.ratios, "16:9"),
        pictures=pictures,
        **correlation(body),
        **done(body),
    )


def correlation(body: Fields, *, watermark: bool = True) -> dict[str, Any]:
    """The fields that every task may have: callback, external id, watermark."""
    found: dict[str, Any] = {
        "external_id": body.identifier("external_task_id"),
        "callback_url": body.address("callback_url"),
    }
    if watermark:
        mark = body.inner("watermark_info")
        if mark is not None:
            found["watermark"] = mark.flag("enabled")
            mark.done()
    return found


def done(body: Fields) -> dict[str, Any]:
    """Refuse what is left of the body; nothing to add to an order."""
    body.done()
    return {}


def needed_prompt(body: Fields, longest: int = PROMPT_LIMIT) -> str:
    """A prompt that has words."""
    prompt = body.text("prompt", longest=longest)
    if not prompt.strip():
        raise invalid("prompt must not be empty")
    return prompt


def negative(body: Fields) -> None:
    """Check what is not wanted."""
    body.text("negative_prompt", "", longest=PROMPT_LIMIT)


def sound_on(body: Fields) -> bool:
    """Whether the video is to have sound."""
    return body.choice("sound", ("on", "off"), "off") == "on"


def element_ids(body: Fields, most: int) -> tuple[str, ...]:
    """The elements that are referred to."""
    found = []
    for item in body.inners("element_list", 1, most):
        found.append(str(item.whole("element_id", 1, 2**63 - 1)))
        item.done()
    return tuple(found)


def shots(body: Fields, seconds: int) -> Shots:
    """Several shots in one video, and whether they add up to its `seconds`."""
    wanted = body.flag("multi_shot")
    kind = body.choice("shot_type", ("customize", "intelligence"), "")
    items = body.inners("multi_prompt", 1, MOST_SHOTS)
    if not wanted and (kind or items):
        raise invalid("shot_type and multi_prompt need multi_shot")
    if wanted and not kind:
        raise invalid("shot_type is required with multi_shot")
    if (kind == "customize") is not bool(items):
        raise invalid("multi_prompt is required with shot_type customize, and only there")
    prompts, total = [], 0
    for number, item in enumerate(items):
        if item.whole("index", 1, MOST_SHOTS) != number + 1:
            raise invalid("multi_prompt must be numbered from 1")
        prompts.append(item.text("prompt", longest=SHOT_LIMIT))
        length = item.seconds("duration", "0")
        if length < 1:
            raise invalid("each shot must have at least 1 second")
        total += length
        item.done()
    if items and total != seconds:
        raise invalid("the shots must be as long together as the video")
    return Shots(wanted, bool(items), "; ".join(prompts))


def _video(
    body: Fields,
    operation: str,
    conventions: Conventions,
    *,
    ratio: str,
    first: bool = False,
    tail: bool = False,
    brush: bool = False,
) -> Order:
    model = body.text("model_name") if conventions.model_required else body.text("model_name", "kling-v1")
    mode = body.choice("mode", _MODES) if conventions.mode_required else body.choice("mode", _MODES, "std")
    seconds = body.whole("duration", 1, 60, 5) if conventions.whole_seconds else body.seconds("duration")
    try_on = _try_on(body) if conventions.metadata else False
    parts = Shots() if conventions.plain_images else shots(body, seconds)
    forgiving = conventions.forgiving or body.lenient
    needed = operation == TEXT or conventions.prompt_required
    prompt = (
        needed_prompt(body)
        if needed and not parts.spelt_out
        else body.text("prompt", "", longest=PROMPT_LIMIT)
    )
    negative(body)
    if body.has("cfg_scale"):
        body.number("cfg_scale", 0, 1)
    sound = False if conventions.plain_images else sound_on(body)
    camera = _flat_camera(body) if conventions.plain_images else _camera(body)
    voices = () if conventions.plain_images else _voices(body)
    elements = () if conventions.plain_images or operation == TEXT else element_ids(body, 3)
    wish = Wish(
        model=model,
        operation=operation,
        mode=mode,
        seconds=seconds,
        mode_sent=body.has("mode") and not forgiving,
        cfg_sent=body.has("cfg_scale") and not forgiving,
        sound=sound,
        first=first,
        tail=tail,
        camera=camera,
        brush=brush,
        shots=parts.wanted,
        voices=bool(voices),
        elements=bool(elements),
    )
    _compare(wish, conventions, try_on=try_on)
    return Order(
        operation=operation,
        model=model,
        prompt=parts.prompt or prompt,
        mode=mode,
        seconds=seconds,
        ratio=ratio,
        sound=sound,
        voices=voices,
        elements=elements,
        **correlation(body),
        **done(body),
    )


def _compare(wish: Wish, conventions: Conventions, *, try_on: bool) -> None:
    """Refuse what the model can't do."""
    if conventions.unchecked:
        capability(wish.model)
        if wish.seconds not in FLAT_SECONDS:
            raise invalid("duration must be 5 or 10")
        return
    if try_on:
        capability(wish.model, wish.operation)
        if wish.seconds not in TRY_ON_SECONDS:
            raise invalid("duration must be 3, 5 or 10")
        return
    check(wish)


def _try_on(body: Fields) -> bool:
    """Whether the metadata asks for a virtual try-on; what else it holds is the gateway's own."""
    metadata = body.inner("metadata")
    return metadata is not None and metadata.flag("try_on")


def _camera(body: Fields) -> str | None:
    camera = body.inner("camera_control")
    if camera is None:
        return None
    kind = camera.choice("type", CAMERAS)
    config = camera.inner("config")
    camera.done()
    if kind != "simple":
        if config is not None:
            raise invalid("camera_control.config is for type simple only")
        return kind
    if config is None:
        raise invalid("camera_control.config is required for type simple")
    values = [config.number(axis, -10, 10, 0.0) for axis in AXES]
    config.done()
    if sum(value != 0 for value in values) != 1:
        raise invalid("exactly one value of camera_control.config must not be 0")
    return kind


def _flat_camera(body: Fields) -> str | None:
    camera = body.inner("camera_control")
    if camera is None:
        return None
    kind = camera.choice("type", _FLAT_CAMERAS)
    config = camera.inner("config")
    if config is not None:
        config.number("value", -10, 10)
        config.done()
    camera.done()
    return kind


def _voices(body: Fields) -> tuple[str, ...]:
    found = []
    for item in body.inners("voice_list", 1, 2):
        found.append(item.text("voice_id"))
        item.done()
    return tuple(found)


def _masks(body: Fields) -> list[Picture]:
    pictures = [Picture("static_mask", body.text("static_mask"))] if body.has("static_mask") else []
    for number, item in enumerate(body.inners("dynamic_masks", 1, 6)):
        pictures.append(Picture(f"dynamic_masks[{number}].mask", item.text("mask")))
        steps = item.inners("trajectories", 2, 77)
        if not steps:
            raise invalid("trajectories is required")
        for step in steps:
            step.whole("x", 0, 10_000)
            step.whole("y", 0, 10_000)
            step.done()
        item.done()
    return pictures


def _from_plain_images(body: Fields, conventions: Conventions) -> Order:
    values = body.texts("image_list", 2, 4)
    ratio = body.choice("aspect_ratio", conventions.ratios, "16:9")
    order = _video(body, IMAGE, replace(conventions, prompt_required=True), ratio=ratio, first=True)
    pictures = tuple(Picture(f"image_list[{number}]", value) for number, value in enumerate(values))
    return replace(order, pictures=pictures)


def _only(item: Fields, name: str) -> str:
    value = item.text(name)
    item.done()
    return value
