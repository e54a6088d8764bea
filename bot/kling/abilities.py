"""What can be asked for at one provider: by its settings, by its dialect, and by its catalog at this moment."""

from collections.abc import Callable
from functools import cache

import structlog

from bot.clock import Clock
from bot.domain.requests import catalog as catalogs
from bot.domain.requests import retirement
from bot.domain.requests.camera import can_be_words, direct, has_field, tell_camera
from bot.domain.requests.catalog import Catalog
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import ALONE, Limits, lacking
from bot.domain.types import ProviderName
from bot.kling import errors
from bot.kling.dialects import accounting, words
from bot.kling.dialects.profile import PROBE_ID
from bot.kling.provider import Provider
from bot.kling.wire import Dialect, TaskRef

log = structlog.get_logger(__name__)

NOBODYS_TASK = TaskRef(Operation.TEXT_TO_VIDEO, "", PROBE_ID, PROBE_ID)
"""A question that only a good key gets an answer to: that there is no such task."""


class Abilities:
    """A provider's models and operations, and which requests it takes. Nothing is sent.

    `catalog` is what its models can do and cost at this moment; without it, what the program knows of its dialect.
    """

    def __init__(
        self, config: Provider, dialect: Dialect, clock: Clock, catalog: Callable[[], Catalog] | None = None
    ) -> None:
        self.config = config
        self.dialect = dialect
        self._clock = clock
        self._catalog = catalog or cache(lambda: catalogs.load(dialect=dialect.name))
        self._strict: frozenset[str] = frozenset()
        self._narrowed: tuple[Catalog | None, Catalog] = (None, Catalog(()))
        self._named = models_of(config, dialect)
        self._limits: Limits = (
            ("operation", lambda request: request.operation not in self.operations),
            # A series is one task, and each of its images takes a place.
            (
                "series",
                lambda request: isinstance(request.series, int) and request.series > config.max_images,
            ),
            # Elements and voices are known to their own account only, and some videos to the one that made them.
            ("account", lambda request: request.account not in {None, self.name}),
            (
                "source",
                lambda request: (
                    request.operation.row.from_maker
                    and (
                        request.source is None
                        or (request.source.file is None and request.source.provider != self.name)
                    )
                ),
            ),
        )

    @property
    def name(self) -> ProviderName:
        """The provider's name in the settings."""
        return self.config.name

    @property
    def catalog(self) -> Catalog:
        """What its models can do and cost at this moment."""
        catalog = self._catalog()
        if self._strict and self._narrowed[0] is not catalog:
            self._narrowed = (catalog, catalog.strictly(self._strict))
        return self._narrowed[1] if self._strict else catalog

    def heed(self, request: GenerationRequest, refusal: errors.Rejected) -> None:
        """Keep to the narrower reading of the vendor's texts once a length was refused that the wider one allows."""
        row = request.operation.row
        if not row.on_video_model or not words.says_length(refusal.message):
            return
        if self.catalog.lacks(request) == () != self._catalog().strictly({request.model}).lacks(request):
            log.warning("a disputed limit holds here", provider=self.name, model=request.model)
            self._strict |= {request.model}
            self._narrowed = (None, self._catalog())

    def forget(self) -> None:
        """Read the vendor's texts as wide as they can be again."""
        self._strict = frozenset()

    @property
    def models(self) -> tuple[str, ...]:
        """The video models that it has now, the usual one first: those of the settings, or what stands in for them."""
        named = self._named
        if not self.config.replaces_retired:
            return named
        return retirement.offer(named, self.catalog.model, self.operations, self._clock.now())

    def retired(self) -> tuple[str, ...]:
        """The models of its settings that Kling has ended, where it does not offer them for that."""
        models = self.models
        return tuple(model for model in self._named if model not in models)

    def unnamed(self) -> tuple[str, ...]:
        """The models of its settings that cannot be asked for in its dialect."""
        return tuple(model for model in self.config.models if model not in self._named)

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for here."""
        return operations_of(self.config, self.dialect)

    def lacks(self, request: GenerationRequest) -> tuple[str, ...] | None:
        """What of a request cannot be done here, by field; None where its model is not offered at all.

        That is what its model cannot do here, and what cannot be written.
        """
        if request.operation.row.on_video_model and request.model not in self.models:
            return None
        request = self.directed(request)
        beyond = lacking((*self._limits, *self.dialect.limits), request)
        if beyond and beyond[-1] in ALONE:
            return beyond
        return tuple(dict.fromkeys((*beyond, *self.catalog.lacks(request))))

    def camera_words(self, request: GenerationRequest) -> str:
        """What is written into the prompt for the camera move of a request; empty where it has a field here, or none."""
        return "" if self.directed(request) is request else tell_camera(request)

    def directed(self, request: GenerationRequest) -> GenerationRequest:
        """The request with its camera move in words, where the model or the dialect has no field for it."""
        if request.camera is None or not can_be_words(request):
            return request
        has = has_field(self.catalog.row(request), request)
        return request if has and "camera" not in lacking(self.dialect.limits, request) else direct(request)

    def can_ask_for(self, ref: TaskRef) -> bool:
        """Whether this very task can be asked for by our own id."""
        return self.bears_id(ref.model) and self.dialect.look_up(ref) is not None

    def can_recognise(self, ref: TaskRef) -> bool:
        """Whether it bears no id of ours, and there is a list of all tasks in which it can be told by the rest."""
        return not self.bears_id(ref.model) and self.dialect.list_between(0, 0, "") is not None

    def name_of(self, request: GenerationRequest) -> str:
        """What the model of a request is called here."""
        return self.dialect.name_of(request.model, request.operation)

    def bears_id(self, model: str) -> bool:
        """Whether tasks of a model bear our own id, and an address to call back."""
        return model not in self.config.without_ids

    @property
    def can_query_many(self) -> bool:
        """Whether one question can be about many tasks."""
        return bool(self.dialect.query_many((NOBODYS_TASK,)))

    @property
    def has_accounting(self) -> bool:
        """Whether its accounting of single tasks can be asked for: what speaks like Kling's own hosts."""
        return self.dialect.name in accounting.DIALECTS


def models_of(config: Provider, dialect: Dialect) -> tuple[str, ...]:
    """The video models that can be asked for at a provider that is spoken to like this."""
    return tuple(model for model in config.models if dialect.has_model(model))


def operations_of(config: Provider, dialect: Dialect) -> frozenset[Operation]:
    """What can be asked for at a provider that is spoken to like this.

    Elements and voices are no choice of the settings: who can make them does.
    """
    return dialect.operations & (
        (frozenset(config.operations) or dialect.default_operations) | LIBRARY_OPERATIONS
    )
