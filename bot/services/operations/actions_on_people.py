"""What admins give to people and groups: credits, plans and messages."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from bot.domain.credits.quota import read_until
from bot.domain.operations.records import PersonNotice
from bot.domain.people.access import Permission
from bot.domain.people.arguments import Argument, ArgumentKind
from bot.domain.tasks.task import LedgerRow
from bot.domain.types import AccountId, ChatId
from bot.errors import UserError
from bot.services.operations.actions import Action, ActionContext, Outcome, Target, require_plan
from bot.store import NotEnough, Transaction
from bot.store.credits import get_pool_account
from bot.store.lots import book, get_balance
from bot.store.people import set_plan

GRANT_LIMIT = 1_000_000
"""Credits in one grant, either way: a slip of the finger should not found a bank."""

LONGEST_NOTE = 200
"""Characters of a message that the log keeps."""

GROUP = re.compile(r"-\d{2,18}", re.ASCII)
"""The id of a group."""

UNTIL_HELP = "The end: 30d, or a day as 2027-01-31."


@dataclass(frozen=True)
class GrantCredits(Action):
    """Give USER (id or @name), or a group by its id, some CREDITS.

    After `--`, a negative number takes some away, and a group's id is read. Columns: id, credits that can be spent.
    """

    name: ClassVar[str] = "grant"
    command: ClassVar[str] = "grant"
    permission: ClassVar[Permission] = Permission.CREDITS
    on: ClassVar[Target] = Target.WALLET
    label: ClassVar[str] = "button.panel_grant"
    question: ClassVar[str] = "panel.ask_amount"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("credits", ArgumentKind.NUMBER, presets=(10, 50, 100)),
        Argument("until", ArgumentKind.UNTIL, is_required=False, help=UNTIL_HELP),
        Argument("note", ArgumentKind.WORDS, is_required=False, help="Stands in the ledger."),
    )

    credits: int = 0
    until: str | None = None
    note: str | None = None

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        if not 0 < abs(self.credits) <= GRANT_LIMIT:
            raise UserError("error.admin.credits_range", limit=GRANT_LIMIT)
        if self.until is not None and self.credits < 0:
            raise UserError("error.admin.until", text=self.until)
        now, zone = context.clock.now(), context.accounts.zone
        ends = None if self.until is None else read_until(self.until, now, zone)
        person = None if GROUP.fullmatch(self.target) else await context.find_person(self.target)
        subject = self.target if person is None else str(person.id)
        left = 0

        def change(tx: Transaction) -> tuple[str, str]:
            nonlocal left
            if person is None:
                account = get_pool_account(tx, ChatId(int(self.target)))
            else:
                account = AccountId.of_person(person.id)
            before = get_balance(tx, account, now)
            row = LedgerRow.grant(
                account,
                self.credits,
                now,
                context.idempotency_key,
                actor_id=context.actor,
                expires_at=ends,
                note=self.note or "",
            )
            book(tx, row)
            left = before + self.credits
            return str(before), f"{left} ({self.credits:+d})"

        notice = None
        if person is not None and self.credits > 0:
            notice = PersonNotice(person.id, "account.granted", {"credits": self.credits})
        try:
            is_news = await context.commit(subject, change, notice)
        except NotEnough as error:
            raise UserError("error.admin.too_much_taken", granted=error.granted) from None
        if person is None:
            key = "group.pool_granted" if self.credits > 0 else "group.pool_taken"
        else:
            key = "admin.granted" if self.credits > 0 else "admin.taken"
        if person is not None:
            left = (await context.accounts.balance(person.id)).available
        columns = (subject, f"{left} can be spent" + ("" if is_news else " (was booked before)"))
        params = {"credits": abs(self.credits), "available": left, "left": left}
        return Outcome(subject, key, columns, params, person, is_news)


@dataclass(frozen=True)
class SetPlan(Action):
    """Move USER (id or @name) to a PLAN.

    Columns: id, plan, end.
    """

    name: ClassVar[str] = "plan"
    command: ClassVar[str] = "plan"
    permission: ClassVar[Permission] = Permission.CREDITS
    on: ClassVar[Target] = Target.PERSON
    label: ClassVar[str] = "button.panel_plan"
    question: ClassVar[str] = "panel.choose_plan"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("plan", ArgumentKind.CHOICE, choices=None),
        Argument("until", ArgumentKind.UNTIL, is_required=False, help=UNTIL_HELP),
    )

    plan: str = ""
    until: str | None = None

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        require_plan(context, self.plan)
        person = await context.find_person(self.target)
        ends = None
        if self.until is not None:
            ends = read_until(self.until, context.clock.now(), context.accounts.zone)

        def change(tx: Transaction) -> tuple[str, str]:
            set_plan(tx, person.id, self.plan, ends)
            return person.plan, self.plan if ends is None else f"{self.plan} ({self.until})"

        params: dict[str, int | str] = {"plan": self.plan}
        done, told, end = "admin.moved", "account.moved", None
        if ends is not None:
            params["moment"] = ends
            done, told, end = (
                "admin.moved_until",
                "account.moved_until",
                datetime.fromtimestamp(ends / 1000, UTC),
            )
        notice = PersonNotice(person.id, told, params)
        is_news = await context.commit(str(person.id), change, notice)
        return Outcome(str(person.id), done, (person.id, self.plan, end), params, person, is_news)


@dataclass(frozen=True)
class MessagePerson(Action):
    """Write a TEXT to USER (id or @name) in the name of those who run the bot.

    The running bot sends it. Columns: id, what becomes of it.
    """

    name: ClassVar[str] = "message"
    permission: ClassVar[Permission] = Permission.MESSAGE
    on: ClassVar[Target] = Target.PERSON
    label: ClassVar[str] = "button.panel_message"
    question: ClassVar[str] = "panel.ask_message"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("text", ArgumentKind.WORDS),)

    text: str = ""

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        person = await context.find_person(self.target)
        notice = PersonNotice(person.id, "panel.message_from", {"message": self.text}, context.actor)
        is_news = await context.commit(str(person.id), lambda _: ("", self.text[:LONGEST_NOTE]), notice)
        return Outcome(str(person.id), "panel.message_sent", (person.id, "queued"), {}, person, is_news)


ACTIONS: tuple[type[Action], ...] = (GrantCredits, SetPlan, MessagePerson)
