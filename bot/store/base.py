"""The Store protocol: intents, each one transaction.

The guarantee: **when an intent returns, what it did survives a crash and a power cut, whole; when it
raises, nothing of it happened.** Intents of one store may be called concurrently from one event loop.
Claims move `due_at` forward (the lease) and never hand the same row to two callers within it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.domain.lifecycle import Transition
from bot.domain.preferences import Preferences
from bot.domain.quota import Lot, Plan, PoolUse, Usage, Windows
from bot.domain.recipe import Recipe
from bot.domain.request import Attachment
from bot.domain.shop import Offer, Payment
from bot.domain.spending import NO_CAPS, Caps, Spent
from bot.domain.task import (
    Delivery,
    LedgerKind,
    LedgerRow,
    MessagePurpose,
    NotedMessage,
    Task,
    TaskState,
)
from bot.domain.units import ChatId, Credits, Millis, ProviderName, TaskId, UserId


class Conflict(Exception):
    """The task is no longer at the version that the transition was made from: read it again."""


class NotEnough(Exception):
    """More would be taken from a balance than there is; `granted` is what there is."""

    def __init__(self, granted: Credits) -> None:
        super().__init__(f"{granted} are left")
        self.granted = granted


class RecipeRefused(Exception):
    """The recipe is not kept: its name is taken (`name_taken`), or its owner has as many as are allowed."""

    def __init__(self, *, name_taken: bool) -> None:
        super().__init__("the name is taken" if name_taken else "there are too many recipes")
        self.name_taken = name_taken


class TaskIdTaken(Exception):
    """The drawn task id is in use: draw another."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored update that is not yet done. `payload` is the Bot API's JSON."""

    update_id: int
    chat_id: ChatId | None
    payload: dict[str, Any]
    sent_at: Millis | None
    received_at: Millis


@dataclass(frozen=True, slots=True)
class User:
    """A person as the bot knows them. `language` is their own choice; `telegram_language` their client's.

    `plan` holds until `plan_until`, or for good.
    """

    id: UserId
    name: str
    username: str | None
    telegram_language: str | None
    language: str | None
    plan: str | None
    created_at: Millis
    seen_at: Millis
    preferences: Preferences = Preferences()
    invited_by: UserId | None = None
    plan_until: Millis | None = None


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A prepared picture or sound to be kept until nothing needs it, or its owner asks to be forgotten."""

    ref: Attachment
    content: bytes = field(repr=False)
    owner: UserId | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that a user is still composing in a chat; `data` is the composer's JSON."""

    user_id: UserId
    chat_id: ChatId
    data: dict[str, Any]
    message_id: int | None
    updated_at: Millis


@dataclass(frozen=True, slots=True)
class SentRecord:
    """What is kept of a delivery that arrived."""

    message_id: int | None
    file_id: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a person was asked to send next in a chat: `kind` says what for, `subject` which one it is about."""

    user_id: UserId
    chat_id: ChatId
    kind: str
    subject: str
    asked_at: Millis


@dataclass(frozen=True, slots=True)
class Spender:
    """Somebody who spent of a group's pool; no `name`: the bot has forgotten them."""

    name: str | None
    spent: Credits


class Store(Protocol):
    """See the module's docstring for what every intent promises."""

    async def close(self) -> None:
        """Finish what waits and let go of the file."""
        ...

    # -- inbox ---------------------------------------------------------------------------------------

    async def receive(self, rows: Sequence[InboxRow]) -> list[InboxRow]:
        """Keep updates; return those that were not known before, in order of their id."""
        ...

    async def unprocessed(self) -> list[InboxRow]:
        """Every update that is kept and not done, in order of its id."""
        ...

    async def mark_processed(self, update_id: int, now: Millis) -> None:
        """An update was acted on to its end: its words are forgotten, its id is not."""
        ...

    async def last_update(self) -> tuple[int, Millis] | None:
        """The id of the update that was received last, and when."""
        ...

    # -- people and chats ----------------------------------------------------------------------------

    async def see_user(
        self, user_id: UserId, name: str, username: str | None, telegram_language: str | None, now: Millis
    ) -> User:
        """Create or refresh a user and return what is known."""
        ...

    async def user(self, user_id: UserId) -> User | None:
        """One user."""
        ...

    async def find_user(self, text: str) -> User | None:
        """A user by id or by @name, in any case."""
        ...

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        """Keep the language that a user chose; None: follow their Telegram client."""
        ...

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        """Keep what a user chose for all their videos."""
        ...

    async def set_plan(self, user_id: UserId, plan: str | None, until: Millis | None) -> None:
        """Move a user to a plan, until then or for good; None: the default plan."""
        ...

    async def set_inviter(self, user_id: UserId, inviter: UserId) -> bool:
        """Keep who invited a newcomer: somebody else who is known, once, and before the first task; False: not kept."""
        ...

    async def move_chat(self, old: ChatId, new: ChatId) -> None:
        """A group got a new id: tasks, drafts and inbox rows follow."""
        ...

    # -- privacy -------------------------------------------------------------------------------------

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        """Everything that is known of a user: rows by what they are (`profile`, `tasks`, `ledger` …)."""
        ...

    async def forget(self, user_id: UserId, now: Millis) -> None:
        """Delete a user with all that they wrote, sent and got; nothing of it can be read in the file afterwards.

        What waits is cancelled with its hold. What runs ends without being told or delivered. Ledger rows stay
        under a pseudonym: `usage` and `book` go on counting them where the same user comes back.
        """
        ...

    # -- accepting -----------------------------------------------------------------------------------

    async def accept(
        self,
        task: Task,
        attachments: Sequence[StoredAttachment],
        plan: Plan,
        window: Windows,
        group_budget: int | None = None,
        pool: PoolUse = PoolUse.OFF,
        caps: Caps = NO_CAPS,
    ) -> Task:
        """Keep a new task with its attachments and hold its price, in one transaction.

        `group_budget` is how many credits everybody in the task's chat may spend in the day of `window`.
        `caps` is what everybody together may spend at Kling.
        Where `pool` says so, and `quota.pool_pays`, the chat's pool pays in place of the user.

        If a task with the same `origin.update_id` exists already, that one is returned and nothing is
        held: a replayed update has no second effect.

        Raises:
            UserError: `quota.may_hold`, `quota.pool_pays`, `spending.within` or `quota.within_group_budget` says no.
            TaskIdTaken: draw another id.

        """
        ...

    async def spent_in(self, chat_id: ChatId, since: Millis) -> Credits:
        """The price of everything that was accepted in a chat since then and did not give its credits back."""
        ...

    async def attachments(self, refs: Sequence[Attachment]) -> Mapping[str, bytes]:
        """The bytes of kept attachments by their SHA-256; missing ones are left out."""
        ...

    async def keep_attachment(self, attachment: StoredAttachment, now: Millis) -> None:
        """Keep an attachment for a draft."""
        ...

    # -- tasks ---------------------------------------------------------------------------------------

    async def task(self, task_id: TaskId) -> Task | None:
        """One task."""
        ...

    async def task_of_message(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The task whose result a message brought, or that it is about (see `note_message`)."""
        ...

    async def task_of_request(self, chat_id: ChatId, message_id: int) -> Task | None:
        """The newest task, not hidden, that a person's message asked for."""
        ...

    async def tasks_of(self, user_id: UserId, states: Sequence[TaskState], limit: int = 20) -> list[Task]:
        """A user's tasks in these states, newest first."""
        ...

    async def tasks_in(self, states: Sequence[TaskState], limit: int = 1000) -> list[Task]:
        """Everybody's tasks in these states, oldest first."""
        ...

    async def count_running(self) -> Mapping[ProviderName, int]:
        """How many tasks hold a slot at each provider: submitting, unconfirmed or in progress."""
        ...

    async def queue_position(self, task: Task) -> int:
        """How many queued tasks were accepted before this one."""
        ...

    async def due_queued(self, now: Millis, limit: int) -> list[Task]:
        """Queued tasks whose due time has come, fairly: users with fewer running tasks first, then the oldest.

        This only reads: `apply` with a `Claimed` event is the claim.
        """
        ...

    async def postpone(self, task_ids: Sequence[TaskId], until: Millis) -> None:
        """Let queued tasks wait at least until then. The version does not change."""
        ...

    async def claim_due(
        self, now: Millis, lease: Millis, states: Sequence[TaskState], limit: int
    ) -> list[Task]:
        """Take tasks in these states whose due time has come, and move it forward by `lease`.

        The version does not change: a claim says nothing of the task's life.
        """
        ...

    async def hasten(
        self,
        provider: ProviderName,
        external_task_id: str | None,
        provider_task_id: str | None,
        now: Millis,
        pause: Millis,
    ) -> Task | None:
        """Make a task of the provider due now, but at the soonest `pause` after the last time; None: nothing to do.

        It is the one with our own id, or else with the provider's, if it is in progress, expired and still
        looked for, or unconfirmed; and known to the provider so far, for the pauses between looks that find
        nothing are a proof. A look that is under way and saw less does not undo it. The version does not change.
        """
        ...

    async def overdue(self, now: Millis, limit: int) -> list[Task]:
        """Active tasks (not submitting) past their deadline, oldest first."""
        ...

    async def apply(self, transition: Transition, now: Millis) -> Task:
        """Apply a transition with its settlement and outbox rows, by compare and set on the version.

        A charge or a release books the opposite of the task's hold (`task:<id>:charge`, `task:<id>:release`),
        with the hold's allowance and moment.

        Raises:
            Conflict: the task moved on since `transition.before` was read.

        """
        ...

    async def has_other_success(self, task: Task) -> bool:
        """Whether another task of the same user has succeeded."""
        ...

    async def set_status_message(self, task_id: TaskId, message_id: int | None) -> None:
        """Remember where a task's status is shown. Does not change the version."""
        ...

    async def ended_with_status(self, limit: int) -> list[Task]:
        """Tasks at their end, with nothing left to send, whose status message was not taken away."""
        ...

    async def durations(
        self, provider: ProviderName, key: tuple[str, str, int], limit: int = 50
    ) -> list[int]:
        """How long the newest tasks of (model, mode, seconds) took from submission to the end, in milliseconds."""
        ...

    async def durations_at(self, provider: ProviderName, limit: int = 50) -> list[int]:
        """How long a provider's newest tasks of every kind took, as `durations` counts."""
        ...

    # -- history -------------------------------------------------------------------------------------

    async def search_tasks(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Task]:
        """A user's tasks, not hidden, whose prompt or effect holds all the words in any case, newest first."""
        ...

    async def favourites(self, user_id: UserId, skip: int, limit: int) -> list[Task]:
        """A user's favourite tasks, newest first."""
        ...

    async def search_results(self, user_id: UserId, words: str, skip: int, limit: int) -> list[Delivery]:
        """The videos and pictures that the chat has a file id of, of the tasks that `search_tasks` finds."""
        ...

    async def set_favourite(self, task_id: TaskId, favourite: bool) -> None:
        """Make a task a favourite of its owner, or no longer. Does not change the version."""
        ...

    async def hide_task(self, task_id: TaskId) -> None:
        """Take a task out of its owner's history for good. Does not change the version."""
        ...

    async def note_message(
        self, chat_id: ChatId, message_id: int, task_id: TaskId, position: int, purpose: MessagePurpose
    ) -> None:
        """Remember what a message about one of a finished task's results is for."""
        ...

    async def noted_message(self, chat_id: ChatId, message_id: int) -> NotedMessage | None:
        """What a message is about: one that brought a result, or one of `note_message`."""
        ...

    async def messages_of(self, task_id: TaskId) -> list[tuple[ChatId, int]]:
        """Every message that brought a task's results or is about them."""
        ...

    async def keep_words(self, user_id: UserId, token: str, words: str, now: Millis) -> None:
        """Keep what a user typed under a short token, for a button or a link that cannot hold it."""
        ...

    async def kept_words(self, user_id: UserId, token: str) -> str | None:
        """The words of a token, if they are this user's and not cleaned yet."""
        ...

    # -- deliveries ----------------------------------------------------------------------------------

    async def claim_deliveries(self, now: Millis, lease: Millis, limit: int) -> list[Delivery]:
        """Take outbox rows that wait or whose lease ran out; state `sending`, `attempts` one more."""
        ...

    async def release_deliveries(self, now: Millis) -> int:
        """Make due what was being sent when the process ended; return how many rows."""
        ...

    async def delivered(self, delivery_id: int, sent: SentRecord, now: Millis) -> None:
        """A delivery arrived."""
        ...

    async def retry_delivery(self, delivery_id: int, due_at: Millis, failure: str) -> None:
        """Not now: back to `pending` until `due_at`."""
        ...

    async def undeliverable(self, delivery_id: int, failure: str, now: Millis) -> None:
        """It cannot be delivered; the row stays, so that the user can still ask for it."""
        ...

    async def deliveries_of(self, task_id: TaskId) -> list[Delivery]:
        """A task's outbox rows in order."""
        ...

    # -- ledger --------------------------------------------------------------------------------------

    async def usage(self, user_id: UserId, window: Windows) -> Usage:
        """A user's standing."""
        ...

    async def book(self, row: LedgerRow) -> bool:
        """Add a row that is not a hold, charge or release; False if its operation is booked already.

        Raises:
            NotEnough: it takes more of the granted balance than there is.

        """
        ...

    async def lots(self, account: UserId, since: Millis) -> list[Lot]:
        """Granted and bought credits with something left that end after `since`, those that end first in front."""
        ...

    async def keep_offer(self, offer: Offer) -> None:
        """Keep what was offered to somebody for Stars."""
        ...

    async def offer(self, token: str) -> Offer | None:
        """What was offered under a token, if it is not cleaned yet."""
        ...

    async def pay(self, payment: Payment) -> bool:
        """Keep a payment and book its credits, once for its charge; False: it is known."""
        ...

    async def payment(self, charge_id: str) -> Payment | None:
        """A payment."""
        ...

    async def begin_refund(self, charge_id: str, actor: UserId, now: Millis) -> Payment | None:
        """Take the credits of a payment back, as many as are left; one that was begun already goes on."""
        ...

    async def end_refund(self, charge_id: str, actor: UserId, now: Millis, *, done: bool) -> Payment | None:
        """The Stars are given back, or will not be: then the credits are the person's again."""
        ...

    async def spent_units(self, window: Windows) -> Mapping[ProviderName | None, Spent]:
        """What was spent in the window's day and month at each provider, in Kling's units; None: not yet sent."""
        ...

    async def pool_account(self, chat_id: ChatId) -> UserId:
        """The account of a group's pool: the id that the chat had first."""
        ...

    async def pool_spenders(self, account: UserId, since: Millis, limit: int) -> list[Spender]:
        """Who spent most of a pool since then, what was given back not counted."""
        ...

    async def ledger(self, user_id: UserId, limit: int = 20) -> list[LedgerRow]:
        """A user's newest rows, newest first."""
        ...

    async def ledger_totals(self) -> Mapping[LedgerKind, tuple[int, Credits]]:
        """How many rows there are of each kind, and the sum of their amounts."""
        ...

    # -- drafts --------------------------------------------------------------------------------------

    async def save_draft(self, draft: Draft) -> None:
        """Keep the one draft that a user has in a chat; an older one gives way."""
        ...

    async def draft(self, user_id: UserId, chat_id: ChatId) -> Draft | None:
        """The draft that a user has in a chat."""
        ...

    async def delete_draft(self, user_id: UserId, chat_id: ChatId) -> None:
        """The draft is done or given up."""
        ...

    # -- recipes -------------------------------------------------------------------------------------

    async def keep_recipe(self, recipe: Recipe, most: int) -> None:
        """Keep a recipe; what its owner has under this token gives way.

        Raises:
            RecipeRefused: another one of the owner's has the name, in any case, or there are `most` already.

        """
        ...

    async def recipe(self, token: str) -> Recipe | None:
        """A recipe by its token, whoever owns it."""
        ...

    async def recipes_of(self, user_id: UserId) -> list[Recipe]:
        """A person's recipes, newest first."""
        ...

    async def delete_recipe(self, user_id: UserId, token: str) -> bool:
        """Delete one of a person's own recipes; False: there was none."""
        ...

    async def set_awaited(self, awaited: Awaited) -> None:
        """Note what a person is asked for; what they were asked before in the chat gives way."""
        ...

    async def awaited(self, user_id: UserId, chat_id: ChatId) -> Awaited | None:
        """What a person is asked for in a chat."""
        ...

    async def clear_awaited(self, user_id: UserId, chat_id: ChatId) -> None:
        """It came, or is not wanted any more."""
        ...

    # -- settings ------------------------------------------------------------------------------------

    async def setting(self, key: str) -> str | None:
        """What operators chose while the bot runs; None: nothing."""
        ...

    async def set_setting(self, key: str, value: str) -> None:
        """Keep such a choice."""
        ...

    # -- chores --------------------------------------------------------------------------------------

    async def clean(self, before: Millis) -> int:
        """Forget processed updates, unused attachments, drafts and kept words older than `before`; return how many rows."""
        ...
