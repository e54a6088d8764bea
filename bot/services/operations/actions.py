"""Admin actions: each is a class, and every front end performs it here.

The modules `actions_on_….py` declare them. The chat's commands, the panel and the shell derive their parsing, buttons,
questions and help from the declaration.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from typing import Any, ClassVar, Protocol, Self

from bot.clock import Clock, Runtime
from bot.domain.operations.records import AuditRow, PersonNotice
from bot.domain.people.access import Membership, Permission, Person
from bot.domain.people.arguments import Argument, read_arguments
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import Origin, Task
from bot.domain.types import UserId, format_task_id
from bot.errors import UserError
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts
from bot.services.ports import Job, Wake
from bot.services.tasks.lifecycle import Tasks
from bot.store import Store, Transaction

Change = Callable[[Transaction], tuple[str, str] | None]
"""Checks and books in a transaction, and returns what was before and is after; None: nothing was to be done."""


class AcceptRequest(Protocol):
    """Accepts a request as `bot.services.requests.submit.Submit.accept` does."""

    async def __call__(
        self, user_id: UserId, origin: Origin, request: GenerationRequest, *, audit: AuditRow | None = None
    ) -> Task:
        """Reserve the credits and queue the request, with audit."""
        ...


class Target(StrEnum):
    """What an action is done to."""

    PERSON = auto()
    WALLET = auto()
    """A person, or a group's credits."""
    TASK = auto()
    CODE = auto()
    """An invite code, or a promo code."""
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action did: a text with its parameters for the chat, columns for the shell.

    `subject` is the id of the person or task, or a code; `person` whoever is concerned; not `is_news`: it was done
    before.
    """

    subject: str
    key: str
    columns: tuple[object, ...]
    params: Mapping[str, object] = field(default_factory=dict)
    person: Person | None = None
    is_news: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionContext:
    """What an action works with: its name, who acts (None: a shell), the idempotency key, and the services.

    `update_id` and `press` are as in `Origin`.
    """

    action: str = ""
    actor: UserId | None = None
    idempotency_key: str = ""
    update_id: int | None = None
    press: str | None = None
    store: Store
    accounts: Accounts
    access: Access
    tasks: Tasks
    clock: Clock
    rng: random.Random
    wake: Wake
    accept: AcceptRequest | None

    def audit(self, subject: str, before: str = "", after: str = "") -> AuditRow:
        """The audit entry of this action."""
        key, now = f"{self.idempotency_key}:{self.action}", self.clock.now()
        return AuditRow(key, now, self.actor, self.action, subject, before, after)

    def audit_task(self, task: Task, before: str = "", after: str = "") -> AuditRow:
        """The audit entry of this action on a task: of each task there is one, whatever key they were given."""
        row = self.audit(format_task_id(task.id), before, after)
        return replace(row, idempotency_key=f"{row.idempotency_key}:{task.id}")

    async def find_person(self, text: str) -> Person:
        """Somebody by id or @name.

        Raises:
            UserError: nobody of that id or name has written to the bot.

        """
        return await self.access.person((await self.accounts.find(text)).id)

    async def commit(self, subject: str, change: Change, notice: PersonNotice | None = None) -> bool:
        """Check, book, audit and enqueue the notice in one transaction; False: it was done before.

        People get no notice of what they do to themselves.
        """
        if notice is not None and notice.user_id == self.actor:
            notice = None
        done = await self.store.notices.commit(self.audit(subject), change, notice)
        if done and notice is not None:
            self.wake(Job.NOTICES)
        return done


@dataclass(frozen=True)
class Action(ABC):
    """One action with its arguments; `target` is an id or @name as it was typed.

    The docstring of each class is its help in the shell. `name` names it in the shell and, with the text
    `audit.<name>`, in the log. `label` is the text of its button, if any; `question` the text that asks for its
    arguments, without which the button acts at once. `command` names its chat command, if any.
    """

    name: ClassVar[str]
    permission: ClassVar[Permission]
    on: ClassVar[Target]
    label: ClassVar[str] = ""
    question: ClassVar[str] = ""
    command: ClassVar[str] = ""
    arguments: ClassVar[tuple[Argument, ...]] = ()
    is_for_shell: ClassVar[bool] = True
    is_drastic: ClassVar[bool] = False

    target: str = ""

    @classmethod
    def read(cls, target: str, text: str) -> Self | None:
        """The action with the arguments that were typed; None where they are not written like that."""
        values = read_arguments(cls.arguments, text)
        return None if values is None else cls.of(target, values)

    @classmethod
    def of(cls, target: str, values: Mapping[str, Any]) -> Self:
        """The action with arguments that were read."""
        return cls(target, **values)

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """Whether its button stands on the page of this person or task."""
        del subject
        return True

    @abstractmethod
    async def perform(self, context: ActionContext) -> Outcome:
        """Do it. Permission is checked before.

        Raises:
            UserError: it cannot be done.

        """


class Actions:
    """Performs the `declared` actions, for whoever has the permission. Without `accept` nothing is made again."""

    def __init__(
        self,
        declared: Sequence[type[Action]],
        *,
        store: Store,
        accounts: Accounts,
        access: Access,
        tasks: Tasks,
        runtime: Runtime,
        wake: Wake,
        accept: AcceptRequest | None = None,
    ) -> None:
        self.declared = tuple(declared)
        self._context = ActionContext(
            store=store,
            accounts=accounts,
            access=access,
            tasks=tasks,
            clock=runtime.clock,
            rng=runtime.rng,
            wake=wake,
            accept=accept,
        )

    async def run(
        self,
        action: Action,
        actor: UserId | None,
        idempotency_key: str,
        *,
        update_id: int | None = None,
        press: str | None = None,
    ) -> Outcome:
        """Perform an action; the same key performs it once.

        Raises:
            UserError: the actor lacks the action's permission, or it cannot be done.

        """
        await self._context.access.require(actor, action.permission)
        context = replace(
            self._context,
            action=action.name,
            actor=actor,
            idempotency_key=idempotency_key,
            update_id=update_id,
            press=press,
        )
        return await action.perform(context)


def require_plan(context: ActionContext, plan: str | None) -> None:
    """Let only plans pass that there are; None is the default plan.

    Raises:
        UserError: there is no such plan.

    """
    if plan is not None and plan not in context.accounts.plans:
        raise UserError("error.access.no_plan", plan=plan, plans=", ".join(context.accounts.plans))
