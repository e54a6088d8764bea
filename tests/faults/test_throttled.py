"""Chats that Telegram throttles, or that take their time, hold up nobody: told by the order of what the bot sends."""

import asyncio
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from bot.services.inbox import CONCURRENT_CHATS
from handlers.sending.pacing import LONGEST_WAIT
from tests.world.telegram import ADA, XIAOLIN, complaint, done, queue

GROUPS = range(-70, 0)
PEOPLE = range(5_000, 5_000 + CONCURRENT_CHATS)


async def chat_of(request: Request) -> int:
    return int(parse_qs((await request.body()).decode())["chat_id"][0])


def a_message_to(chat: int) -> Response:
    return done({"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}, "text": "ok"})


def written_to(world) -> list[int]:
    """The chats that the bot tried to write to, in the order of its tries."""
    return [call["chat_id"] for call in world.to_telegram.of("sendMessage")]


async def test_70_throttled_groups_hold_up_no_answer_to_somebody_else(world):
    async def throttle(request: Request) -> Response:
        chat = await chat_of(request)
        pause = int(LONGEST_WAIT)
        return a_message_to(chat) if chat > 0 else complaint(429, "Too Many Requests", retry_after=pause)

    world.to_telegram.always("sendMessage", throttle)
    await world.start()
    queue(world.telegram, *GROUPS)
    await world.wait_for(lambda: len(written_to(world)) == len(GROUPS))
    queue(world.telegram, ADA)
    await world.wait_for(lambda: ADA in written_to(world))
    # No group has had its second try yet: they wait, and the answer did not.
    assert sorted(written_to(world)) == [*GROUPS, ADA]
    await world.kill()


async def test_a_chat_without_an_answer_holds_up_nobody_elses_video(world):
    """Its task goes to Kling without its first status message after a while, and shows another one then."""
    end = asyncio.Event()

    async def answer(request: Request) -> Response:
        chat = await chat_of(request)
        if chat == XIAOLIN:
            await end.wait()
        return a_message_to(chat)

    world.kling.behaviour.render_seconds = 1000
    await world.start()
    world.to_telegram.always("sendMessage", answer)
    await world.telegram.say(XIAOLIN, "/video a fox")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state NOT IN ('queued')"))
    await world.telegram.say(ADA, "/video a hen")
    await world.wait_for(
        lambda: world.rows("SELECT 1 FROM tasks WHERE user_id = ? AND state = 'in_progress'", ADA)
    )
    assert written_to(world).count(XIAOLIN) == 1
    end.set()


async def test_64_chats_without_an_answer_hold_up_no_answer_to_somebody_else(world):
    end = asyncio.Event()

    async def answer(request: Request) -> Response:
        chat = await chat_of(request)
        if chat in PEOPLE:
            await end.wait()
        return a_message_to(chat)

    world.to_telegram.always("sendMessage", answer)
    await world.start()
    queue(world.telegram, *PEOPLE)
    await world.wait_for(lambda: len(written_to(world)) == len(PEOPLE))
    queue(world.telegram, ADA)
    await world.wait_for(lambda: ADA in written_to(world))
    assert sorted(written_to(world)) == [ADA, *PEOPLE]
    end.set()
