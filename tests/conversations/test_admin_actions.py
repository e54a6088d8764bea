"""Every action of admins, by every way to perform it: the ledger, the log and what people are told are the same."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import click
import pytest
from click.testing import CliRunner

from bot.cli.actions import command_of as cli_command
from bot.clock import SystemClock
from bot.demo.telegram.people import Chat, User
from bot.domain.operations.records import PersonNotice
from bot.domain.people.access import Admission, Membership, Permission
from bot.domain.people.arguments import Argument, ArgumentKind
from bot.domain.types import DAY, Millis, UserId
from bot.services.container import ACTIONS
from bot.services.operations.actions import Action, ActionContext, Outcome, Target
from handlers import ROUTES
from handlers.admin.actions import command_of as action_command
from tests.world.bot import BotInProcess
from tests.world.telegram import BOSS

BY_NAME = {action.name: action for action in ACTIONS}
TASK_ID = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{2}\b")


@pytest.fixture
async def bot(world: BotInProcess) -> BotInProcess:
    # The shell looks at the machine's clock.
    world.clock.advance(SystemClock().now() - world.clock.now())
    world.kling.behaviour.render_seconds = 0.3
    world.configure(extra="[plans.pro]\ndaily_credits = 900")
    await world.start()
    return world


@dataclass(frozen=True)
class Sample:
    """An action with arguments: what stands before it, and what is typed, pressed and run in a shell.

    A front end of None is one that this action, or these arguments, do not have. `{target}` is the person or task.
    """

    name: str
    before: str = ""
    command: str | None = None
    press: Sequence[str] | None = None
    typed: tuple[Sequence[str], str] | None = None
    """The buttons that lead to the question, and the answer."""
    cli: Sequence[str] | None = None


SAMPLES = {
    "grant": Sample(
        "grant",
        command="/grant {target} 50",
        press=["+50"],
        typed=(["Other amount"], "50"),
        cli=["{target}", "50"],
    ),
    "grant with an end and a note": Sample(
        "grant",
        command="/grant {target} 20 until 2031-01-31 for the film",
        typed=(["Other amount"], "20 until 2031-01-31 for the film"),
        cli=["{target}", "20", "--until", "2031-01-31", "--note", "for the film"],
    ),
    "take": Sample(
        "grant",
        before="rich",
        command="/grant {target} -5",
        typed=(["Other amount"], "-5"),
        cli=["{target}", "--", "-5"],
    ),
    "plan": Sample(
        "plan",
        command="/plan {target} pro",
        press=["Plan", "pro"],
        typed=(["Plan", "With an end"], "pro"),
        cli=["{target}", "pro"],
    ),
    "plan with an end": Sample(
        "plan",
        command="/plan {target} pro 2031-01-31",
        typed=(["Plan", "With an end"], "pro until 2031-01-31"),
        cli=["{target}", "pro", "--until", "2031-01-31"],
    ),
    "message": Sample("message", typed=(["Write"], "Hello there"), cli=["{target}", "Hello", "there"]),
    "ban": Sample(
        "ban",
        command="/ban {target} too loud",
        typed=(["Ban"], "too loud"),
        cli=["{target}", "too", "loud"],
    ),
    "unban": Sample("unban", before="banned", command="/unban {target}", press=["Unban"], cli=["{target}"]),
    "role": Sample(
        "role", command="/role {target} support", press=["Role", "Support"], cli=["{target}", "support"]
    ),
    "no role": Sample(
        "role",
        before="staff",
        command="/role {target} none",
        press=["Role", "no role"],
        cli=["{target}", "none"],
    ),
    "admit": Sample("admit", before="asked", press=["Approve"], cli=["{target}"]),
    "deny": Sample("deny", before="asked", press=["Decline"], cli=["{target}"]),
    "unpause": Sample("unpause", before="paused", press=["Unpause"], cli=["{target}"]),
    "invite": Sample(
        "invite", command="/invitecode 3 30 pro", cli=["--uses", "3", "--days", "30", "--plan", "pro"]
    ),
    "revoke": Sample("revoke", before="code", press=["Revoke {target}"], cli=["{target}"]),
    "promo": Sample(
        "promo",
        command="/promocode 50 3 until 30d 60",
        cli=["50", "--uses", "3", "--until", "30d", "--days", "60"],
    ),
    "revoke-promo": Sample("revoke-promo", before="promo", press=["Revoke {target}"], cli=["{target}"]),
    "cancel": Sample("cancel", before="running", press=["End and refund"], cli=["{target}"]),
    "refund": Sample("refund", before="made", press=["Refund"], cli=["{target}"]),
    "retry": Sample("retry", before="made", press=["Make again"]),
}


def test_every_action_has_a_sample_with_every_front_end_that_it_has():
    assert {sample.name for sample in SAMPLES.values()} == set(BY_NAME)
    for name, action in BY_NAME.items():
        samples = [sample for sample in SAMPLES.values() if sample.name == name]
        assert any(sample.command for sample in samples) == bool(action.command), name
        assert any(sample.press or sample.typed for sample in samples) == bool(
            action.label or name in {"revoke", "revoke-promo"}
        )
        assert any(sample.cli for sample in samples) == action.is_for_shell, name


FRONT_ENDS = ("command", "press", "typed", "cli")


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
async def test_an_action_does_the_same_from_every_front_end(bot: BotInProcess, sample: Sample):
    records = {}
    for number, front in enumerate(FRONT_ENDS):
        if getattr(sample, front) is not None:
            person = UserId(2_000 + number)
            records[front] = await record(bot, sample, front, person)
    first, *others = records.values()
    assert first.audit, "nothing was done"
    assert all(other == first for other in others), records
    for front, done in records.items():
        assert done.actors == {None if front == "cli" else BOSS}
    assert bot.rows("SELECT count(*) FROM notices") == [(0,)]


@dataclass(frozen=True)
class Record:
    """What an action left behind."""

    ledger: list[tuple[Any, ...]]
    audit: list[tuple[Any, ...]]
    told: list[str]
    actors: set[int | None] = field(compare=False)


async def record(bot: BotInProcess, sample: Sample, front: str, person: UserId) -> Record:
    target = await prepare(bot, sample.before, person)
    booked = len(ledger_of(bot, person))
    told = len(bot.telegram.replies(person))
    ((last,),) = bot.rows("SELECT coalesce(max(id), 0) FROM audit")
    await perform(bot, sample, front, target)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM audit WHERE id > ?", last))
    await bot.ended(0)
    await bot.wait_for(lambda: not bot.rows("SELECT 1 FROM notices"))
    await bot.settle()
    audit = bot.rows("SELECT action, before, after, actor_id FROM audit WHERE id > ? ORDER BY id", last)
    texts = [reply.get("text") or "" for reply in bot.telegram.replies(person)[told:]]
    return Record(
        ledger_of(bot, person)[booked:],
        [(action, before, TASK_ID.sub("#", after)) for action, before, after, _ in audit],
        [TASK_ID.sub("#", text) for text in texts],
        {actor for *_, actor in audit},
    )


def ledger_of(bot: BotInProcess, person: UserId) -> list[tuple[Any, ...]]:
    return bot.rows(
        "SELECT kind, amount, held, expires_at, note FROM ledger WHERE user_id = ? ORDER BY rowid", person
    )


async def prepare(bot: BotInProcess, before: str, person: UserId) -> str:
    """Bring a person to where the action is possible; what it is done to, as it is written."""
    telegram, store = bot.telegram, bot.app.store
    telegram.state.users[person] = User(person, "Eve", f"eve{person}", "en")
    telegram.state.chats[person] = Chat(person, "private")
    await telegram.say(person, "/start")
    await telegram.wait_for(lambda: telegram.replies(person))
    standings: Mapping[str, Membership] = {
        "banned": Membership(person, ban="loud"),
        "asked": Membership(person, admission=Admission.ASKED),
        "paused": Membership(person, paused_until=Millis(bot.clock.now() + DAY)),
    }
    if before in standings:
        await store.people.set_standing(standings[before], bot.clock.now())
    if before in {"staff", "rich"}:
        words = {"staff": ["role", str(person), "support"], "rich": ["grant", str(person), "50"]}[before]
        assert (await bot.command("admin", *words))[0] == 0
        await bot.settle()
        await telegram.wait_for(lambda: not bot.rows("SELECT 1 FROM notices"))
    if before in {"code", "promo"}:
        code, said = await bot.command("admin", *(["invite"] if before == "code" else ["promo", "5"]))
        assert code == 0
        return said.split("\t")[0]
    if before in {"running", "made"}:
        bot.kling.behaviour.render_seconds = 60 if before == "running" else 0.3
        await telegram.say(person, "/video a fox")
        state = "in_progress" if before == "running" else "succeeded"
        find = "SELECT id FROM tasks WHERE user_id = ? AND state = ?"
        ((task,),) = await bot.wait_for(lambda: bot.rows(find, person, state))
        if before == "made":
            await bot.ended()
        return f"{task[:4]}-{task[4:]}"
    return str(person)


async def perform(bot: BotInProcess, sample: Sample, front: str, target: str) -> None:
    telegram = bot.telegram
    if front == "command":
        await telegram.say(BOSS, sample.command.format(target=target))
        return
    if front == "cli":
        code, said = await bot.command(
            "admin", sample.name, *(each.format(target=target) for each in sample.cli)
        )
        assert code == 0, said
        return
    await open_page(bot, sample, target)
    labels, answer = (sample.press, None) if front == "press" else sample.typed
    for label in labels:
        await press(bot, label.format(target=target))
    if answer is not None:
        await telegram.say(BOSS, answer)


async def open_page(bot: BotInProcess, sample: Sample, target: str) -> None:
    """Show the boss the page with the action's button."""
    telegram = bot.telegram
    if sample.name in {"revoke", "revoke-promo"}:
        await telegram.say(BOSS, "/invitecode" if sample.name == "revoke" else "/promocode")
    elif TASK_ID.fullmatch(target):
        ((person,),) = bot.rows("SELECT user_id FROM tasks WHERE id = ?", target.replace("-", ""))
        await telegram.say(BOSS, f"/admin {person}")
        await press(bot, "Tasks")
        await press(bot, target)
        return
    else:
        await telegram.say(BOSS, f"/admin {target}")
    await bot.settle()


async def press(bot: BotInProcess, label: str) -> None:
    await bot.settle()
    await bot.telegram.press_labelled(BOSS, label)
    await bot.settle()


# -- an action that a developer adds -------------------------------------------------------------------


@dataclass(frozen=True)
class ThankPerson(Action):
    """Thank USER (id or @name) with a TEXT.

    Columns: id.
    """

    # Texts that there are stand for the new ones, and so does the name of a command.
    name: ClassVar[str] = "notice"
    command: ClassVar[str] = "strikes"
    permission: ClassVar[Permission] = Permission.MESSAGE
    on: ClassVar[Target] = Target.PERSON
    label: ClassVar[str] = "button.panel_notice"
    question: ClassVar[str] = "panel.ask_message"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("text", ArgumentKind.WORDS),)

    text: str = ""

    async def perform(self, context: ActionContext) -> Outcome:
        """See `Action`."""
        person = await context.find_person(self.target)
        notice = PersonNotice(person.id, "panel.message_from", {"message": self.text})
        is_news = await context.commit(str(person.id), lambda _: ("", self.text), notice)
        return Outcome(str(person.id), "panel.message_sent", (person.id,), {}, person, is_news)


async def test_a_new_action_is_one_class_and_has_every_front_end(world: BotInProcess):
    command = action_command(ThankPerson)
    world.given |= {
        "actions": (*ACTIONS, ThankPerson),
        "routes": replace(ROUTES, commands={**ROUTES.commands, command.name: command}),
    }
    world.clock.advance(SystemClock().now() - world.clock.now())
    await world.start()
    telegram = world.telegram
    target = await prepare(world, "", UserId(2_000))
    await telegram.say(BOSS, "/strikes")
    await telegram.wait_text(BOSS, "/strikes @name text")
    await telegram.say(BOSS, f"/strikes {target} Thanks for the film")
    await telegram.wait_text(2_000, "Thanks for the film")
    await telegram.say(BOSS, f"/admin {target}")
    await press(world, "Notice")
    await telegram.say(BOSS, "Thanks for the\nsecond one")
    await telegram.wait_text(2_000, "Thanks for the\nsecond one")
    group = click.Group("admin", commands=[cli_command(ThankPerson)])
    line = ["notice", target, "Thanks", "again", "--id", "t1"]
    for _ in range(2):
        ran = await asyncio.to_thread(CliRunner().invoke, group, line, obj=world.config)
        assert (ran.exit_code, ran.output) == (0, f"{target}\n")
    await telegram.wait_text(2_000, "Thanks again")
    assert world.rows("SELECT actor_id, after FROM audit WHERE action = 'notice' ORDER BY id") == [
        (BOSS, "Thanks for the film"),
        (BOSS, "Thanks for the\nsecond one"),
        (None, "Thanks again"),
    ]
    refused = await asyncio.to_thread(CliRunner().invoke, group, ["notice", target], obj=world.config)
    assert refused.exit_code == 2
    await telegram.say(2_000, f"/strikes {target} to myself")
    await telegram.wait_text(2_000, "Only admins")


# -- what may go wrong ---------------------------------------------------------------------------------


async def test_a_message_that_cannot_be_delivered_is_reported_to_who_wrote_it(bot: BotInProcess):
    target = await prepare(bot, "", UserId(2_000))
    bot.telegram.acting.block(2_000)
    await bot.telegram.say(BOSS, f"/admin {target}")
    await press(bot, "Write")
    await bot.telegram.say(BOSS, "Hello there")
    await bot.telegram.wait_text(BOSS, "can't be written to")
    assert bot.rows("SELECT count(*) FROM notices") == [(0,)]


async def test_a_notice_outlives_the_process_and_is_sent_once(bot: BotInProcess):
    target = await prepare(bot, "", UserId(2_000))
    await bot.stop()
    code, _ = await bot.command("admin", "grant", target, "50")
    assert code == 0
    assert bot.rows("SELECT count(*) FROM notices") == [(1,)]
    await bot.start()
    await bot.telegram.wait_text(2_000, "An admin added 50 credits. Balance: 250 credits.")
    await bot.settle()
    assert len(bot.written(2_000, "An admin added")) == 1


async def test_a_role_from_a_shell_brings_its_menu_of_commands(bot: BotInProcess):
    target = await prepare(bot, "", UserId(2_000))
    assert (await bot.command("admin", "role", target, "support"))[0] == 0
    await bot.wait_for(lambda: has_menu(bot, 2_000))
    assert (await bot.command("admin", "role", target, "none"))[0] == 0
    await bot.wait_for(lambda: not has_menu(bot, 2_000))


def has_menu(bot: BotInProcess, person: int) -> bool:
    return any(str(person) in scope for scope, _ in bot.telegram.state.commands)
