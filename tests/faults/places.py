"""Where a fault may meet the bot, who is met by it, and what came of that for the person, the operator and the ledger."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.demo.kling.tasks import RemoteTask
from bot.demo.telegram.people import Chat, User
from tests.world.faulty import FAULTS, Faulty, Request, faulty
from tests.world.media import image
from tests.world.process import BotProcess, open_process
from tests.world.telegram import BOSS, TOKEN

FILE_DEADLINE = 300
"""Seconds that a batch of faults may take on a machine that has much else to do."""

PRICE = 15
ENDED = ("succeeded", "failed", "expired", "cancelled")
VIDEO, LINK, TOLD, REFUSED, NOTHING = (
    "gets the video",
    "gets the address of the video",
    "is told that it failed",
    "is asked to try again",
    "gets nothing",
)


@dataclass(frozen=True)
class Outcome:
    """What came of a request for a video."""

    user: str
    operator: str
    ledger: str


@dataclass
class Person:
    """Somebody who is met by a fault, and nobody else."""

    world: "FaultyWorld"
    id: int

    @property
    def prompt(self) -> str:
        return f"a fox for {self.id}"

    @property
    def mark(self) -> str:
        """What is in every request to Kling that makes their video."""
        return f"for {self.id}"

    def remote(self) -> list[RemoteTask]:
        """Their tasks at Kling."""
        return [task for task in self.world.bot.kling.tasks.values() if self.mark in task.order.prompt]

    def photos(self) -> list[str]:
        """The ids of the photos that they have sent, in every size."""
        sent = self.world.bot.telegram.messages(self.id)
        return [size["file_id"] for message in sent for size in message.get("photo", ())]

    def outcome(self, alerts: list[str]) -> Outcome:
        """What they have got, what the operators were told, and what was taken."""
        bot = self.world.bot
        replies = bot.telegram.replies(self.id)
        videos = sum("video" in reply for reply in replies)
        texts = [str(reply.get("text")) for reply in replies]
        if videos:
            user = VIDEO if videos == len(self.remote()) else f"gets {videos} videos"
        elif any("/files/" in str(reply) for reply in replies):
            user = LINK
        elif any("credits are refunded" in text or "credits are refunded" in text for text in texts):
            user = TOLD
        elif texts:
            user = REFUSED
        else:
            user = NOTHING
        due = -PRICE * len(self.remote())
        ledger = {(due, 0): "charged", (0, 0): "not charged"}.get(bot.balance(self.id), "drift")
        return Outcome(user, ", ".join(alerts) or "nothing", ledger)

    def is_over(self) -> bool:
        """Whether everything that they asked for has ended."""
        rows = self.world.bot.rows
        waiting = """
            SELECT 1 FROM inbox WHERE chat_id = :id AND processed_at IS NULL
            UNION ALL SELECT 1 FROM tasks WHERE chat_id = :id AND state NOT IN ('succeeded', 'failed', 'expired')
            UNION ALL SELECT 1 FROM outbox JOIN tasks ON tasks.id = task_id
                WHERE chat_id = :id AND outbox.state IN ('pending', 'sending')
        """
        known = rows("SELECT 1 FROM inbox WHERE chat_id = ?", self.id)
        return bool(known) and not rows(waiting.replace(":id", str(self.id)))


class FaultyWorld:
    """The real process between both stand-ins, with a proxy before each."""

    def __init__(self, bot: BotProcess, telegram: Faulty, kling: Faulty) -> None:
        self.bot, self.telegram, self.kling = bot, telegram, kling
        self._people = 500_000_000

    def newcomer(self) -> Person:
        self._people += 1
        state = self.bot.telegram.state
        state.users[self._people] = User(self._people, "Somebody", f"somebody{self._people}", "en")
        state.chats[self._people] = Chat(self._people, "private")
        return Person(self, self._people)

    @property
    def alerts(self) -> list[str]:
        """What the operators were told of, by the keys of the texts."""
        return [str(event["alert"]) for event in self.bot.events("operators are told")]

    async def try_out(self, place: "Place", faults: Sequence[str], times: int = 1) -> list[Outcome]:
        """Let one person for each fault ask for a video and meet it; what came of it for each."""
        people = [self.newcomer() for _ in faults]
        told = len(self.alerts)
        proxy = self.kling if place.kling else self.telegram
        planned = [
            proxy.plan(FAULTS[fault], partial(place.concerns, person), times)
            for fault, person in zip(faults, people, strict=True)
        ]
        for person in people:
            await place.ask(person)

        def over() -> bool:
            if not all(each.met for each in planned):
                return False
            for task in (task for person in people for task in person.remote()):
                # What was to take until the fault was met is done.
                task.render_seconds = min(task.render_seconds, 1)
            return all(person.is_over() for person in people)

        try:
            await self.bot.wait_for(over, FILE_DEADLINE)
        except TimeoutError:
            left = [fault for fault, each in zip(faults, planned, strict=True) if not each.met]
            open_ = [fault for fault, one in zip(faults, people, strict=True) if not one.is_over()]
            pytest.fail(f"not met: {left}; not over: {open_}; the last words: {self.bot.output[-5:]}")
        return [person.outcome(self.alerts[told:]) for person in people]

    async def fail(self, moment: str, fault: str, count: int) -> list[Outcome]:
        """Let every request to Kling of so many people go wrong until Kling is left alone; what came of it for each."""
        people, never = [self.newcomer() for _ in range(count)], 10**9
        if moment == "query":
            self.bot.kling.behaviour.render_seconds = 1000
            for person in people:
                await _say(person)
            await self.bot.wait_for(lambda: all(person.remote() for person in people), FILE_DEADLINE)
        told = len(self.alerts)
        planned = self.kling.plan(FAULTS[fault], lambda _: True, never)
        if moment == "submit":
            for person in people:
                await _say(person)
        await self.bot.wait_for(lambda: len(self.alerts) > told, FILE_DEADLINE)
        self.kling.planned.remove(planned)

        def over() -> bool:
            for task in (task for person in people for task in person.remote()):
                task.render_seconds = min(task.render_seconds, 1)
            return all(person.is_over() for person in people)

        await self.bot.wait_for(over, FILE_DEADLINE)
        return [person.outcome(self.alerts[told:]) for person in people]


@asynccontextmanager
async def faulty_world(directory: Path, **settings: Any) -> AsyncIterator[FaultyWorld]:
    """The world, started."""
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(open_process(directory))
        telegram = await stack.enter_async_context(faulty(bot.telegram_url))
        kling = await stack.enter_async_context(faulty(bot.kling_url))
        bot.telegram_url, bot.kling_url = telegram.address, kling.address
        bot.kling.behaviour.render_seconds = 0.3
        bot.configure(**{"daily": 1000, "timeout": 3_600, "provider": "max_concurrent = 50\n", **settings})
        bot.config.write_text(
            bot.config.read_text("utf-8").replace("timeout = 10\n", "timeout = 5\n", 1), "utf-8"
        )
        await bot.start()
        yield FaultyWorld(bot, telegram, kling)
        await bot.stop()


async def _say(person: Person) -> None:
    await person.world.bot.telegram.say(person.id, f"/video {person.prompt}")


async def _say_three(person: Person) -> None:
    """From three tasks on, Kling is asked about all of them at once, where they are due together: some time they are."""
    person.world.bot.kling.behaviour.render_seconds = 1000
    await person.world.bot.telegram.say(person.id, f"/video {person.prompt} --n 3")


async def _send_photo(person: Person) -> None:
    await person.world.bot.telegram.send_photo(person.id, image(), f"/video {person.prompt}")


async def _say_to_the_next_poll(person: Person) -> None:
    """What waits for updates now was asked before the fault was planned: let it end."""
    world = person.world
    polls = world.telegram.passed.count(POLL)
    await world.bot.telegram.say(BOSS, "/language")
    await world.bot.wait_for(lambda: world.telegram.passed.count(POLL) > polls, FILE_DEADLINE)
    await _say(person)


@dataclass(frozen=True)
class Place:
    """`concerns` tells whether a request of the bot is one for a person; `ask` is what they do.

    So many faults may meet the bot `at_once`: a provider out of reach five times in a row is left alone.
    """

    title: str
    kling: bool
    concerns: Callable[[Person, Request], bool]
    ask: Callable[[Person], Awaitable[None]] = _say
    at_once: int = 100


def _calls(*methods: str) -> Callable[[Person, Request], bool]:
    return lambda person, request: request.path.endswith(methods) and request.holds(str(person.id))


def _method(method: str) -> Callable[[Person, Request], bool]:
    return lambda _, request: request.path.endswith(method)


def _submits(person: Person, request: Request) -> bool:
    return request.method == "POST" and request.holds(person.mark)


def _asks(person: Person, request: Request) -> bool:
    return request.method == "GET" and any(task.id in request.path for task in person.remote())


def _lists(_: Person, request: Request) -> bool:
    return request.method == "GET" and "pageNum" in request.target


def _fetches(person: Person, request: Request) -> bool:
    return any(file.name in request.path for task in person.remote() for file in task.files)


def _asks_for_photo(person: Person, request: Request) -> bool:
    return request.path.endswith("/getFile") and any(request.holds(photo) for photo in person.photos())


def _fetches_photo(person: Person, request: Request) -> bool:
    files = person.world.bot.telegram.state.files
    paths = [files[photo].file_path for photo in person.photos()]
    return request.path.startswith("/file/bot") and any(path in request.path for path in paths)


MOMENTS = {"submit": "Before the submission", "query": "While the video is made"}
"""When Kling gets out of reach."""

POLL = ("POST", f"/bot{TOKEN}/getUpdates")
PLACES = {
    "submit": Place("Kling: a submission", True, _submits, at_once=4),
    "query": Place("Kling: a question about a task", True, _asks, at_once=2),
    "list": Place("Kling: a question about several tasks", True, _lists, _say_three, at_once=1),
    "file": Place("the download of a result", True, _fetches),
    "poll": Place("Telegram: getUpdates", False, _method("/getUpdates"), _say_to_the_next_poll, at_once=1),
    "sendMessage": Place("Telegram: sendMessage", False, _calls("/sendMessage")),
    "editMessageMedia": Place("Telegram: editMessageMedia", False, _calls("/editMessageMedia")),
    "getFile": Place("Telegram: getFile", False, _asks_for_photo, _send_photo),
    "photo": Place("Telegram: the download of a photo", False, _fetches_photo, _send_photo),
}
