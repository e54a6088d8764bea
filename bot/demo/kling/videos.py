"""The bodies of text2video, image2video and multi-image2video, also as gateways and flat proxies take them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from bot.demo.kling import fields
from bot.demo.kling.body import Body, Element, MarkedBody, Voice
from bot.demo.kling.models import CAMERAS, GATEWAYS, MODELS, Capability, capability, check
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import forbid

SHOT_LIMIT = 512
MOST_SHOTS = 6
Ratio = Literal["16:9", "9:16", "1:1"]
Mode = Literal["std", "pro", "4k"]
Axis = Annotated[float, fields.between(-10, 10)]
Point = Annotated[int, fields.between(0, 10_000)]


class _Shot(Body):
    index: Annotated[int, fields.between(1, MOST_SHOTS)]
    prompt: Annotated[str, Field(max_length=SHOT_LIMIT)]
    duration: fields.Seconds = 0


class ShotsBody(MarkedBody):
    """A video of one shot, or of several."""

    prompt: fields.Prompt = ""
    duration: fields.Seconds = 5
    multi_shot: bool = False
    shot_type: Annotated[str, fields.one_of("customize", "intelligence")] = ""
    multi_prompt: Annotated[tuple[_Shot, ...], fields.entries(1, MOST_SHOTS)] = ()

    def words(self, *, needed: bool = True) -> str:
        """The prompt, which may be `needed`, or those of the shots, which must be as long as the video."""
        shots, kind = self.multi_prompt, self.shot_type
        forbid(not self.multi_shot and bool(kind or shots), "shot_type and multi_prompt need multi_shot")
        forbid(self.multi_shot and not kind, "shot_type is required with multi_shot")
        custom = kind == "customize"
        forbid(custom is not bool(shots), "multi_prompt is required with shot_type customize, and only there")
        numbers = [shot.index for shot in shots]
        forbid(numbers != list(range(1, len(shots) + 1)), "multi_prompt must be numbered from 1")
        forbid(any(shot.duration < 1 for shot in shots), "each shot must have at least 1 second")
        total = sum(shot.duration for shot in shots)
        forbid(bool(shots) and total != self.duration, "the shots must be as long together as the video")
        if needed and not shots:
            self.need("prompt")
            forbid(not self.prompt.strip(), "prompt must not be empty")
        return "; ".join(shot.prompt for shot in shots) or self.prompt


class _Axes(Body):
    horizontal: Axis = 0.0
    vertical: Axis = 0.0
    pan: Axis = 0.0
    tilt: Axis = 0.0
    roll: Axis = 0.0
    zoom: Axis = 0.0


class Camera(Body):
    """A ready-made camera, or one that moves along one axis."""

    type: Annotated[str, fields.one_of(*CAMERAS)]
    config: _Axes | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        simple = self.type == "simple"
        forbid(not simple and self.config is not None, "camera_control.config is for type simple only")
        forbid(simple and self.config is None, "camera_control.config is required for type simple")
        moves = sum(value != 0 for _, value in self.config or ())
        forbid(simple and moves != 1, "exactly one value of camera_control.config must not be 0")
        return self


class VideoBody(ShotsBody):
    """What text2video and image2video have in common."""

    model_name: str = "kling-v1"
    mode: Mode = "std"
    negative_prompt: fields.Prompt = ""
    cfg_scale: fields.Share = 0.5
    sound: fields.Switch = False
    camera_control: Camera | None = None
    voice_list: Annotated[tuple[Voice, ...], fields.entries(1, 2)] = ()
    needs_words: ClassVar[bool] = True
    models: ClassVar[Mapping[str, Capability]] = MODELS

    def _checked(self, order: Order) -> Order:
        order = replace(order, prompt=self.words(needed=self.needs_words))
        self._compare(order, self.model_fields_set - ({"mode", "cfg_scale"} if self._lenient else set()))
        return order

    def _compare(self, order: Order, sent: set[str]) -> None:
        """Refuse what the model can't do; `sent` are the fields that count."""
        camera = None if self.camera_control is None else self.camera_control.type
        check(order, sent, camera=camera, shots=self.multi_shot, models=self.models)


class TextToVideo(VideoBody):
    """Words to video."""

    aspect_ratio: Ratio = "16:9"


class _Step(Body):
    x: Point
    y: Point


class _Mask(Body):
    mask: str
    trajectories: Annotated[tuple[_Step, ...], fields.entries(2, 77)]


class Frames(Body):
    """A first and a last frame, and what moves in them."""

    image: str = ""
    image_tail: str = ""
    static_mask: str = ""
    dynamic_masks: Annotated[tuple[_Mask, ...], fields.entries(1, 6)] = ()

    def framed(self, order: Order) -> Order:
        """The order with the frames, one of which there must be, and the masks, which do not appear."""
        frames = self.pictures("image", "image_tail")
        forbid(not frames, "image or image_tail is required")
        masks = self.pictures("static_mask") + self.listed("dynamic_masks", "mask")
        return replace(order, pictures=frames + masks, shown=len(frames), closing=not self.sent("image"))


class ImageToVideo(VideoBody, Frames):
    """One or two frames to video."""

    element_list: Annotated[tuple[Element, ...], fields.entries(1, 3)] = ()
    needs_words = False
    older = frozenset({"aspect_ratio"})

    def _checked(self, order: Order) -> Order:
        return super()._checked(self.framed(order))


class Thing(Body):
    """A picture of a thing."""

    image: str


class MultiImageToVideo(MarkedBody):
    """One to four pictures of things to video; of kling-v1-6 only."""

    model_name: Literal["kling-v1-6"] = "kling-v1-6"
    image_list: Annotated[tuple[Thing, ...], fields.entries(1, 4)]
    prompt: fields.Words
    negative_prompt: fields.Prompt = ""
    duration: fields.Seconds = 5
    mode: Literal["std", "pro"] = "std"
    aspect_ratio: Ratio = "16:9"

    def _checked(self, order: Order) -> Order:
        forbid(self.duration not in {5, 10}, "duration must be 5 or 10")
        return replace(order, pictures=self.listed("image_list", "image"))


# -- as gateways take them -----------------------------------------------------------------------------


class _TryOn(Body):
    model_config = ConfigDict(extra="ignore")
    try_on: bool = False


class PrefixedBody(VideoBody):
    """What a model does not know (mode, cfg_scale) is ignored; how dresses are tried on is not compared."""

    metadata: _TryOn | None = None
    models = GATEWAYS
    needs_words = True

    def _compare(self, order: Order, sent: set[str]) -> None:
        if self.metadata is None or not self.metadata.try_on:
            return super()._compare(order, sent - {"mode", "cfg_scale"})
        capability(order.model, order.operation)
        return forbid(not 3 <= self.duration <= 10, "duration must be 3 to 10")


class PrefixedText(PrefixedBody, TextToVideo):
    """Words to video."""


class PrefixedImage(PrefixedBody, ImageToVideo):
    """Frames to video, with a ratio."""

    aspect_ratio: Ratio = "16:9"


# -- as flat proxies take them -------------------------------------------------------------------------


class _FlatMove(Body):
    value: Axis


class _FlatCamera(Body):
    type: Annotated[str, fields.one_of(*_Axes.model_fields, *CAMERAS)]
    config: _FlatMove | None = None


class FlatText(MarkedBody):
    """Words to video. Seconds are a number, and the features of models are not compared."""

    model_name: str
    mode: Mode
    duration: Annotated[int, fields.between(1, 60)] = 5
    prompt: fields.Words
    negative_prompt: fields.Prompt = ""
    cfg_scale: fields.Share = 0.5
    camera_control: _FlatCamera | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "3:2", "2:3", "3:4", "4:3"] = "16:9"

    def _checked(self, order: Order) -> Order:
        capability(order.model)
        forbid(self.duration not in {5, 10}, "duration must be 5 or 10")
        return order


class FlatImage(FlatText, Frames):
    """Frames to video, or a list of pictures, which needs words."""

    prompt: fields.Prompt = ""
    image_list: Annotated[tuple[str, ...], fields.entries(2, 4)] = ()

    def _checked(self, order: Order) -> Order:
        order = super()._checked(order)
        if not self.image_list:
            return self.framed(order)
        self.lack(*Frames.model_fields)
        self.need("prompt")
        forbid(not self.prompt.strip(), "prompt must not be empty")
        pictures = (Picture(f"image_list[{number}]", value) for number, value in enumerate(self.image_list))
        return replace(order, pictures=tuple(pictures))
