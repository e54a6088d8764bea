"""Every field of the seed documents with every value that they name, as it is asked for in the chat."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

IMAGE2VIDEO, TEXT2VIDEO = "/v1/videos/image2video", "/v1/videos/text2video"
GENERATIONS = "/v1/video/generations"
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
CFG = (0, 0.5, 0.7, 1)
SECONDS = range(3, 11)
"""What the gateways' document advises."""

FLAT_MODELS = ("kling-v1-6", "kling-v2-master", "kling-v2-1", "kling-v2-1-master")
GATEWAY_MODELS = ("kling-v1", "kling-v1-6", "kling-v2-master")
OMNIMAAS_MODELS = ("kling-v2-6", "kling-v2-5-turbo-std", "kling-v2-5-turbo-pro")
SEVEN_RATIOS = ("16:9", "9:16", "1:1", "3:2", "2:3", "3:4", "4:3")
RATIOS = SEVEN_RATIOS[:3]
SIZES: Mapping[str, tuple[int, int, str]] = {
    "1024x1024": (1024, 1024, "1:1"),
    "512x512": (1024, 1024, "1:1"),
    "1280x720": (1280, 720, "16:9"),
    "1920x1080": (1280, 720, "16:9"),
    "720x1280": (720, 1280, "9:16"),
    "1080x1920": (720, 1280, "9:16"),
}
"""Sizes by what they mean (the gateways' table of ratios): each is sent as one that means the same."""

GENERATE = "Generate"
OUTFITS = (
    "将图片中人物的衣服换成蓝色牛仔裤和白色T恤",
    "让这个人穿上黑色的西装，保持原有姿势",
    "为图片中的女性换上优雅的晚礼服",
    "为这个人戴上时尚的太阳镜",
    "给图片人物加上一顶帽子",
    "为她戴上精美的项链和耳环",
    "将图片人物的造型改为韩式风格",
    "让这个人穿上复古风格的服装",
    "改为商务正装的造型",
)
"""The nine prompts for trying on that a document advises."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is written with how many photos, and what of the body, and where, comes of it; `press` are buttons of the card."""

    text: str
    path: str
    sends: Mapping[str, Any] = field(default_factory=dict)
    photos: int = 0
    press: tuple[str, ...] = ()


def flat() -> Iterator[Row]:
    """Image to video at flat proxies, words alone, and several photos."""
    for model in FLAT_MODELS:
        named = {"model_name": model}
        yield Row(f"/video a fox --model {model}", TEXT2VIDEO, named)
        yield Row(f"/video they meet --model {model}", IMAGE2VIDEO, named, 3)
        for mode in ("std", "pro"):
            for seconds in (5, 10):
                sends = {**named, "mode": mode, "duration": seconds}
                yield Row(f"/video it runs --model {model} --mode {mode} {seconds}s", IMAGE2VIDEO, sends, 1)
        yield Row(f"/video --model {model}", IMAGE2VIDEO, named, 1, (GENERATE,))
        for use in ("First → last", "Combine both"):
            yield Row(f"/video they meet --model {model}", IMAGE2VIDEO, named, 2, (use, GENERATE))
    for ratio in SEVEN_RATIOS:
        sends = {"aspect_ratio": ratio}
        yield Row(f"/video it runs --model v1-6 --ratio {ratio}", IMAGE2VIDEO, sends, 1)
        yield Row(f"/video they meet --model v2-master --ratio {ratio}", IMAGE2VIDEO, sends, 3)
    for cfg in CFG:
        yield Row(f"/video it runs --model v1-6 --cfg {cfg}", IMAGE2VIDEO, {"cfg_scale": cfg}, 1)
    for kind in ("zoom", "pan", "tilt"):
        for value in (-10, -5, 5, 10):
            camera = {"camera_control": {"type": kind, "config": {"value": value}}}
            yield Row(f"/video it runs --model v1-6 --camera {kind}:{value}", IMAGE2VIDEO, camera, 1)
    yield Row("/video it runs --model v1-6 --no blur", IMAGE2VIDEO, {"negative_prompt": "blur"}, 1)
    long = "猫" * 2_500
    yield Row(f"/video {long} --model v2-1", TEXT2VIDEO, {"prompt": long})


def prefixed() -> Iterator[Row]:
    """Kling's own paths at a gateway."""
    text, image = f"/kling{TEXT2VIDEO}", f"/kling{IMAGE2VIDEO}"
    for model in GATEWAY_MODELS:
        named = {"model_name": model}
        yield Row(f"/video a fox --model {model}", text, named)
        for mode in ("std", "pro"):
            yield Row(f"/video it runs --model {model} --mode {mode}", image, {**named, "mode": mode}, 1)
        for seconds in SECONDS:
            sends = {**named, "duration": str(seconds)}
            yield Row(f"/video a fox --model {model} {seconds}s", text, sends)
        yield Row(f"/tryon a red dress --model {model}", image, {**named, "metadata": {"try_on": True}}, 1)
    for ratio in RATIOS:
        yield Row(f"/video a fox --model v1-6 --ratio {ratio}", text, {"aspect_ratio": ratio})
        yield Row(f"/video it runs --model v1-6 --ratio {ratio}", image, {"aspect_ratio": ratio}, 1)
    for cfg in CFG:
        yield Row(f"/video a fox --model v1-6 --cfg {cfg}", text, {"cfg_scale": cfg})
        yield Row(f"/video it runs --model v2-master --cfg {cfg}", image, {"cfg_scale": cfg}, 1)
    for axis in AXES:
        for value in (-10, 2.5, 10):
            config = {**dict.fromkeys(AXES, 0), axis: value}
            camera = {"camera_control": {"type": "simple", "config": config}}
            yield Row(f"/video a fox --model v1-6 --mode pro --camera {axis}:{value}", text, camera)
    yield Row("/video a fox --model v1-6 --no 黑暗的场景", text, {"negative_prompt": "黑暗的场景"})
    yield Row(
        "/tryon a red dress --model v2-master --ratio 9:16 --mode pro --cfg 0.8 --no blur 3s",
        image,
        {"aspect_ratio": "9:16", "mode": "pro", "cfg_scale": 0.8, "duration": "3", "negative_prompt": "blur"},
        1,
    )
    for outfit in OUTFITS:
        yield Row(f"/tryon {outfit} --model v2-master", image, {"prompt": outfit}, 1)


def generic() -> Iterator[Row]:
    """The gateways' own request."""
    for model in GATEWAY_MODELS:
        named = {"model": model}
        yield Row(f"/video a fox --model {model}", GENERATIONS, named)
        for mode in ("std", "pro"):
            sends = {**named, "metadata": {"mode": mode}}
            yield Row(f"/video it runs --model {model} --mode {mode}", GENERATIONS, sends, 1)
        for seconds in SECONDS:
            yield Row(f"/video a fox --model {model} {seconds}s", GENERATIONS, {**named, "duration": seconds})
        yield Row(f"/tryon a red dress --model {model}", GENERATIONS, named, 1)
    for size, (width, height, ratio) in SIZES.items():
        sends = {"width": width, "height": height, "metadata": {"aspect_ratio": ratio}}
        yield Row(f"/video a fox --model v1-6 {size}", GENERATIONS, sends)
    for cfg in CFG:
        yield Row(f"/video a fox --model v1-6 --cfg {cfg}", GENERATIONS, {"metadata": {"cfg_scale": cfg}})
    for fps in (24, 30):
        yield Row(f"/video a fox --model v1-6 --fps {fps}", GENERATIONS, {"fps": fps})
    yield Row("/video a fox --model v1 --seed 12345", GENERATIONS, {"seed": 12345, "n": 1})
    yield Row("/video a fox --model v1 --no 模糊", GENERATIONS, {"metadata": {"negative_prompt": "模糊"}})
    yield Row(
        "/tryon a red dress --model v2-master --ratio 9:16 --mode pro --cfg 0.8 3s",
        GENERATIONS,
        {"duration": 3, "metadata": {"mode": "pro", "cfg_scale": 0.8, "aspect_ratio": "9:16"}},
        1,
    )
    for outfit in OUTFITS:
        yield Row(f"/tryon {outfit} --model v2-master", GENERATIONS, {"prompt": outfit}, 1)


def omnimaas() -> Iterator[Row]:
    """OmniMaaS, in its three languages of examples the same."""
    for model in OMNIMAAS_MODELS:
        for photos, prompt in ((0, "a dog"), (1, "it runs"), (3, "they meet"), (4, "they dance")):
            for seconds in (5, 10):
                sends = {"model": model, "duration": seconds}
                yield Row(f"/video {prompt} --model {model} {seconds}s", GENERATIONS, sends, photos)
        yield Row(
            f"/video a pair --model {model}", GENERATIONS, {"model": model}, 2, ("Combine both", GENERATE)
        )
        for ratio in RATIOS:
            sends = {"model": model, "size": ratio}
            yield Row(f"/video a dog --model {model} --ratio {ratio}", GENERATIONS, sends)
            yield Row(f"/video it runs --model {model} --ratio {ratio}", GENERATIONS, sends, 1)
    yield Row(
        "/video 一只可爱的小狗在公园里奔跑 --model v2-6",
        GENERATIONS,
        {"prompt": "一只可爱的小狗在公园里奔跑"},
    )


ROWS: Mapping[str, Sequence[Row]] = {
    "flat": tuple(flat()),
    "prefixed": tuple(prefixed()),
    "generic": tuple(generic()),
    "omnimaas": tuple(omnimaas()),
}
