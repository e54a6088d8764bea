"""The table of what models can do, in Markdown, made from the catalog: docs/models.md holds exactly this.

`python -m bot.cli.catalog_table` prints it.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence

from bot.domain.requests.catalog import Catalog, load
from bot.domain.requests.model import Model
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS, Operation
from bot.domain.requests.options import list_abilities
from bot.domain.requests.rules import numbers
from bot.i18n import DEFAULT, Texts

TEXTS = Texts(DEFAULT)

_ABILITIES = {
    Operation.TEXT_TO_VIDEO: "prompt",
    Operation.IMAGE_TO_VIDEO: "photo",
    Operation.REFERENCES_TO_VIDEO: "references",
    Operation.OMNI_VIDEO: "prompt, photos and references in one",
    Operation.MOTION_CONTROL: "motion control",
    Operation.EXTEND: "extend",
    Operation.LIP_SYNC: "lip-sync",
    Operation.EFFECT: "effects",
    Operation.AVATAR: "avatar",
    Operation.TEXT_TO_AUDIO: "sounds",
    Operation.VIDEO_TO_AUDIO: "sounds for a video",
    Operation.IMAGE: "images",
    Operation.REFERENCES_TO_IMAGE: "images from references",
    Operation.OMNI_IMAGE: "images from prompt and references in one",
    Operation.EXPAND: "expand",
    Operation.TRY_ON: "try-on",
}


def table(catalog: Catalog) -> str:
    """Two tables: the video models, and by what everything else is made."""
    videos = _markdown(
        ("model", "takes", "modes", "seconds", "ratios", "features", "credits a second"),
        (_video(row) for row in catalog.known()),
    )
    others = _markdown(
        ("other results", "made by", "credits"),
        (
            (ability, f"`{row.id}`", _price(row, operation))
            for operation, ability in _ABILITIES.items()
            if operation not in VIDEO_MODEL_OPERATIONS
            for row in catalog.without_choice(operation)
        ),
    )
    return f"{videos}\n\n{others}"


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


def _features(row: Model) -> Iterable[str]:
    """What a model can do besides, each with the modes or seconds that it needs where those are not all."""
    if row.middle_frames:
        yield f"up to {row.middle_frames + 2} frames in order"
    if row.references:
        yield f"up to {row.references} references"
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


def _price(row: Model, operation: Operation) -> str:
    if not row.each:
        return f"{_by_mode(row, row.rate)} a second" + (f", and {row.fixed}" if row.fixed else "")
    prices = set(row.each.values())
    price = f"{min(prices):g}"
    if len(prices) > 1:
        price = ", ".join(f"{resolution} {each:g}" for resolution, each in row.each.items())
    if (images := row.pictures_each.get(operation)) is not None:
        # What is made of several pictures is never made of none.
        price = (
            f"{images:g}"
            if operation is Operation.REFERENCES_TO_IMAGE
            else f"{price}; from a picture {images:g}"
        )
    if row.effect_each:
        price += f"; some {min(row.effect_each.values()):g} to {max(row.effect_each.values()):g}"
    return price


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(table(load()) + "\n")
