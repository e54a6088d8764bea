"""What each model can do and what it costs, as data: `catalog.toml` read into rows. Pure but for `load`.

What a model can do depends on who serves it, so each provider has a catalog of its own: the rows of `catalog.toml`,
changed by those of its dialect in `dialects.toml`, then by the operator's, then by those of the provider.
A video model that the operator offers and the catalog does not know is let through with careful limits:
models appear faster than releases of this bot.
"""

import math
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any

from bot.domain.requests.model import (
    UNKNOWN_RATE,
    ChangedPrices,
    Model,
    Rates,
    repriced,
    unknown,
)
from bot.domain.requests.operations import LIBRARY_OPERATIONS, ChargedFor, Operation, Role
from bot.domain.requests.request import PLACEHOLDER, RATIOS, GenerationRequest
from bot.domain.requests.rules import RULES, broken, suit
from bot.domain.requests.values import Vocabulary
from bot.domain.types import SECOND, Credits
from bot.errors import UserError

ASSUMED_SECONDS = 10
"""How long a source video is taken to be where the provider did not tell."""


class Catalog:
    """The rows, with what is asked of them. Video models, image models and services have ids of their own."""

    def __init__(
        self,
        models: Iterable[Model],
        images: Iterable[Model] = (),
        services: Iterable[Model] = (),
        *,
        others: Mapping[str, Any] | None = None,
    ) -> None:
        """`others` are the columns in which video models that have no row differ from `unknown`."""
        self._models = {row.id: row for row in models}
        self._others = others or {}
        self._images = {row.id: row for row in images}
        self._services = {row.id: row for row in services}

    # -- rows ----------------------------------------------------------------------------------------

    def model(self, model: str) -> Model:
        """The row of a video model, or careful limits for one that has none."""
        return self._models.get(model) or self._unknown(model)

    def _unknown(self, model: str) -> Model:
        row = unknown(model)
        return Model.model_validate({**row.model_dump(), **self._others}) if self._others else row

    def row(self, request: GenerationRequest) -> Model:
        """The row that a request is for."""
        if request.operation.row.on_video_model:
            return self.model(request.model)
        row = self._images.get(request.model) or self._services.get(request.model)
        if row is None or request.operation not in row.operations:
            able = self.without_choice(request.operation)
            raise UserError(
                "error.model.unknown",
                model=request.model,
                nearest=able[0].id if able else "–",
                models=", ".join(row.id for row in able),
            )
        return row

    def image(self, model: str) -> Model | None:
        """The row of an image model; None: there is none."""
        return self._images.get(model)

    def known(self) -> tuple[Model, ...]:
        """Every video model, oldest first."""
        return tuple(self._models.values())

    def section(self, section: str) -> tuple[Model, ...]:
        """The rows of one of `SECTIONS`."""
        rows = {"models": self._models, "images": self._images, "services": self._services}[section]
        return tuple(rows.values())

    def without_choice(self, operation: Operation) -> tuple[Model, ...]:
        """The image models or services that do an operation, the usual one first."""
        return tuple(
            row for row in (*self._images.values(), *self._services.values()) if operation in row.operations
        )

    def vocabulary(self, offered: Sequence[str]) -> Vocabulary:
        """The words that people may use for the models on offer."""
        return Vocabulary.of_models(offered)

    def able(self, offered: Sequence[str], operation: Operation) -> tuple[str, ...]:
        """Those of the video models on offer that can do an operation."""
        return tuple(model for model in offered if operation in self.model(model).operations)

    def operation_for(self, model: str, *, frames: int, references: int, others: bool = False) -> Operation:
        """What a video model is asked for, given how many pictures there are (see `Model.operation_for`)."""
        return self.model(model).operation_for(frames=frames, references=references, others=others)

    def repriced(self, prices: ChangedPrices) -> "Catalog":
        """The same with some other prices; a video model that has no row gets one with careful limits."""
        sections = []
        for section in SECTIONS:
            rows = {row.id: row for row in self.section(section)}
            for name, columns in prices.get(section, {}).items():
                row = rows.get(name) or (self._unknown(name) if section == "models" else None)
                if row is not None:
                    rows[name] = repriced(row, columns)
            sections.append(rows.values())
        return Catalog(*sections, others=self._others)

    def strictly(self, models: Collection[str]) -> "Catalog":
        """The same where the disputed limits of some video models count."""
        rows = [
            row.model_copy(update={"strict": True}) if row.id in models else row
            for row in self._models.values()
        ]
        return Catalog(rows, self._images.values(), self._services.values(), others=self._others)

    # -- what can be done ----------------------------------------------------------------------------

    def lacks(self, request: GenerationRequest) -> tuple[str, ...]:
        """The fields of a request that ask for what its model cannot do here; empty where it can do it all."""
        if request.operation in LIBRARY_OPERATIONS:
            return ()
        try:
            row = self.row(request)
        except UserError:
            return ("model",)
        if request.operation not in row.operations:
            return ("operation",)
        return tuple(rule.fields[0] for rule in RULES if rule.is_broken(row, request))

    def check(
        self, request: GenerationRequest, offered: Sequence[str], among: "Catalog | None" = None
    ) -> None:
        """Refuse what the chosen model cannot do; `among` has what all models on offer can do.

        Raises:
            UserError: naming what it can do, and which models on offer can do what was asked.

        """
        among = among or self
        video = request.operation.row.on_video_model
        if video and request.model not in offered:
            nearest = get_close_matches(request.model, offered, 1)
            raise UserError(
                "error.model.unknown",
                model=request.model,
                nearest=nearest[0] if nearest else offered[0],
                models=", ".join(offered),
            )
        row = self.row(request)
        if request.operation not in row.operations:
            others = among.able(offered, request.operation) or among.omni(request, offered)
            raise UserError(f"error.model.{request.operation}", model=row.id, models=", ".join(others) or "–")
        rule = broken(RULES, row, request)
        if rule is None:
            return
        details = dict(rule.details(row, request))
        if rule.error.startswith("error.model."):
            details["model"] = row.id
        if rule.ability:
            able = (
                _with_ability(self._images.values(), rule.ability, request.operation)
                if request.operation.row.on_image_model
                else among.with_ability(offered, rule.ability, request.operation)
            )
            details["models"] = ", ".join(able) or "–"
        elif rule.is_joint:
            rows = [among.model(model) for model in offered]
            if request.operation.row.on_image_model:
                rows = list(self._images.values())
            details["models"] = ", ".join(_taking(rows, request)) or "–"
        raise UserError(rule.error, **details)

    def omni(self, request: GenerationRequest, offered: Sequence[str]) -> tuple[str, ...]:
        """Those of the models on offer that do all of it in one, where a request is for a video model."""
        return self.able(offered, Operation.OMNI_VIDEO) if request.operation.row.on_video_model else ()

    def with_ability(self, offered: Sequence[str], ability: str, operation: Operation) -> list[str]:
        """The models on offer that have an ability, with the modes that it needs."""
        return _with_ability([self.model(model) for model in offered], ability, operation)

    # -- prices --------------------------------------------------------------------------------------

    def price(self, request: GenerationRequest) -> Credits:
        """What a request costs: for each result seconds times a rate, or a price, rounded up."""
        row = self.row(request)
        if row.each:
            each = row.each.get(request.resolution, max(row.each.values()))
            if request.references:
                each = row.pictures_each.get(request.operation, each)
            each = row.effect_each.get(request.effect or "", each)
            return Credits(math.ceil((row.fixed + each) * request.results - 1e-9))
        rate = _rates(row, request).get(request.mode, row.rate.get(request.mode, UNKNOWN_RATE))
        seconds = seconds_of(request)
        if row.counts_input and (given := _given_seconds(request) or float(bool(request.video_elements))):
            # Both count, and what is given for as long as what is made, at least (FAL, MU: kling-4.0).
            seconds += max(given, seconds)
        return Credits((row.fixed + math.ceil(rate * seconds - 1e-9)) * request.count)


def seconds_of(request: GenerationRequest) -> float:
    """How many seconds a request is charged for."""
    row, source, speech = request.operation.row, request.source, request.speech
    if row.charged_for is ChargedFor.SPEECH and speech is not None:
        return math.ceil(speech.seconds)
    if row.charged_for is ChargedFor.SOURCE and source is not None:
        length = ASSUMED_SECONDS if source.duration_ms is None else source.duration_ms / SECOND
        return math.ceil((length - row.charged_slack) / row.charged_block) * row.charged_block
    return request.duration


def _given_seconds(request: GenerationRequest) -> float:
    """How long the videos are together that a request is given, as far as that is known; 0 without any."""
    videos = (*request.features, *(() if request.source is None else (request.source,)))
    return sum(
        ASSUMED_SECONDS if video.duration_ms is None else video.duration_ms / SECOND for video in videos
    )


def list_samples(row: Model) -> tuple[GenerationRequest, ...]:
    """A small request for each operation of an image model; none of another row."""
    return tuple(
        GenerationRequest(
            operation=operation,
            model=row.id,
            prompt="a fox",
            duration=0,
            aspect_ratio=row.ratios[0],
            resolution=row.resolutions[0],
            references=(PLACEHOLDER,) * operation.row.limits(Role.REFERENCES)[0],
        )
        for operation in row.operations
        if operation.row.on_image_model
    )


def _taking(rows: Iterable[Model], request: GenerationRequest) -> list[str]:
    """The models that take all of a request as it is."""
    asked = ((row, suit(request, row)) for row in rows)
    return [
        row.id
        for row, suited in asked
        if suited is not None and suited.operation in row.operations and broken(RULES, row, suited) is None
    ]


def _with_ability(rows: Iterable[Model], ability: str, operation: Operation) -> list[str]:
    """The models that have an ability, with the modes that it needs."""
    if ability == "elements" and operation is Operation.TEXT_TO_VIDEO:
        rows = [row for row in rows if Operation.OMNI_VIDEO in row.operations]
    found = [(row.id, row.modes_for(ability)) for row in rows]
    return [f"{model} ({'/'.join(modes)})" if modes else model for model, modes in found if modes is not None]


def _rates(row: Model, request: GenerationRequest) -> Rates:
    if request.operation is Operation.MOTION_CONTROL:
        return row.motion_rate
    # With Kling 4.0 a character of a video counts as a video (Comfy Router's page, 2026-10).
    filmed = request.source is not None or request.features or (row.counts_input and request.video_elements)
    if filmed and row.video_rate:
        return row.video_rate
    if request.voices and row.voice_rate:
        return row.voice_rate
    return row.sound_rate if request.sound else row.rate


SECTIONS = ("models", "images", "services")
EVERY = "*"
"""The name under which columns of all rows of a section are changed, those of unknown video models included."""

Overrides = Mapping[str, Mapping[str, Mapping[str, Any]]]


def read(document: Mapping[str, Any], *overrides: Overrides | None) -> Catalog:
    """Read a catalog from its TOML form; each of `overrides` in turn adds rows, or changes single columns of rows.

    Raises:
        pydantic.ValidationError: a row is not what it must be.

    """
    sections = []
    others: dict[str, Any] = {}
    for section in SECTIONS:
        rows = dict(document.get(section, {}))
        for changes in filter(None, overrides):
            changed = changes.get(section, {})
            for name in (*rows, *changed) if EVERY in changed else changed:
                row = rows.get(name) or {**_new(section, name), **others, "source": "the operator's settings"}
                rows[name] = {**row, **changed.get(EVERY, {}), **changed.get(name, {})}
            if section == "models":
                others |= changed.get(EVERY, {})
        rows.pop(EVERY, None)
        ratios = {"ratios": RATIOS} if section == "images" else {}
        sections.append([Model.model_validate({**ratios, **row, "id": name}) for name, row in rows.items()])
    return Catalog(*sections, others=others)


def _new(section: str, name: str) -> Mapping[str, Any]:
    """What a row has that the settings add, where they say nothing: of a video model careful limits."""
    if section != "models" or name == EVERY:
        return {}
    return unknown(name).model_dump(include={"operations", "modes", "durations"})


def load(*overrides: Overrides | None, dialect: str = "") -> Catalog:
    """The catalog that comes with the program, as speakers of a dialect have it, with the operator's changes."""
    return read(_document("catalog.toml"), _document("dialects.toml").get(dialect), *overrides)


@cache
def list_names(section: str = "models") -> frozenset[str]:
    """What the rows of a section are called that come with the program, whoever's they are."""
    dialects = _document("dialects.toml").values()
    return frozenset(
        name for each in (_document("catalog.toml"), *dialects) for name in each.get(section, {})
    ) - {EVERY}


@cache
def _document(name: str) -> Mapping[str, Any]:
    return tomllib.loads(resources.files("bot.domain.requests").joinpath(name).read_text("utf-8"))
