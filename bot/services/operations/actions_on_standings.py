"""What admins do about who may use the bot and who runs it: bans, roles, admission, and pauses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from bot.domain.operations.records import PersonNotice
from bot.domain.people.access import Admission, Membership, Permission, Role, outranks
from bot.domain.people.arguments import Argument, ArgumentKind
from bot.domain.tasks.task import Task
from bot.domain.types import Millis, UserId
from bot.errors import UserError
from bot.services.operations.actions import Action, ActionContext, Outcome, Target, require_plan
from bot.services.ports import Job
from bot.store import Transaction
from bot.store.people import get_standing, set_plan, set_standing

LONGEST_REASON = 200
"""Characters of the reason for a ban."""

ROLES = {"admin": Role.ADMIN, "support": Role.SUPPORT, "none": None}
WAS_BEFORE = " (was before)"


@dataclass(frozen=True)
class StandingAction(Action):
    """Changes one `field` of how a person stands to `value()`, which is `to` where it does not depend on arguments.

    `done` is the text of the outcome, `told` the one that the person gets, if any (`told_none` where the value is None),
    `column` what the shell prints. With `needs_rank` nobody does it to whoever has a higher role.
    """

    on: ClassVar[Target] = Target.PERSON
    field: ClassVar[str]
    to: ClassVar[Any] = None
    done: ClassVar[str]
    told: ClassVar[str] = ""
    told_none: ClassVar[str] = ""
    column: ClassVar[str]
    needs_rank: ClassVar[bool] = False

    def value(self) -> Any:
        """What the field is then."""
        return self.to

    def params(self) -> Mapping[str, str]:
        """The parameters of the texts."""
        return {}

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        person, value = await context.find_person(self.target), self.value()
        actor = None if context.actor is None else await context.access.membership(context.actor)

        def change(tx: Transaction) -> tuple[str, str] | None:
            membership = get_standing(tx, person.id)
            if self.needs_rank and not outranks(actor, context.access.complete(membership)):
                raise UserError("error.access.outranked", name=person.name)
            before = getattr(membership, self.field)
            if before == value:
                return None
            set_standing(tx, replace(membership, **{self.field: value}), context.clock.now())
            return str(before or ""), str(value or "")

        told = self.told if value is not None else self.told_none or self.told
        notice = PersonNotice(person.id, told, self.params()) if told else None
        is_news = await context.commit(str(person.id), change, notice)
        column = self.column.format(**self.params()) + ("" if is_news else WAS_BEFORE)
        return Outcome(str(person.id), self.done, (person.id, column), self.params(), person, is_news)


@dataclass(frozen=True)
class BanPerson(StandingAction):
    """Ban USER (id or @name) for a REASON that they are told.

    Columns: id, how they stand now.
    """

    name: ClassVar[str] = "ban"
    command: ClassVar[str] = "ban"
    permission: ClassVar[Permission] = Permission.BAN
    label: ClassVar[str] = "button.panel_ban"
    question: ClassVar[str] = "panel.ask_reason"
    is_drastic: ClassVar[bool] = True
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("reason", ArgumentKind.WORDS, is_required=False, help="They are told it."),
    )
    field: ClassVar[str] = "ban"
    done: ClassVar[str] = "ban.done"
    column: ClassVar[str] = "banned"
    needs_rank: ClassVar[bool] = True

    reason: str | None = None

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """Whoever is not banned."""
        return isinstance(subject, Membership) and subject.ban is None

    def value(self) -> str:
        """The reason."""
        return (self.reason or "").strip()[:LONGEST_REASON] or "–"


@dataclass(frozen=True)
class UnbanPerson(StandingAction):
    """Take the ban of USER (id or @name) back.

    Columns: id, how they stand now.
    """

    name: ClassVar[str] = "unban"
    command: ClassVar[str] = "unban"
    permission: ClassVar[Permission] = Permission.BAN
    label: ClassVar[str] = "button.panel_unban"
    field: ClassVar[str] = "ban"
    done: ClassVar[str] = "ban.lifted"
    column: ClassVar[str] = "not banned"
    needs_rank: ClassVar[bool] = True

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """Whoever is banned."""
        return isinstance(subject, Membership) and subject.ban is not None


@dataclass(frozen=True)
class SetRole(StandingAction):
    """Let USER (id or @name) run the bot, or no more.

    Columns: id, role.
    """

    name: ClassVar[str] = "role"
    command: ClassVar[str] = "role"
    permission: ClassVar[Permission] = Permission.APPOINT
    label: ClassVar[str] = "button.panel_role"
    question: ClassVar[str] = "panel.choose_role"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("role", ArgumentKind.CHOICE, choices=tuple(ROLES)),)
    field: ClassVar[str] = "role"
    done: ClassVar[str] = "role.given"
    told: ClassVar[str] = "role.yours"
    told_none: ClassVar[str] = "role.no_more"
    column: ClassVar[str] = "{role}"
    needs_rank: ClassVar[bool] = True

    role: str = "none"

    def value(self) -> Role | None:
        """The role."""
        return ROLES[self.role]

    def params(self) -> Mapping[str, str]:
        """Its name."""
        return {"role": self.role}

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        outcome = await super().perform(context)
        # The bot knows the role at once, and sets the menu of commands.
        await context.access.membership(UserId(int(outcome.subject)))
        context.wake(Job.ACCESS)
        return outcome


@dataclass(frozen=True)
class AdmitPerson(Action):
    """Let USER (id or @name) in.

    Columns: id, how they stand now, plan.
    """

    name: ClassVar[str] = "admit"
    permission: ClassVar[Permission] = Permission.ADMIT
    on: ClassVar[Target] = Target.PERSON
    label: ClassVar[str] = "button.approve_only"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "plan", ArgumentKind.CHOICE, is_required=False, choices=None, help="The plan that they get."
        ),
    )

    plan: str | None = None

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """Whoever asked, or was turned away."""
        waiting = {Admission.ASKED, Admission.DENIED}
        return isinstance(subject, Membership) and subject.admission in waiting

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        require_plan(context, self.plan)
        person = await context.find_person(self.target)

        def change(tx: Transaction) -> tuple[str, str] | None:
            before = get_standing(tx, person.id)
            if before.admission is Admission.ALLOWED:
                return None
            if self.plan is not None and self.plan != person.plan:
                set_plan(tx, person.id, self.plan, None)
            set_standing(tx, replace(before, admission=Admission.ALLOWED), context.clock.now())
            return before.admission, f"{Admission.ALLOWED} {self.plan or ''}".strip()

        notice = PersonNotice(person.id, "door.admitted", {})
        is_news = await context.commit(str(person.id), change, notice)
        person = await context.access.person(person.id)
        columns = (person.id, "allowed" + ("" if is_news else WAS_BEFORE), person.plan)
        return Outcome(str(person.id), "request.approved", columns, {"plan": person.plan}, person, is_news)


@dataclass(frozen=True)
class DenyPerson(StandingAction):
    """Turn USER (id or @name) away until they are admitted.

    Columns: id, how they stand now.
    """

    name: ClassVar[str] = "deny"
    permission: ClassVar[Permission] = Permission.ADMIT
    label: ClassVar[str] = "button.deny"
    field: ClassVar[str] = "admission"
    to: ClassVar[Admission] = Admission.DENIED
    told: ClassVar[str] = "door.denied"
    done: ClassVar[str] = "request.denied"
    column: ClassVar[str] = "denied"

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """Whoever asked to be let in."""
        return isinstance(subject, Membership) and subject.admission is Admission.ASKED


@dataclass(frozen=True)
class EndPauseOfPerson(StandingAction):
    """End the pause of USER (id or @name), whose requests were refused.

    Columns: id, how they stand now.
    """

    name: ClassVar[str] = "unpause"
    permission: ClassVar[Permission] = Permission.BAN
    label: ClassVar[str] = "button.forgive"
    field: ClassVar[str] = "paused_until"
    to: ClassVar[Millis] = Millis(0)
    done: ClassVar[str] = "strikes.forgiven"
    column: ClassVar[str] = "not paused"

    @classmethod
    def is_offered(cls, subject: Membership | Task) -> bool:
        """Whoever has had a pause."""
        return isinstance(subject, Membership) and subject.paused_until > 0


ACTIONS: tuple[type[Action], ...] = (
    BanPerson,
    UnbanPerson,
    SetRole,
    AdmitPerson,
    DenyPerson,
    EndPauseOfPerson,
)
