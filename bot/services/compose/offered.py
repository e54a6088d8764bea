"""What is on offer, what it costs, and what cannot be done: what every request is checked against."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from bot.domain.library.asset import NO_NAMES, Names
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.effects import Effects
from bot.domain.requests.model import Model
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS, Operation, Prompt
from bot.domain.requests.presets import Voices
from bot.domain.requests.prompt import ParsedPrompt, parse
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.values import Vocabulary
from bot.domain.types import Credits, ProviderName
from bot.errors import UserError
from bot.kling.pool import ProviderPool
from bot.settings import sections

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Capabilities:
    """What every way of composing knows and ends with. `UserError` says what can be done instead."""

    def __init__(
        self,
        *,
        prices: Callable[[ProviderName | None], Catalog],
        pool: ProviderPool,
        defaults: sections.Models,
        voices: Voices,
        effects: Effects,
    ) -> None:
        self._prices = prices
        self._pool = pool
        self._defaults = defaults
        self.voices = voices
        self.effects = effects

    @property
    def _catalog(self) -> Catalog:
        """The catalog of this moment: prices change while the bot runs."""
        return self._prices(None)

    # -- what is on offer ----------------------------------------------------------------------------

    def parse(self, text: str, names: Names = NO_NAMES) -> ParsedPrompt:
        """Read what a person typed after a command, or as a caption; `names` are those of their own assets."""
        vocabulary = self.vocabulary()
        return parse(text, replace(vocabulary, elements=names.elements, voices=names.voices))

    def vocabulary(self) -> Vocabulary:
        """The models that this bot knows, by all their names; of one that is out, the check says so."""
        return self._catalog.vocabulary(self._pool.known_models())

    def models(self) -> tuple[str, ...]:
        """The video models that this bot offers, in order of preference."""
        return self._pool.models()

    def rows(self) -> tuple[Model, ...]:
        """What the video models on offer can do."""
        return tuple(self._prices(self._pool.first_with(model)).model(model) for model in self._pool.models())

    def row(self, request: GenerationRequest) -> Model:
        """What the model, or the service, that a request is for can do."""
        return self._catalog.row(request)

    def operations(self) -> frozenset[Operation]:
        """What some provider offers."""
        return self._pool.operations()

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
        if "prompt" in (self._pool.unsupported(request) or ()) or _needs_words(request):
            raise UserError("error.request.needs_prompt")

    def possible(self, request: GenerationRequest) -> bool:
        """Whether the request could be accepted, or could be with words."""
        try:
            self._check_but_words(request)
        except UserError:
            return False
        return True

    def price(self, request: GenerationRequest) -> Credits:
        """What the request costs in credits, at the first of the providers that can express it."""
        return self._prices(self._pool.first_able(request)).price(request)

    def _check_but_words(self, request: GenerationRequest) -> None:
        if self._pool.is_out(request):
            self._check_out(request)
        self._catalog.check(request, self._pool.models())
        lacking = self._pool.unsupported(request)
        if lacking is None:
            return
        missing = tuple(field for field in lacking if field != "prompt")
        if not lacking:
            raise UserError(
                "error.request.no_provider", model=request.model, models=", ".join(self._pool.models())
            )
        for key in ("operation", "source", "account"):
            if key in missing:
                raise UserError(f"error.request.{key}", operation=request.operation)
        if missing:
            raise UserError("error.request.not_offered", fields=", ".join(missing), model=request.model)

    def _check_out(self, request: GenerationRequest) -> None:
        """Refuse what nobody can do at present, naming what can be used in its place."""
        if request.operation.row.on_video_model:
            others = self._catalog.able(self._pool.models(), request.operation)
        else:
            others = tuple(row.id for row in self._usable(request.operation))
        others = tuple(
            model for model in others if not self._pool.is_out(request.model_copy(update={"model": model}))
        )
        if others:
            raise UserError("error.request.out", model=request.model, models=", ".join(others))
        raise UserError("error.request.all_out")

    def _check_number(self, row: Model, number: int) -> None:
        """Refuse more pictures than a model takes, naming those that take so many."""
        if not row.references or number <= row.references:
            return
        others = [other.id for other in self.rows() if other.references >= number]
        raise UserError(
            "error.pictures.too_many_for" if others else "error.pictures.too_many",
            model=row.id,
            limit=row.references,
            number=number,
            models=", ".join(others),
        )

    # -- building ------------------------------------------------------------------------------------

    def _usual(self, operation: Operation) -> Model:
        """The usual image model or service for an operation."""
        return (self._usable(operation) or self._catalog.without_choice(operation))[0]

    def _usable(self, operation: Operation) -> tuple[Model, ...]:
        """The image models or services that can do an operation at present, the usual one first."""
        return tuple(
            row for row in self._catalog.without_choice(operation) if self._pool.is_usable(operation, row.id)
        )

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


def fitting(preferred: object, offered: Sequence[T]) -> T:
    """The preferred value where the model offers it, else the first that it does offer."""
    return next((value for value in offered if value == preferred), offered[0])
