"""What crosses the border to a provider, and the protocol that every dialect fulfils. No I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, Self

from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest, SourceVideo
from bot.domain.requests.rules import Limits
from bot.domain.tasks.matching import ListedTask
from bot.domain.tasks.task import FailureKind, RemoteResult

OWN_IDS = "klingbot-"
"""How our own id of every task begins."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without host and credentials. `path` starts with a slash and is joined to the base URL."""

    method: Literal["GET", "POST"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer. Header names are lower case. Bodies are small: videos are fetched elsewhere."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubmitContext:
    """What a request needs beside itself to be sent.

    `external_task_id` is our own id; empty where none may be sent, and then there is no `callback_url` either.
    `images` maps the SHA-256 of every attachment of the request to its bytes. `prepared` holds what the
    exchanges before the submission found out. `sound_url` is where a provider fetches the sound of a voice, `video_urls`
    where people's own videos, by their SHA-256.
    """

    external_task_id: str
    images: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    callback_url: str | None = field(default=None, repr=False)
    prepared: Mapping[str, str] = field(default_factory=dict, repr=False)
    sound_url: str = field(default="", repr=False)
    video_urls: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url_of(self, video: SourceVideo) -> str | None:
        """Where a provider fetches a video."""
        return video.url if video.file is None else self.video_urls[video.file.sha256]


@dataclass(frozen=True, slots=True)
class Answer:
    """The results that came with the answer to a submission; none where nothing was found. `cost` as in `TaskStatus`."""

    results: tuple[RemoteResult, ...] = ()
    cost: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """The provider took the task and will answer to `provider_task_id`; our own id where it repeats it.

    With an `answer` there is no task, and no id: it is done.
    """

    provider_task_id: str
    external_task_id: str | None = None
    answer: Answer | None = None


class RemoteState(StrEnum):
    """How far a task is at the provider, in our words."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A word that no source documents: keep waiting, log it once, never take it for success."""


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """One look at a task. `progress` in percent where the provider tells. `cost` in its own decimal unit.

    `failure` is why it failed where more is known than the words of `reason`. `keys` are the names in the answer, in
    order and without their values, where it is unclear.
    """

    provider_task_id: str
    state: RemoteState
    word: str
    progress: int | None = None
    videos: tuple[RemoteResult, ...] = ()
    reason: str | None = None
    external_task_id: str | None = None
    cost: str | None = None
    failure: FailureKind | None = None
    keys: tuple[str, ...] = ()

    @property
    def is_unclear(self) -> bool:
        """Whether nobody knows the word, or a success has no address: kept waiting for, and told to the admins."""
        return self.state is RemoteState.UNKNOWN or (self.state is RemoteState.SUCCEEDED and not self.videos)


@dataclass(frozen=True, slots=True)
class TaskRef:
    """How a task is asked for: the operation and model decide the path in some dialects, and all of its request in others."""

    operation: Operation
    model: str
    external_task_id: str
    provider_task_id: str | None = None
    request: GenerationRequest | None = None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks of a list. `cursor` leads to the next of them; it is empty at the end."""

    tasks: tuple[ListedTask, ...]
    cursor: str = ""


def named(names: Mapping[str, str], model: str, operation: Operation) -> str | None:
    """What somebody calls a model where it does an operation, by the most precise of the names; None: as everybody."""
    return names.get(f"{model}/{operation}") or names.get(model) or names.get(operation)


def is_of_another(told: str | None, external_task_id: str) -> bool:
    """Whether an answer names another task of ours: gateways and proxies may mix answers up.

    An id that does not look like ours may be a gateway's own for the same task.
    """
    return told is not None and told != external_task_id and told.startswith(OWN_IDS)


@dataclass(frozen=True, slots=True)
class Preparation:
    """An exchange before the submission, whose answer the submission needs.

    `request` may be written by what the exchanges before it have found. `parse` reads the answer into named texts, or
    raises one of `bot.kling.errors`; no task is made by it. Where all that it `gives` is known already, it is left out.
    """

    request: HttpRequest | Callable[[Mapping[str, str]], HttpRequest]
    parse: Callable[[HttpResponse], Mapping[str, str]]
    gives: frozenset[str] = frozenset()

    def write(self, prepared: Mapping[str, str]) -> HttpRequest:
        """The exchange's request, given what was found before."""
        return self.request if isinstance(self.request, HttpRequest) else self.request(prepared)


class Dialect(Protocol):
    """A wire format as pure functions.

    The parse functions return what an answer means or raise one of `bot.kling.errors`.
    """

    @property
    def name(self) -> str:
        """The dialect's name in the configuration."""
        ...

    @property
    def operations(self) -> frozenset[Operation]:
        """What can be asked for in this wire format."""
        ...

    @property
    def default_operations(self) -> frozenset[Operation]:
        """What of it most who speak this dialect offer."""
        ...

    def renamed(self, models: Mapping[str, str], paths: Mapping[str, str]) -> Self:
        """The same dialect as somebody speaks it who names models, or operations, and paths otherwise.

        `models` maps `model/operation`, a model or an operation to the name that is sent for it, `paths` an operation
        or `model/operation` to where it is taken (see `named`).
        """
        ...

    def has_model(self, model: str) -> bool:
        """Whether videos of this model can be asked for in this wire format at all."""
        ...

    @property
    def limits(self) -> Limits:
        """What this wire format cannot express, by fields of a request."""
        ...

    def preparations(self, request: GenerationRequest, context: SubmitContext) -> tuple[Preparation, ...]:
        """Encode what must be found out before the submission; nothing for most requests."""
        ...

    def submit(self, request: GenerationRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        ...

    def parse_submit(self, response: HttpResponse) -> Submission:
        """Read the answer to a submission."""
        ...

    def query(self, ref: TaskRef) -> HttpRequest:
        """Encode the question about one task by its `provider_task_id`."""
        ...

    def parse_query(self, response: HttpResponse) -> TaskStatus:
        """Read the answer about one task."""
        ...

    def name_of(self, model: str, operation: Operation) -> str:
        """What a model is called where it does an operation."""
        ...

    def elsewhere(self, ref: TaskRef) -> tuple[HttpRequest, ...]:
        """Encode where else a task may be that the first question did not find.

        By its `provider_task_id` (answers as to `query`), or without one by our own id (answers as to `look_up`).
        """
        ...

    def look_up(self, ref: TaskRef) -> HttpRequest | None:
        """Encode the question about a task by our own id, or None where that cannot be asked."""
        ...

    def parse_look_up(self, response: HttpResponse) -> TaskStatus | None:
        """Read that answer; None means: proven absent."""
        ...

    def searches(self, ref: TaskRef) -> tuple[HttpRequest, ...]:
        """Encode questions whose answers may tell of a task by our own id, where no question does so surely.

        What they do not tell of may be there all the same.
        """
        ...

    def parse_search(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read one of these answers: every task that it tells of."""
        ...

    def query_many(self, refs: Sequence[TaskRef]) -> tuple[HttpRequest, ...]:
        """Encode the questions about many tasks (all of one operation); none where that cannot be asked.

        They are asked in this order until every task was in an answer.
        """
        ...

    def parse_many(self, response: HttpResponse) -> tuple[TaskStatus, ...]:
        """Read one of the answers; tasks that it does not mention are simply not in it."""
        ...

    def list_between(self, start_ms: int, end_ms: int, cursor: str) -> HttpRequest | None:
        """Encode a page of all tasks that were made in a time, for those that bear no id of ours; None: there is no such list.

        `cursor` is that of the page before, empty for the first.
        """
        ...

    def parse_list(self, response: HttpResponse) -> TaskPage:
        """Read that page."""
        ...

    def probe(self, now_ms: int) -> HttpRequest:
        """Encode a free question that only a good key answers."""
        ...

    def parse_probe(self, response: HttpResponse) -> str:
        """Read that answer: a few words for the operator, such as the units left."""
        ...
