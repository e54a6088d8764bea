"""What each model can do and what it costs, as data: `catalog.toml` read into rows. Pure but for `load`.

A model that the operator offers and the catalog does not know is let through with careful limits:
models appear faster than releases of this bot.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from typing import Any

from bot.domain.prompt import Vocabulary
from bot.domain.request import Operation, VideoRequest
from bot.domain.units import Credits
from bot.errors import UserError

EVERY_RATIO = ("16:9", "9:16", "1:1")
UNKNOWN_RATE = 5
"""Credits a second of a model that the catalog has no price for."""


@dataclass(frozen=True, slots=True)
class Model:
    """One row. `rate` is credits a second by mode, `sound_rate` the same with sound; 1 credit is 0.1 Kling unit.

    `end_frame` and `sound` name the modes that can do it, `end_frame_durations` the seconds (empty: all).
    `source` says where the facts are from.
    """

    id: str
    operations: tuple[Operation, ...]
    modes: tuple[str, ...]
    durations: tuple[int, ...]
    ratios: tuple[str, ...] = EVERY_RATIO
    cfg: bool = False
    sound: tuple[str, ...] = ()
    end_frame: tuple[str, ...] = ()
    end_frame_durations: tuple[int, ...] = ()
    end_frame_sound: bool = False
    rate: Mapping[str, float] = field(default_factory=dict)
    sound_rate: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


def _unknown(model: str) -> Model:
    return Model(model, tuple(Operation), ("std", "pro"), (5, 10), source="not in the catalog")


class Catalog:
    """The rows, with what is asked of them."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = {model.id: model for model in models}

    def model(self, model: str) -> Model:
        """A row, or careful limits for a model that has none."""
        return self._models.get(model) or _unknown(model)

    def known(self) -> tuple[Model, ...]:
        """Every row, oldest model first."""
        return tuple(self._models.values())

    def vocabulary(self, offered: Sequence[str]) -> Vocabulary:
        """The words that people may use for the models on offer."""
        return Vocabulary.of_models(offered)

    def able(self, offered: Sequence[str], operation: Operation) -> tuple[str, ...]:
        """Those of the models on offer that can do an operation."""
        return tuple(model for model in offered if operation in self.model(model).operations)

    def check(self, request: VideoRequest, offered: Sequence[str]) -> None:
        """Refuse what the chosen model cannot do.

        Raises:
            UserError: naming what it can do, and which models on offer can do what was asked.

        """
        if request.model not in offered:
            nearest = get_close_matches(request.model, offered, 1)
            raise UserError(
                "error.model.unknown",
                model=request.model,
                nearest=nearest[0] if nearest else offered[0],
                models=", ".join(offered),
            )
        row = self.model(request.model)
        if request.operation not in row.operations:
            others = self.able(offered, request.operation)
            raise UserError(f"error.model.{request.operation}", model=row.id, models=", ".join(others) or "–")
        if request.mode not in row.modes:
            raise UserError(
                "error.model.mode", model=row.id, value=request.mode, allowed=", ".join(row.modes)
            )
        if request.duration not in row.durations:
            raise UserError(
                "error.model.duration",
                model=row.id,
                value=request.duration,
                allowed=_numbers(row.durations),
                nearest=min(row.durations, key=lambda known: abs(known - request.duration)),
            )
        if request.aspect_ratio is not None and request.aspect_ratio not in row.ratios:
            raise UserError(
                "error.model.ratio", model=row.id, value=request.aspect_ratio, allowed=", ".join(row.ratios)
            )
        if request.cfg_scale is not None and not row.cfg:
            self._lacks("cfg", row, [model for model in offered if self.model(model).cfg])
        if request.sound and request.mode not in row.sound:
            self._lacks("sound", row, self._with_modes(offered, "sound"))
        if request.last_frame is not None and not _takes_end_frame(row, request):
            self._lacks("end_frame", row, self._with_modes(offered, "end_frame"))

    def price(self, request: VideoRequest) -> Credits:
        """What a request costs: seconds times the rate of model, mode and sound, rounded up, times results."""
        row = self.model(request.model)
        rates = row.sound_rate if request.sound else row.rate
        rate = rates.get(request.mode, row.rate.get(request.mode, UNKNOWN_RATE))
        return Credits(math.ceil(rate * request.duration - 1e-9) * request.count)

    def _with_modes(self, offered: Sequence[str], feature: str) -> list[str]:
        return [
            f"{model} ({'/'.join(modes)})"
            for model in offered
            if (modes := getattr(self.model(model), feature))
        ]

    @staticmethod
    def _lacks(feature: str, row: Model, others: Sequence[str]) -> None:
        raise UserError(f"error.model.{feature}", model=row.id, models=", ".join(others) or "–")


def _takes_end_frame(row: Model, request: VideoRequest) -> bool:
    return (
        request.mode in row.end_frame
        and (not row.end_frame_durations or request.duration in row.end_frame_durations)
        and (row.end_frame_sound or not request.sound)
    )


def _numbers(values: Sequence[int]) -> str:
    if len(values) > 2 and values == tuple(range(values[0], values[-1] + 1)):
        return f"{values[0]}–{values[-1]}"
    return ", ".join(str(value) for value in values)


def read(document: Mapping[str, Any]) -> Catalog:
    """Read a catalog from its TOML form."""
    rows = []
    for name, row in document["models"].items():
        low, high = row["durations"][0], row["durations"][-1]
        durations = tuple(range(low, high + 1)) if row.get("every_second") else tuple(row["durations"])
        rows.append(
            Model(
                id=name,
                operations=tuple(Operation(operation) for operation in row["operations"]),
                modes=tuple(row["modes"]),
                durations=durations,
                ratios=tuple(row.get("ratios", EVERY_RATIO)),
                cfg=row.get("cfg", False),
                sound=tuple(row.get("sound", ())),
                end_frame=tuple(row.get("end_frame", ())),
                end_frame_durations=tuple(row.get("end_frame_durations", ())),
                end_frame_sound=row.get("end_frame_sound", False),
                rate=row["rate"],
                sound_rate=row.get("sound_rate", {}),
                source=row["source"],
            )
        )
    return Catalog(rows)


def load() -> Catalog:
    """The catalog that comes with the program."""
    return read(tomllib.loads(resources.files("bot.domain").joinpath("catalog.toml").read_text("utf-8")))
