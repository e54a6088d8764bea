"""The bodies of pictures: generations, omni-image, multi-image2image, expand, virtual try-on."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from bot.demo.kling import fields
from bot.demo.kling.body import Body, Element, MarkedBody, NamedBody
from bot.demo.kling.orders import Order
from bot.demo.kling.refusals import forbid
from bot.demo.kling.videos import Thing
from bot.demo.media.stills import StillSpec

RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
MODELS = ("kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3")
TRY_ON_MODELS = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")
REFERRING = frozenset({"kling-v1-5", "kling-v2-1"})
"""Models that keep the subject, or the face, of a picture."""

MOST_TOGETHER = 10
Number = Annotated[int, fields.between(1, 9)]
Expansion = Annotated[float, fields.between(0, 2)]
Elements = Annotated[tuple[Element, ...], fields.entries(1, 10)]


class ImageBody(MarkedBody):
    """Pictures of words."""

    prompt: fields.Words
    n: Number = 1
    aspect_ratio: Annotated[str, fields.one_of(*RATIOS)] = "16:9"
    resolution: Annotated[str, fields.one_of("1k", "2k")] = "1k"

    def _checked(self, order: Order) -> Order:
        still = StillSpec(prompt=order.prompt, ratio=order.ratio, resolution=self.resolution, kind="blend")
        return replace(order, product="image", still=still)


class Generation(ImageBody):
    """Words, and perhaps a picture, to pictures."""

    model_name: Annotated[str, fields.model_of(*MODELS)] = "kling-v1"
    image: str = ""
    negative_prompt: fields.Prompt = ""
    image_reference: Annotated[str, fields.one_of("subject", "face")] = ""
    image_fidelity: fields.Share = 0.5
    human_fidelity: fields.Share = 0.45
    element_list: Elements = ()

    def _checked(self, order: Order) -> Order:
        given, kind = self.sent("image"), self.image_reference
        older, refers = order.model == "kling-v1-5", order.model in REFERRING
        unwanted = given and self.sent("negative_prompt")
        forbid(unwanted, "negative_prompt is not supported with image")
        forbid(bool(kind) and not given, "image_reference needs an image")
        forbid(bool(kind) and not refers, f"model {order.model} does not support image_reference")
        forbid(given and older and not kind, "image_reference is required with an image")
        for name in ("image_fidelity", "human_fidelity"):
            forbid(self.sent(name) and not given, f"{name} needs an image")
            forbid(self.sent(name) and not refers, f"model {order.model} does not support {name}")
        forbid(given + len(order.elements) > MOST_TOGETHER, "there may be 10 pictures and elements together")
        strange = bool(order.elements) and order.model != "kling-v3"
        forbid(strange, f"model {order.model} does not support element_list")
        return replace(super()._checked(order), pictures=self.pictures("image"))


def _four_for_auto(value: Any) -> Any:
    return 4 if value == "auto" else value


class OmniImage(ImageBody):
    """Words and pictures to one picture or a series."""

    model_name: Annotated[str, fields.model_of("kling-image-o1", "kling-v3-omni")] = "kling-image-o1"
    aspect_ratio: Annotated[str, fields.one_of(*RATIOS, "auto")] = "16:9"
    resolution: Annotated[str, fields.one_of("1k", "2k", "4k")] = "1k"
    image_list: Annotated[tuple[Thing, ...], fields.entries(1, 10)] = ()
    element_list: Elements = ()
    result_type: Literal["single", "series"] = "single"
    series_amount: Annotated[int, fields.between(2, 9), BeforeValidator(_four_for_auto)] = 4

    def _checked(self, order: Order) -> Order:
        pictures, series = self.listed("image_list", "image"), self.result_type == "series"
        together = len(pictures) + len(order.elements)
        forbid(together > MOST_TOGETHER, "there may be 10 pictures and elements together")
        newer = order.model == "kling-v3-omni"
        forbid(series and not newer, f"model {order.model} does not support result_type series")
        forbid(self.resolution == "4k" and not newer, "resolution must be one of 1k, 2k")
        guessed = self.sent("aspect_ratio") and order.ratio == "auto" and not pictures
        forbid(guessed and newer, f"model {order.model} does not support aspect_ratio auto without pictures")
        self.lack("n" if series else "series_amount")
        ratio = "16:9" if order.ratio == "auto" else order.ratio
        count = self.series_amount if series else order.count
        return super()._checked(replace(order, ratio=ratio, pictures=pictures, count=count, series=series))


class _Subject(Body):
    subject_image: str


class MultiImageToImage(ImageBody):
    """One to four pictures of things, a place and a style to pictures."""

    model_name: Annotated[str, fields.model_of("kling-v2", "kling-v2-1")] = "kling-v2-1"
    prompt: fields.Prompt = ""
    subject_image_list: Annotated[tuple[_Subject, ...], fields.entries(1, 4)]
    scene_image: str = ""
    style_image: str = ""

    def _checked(self, order: Order) -> Order:
        pictures = self.listed("subject_image_list", "subject_image")
        pictures += self.pictures("scene_image", "style_image")
        return replace(super()._checked(order), pictures=pictures)


class Expand(MarkedBody):
    """More of a picture around its edges."""

    up_expansion_ratio: Expansion
    down_expansion_ratio: Expansion
    left_expansion_ratio: Expansion
    right_expansion_ratio: Expansion
    prompt: fields.Prompt = ""
    image: str
    n: Number = 1

    def _checked(self, order: Order) -> Order:
        up, down = self.up_expansion_ratio, self.down_expansion_ratio
        left, right = self.left_expansion_ratio, self.right_expansion_ratio
        larger = (1 + up + down) * (1 + left + right)
        forbid(larger > 3, "the picture may become 3 times as large at most")
        still = StillSpec(prompt=order.prompt, kind="expand", edges=(up, down, left, right))
        order = replace(order, model="kling-expand", product="image", still=still)
        return replace(order, pictures=self.pictures("image"))


class MultiShot(NamedBody):
    """Three more views of what a picture shows from the front."""

    element_frontal_image: str

    def _checked(self, order: Order) -> Order:
        pictures = self.pictures("element_frontal_image")
        still = StillSpec(kind="blend")
        return replace(order, model="ai-multi-shot", product="image", count=3, pictures=pictures, still=still)


class TryOn(MarkedBody):
    """A person in another garment."""

    model_name: Annotated[str, fields.model_of(*TRY_ON_MODELS)] = TRY_ON_MODELS[0]
    human_image: str
    cloth_image: str

    def _checked(self, order: Order) -> Order:
        pictures = self.pictures("human_image", "cloth_image")
        return replace(order, product="image", pictures=pictures, still=StillSpec(kind="wear"))
