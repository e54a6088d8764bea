"""The table of what models can do, in Markdown, made from the catalog: docs/models.md holds exactly this.

`python -m bot.cli.catalog_table` prints it.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence

from bot.domain.requests.catalog import Catalog, load
from bot.domain.requests.model import Model
from bot.domain.requests.operations import IMAGE_MODEL_OPERATIONS, VIDEO_MODEL_OPERATIONS, Operation
from bot.domain.requests.options import list_abilities
from bot.domain.requests.rules import numbers
from bot.i18n import DEFAULT, Texts

TEXTS = Texts(DEFAULT)

_ABILITIES = {
    Operation.TEXT_TO_VIDEO: "prompt",
    Operation.IMAGE_TO_VIDEO: "photo",
    Operation.REFERENCES_TO_VIDEO: "references",
    Operation.OMNI_VIDEO: "prompt, photos and references in one",
    Operation.MULTI_ELEMENTS: "add, swap or remove something in a video",
    Operation.MOTION_CONTROL: "motion control",
    Operation.EXTEND: "extend",
    Operation.LIP_SYNC: "lip-sync",
    Operation.EFFECT: "effects",
    Operation.AVATAR: "avatar",
    Operation.TEXT_TO_AUDIO: "sounds",
    Operation.VIDEO_TO_AUDIO: "sounds for a video",
    Operation.IMAGE: "prompt or one photo",
    Operation.REFERENCES_TO_IMAGE: "several photos",
    Operation.OMNI_IMAGE: "prompt, photos and elements in one",
    Operation.EXPAND: "expand",
    Operation.TRY_ON: "try-on",
    Operation.VIEWS: "other views of an element",
    Operation.CUTOUT: "cut a person or an object out",
}


_OF_PHOTOS: Mapping[str, str] = {
    Operation.IMAGE: "from a photo",
    Operation.REFERENCES_TO_IMAGE: "from several",
}


def table(catalog: Catalog) -> str:
    """Three tables: the video models, the image models, and by what everything else is made."""
    videos = _markdown(
        ("model", "takes", "modes", "seconds", "ratios", "features", "credits a second"),
        (_video(row) for row in catalog.known()),
    )
    images = _markdown(
        ("image model", "takes", "resolutions", "ratios", "images at once", "features", "credits an image"),
        (_image(row) for row in catalog.section("images")),
    )
    others = _markdown(
        ("other results", "made by", "credits"),
        (
            (ability, f"`{row.id}`", _price(row))
            for operation, ability in _ABILITIES.items()
            if operation not in VIDEO_MODEL_OPERATIONS | IMAGE_MODEL_OPERATIONS
            for row in catalog.without_choice(operation)
        ),
    )
    return f"{videos}\n\n{images}\n\n{others}"


def _video(row: Model) -> tuple[str, ...]:
    return (
        f"`{row.id}`",
        ", ".join(_ABILITIES[operation] for operation in row.operations),
        ", ".join(row.modes),
        numbers(row.durations),
        ", ".join(row.ratios),
        "; ".join(_features(row)),
        "; ".join(_rates(row)),
    )


def _image(row: Model) -> tuple[str, ...]:
    return (
        f"`{row.id}`",
        ", ".join(_ABILITIES[operation] for operation in row.operations),
        ", ".join(row.resolutions),
        ", ".join((*row.ratios, *(["auto"] if row.auto_ratio else []))),
        f"1–{row.count}",
        "; ".join(_features(row)),
        "; ".join(_image_prices(row)),
    )


def _image_prices(row: Model) -> Iterable[str]:
    prices = set(row.each.values())
    by_resolution = ", ".join(f"{resolution} {each:g}" for resolution, each in row.each.items())
    yield f"{min(prices):g}" if len(prices) == 1 else by_resolution
    for operation, each in row.pictures_each.items():
        yield f"{_OF_PHOTOS[operation]} {each:g}"


def _features(row: Model) -> Iterable[str]:
    """What a model can do besides, each with the modes or seconds that it needs where those are not all."""
    if row.middle_frames:
        yield f"up to {row.middle_frames + 2} frames in order"
    if row.references:
        yield f"up to {row.references} references"
    if row.features:
        yield "refers to a video" if row.features == 1 else f"refers to up to {row.features} videos"
    for option, modes, seconds in list_abilities(row):
        limits = [*modes, *([f"{numbers(seconds)} s"] if seconds else [])]
        ability = TEXTS(f"models.{option.ability}")
        yield f"{ability} ({', '.join(limits)})" if limits else ability


def _rates(row: Model) -> Iterable[str]:
    for title, rates in (
        ("", row.rate),
        ("with sound ", row.sound_rate),
        ("with voices ", row.voice_rate),
        ("motion control ", row.motion_rate),
    ):
        if rates and (rates != row.rate or not title):
            yield title + _by_mode(row, rates)


def _by_mode(row: Model, rates: Mapping[str, float]) -> str:
    if len(row.modes) == 1:
        return f"{next(iter(rates.values())):g}"
    return ", ".join(f"{mode} {rate:g}" for mode, rate in rates.items())


def _price(row: Model) -> str:
    if not row.each:
        return f"{_by_mode(row, row.rate)} a second" + (f", and {row.fixed}" if row.fixed else "")
    prices = set(row.each.values())
    price = f"{min(prices):g}"
    if len(prices) > 1:
        price = ", ".join(f"{resolution} {each:g}" for resolution, each in row.each.items())
    if row.effect_each:
        price += f"; some {min(row.effect_each.values()):g} to {max(row.effect_each.values()):g}"
    return price


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(table(load()) + "\n")
