"""The real process between both stand-ins by TLS, and the places where a connection may go wrong before a request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.places import FILE_DEADLINE, FaultyWorld, Outcome, Person
from tests.world.bot import SECRETS
from tests.world.faulty import Faulty, Request, faulty
from tests.world.process import BotProcess, open_process
from tests.world.tls import HANDSHAKE, TLS_FAULTS, Authority, Gate, gate


class SecureWorld(FaultyWorld):
    """The world behind a gate before each proxy."""

    def __init__(
        self, bot: BotProcess, telegram: Faulty, kling: Faulty, to_telegram: Gate, to_kling: Gate
    ) -> None:
        super().__init__(bot, telegram, kling)
        self.to_telegram, self.to_kling = to_telegram, to_kling

    async def try_tls(self, place: "SecurePlace", fault: str, times: int) -> Outcome:
        """Let one person ask for a video while the next connections there go wrong; what came of it."""
        person, told, said = self.newcomer(), len(self.alerts), len(self.bot.output)
        await self.bot.wait_for(lambda: any("/account/" in path for _, path in self.kling.passed))
        before = self.to_kling if place.kling else self.to_telegram
        planned = before.plan(TLS_FAULTS[fault], times, partial(place.is_next, person))
        await place.ask(person)

        def over() -> bool:
            # Its status, which goes at the very end, has gone.
            return planned.met == times and person.is_over() and self._asked[-1].endswith("/deleteMessage")

        try:
            await self.bot.wait_for(over, FILE_DEADLINE)
        except TimeoutError:
            pytest.fail(f"{fault}: met {planned.met} times; the last words: {self.bot.output[-5:]}")
        self.check(before)
        assert any(TLS_FAULTS[fault].said in line for line in self.bot.output[said:])
        return person.outcome(self.alerts[told:])

    @property
    def _asked(self) -> list[str]:
        """What Telegram was asked for, but for updates."""
        return [path for _, path in self.telegram.passed if not path.endswith("/getUpdates")]

    def check(self, before: Gate) -> None:
        """See that nothing was said but the beginning of a handshake, and nothing that a liar can read."""
        assert before.heard
        assert before.heard[0] == HANDSHAKE
        assert not before.read
        words = (*SECRETS, "Bearer", "Authorization", "POST /", "GET /", "HTTP/1.1")
        assert [word for word in words if word.encode() in before.heard] == []
        before.heard.clear()


@asynccontextmanager
async def secure_world(directory: Path, *, begin: bool = True, **settings: Any) -> AsyncIterator[SecureWorld]:
    """The world by TLS; `begin`: the bot is started."""
    authority = Authority()
    async with AsyncExitStack() as stack:
        bot = await stack.enter_async_context(open_process(directory))
        context = authority.context()
        # Kept for polls: then no other connection is one.
        telegram = await stack.enter_async_context(faulty(bot.telegram_url, context, _polls))
        kling = await stack.enter_async_context(faulty(bot.kling_url, context))
        to_telegram = await stack.enter_async_context(gate(telegram, authority))
        to_kling = await stack.enter_async_context(gate(kling, authority))
        bot.telegram_url, bot.kling_url = to_telegram.address, to_kling.address
        trusted = directory / "trusted.pem"
        authority.save(trusted)
        bot.environment["SSL_CERT_FILE"] = str(trusted)
        bot.kling.behaviour.render_seconds = 0.3
        bot.configure(**{"daily": 1000, "timeout": 3_600, "provider": "max_concurrent = 50\n", **settings})
        bot.config.write_text(
            bot.config.read_text("utf-8").replace("timeout = 10\n", "timeout = 5\n", 1), "utf-8"
        )
        if begin:
            await bot.start()
        yield SecureWorld(bot, telegram, kling, to_telegram, to_kling)
        await bot.stop()


def _polls(request: Request) -> bool:
    return request.path.endswith("/getUpdates")


async def _say(person: Person) -> None:
    await person.world.bot.telegram.say(person.id, f"/video {person.prompt}")


async def _say_after_a_drop(person: Person) -> None:
    """Where no other is open, the next connection is the one that asks for updates again."""
    world = person.world
    assert isinstance(world, SecureWorld)
    await world.bot.wait_for(lambda: world.to_telegram.open == 1)
    world.to_telegram.drop()
    await _say(person)


def _always(_: Person) -> bool:
    return True


def _has_asked(person: Person) -> bool:
    """At the start Kling is asked for the account as well."""
    return bool(person.world.bot.rows("SELECT 1 FROM tasks WHERE chat_id = ?", person.id))


def _is_submitted(person: Person) -> bool:
    return bool(person.remote())


def _is_done(person: Person) -> bool:
    return bool(
        person.world.bot.rows("SELECT 1 FROM tasks WHERE chat_id = ? AND state = 'succeeded'", person.id)
    )


@dataclass(frozen=True)
class SecurePlace:
    """`is_next` tells whether a person's next connection there is the one that is meant."""

    title: str
    kling: bool
    is_next: Callable[[Person], bool] = _always
    ask: Callable[[Person], Awaitable[None]] = _say


SECURE_PLACES = {
    "submit": SecurePlace("Kling: a submission", True, _has_asked),
    "query": SecurePlace("Kling: a question about a task", True, _is_submitted),
    "file": SecurePlace("the download of a result", True, _is_done),
    "poll": SecurePlace("Telegram: getUpdates", False, ask=_say_after_a_drop),
    "sendMessage": SecurePlace("Telegram: sendMessage", False),
}
