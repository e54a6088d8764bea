"""How long somebody waits for the first answer while others flood the bot, or do not take its answers."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.world.process import BotProcess, open_process
from tests.world.telegram import complaint, queue

FLOOD = 10_000
FLOODER, VISITOR = 5_001, 5_002
FIRST_SLOW = 10_000
MOST_SECONDS = 30


class Taking:
    """Takes what the bot writes, and notes when each chat was first written to."""

    def __init__(self) -> None:
        self.first: dict[int, float] = {}
        self.written = asyncio.Condition()
        self.end = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        chat = int(parse_qs((await request.body()).decode())["chat_id"][0])
        async with self.written:
            self.first.setdefault(chat, time.monotonic())
            self.written.notify_all()
        if (answer := await self.answer(chat)) is not None:
            return answer
        message = {"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}, "text": "ok"}
        return JSONResponse({"ok": True, "result": message})

    async def answer(self, chat: int) -> Response | None:
        """What one chat gets in the place of an answer."""
        return None

    async def until(self, predicate: Callable[[], bool]) -> None:
        async with asyncio.timeout(MOST_SECONDS), self.written:
            await self.written.wait_for(predicate)


class Slow(Taking):
    """Some chats get no answer until the end."""

    async def answer(self, chat: int) -> Response | None:
        if chat >= FIRST_SLOW:
            await self.end.wait()
        return None


class Throttled(Taking):
    """Some chats, and all groups, are told to wait."""

    async def answer(self, chat: int) -> Response | None:
        is_throttled = chat >= FIRST_SLOW or chat < 0
        return complaint(429, "Too Many Requests", retry_after=30) if is_throttled else None


async def wait_of_visitor(world: BotProcess, taking: Taking) -> float:
    begin = time.monotonic()
    queue(world.telegram, VISITOR)
    await taking.until(lambda: VISITOR in taking.first)
    return taking.first[VISITOR] - begin


async def test_a_flood_of_one_person(tmp_path, tell):
    async with open_process(tmp_path) as world:
        taking = Taking()
        world.to_telegram.always("sendMessage", taking)
        await world.start()
        begin = time.monotonic()
        queue(world.telegram, *[FLOODER] * FLOOD)
        queue(world.telegram, VISITOR)
        await taking.until(lambda: VISITOR in taking.first)
        seconds = taking.first[VISITOR] - begin
        ((kept,),) = world.rows("SELECT count(*) FROM inbox")
    tell(f"{FLOOD:,} updates of one person: another's first answer after {seconds:.2f} s, {kept:,} kept")


@pytest.mark.parametrize(
    ("kind", "slow"),
    [
        (Slow, range(FIRST_SLOW, FIRST_SLOW + 64)),
        (Slow, range(FIRST_SLOW, FIRST_SLOW + 500)),
        (Throttled, range(-70, 0)),
        (Throttled, range(FIRST_SLOW, FIRST_SLOW + 500)),
    ],
    ids=["64 slow chats", "500 slow chats", "70 throttled groups", "500 throttled chats"],
)
async def test_chats_that_take_no_answers(request, tmp_path, tell, kind, slow):
    async with open_process(tmp_path) as world:
        taking = kind()
        world.to_telegram.always("sendMessage", taking)
        await world.start()
        alone = await wait_of_visitor(world, taking)
        taking.first.clear()
        queue(world.telegram, *slow)
        await taking.until(lambda: set(slow) <= taking.first.keys())
        seconds = await wait_of_visitor(world, taking)
        taking.end.set()
    what = request.node.callspec.id
    tell(f"{what}: another's first answer after {seconds:.2f} s ({alone:.2f} s alone)")
