"""What is on offer, what it costs, and what cannot be done: what every request is checked against."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from bot.domain.credits.quota import Plan
from bot.domain.library.asset import NO_NAMES, Names
from bot.domain.requests import retirement
from bot.domain.requests.catalog import Catalog, list_samples
from bot.domain.requests.effects import Effects
from bot.domain.requests.model import Model, widest
from bot.domain.requests.operations import (
    IMAGE_MODEL_OPERATIONS,
    VIDEO_MODEL_OPERATIONS,
    Operation,
    Product,
    Prompt,
    Role,
)
from bot.domain.requests.presets import Voices
from bot.domain.requests.prompt import ParsedPrompt, parse
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import fit, fit_with
from bot.domain.requests.values import Vocabulary
from bot.domain.tasks.availability import Availability
from bot.domain.types import Credits
from bot.errors import UserError
from bot.kling.pool import ProviderPool
from bot.settings import sections

log = structlog.get_logger(__name__)

T = TypeVar("T")

_MOST_COMBINED = Operation.REFERENCES_TO_VIDEO.row.limits(Role.REFERENCES)[1]
"""Photos that are combined where a model does nothing else with them."""


class Capabilities:
    """What every way of composing knows and ends with. `UserError` says what can be done instead.

    `hands_out_videos` says that providers can fetch people's own videos, `video_elements` which elements are known to be
    characters of a video.
    """

    def __init__(
        self,
        *,
        catalog: Callable[[], Catalog],
        pool: ProviderPool,
        defaults: sections.Models,
        voices: Voices,
        effects: Effects,
        hands_out_videos: bool = False,
        video_elements: Callable[[], Collection[int]] = frozenset,
    ) -> None:
        self._current = catalog
        self._pool = pool
        self._defaults = defaults
        self.voices = voices
        self.effects = effects
        self._hands_out_videos = hands_out_videos
        self._video_elements = video_elements

    @property
    def _catalog(self) -> Catalog:
        """The catalog of this moment where no provider counts: prices change while the bot runs."""
        return self._current()

    # -- what is on offer ----------------------------------------------------------------------------

    def parse(self, text: str, names: Names = NO_NAMES, *, images: bool = False) -> ParsedPrompt:
        """Read what a person typed after a command, or as a caption; `names` are those of their own assets.

        The models that it may name are those that make `images`, or videos.
        """
        return parse(text, self.image_vocabulary(names) if images else self.vocabulary(names))

    def vocabulary(self, names: Names = NO_NAMES) -> Vocabulary:
        """The models that this bot knows, by all their names, with a person's own; of one that is out, the check says so."""
        models = self._catalog.vocabulary(self._pool.known_models())
        return replace(
            models,
            elements=names.elements,
            voices={**names.preset_voices, **names.voices},
            presets=names.presets,
        )

    def image_vocabulary(self, names: Names = NO_NAMES) -> Vocabulary:
        """The image models, by all their names, with a person's own elements and voices."""
        models = Vocabulary.of_models([row.id for row in self._catalog.section("images")])
        return replace(models, elements=names.elements, voices=names.voices, presets=names.presets)

    def models(self) -> tuple[str, ...]:
        """The video models that this bot offers, in order of preference."""
        return self._pool.models()

    def rows(self) -> tuple[Model, ...]:
        """What each of the video models on offer can do, each thing with some provider."""
        return tuple(widest(self.rows_of(model)) for model in self._pool.models())

    def offers(self) -> tuple[Model, ...]:
        """What the video models on offer can do: a row for each provider where they differ."""
        return tuple(row for model in self._pool.models() for row in self.rows_of(model))

    def rows_of(self, model: str) -> tuple[Model, ...]:
        """What a video model can do: at the best provider that has it, then what differs elsewhere."""
        rows = [client.catalog.model(model) for client in self._pool.with_model(model)]
        return _different(rows) or (self._catalog.model(model),)

    def image_rows(self) -> tuple[Model, ...]:
        """What the image models on offer can do, the usual one first; a row for each provider where they differ."""
        rows = _different(row for each in IMAGE_MODEL_OPERATIONS for row in self._beside_videos(each))
        order = [self._defaults.default_image, *(row.id for row in self._catalog.section("images"))]
        usable = [row for row in rows if any(map(self._makes, list_samples(row)))]
        return tuple(sorted(usable, key=lambda row: order.index(row.id) if row.id in order else len(order)))

    def offers_for(self, request: GenerationRequest) -> tuple[Model, ...]:
        """What can be chosen in the place of the model that a request is for, by what comes out of it."""
        return self.image_rows() if request.operation.row.on_image_model else self.offers()

    def rows_for(self, request: GenerationRequest) -> tuple[Model, ...]:
        """What the model, or the service, that a request is for can do; as `rows_of`.

        Raises:
            UserError: nobody has it.

        """
        if request.operation.row.on_video_model:
            return self.rows_of(request.model)
        rows = [row for row in self._beside_videos(request.operation) if row.id == request.model]
        return _different(rows) or (self._catalog.row(request),)

    def has(self, request: GenerationRequest) -> bool:
        """Whether somebody has the model of a request, at this moment or at another."""
        return not request.operation.row.on_video_model or bool(self._pool.with_model(request.model))

    def availabilities(self) -> tuple[tuple[Availability, ...], ...]:
        """What the account of each provider can use, and why not the rest."""
        return tuple(self._pool.availabilities(client.name) for client in self._pool.clients())

    def availability(self, request: GenerationRequest) -> Availability | None:
        """What whoever can take a request can do with its model; None where nobody can take it."""
        return self._pool.availability(request)

    def camera_words(self, request: GenerationRequest) -> str:
        """What is written into the prompt for its camera move where whoever takes it has no field for that; else empty."""
        nearest = self._pool.nearest(request)
        return "" if nearest is None else nearest.camera_words(request)

    def replacement(self, model: str) -> str | None:
        """What stands in on offer for a video model that may not be; None: nothing does."""
        offered = self._pool.models()
        others = retirement.replacements(self._catalog.model, model)
        return next((other for other in (model, *others) if other in offered), None)

    def renewed(self, plan: Plan) -> Plan:
        """The plan with what stands in for those of its models that are no longer on offer."""
        models = tuple(dict.fromkeys(self.replacement(model) or model for model in plan.models))
        return plan if models == plan.models else plan.model_copy(update={"models": models})

    def operations(self) -> frozenset[Operation]:
        """What some provider offers."""
        return self._pool.operations()

    def edits_by_prompt(self) -> bool:
        """Whether some model on offer changes a video as a prompt says."""
        return Operation.OMNI_VIDEO in self._pool.operations() and bool(self._able(Operation.OMNI_VIDEO))

    def beside(self) -> dict[Operation, Model]:
        """What is offered beside videos from a model: the usual row of each operation."""
        found = {
            operation: self._usable(operation)
            for operation in Operation
            if operation in self._pool.operations() - VIDEO_MODEL_OPERATIONS
        }
        return {operation: rows[0] for operation, rows in found.items() if rows}

    # -- checking ------------------------------------------------------------------------------------

    def check(self, request: GenerationRequest) -> None:
        """Refuse what cannot be done, before anything is held."""
        self._check_but_words(request)
        nearest = self._pool.nearest(request)
        if _needs_words(request) or (nearest is not None and "prompt" in (nearest.lacks(request) or ())):
            raise UserError("error.request.needs_prompt")

    def goes_without_words(self, request: GenerationRequest) -> bool:
        """Whether the request could be accepted as it is, without a prompt."""
        try:
            self.check(request)
        except UserError as error:
            return error.key != "error.request.needs_prompt"
        return True

    def possible(self, request: GenerationRequest) -> bool:
        """Whether the request could be accepted, or could be with words."""
        try:
            self._check_but_words(request)
        except UserError:
            return False
        return True

    def price(self, request: GenerationRequest) -> Credits:
        """What the request costs in credits, at the first of the providers that can express it."""
        nearest = self._pool.nearest(request)
        return (self._catalog if nearest is None else nearest.catalog).price(request)

    @property
    def hands_out_videos(self) -> bool:
        """Whether providers can fetch people's own videos."""
        return self._hands_out_videos

    def check_hands_out(self) -> None:
        """Refuse what is made of a person's own video where no provider could fetch it."""
        if not self._hands_out_videos:
            raise UserError("error.video.no_address")

    def final_of(self, request: GenerationRequest) -> GenerationRequest | None:
        """The same request with the model that its own makes drafts for, at its best; None where that is not on offer."""
        name = self.rows_of(request.model)[0].draft_of if request.operation.row.on_video_model else ""
        if name not in self._pool.models():
            return None
        ways = (fit_with(request, row, "mode", row.modes[-1]) for row in self.rows_of(name))
        return next((way for way in ways if way is not None and self.possible(way)), None)

    def most_at_once(self, request: GenerationRequest) -> int:
        """How many results one submission may bring: of images as many as a provider's package allows."""
        return self._pool.max_images(request) if request.operation.row.several_at_once else 1

    def _check_but_words(self, request: GenerationRequest) -> None:
        if request.videos:
            self.check_hands_out()
        if self._pool.is_out(request):
            self._check_out(request)
        nearest, offered = self._pool.nearest(request), self._pool.models()
        lacking = None if nearest is None else nearest.lacks(request)
        if lacking == ():
            return
        judge = self._catalog if nearest is None else nearest.catalog
        if nearest is None:
            self._check_retired(request.model)
        judge.check(request, offered, Catalog(self.rows()))
        if lacking is None:
            raise UserError("error.request.no_provider", model=request.model, models=", ".join(offered))
        missing = tuple(field for field in lacking if field != "prompt")
        for key in ("operation", "source", "account"):
            if key in missing:
                raise UserError(f"error.request.{key}", operation=request.operation)
        if missing:
            raise UserError("error.request.not_offered", fields=", ".join(missing), model=request.model)

    def _check_retired(self, model: str) -> None:
        """Refuse a model that nobody has any more, naming what stands in for it."""
        other = self.replacement(model)
        if other is not None and model in self._pool.known_models():
            raise UserError("error.model.retired", model=model, other=other)

    def _check_out(self, request: GenerationRequest) -> None:
        """Refuse what nobody can do at present, naming what can be used in its place."""
        if request.operation.row.on_video_model:
            others = self._able(request.operation)
        else:
            others = tuple(row.id for row in self._usable(request.operation))
        others = tuple(
            model for model in others if not self._pool.is_out(request.model_copy(update={"model": model}))
        )
        if others:
            raise UserError("error.request.out", model=request.model, models=", ".join(others))
        raise UserError("error.request.all_out")

    def _makes(self, sample: GenerationRequest) -> bool:
        """Whether a provider can do such a thing with its model, however busy it is."""
        usable = self._pool.is_usable(sample.operation, sample.model)
        nearest = self._pool.nearest(sample)
        return usable and nearest is not None and nearest.lacks(sample) == ()

    def _check_features(self, row: Model, number: int) -> None:
        """Refuse videos to refer to where a model takes none, naming those that take so many."""
        if number and not row.features:
            able = [other.id for other in self.rows() if other.features >= number]
            raise UserError("error.model.features", model=row.id, models=", ".join(able) or "–")

    def _check_number(self, row: Model, number: int) -> None:
        """Refuse more pictures than a model takes, naming those that take so many."""
        if number <= row.references or (not row.references and number <= _MOST_COMBINED):
            # What takes none at all is refused with the rest of its limits.
            return
        rows = self.image_rows() if row.product is Product.IMAGE else self.rows()
        others = [other.id for other in rows if other.references >= number]
        if not row.references:
            operation = Operation.REFERENCES_TO_VIDEO
            raise UserError(f"error.model.{operation}", model=row.id, models=", ".join(others) or "–")
        raise UserError(
            "error.pictures.too_many_for" if others else "error.pictures.too_many",
            model=row.id,
            limit=row.references,
            number=number,
            models=", ".join(others),
        )

    # -- building ------------------------------------------------------------------------------------

    def _able(self, operation: Operation) -> tuple[str, ...]:
        """The video models on offer that can do an operation somewhere."""
        return tuple(dict.fromkeys(row.id for row in self.offers() if operation in row.operations))

    def fit(self, request: GenerationRequest, model: str) -> GenerationRequest | None:
        """The request as a model can do it with some provider, changed as little as possible; None: with none."""
        of_images = request.operation.row.on_image_model
        rows = [row for row in self.image_rows() if row.id == model] if of_images else self.rows_of(model)
        ways = (fit(request, row) for row in rows)
        return next((way for way in ways if way is not None and self.possible(way)), None)

    def _usual(self, operation: Operation) -> Model:
        """The usual image model or service for an operation."""
        return (self._usable(operation) or self._catalog.without_choice(operation))[0]

    def _usable(self, operation: Operation) -> tuple[Model, ...]:
        """The image models or services that can do an operation at present, the usual one first."""
        return tuple(row for row in self._beside_videos(operation) if self._pool.is_usable(operation, row.id))

    def _beside_videos(self, operation: Operation) -> tuple[Model, ...]:
        """The image models or services that do an operation with some provider, the usual one of the best first."""
        clients = self._pool.with_operation(operation)
        return tuple(row for client in clients for row in client.catalog.without_choice(operation))

    def _marked(self, request: GenerationRequest) -> GenerationRequest:
        """The request that says which of its elements are characters of a video."""
        known = {*self._video_elements(), *request.video_elements}
        filmed = tuple(id for id in request.elements if id in known)
        if filmed == request.video_elements:
            return request
        return request.model_copy(update={"video_elements": filmed})

    @staticmethod
    def _build(**fields: Any) -> GenerationRequest:
        try:
            return GenerationRequest.model_validate(fields)
        except ValidationError as error:
            if not fields.get("prompt"):
                raise UserError("error.request.needs_prompt") from error
            log.warning(
                "a request that the grammar let through is invalid", errors=error.errors(include_input=False)
            )
            raise UserError("error.request.invalid") from error


def _needs_words(request: GenerationRequest) -> bool:
    return request.operation.row.prompt is Prompt.AWAITED and not (request.prompt or request.shots)


def _different(rows: Iterable[Model]) -> tuple[Model, ...]:
    """The rows without those that are equal to an earlier one."""
    found: list[Model] = []
    for row in rows:
        if row not in found:
            found.append(row)
    return tuple(found)


def fitting(preferred: object, offered: Sequence[T]) -> T:
    """The preferred value where the model offers it, else the first that it does offer."""
    return next((value for value in offered if value == preferred), offered[0])
