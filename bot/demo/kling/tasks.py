"""The stand-in's tasks: how they are made, limited, found, and how their state follows from the time."""

import random
import string
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.demo.kling.accounts import Account
from bot.demo.kling.behaviour import Behaviour
from bot.demo.kling.orders import FAILING_WORD, UNSAFE_WORD, Order
from bot.demo.kling.refusals import BUSY, FAILED, NOT_FOUND, UNSAFE, Refusal, invalid

State = Literal["submitted", "processing", "succeed", "failed"]
QUEUED_SHARE = 0.2
"""The part of its time that a task is still waiting."""


@dataclass
class RemoteTask:
    """A task. Its state follows from the time. Times are in seconds."""

    id: str
    upstream_id: str
    account: Account
    order: Order
    created_at: float
    render_seconds: float
    failure: str | None
    base: str
    files: tuple[Path, ...] = ()
    marked: Path | None = None
    rendering: list["Future[None]"] = field(default_factory=list, repr=False)
    ended_at: float | None = None
    charged_anyway: bool = False
    """Whether it costs something although it fails."""

    def state(self, now: float) -> State:
        """The official word for how far it is."""
        if now < self.created_at + self.render_seconds * QUEUED_SHARE:
            return "submitted"
        if now < self.created_at + self.render_seconds:
            return "processing"
        if self.failure is None:
            if not all(future.done() for future in self.rendering):
                return "processing"
            if not self.works_out():
                self.failure = BUSY
        if self.ended_at is None:
            self.ended_at = now
        return "succeed" if self.failure is None else "failed"

    def changed_at(self, now: float) -> float:
        """When its state changed for the last time."""
        state = self.state(now)
        if state == "submitted":
            return self.created_at
        if state == "processing" or self.ended_at is None:
            return self.created_at + self.render_seconds * QUEUED_SHARE
        return self.ended_at

    def works_out(self) -> bool:
        """Whether its files were made, once they can be."""
        broken = any(future.cancelled() or future.exception() for future in self.rendering)
        return self.failure is None and not broken

    @property
    def video_id(self) -> str:
        """The id of its video, which later requests may name."""
        return self.upstream_id[::-1]


class TaskRegistry:
    """All tasks of all accounts.

    `tasks` are by id. `submissions` counts, by external id (or the task's own, without one), the tasks
    that were made.
    """

    def __init__(self, behaviour: Behaviour, now: Callable[[], float], dice: random.Random) -> None:
        self.tasks: dict[str, RemoteTask] = {}
        self.submissions: Counter[str] = Counter()
        self._external: dict[tuple[str, str], RemoteTask] = {}
        self._active: dict[tuple[str, str, str], list[RemoteTask]] = {}
        self._behaviour = behaviour
        self._now = now
        self._dice = dice

    def make(self, account: Account, order: Order, base: str) -> RemoteTask:
        """Make a task; refused is an external id that is taken (1201), and one too many (1303)."""
        external = order.external_id
        if external is not None and (account.key, external) in self._external:
            raise invalid(f"external_task_id {external} already exists")
        now = self._now()
        kind = (account.key, order.product, order.model)
        active = [task for task in self._active.get(kind, ()) if _runs(task, now)]
        self._active[kind] = active
        most = account.concurrent_images if order.product == "image" else account.concurrent
        if sum(task.order.slots for task in active) + order.slots > most:
            raise Refusal(1303)
        upstream = "".join(self._dice.choices("123456789", k=18))
        task = RemoteTask(
            id=self._name(account.dialect, upstream),
            upstream_id=upstream,
            account=account,
            order=order,
            created_at=now,
            render_seconds=self._behaviour.render_seconds,
            failure=self._fate(order),
            base=base,
            charged_anyway=self._behaviour.charge_failures,
        )
        self.tasks[task.id] = task
        self.submissions[external or task.id] += 1
        if external is not None:
            self._external[account.key, external] = task
        active.append(task)
        return task

    def find(self, account: Account, identifier: str, *, external: bool = False) -> RemoteTask:
        """The account's task of that id, or, with `external`, of that external id; 1201 without one."""
        task = self.tasks.get(identifier)
        if (task is None or task.account.key != account.key) and external:
            task = self._external.get((account.key, identifier))
        if task is None or task.account.key != account.key:
            raise invalid(NOT_FOUND)
        return task

    def video(self, account: Account, identifier: str) -> RemoteTask:
        """The account's task whose finished video has that id; 1201 without one."""
        for task in self.of(account):
            if identifier == task.video_id and task.order.product == "video":
                if task.state(self._now()) != "succeed":
                    break
                return task
        raise invalid(f"video {identifier} does not exist")

    def of(self, account: Account) -> Iterator[RemoteTask]:
        """The account's tasks, the newest first."""
        return (task for task in reversed(list(self.tasks.values())) if task.account.key == account.key)

    def _fate(self, order: Order) -> str | None:
        if FAILING_WORD in order.prompt:
            return FAILED
        if UNSAFE_WORD in order.prompt:
            return UNSAFE
        return (
            self._dice.choice((FAILED, BUSY)) if self._dice.random() < self._behaviour.failure_rate else None
        )

    def _name(self, dialect: str, upstream: str) -> str:
        letters = string.ascii_lowercase + string.digits
        if dialect == "newapi":
            return "task_" + "".join(self._dice.choices(string.ascii_letters + string.digits, k=32))
        if dialect == "generic":
            return "cls" + "".join(self._dice.choices(letters, k=21))
        if dialect in {"flat", "omnimaas"}:
            return "Cm" + "".join(self._dice.choices(string.ascii_letters + "-_", k=20))
        return upstream


def _runs(task: RemoteTask, now: float) -> bool:
    return task.state(now) in {"submitted", "processing"}
