"""A task: one accepted request and its life, and what comes out of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from bot.domain.requests.operations import LIBRARY_OPERATIONS, Product
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.shortfall import Shortfall
from bot.domain.types import (
    DAY,
    SECOND,
    AccountId,
    AccountKind,
    ChatId,
    Credits,
    Millis,
    ProviderName,
    TaskId,
    UserId,
)


class TaskState(StrEnum):
    """Where a task is. The edges between the states are drawn in ARCHITECTURE.md."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    UNCONFIRMED = "unconfirmed"
    IN_PROGRESS = "in_progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether the credits are settled: nothing of the ledger happens after it."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.EXPIRED})
ACTIVE_STATES = frozenset(TaskState) - FINAL_STATES


class FailureKind(StrEnum):
    """Why a task failed, as far as a person can do something about it; each has its own text."""

    CONTENT = "content"
    """The provider refuses the prompt or the picture."""
    PARAMETERS = "parameters"
    """The provider refuses a setting."""
    PROVIDER = "provider"
    """The provider tried and failed."""
    NOTHING_FOUND = "nothing_found"
    """The provider found nothing in the picture that it could bring."""
    UNAVAILABLE = "unavailable"
    """No provider could be reached, or none accepts the key."""
    NO_UNITS = "no_units"
    """The account at the provider has nothing left to pay with."""
    NOT_OFFERED = "not_offered"
    """The account at the provider may not use the model, or the provider does not have it."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """The answer to the submission was lost and the provider cannot be asked."""
    NOT_FOUND = "not_found"
    """The provider no longer knows the task."""
    NO_CHAT = "no_chat"
    """The bot may not write where it was asked: nothing was sent to a provider."""
    WAITED = "waited"
    """Its turn did not come in time; it never reached a provider."""
    DEADLINE = "deadline"
    """It took longer than the operator allows."""


CHAT_GONE = "ChatGone"
"""How the reason of a delivery begins that waits for its person to come back."""

KEPT_FOR_RETURN = Millis(7 * DAY)
"""How long that is still sent once its person is back; then its credits are given back."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The conversation that a task came from, and where its video goes back to.

    `press` names the button that asked for it: pressed again at once, it asks for nothing new. `left_model` is the model
    in whose place another one makes it, and `left_why` what that could not do; None where none was left.
    """

    chat_id: ChatId
    message_id: int | None
    thread_id: int | None = None
    update_id: int | None = None
    language: str = "en"
    is_private: bool = True
    press: str | None = None
    left_model: str | None = None
    left_why: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the store. `version` grows by one with every transition (compare and set).

    `due_at` is when the task wants attention next: a claim moves it forward (the lease), so a crash
    makes the task late, never lost. `external_task_id` is ours, unique, and known before anything is
    sent. `not_found_count` counts how often in a row its provider did not know it. `real_cost` is what the provider says it took, in units of video, as text.
    In line the greater `priority` goes first, and only `max_running` tasks of its user run at a time (0: any
    number), as their plan said when it was accepted. It waits in line until `waits_until`, and when its owner
    has been asked then whether to go on, until `answer_by`. `deadline_at` belongs to what the task does now:
    waiting in line, or, from each submission on, being made.
    A `hidden` task was deleted by its owner: it stays for the ledger and is shown nowhere.
    Several results of one request are several tasks, a batch: `batch_id` is the id of its first task, and None
    where one result was asked for. They have one status message, one notice and one album.
    """

    id: TaskId
    user_id: UserId
    origin: Origin
    request: GenerationRequest
    price: Credits
    external_task_id: str
    created_at: Millis
    deadline_at: Millis
    waits_until: Millis
    state: TaskState = TaskState.QUEUED
    version: int = 0
    due_at: Millis | None = None
    provider: ProviderName | None = None
    provider_task_id: str | None = None
    attempts: int = 0
    not_found_count: int = 0
    excluded: tuple[ProviderName, ...] = ()
    submitted_at: Millis | None = None
    finished_at: Millis | None = None
    progress: int | None = None
    failure: FailureKind | None = None
    failure_detail: str | None = None
    real_cost: str | None = None
    status_message_id: int | None = None
    favourite: bool = False
    hidden: bool = False
    priority: int = 0
    max_running: int = 0
    answer_by: Millis | None = None
    batch_id: TaskId | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Whether its owner is being asked what to do, as nobody can tell whether its provider makes it."""
        return self.state is TaskState.UNCONFIRMED and self.failure is FailureKind.UNKNOWN_OUTCOME

    @property
    def is_forgotten(self) -> bool:
        """Whether its owner asked to be forgotten: there is nobody to tell of it."""
        return self.owner.kind is AccountKind.FORGOTTEN

    @property
    def owner(self) -> AccountId:
        """The account of whoever asked for it."""
        return AccountId.read(self.user_id)

    @property
    def makes_asset(self) -> bool:
        """Whether it makes an element or a voice: what comes of it is for the library, and nothing to be sent."""
        return self.request.operation in LIBRARY_OPERATIONS

    @property
    def timing_key(self) -> tuple[str, str, int]:
        """What decides how long a task takes: model, mode and whole seconds."""
        return (self.request.model, self.request.mode, round(self.request.duration))


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """A finished result at the provider, most often a video; `kind` says what it is.

    Addresses may be signed: they are never logged. `duration_ms` if told. `watermark_url` is the same with
    the provider's mark, where one was asked for. `others` are more addresses of the same result, the likeliest first.
    """

    url: str = field(repr=False)
    id: str | None = None
    duration_ms: int | None = None
    kind: Product = Product.VIDEO
    watermark_url: str | None = field(default=None, repr=False)
    others: tuple[str, ...] = field(default=(), repr=False)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address of it, each once, in the order in which they are tried."""
        return tuple(dict.fromkeys((self.url, *self.others)))


class DeliveryState(StrEnum):
    """The life of an outbox row."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A delivery to be written together with the transition that causes it.

    The `kind` of a notice is None: it tells the end of a task without a video, and what happened to the credits.
    """

    kind: Product | None
    position: int = 0
    video: RemoteResult | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One outbox row with its task; the `kind` of a notice is None.

    `file_id` is Telegram's, kept so that a repeat costs no upload.
    `place` is the message that a result is put into; with `in_album` it is a part of an album. `sends` counts the
    messages that were sent for it and that cannot be taken back: the outcome of the last one may be unknown.
    `failing_since` is when its file was first found to be missing or wrong, `renewed_at` when its person came back
    to a chat that had been closed. `copies_left` is how often a smaller copy of it may still be tried; None: it is
    not known to be too large. What was sent is a smaller copy of `copy_of` bytes, or (None) the result itself.
    `less` is what it lacks of what was ordered, and what was refunded for that.
    """

    id: int
    task: Task
    kind: Product | None
    position: int
    state: DeliveryState
    attempts: int
    due_at: Millis | None
    video: RemoteResult | None = None
    file_id: str | None = None
    message_id: int | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None
    failure: str | None = None
    place: int | None = None
    in_album: bool = False
    sends: int = 0
    failing_since: Millis | None = None
    renewed_at: Millis | None = None
    copies_left: int | None = None
    copy_of: int | None = None
    less: Shortfall | None = None

    @property
    def product(self) -> Product:
        """What is sent with it. Raises `ValueError` for a notice."""
        if self.kind is None:
            raise ValueError("a notice brings no file")
        return self.kind

    @property
    def is_joined(self) -> bool:
        """Whether what was sent holds the video that it goes on from, too: it lasts longer than what was made."""
        request, made = self.task.request, None if self.video is None else self.video.duration_ms
        if request.continues is None or self.duration_ms is None:
            return False
        return self.duration_ms > (made or request.duration * SECOND) + request.continues.file.duration_ms / 2

    @property
    def is_film(self) -> bool:
        """Whether it brings a film."""
        return self.kind is not None and self.kind.is_film

    @property
    def share(self) -> Credits:
        """What of the task's price this result is worth; the first bears what cannot be divided."""
        each, rest = divmod(self.task.price, self.task.request.results)
        return Credits(each + rest if self.position == 0 else each)

    @property
    def begun_at(self) -> Millis:
        """Since when it can be delivered: the end of its task, or when its person came back."""
        return self.renewed_at or self.task.finished_at or self.task.created_at


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """The result that a message brought or is about."""

    task: Task
    position: int


class LedgerKind(StrEnum):
    """What a ledger row is for."""

    GRANT = "grant"
    HOLD = "hold"
    CHARGE = "charge"
    RELEASE = "release"
    PURCHASE = "purchase"
    REFUND = "refund"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One append-only row of an account.

    `amount` changes what the user may still spend, `held` what is reserved. Of `amount`, `allowance` is
    the part that concerns the plan's daily and monthly windows and not the granted balance; a window
    counts it at `counted_at` (the moment of the hold), so a release gives it back to the window it came
    from. `idempotency_key` is unique: the same thing is never booked twice. What a grant or a purchase adds
    can be spent until `expires_at`, or for good.
    """

    account: AccountId
    kind: LedgerKind
    amount: Credits
    held: Credits
    allowance: Credits
    at: Millis
    counted_at: Millis
    idempotency_key: str
    task_id: TaskId | None = None
    actor_id: UserId | None = None
    expires_at: Millis | None = None
    note: str = ""

    @classmethod
    def change(
        cls,
        account: AccountId,
        kind: LedgerKind,
        amount: int,
        now: Millis,
        idempotency_key: str,
        *,
        task_id: TaskId | None = None,
        actor_id: UserId | None = None,
        expires_at: Millis | None = None,
        note: str = "",
    ) -> Self:
        """Change the granted balance alone: nothing is held by it, and no window is concerned."""
        return cls(
            account=account,
            kind=kind,
            amount=Credits(amount),
            held=Credits(0),
            allowance=Credits(0),
            at=now,
            counted_at=now,
            idempotency_key=idempotency_key,
            task_id=task_id,
            actor_id=actor_id,
            expires_at=expires_at,
            note=note,
        )

    @classmethod
    def grant(
        cls,
        account: AccountId,
        credits: int,
        now: Millis,
        operation: str,
        *,
        actor_id: UserId | None = None,
        expires_at: Millis | None = None,
        note: str = "",
    ) -> Self:
        """Give an account credits, or, where they are negative, take some away."""
        kind = LedgerKind.GRANT if credits > 0 else LedgerKind.ADJUST
        return cls.change(
            account,
            kind,
            credits,
            now,
            f"{operation}:grant",
            actor_id=actor_id,
            expires_at=expires_at,
            note=note,
        )

    @classmethod
    def hold(cls, task: Task, allowance: Credits, payer: AccountId | None = None) -> Self:
        """Reserve the task's price, `allowance` of it out of the plan's windows; its owner pays, or a group's pool."""
        return cls(
            account=task.owner if payer is None else payer,
            kind=LedgerKind.HOLD,
            amount=Credits(-task.price),
            held=task.price,
            allowance=Credits(-allowance),
            at=task.created_at,
            counted_at=task.created_at,
            idempotency_key=f"task:{task.id}:hold",
            task_id=task.id,
        )
