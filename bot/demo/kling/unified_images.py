"""Pictures of Kling's newer standard: Kling Image 4.0, after the Comfy Router's page of it (2026-10)."""

from collections import Counter
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from bot.demo.kling import fields
from bot.demo.kling.answers import ok
from bot.demo.kling.body import Body, MarkedBody, TaskBody
from bot.demo.kling.images import RATIOS, Number
from bot.demo.kling.orders import Order, Picture
from bot.demo.kling.refusals import forbid
from bot.demo.kling.service import Table, submits
from bot.demo.kling.shapes import unified, unified_accepted
from bot.demo.kling.unified import HEAVIEST_OF_FOURTH, Content, needs_key
from bot.demo.media.stills import StillSpec

MODEL = "kling-image-4.0"
PLACE = f"omni-image/{MODEL}"
KINDS = ("prompt", "refer_image", "element")
MOST_TOGETHER = 10
ENGLISH, OTHERS = 50_000, 21_000
"""Characters of a prompt: an English one, and any other."""


def _as_many_as_it_likes(value: Any) -> Any:
    return 4 if value == "auto" else value


class ImageSettings(Body):
    """How pictures are made."""

    resolution: Annotated[str, fields.one_of("2k", "4k", "8k")] = "2k"
    aspect_ratio: Annotated[str, fields.one_of("auto", *RATIOS)] = "auto"
    n: Number = 1
    result_type: Literal["single", "series"] = "single"
    series_amount: Annotated[int, fields.between(2, 10), BeforeValidator(_as_many_as_it_likes)] = 4


class ImageBody(TaskBody):
    """Words, pictures and elements to pictures."""

    contents: Annotated[tuple[Content, ...], fields.entries(1, 11)]
    settings: ImageSettings = ImageSettings()
    options: MarkedBody = MarkedBody()

    def _checked(self, order: Order) -> Order:
        for number, item in enumerate(self.contents):
            item.check(KINDS, f"contents[{number}].")
        kinds, settings = Counter(item.type for item in self.contents), self.settings
        prompt = "".join(item.text for item in self.contents if item.type == "prompt")
        names = [item.id for item in self.contents if item.sent("id")]
        longest, series = ENGLISH if prompt.isascii() else OTHERS, settings.result_type == "series"
        for wrong, why in (
            (kinds["prompt"] != 1, "contents must hold one prompt"),
            (not prompt.strip(), "prompt must not be empty"),
            (len(prompt) > longest, f"prompt must have at most {longest} characters"),
            ("" in names or len(set(names)) < len(names), "each id in contents must be there once"),
            (
                kinds["refer_image"] + kinds["element"] > MOST_TOGETHER,
                f"contents may hold {MOST_TOGETHER} refer_images and elements together",
            ),
            (
                self.options.sent("external_task_id"),
                "options.external_task_id is not supported by this model",
            ),
            (self.options.sent("callback_url"), "options.callback_url is not supported by this model"),
        ):
            forbid(bool(wrong), why)
        settings.lack("n" if series else "series_amount", where="settings.")
        for item in self.contents:
            nameless = item.type == "element" and f"@{item.id}" not in prompt
            forbid(nameless and not self._lenient, f"prompt must name @{item.id}")
        ratio = "16:9" if settings.aspect_ratio == "auto" else settings.aspect_ratio
        still = StillSpec(prompt=prompt, ratio=ratio, resolution=settings.resolution, kind="blend")
        pictures = tuple(
            Picture(f"contents[{number}].url", item.url, HEAVIEST_OF_FOURTH)
            for number, item in enumerate(self.contents)
            if item.type == "refer_image"
        )
        return replace(
            self.options.order(order.operation),
            model=MODEL,
            prompt=prompt,
            product="image",
            ratio=ratio,
            count=settings.series_amount if series else settings.n,
            series=series,
            still=still,
            pictures=pictures,
            elements=tuple(item.element_id for item in self.contents if item.type == "element"),
        )


TABLE: Table = {f"POST /{PLACE}": needs_key(submits(ImageBody, PLACE, unified_accepted, ok, unified))}
