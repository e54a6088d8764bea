"""Reads the bodies of pictures: generations, omni-image, multi-image2image, expand, virtual try-on."""

from bot.demo.kling.fields import Fields
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import Refusal, invalid
from bot.demo.kling.videos import PROMPT_LIMIT, correlation, done, element_ids, needed_prompt, negative
from bot.demo.media.stills import StillSpec

RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
MODELS = ("kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
REFERENCE_MODELS = ("kling-v1-5",)
ELEMENT_MODELS = ("kling-v3",)
TRY_ON_MODELS = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")
LARGEST_EXPANSION = 3.0
MOST = 9


def generations(body: Fields) -> Order:
    """Words, and perhaps a picture, to pictures."""
    model = _model(body, MODELS, "kling-v1")
    prompt = needed_prompt(body)
    pictures = (Picture("image", body.text("image")),) if body.has("image") else ()
    if pictures and body.has("negative_prompt"):
        raise invalid("negative_prompt is not supported with image")
    negative(body)
    _reference(body, model, given=bool(pictures))
    elements = element_ids(body, 10)
    if elements and model not in ELEMENT_MODELS:
        raise invalid(f"model {model} does not support element_list")
    still = _still(body, prompt, ("1k", "2k"))
    return Order(
        operation="images/generations",
        model=model,
        prompt=prompt,
        pictures=pictures,
        elements=elements,
        product="image",
        count=body.whole("n", 1, MOST, 1),
        still=still,
        **correlation(body),
        **done(body),
    )


def _reference(body: Fields, model: str, *, given: bool) -> None:
    kind = body.choice("image_reference", ("subject", "face"), "")
    if kind and (not given or model not in REFERENCE_MODELS):
        raise invalid("image_reference needs an image and model kling-v1-5")
    if given and model in REFERENCE_MODELS and not kind:
        raise invalid("image_reference is required with an image")
    for name in ("image_fidelity", "human_fidelity"):
        if body.has(name):
            body.number(name, 0, 1)
            if not given:
                raise invalid(f"{name} needs an image")


def omni_image(body: Fields) -> Order:
    """Words and pictures to one picture or a series."""
    model = _model(body, ("kling-image-o1", "kling-v3-omni"), "kling-image-o1")
    prompt = needed_prompt(body)
    pictures = tuple(
        Picture(f"image_list[{number}].image", _text(item, "image"))
        for number, item in enumerate(body.inners("image_list", 1, 10))
    )
    elements = element_ids(body, 10)
    if len(pictures) + len(elements) > 10:
        raise invalid("there may be 10 pictures and elements together")
    series = body.choice("result_type", ("single", "series"), "single") == "series"
    if series and model != "kling-v3-omni":
        raise invalid(f"model {model} does not support result_type series")
    count = _series(body) if series else body.whole("n", 1, MOST, 1)
    resolutions = ("1k", "2k", "4k") if model == "kling-v3-omni" else ("1k", "2k")
    return Order(
        operation="images/omni-image",
        model=model,
        prompt=prompt,
        pictures=pictures,
        elements=elements,
        product="image",
        count=count,
        still=_still(body, prompt, resolutions, auto=True),
        **correlation(body),
        **done(body),
    )


def _series(body: Fields) -> int:
    if body.raw("series_amount") == "auto":
        return 4
    return body.whole("series_amount", 2, 9, 4)


def multi_image2image(body: Fields) -> Order:
    """One to four pictures of things, a place and a style to pictures."""
    model = _model(body, ("kling-v2", "kling-v2-1"), "kling-v2-1")
    prompt = body.text("prompt", "", longest=PROMPT_LIMIT)
    pictures = [
        Picture(f"subject_image_list[{number}].subject_image", _text(item, "subject_image"))
        for number, item in enumerate(body.inners("subject_image_list", 1, 4))
    ]
    if not pictures:
        raise invalid("subject_image_list is required")
    pictures += [Picture(name, body.text(name)) for name in ("scene_image", "style_image") if body.has(name)]
    return Order(
        operation="images/multi-image2image",
        model=model,
        prompt=prompt,
        pictures=tuple(pictures),
        product="image",
        count=body.whole("n", 1, MOST, 1),
        still=_still(body, prompt, ("1k", "2k")),
        **correlation(body),
        **done(body),
    )


def expand(body: Fields) -> Order:
    """More of a picture around its edges."""
    up, down, left, right = (
        body.number(f"{side}_expansion_ratio", 0, 2) for side in ("up", "down", "left", "right")
    )
    if (1 + up + down) * (1 + left + right) > LARGEST_EXPANSION:
        raise invalid("the picture may become 3 times as large at most")
    prompt = body.text("prompt", "", longest=PROMPT_LIMIT)
    return Order(
        operation="images/editing/expand",
        model="kling-expand",
        prompt=prompt,
        pictures=(Picture("image", body.text("image")),),
        product="image",
        count=body.whole("n", 1, MOST, 1),
        still=StillSpec(prompt=prompt, kind="expand", edges=(up, down, left, right)),
        **correlation(body),
        **done(body),
    )


def virtual_try_on(body: Fields) -> Order:
    """A person in another garment."""
    return Order(
        operation="images/kolors-virtual-try-on",
        model=_model(body, TRY_ON_MODELS, TRY_ON_MODELS[0]),
        pictures=tuple(Picture(name, body.text(name)) for name in ("human_image", "cloth_image")),
        product="image",
        still=StillSpec(kind="wear"),
        **correlation(body),
        **done(body),
    )


def _model(body: Fields, known: tuple[str, ...], default: str) -> str:
    model = body.text("model_name", default)
    if model not in known:
        raise Refusal(1203, f"model {model} does not exist")
    return model


def _still(body: Fields, prompt: str, resolutions: tuple[str, ...], *, auto: bool = False) -> StillSpec:
    ratio = body.choice("aspect_ratio", (*RATIOS, "auto") if auto else RATIOS, "16:9")
    return StillSpec(
        prompt=prompt,
        ratio="16:9" if ratio == "auto" else ratio,
        resolution=body.choice("resolution", resolutions, "1k"),
        kind="blend",
    )


def _text(item: Fields, name: str) -> str:
    value = item.text(name)
    item.done()
    return value
