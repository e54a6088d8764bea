"""Whatever takes a video takes a person's own: uploaded, forwarded or linked, and one that was made here."""

from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.serving import serve
from tests.conversations.test_own_videos import EDIT, FACES, MODELS, MOTION, SOUND, orders
from tests.world.media import a_clip, a_portrait
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA, XIAOLIN

ASKED = {
    "/edit make it night": EDIT,
    "/video a robot dances as in @video": EDIT,
    "/motion": MOTION,
    "/lipsync Hello there, how are you doing today?": FACES,
    "/sound wind in the trees": SOUND,
    "/extend it begins to rain": "/v1/videos/image2video",
}
"""What is asked, and where Kling is asked for it first."""

Say = Callable[[str], Awaitable[object]]
"""Sends a command about the video."""


@pytest.fixture
async def video_host():
    async def film(request) -> Response:
        return Response(a_clip(), media_type="video/mp4")

    async with serve(Starlette(routes=[Route("/{name:path}", film)])) as host:
        yield host


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.images_on_loopback = True
    async with behind_a_proxy(world, models=MODELS, daily=2_000):
        yield world


async def order(bot, said: str, **more) -> None:
    """Say something, with a photo where a movement wants one."""
    if said.startswith("/motion"):
        await bot.telegram.send_photo(ADA, a_portrait(), said, **more)
    else:
        await bot.telegram.say(ADA, said, **more)


async def uploaded(bot, host: str) -> Say:
    message = await bot.telegram.send_film(ADA, a_clip())
    return lambda said: order(bot, said, reply_to=message["message_id"])


async def forwarded(bot, host: str) -> Say:
    theirs = await bot.telegram.send_film(XIAOLIN, a_clip())
    message = await bot.telegram.forward(ADA, theirs)
    return lambda said: order(bot, said, reply_to=message["message_id"])


async def linked(bot, host: str) -> Say:
    return lambda said: order(bot, f"{said} {host}/mine.mp4")


async def made_here(bot, host: str) -> Say:
    await bot.telegram.say(ADA, "/video a fox --model kling-v2-6")
    (message,) = await bot.telegram.wait_video(ADA)
    await bot.ended()
    return lambda said: order(bot, said, reply_to=message["message_id"])


@pytest.mark.parametrize("come", [uploaded, forwarded, linked, made_here])
async def test_a_video_works_in_everything_that_takes_one_however_it_came(bot, video_host, come):
    say = await come(bot, video_host)
    begun = len(bot.rows("SELECT 1 FROM tasks"))
    for number, (said, path) in enumerate(ASKED.items(), begun + 1):
        before = len(orders(bot, path))
        await say(said)
        if said.startswith("/extend"):
            await bot.telegram.wait_text(ADA, "A new video starts at the last frame")
            await bot.telegram.press_labelled(ADA, "Generate")
        await bot.wait_for(lambda path=path, before=before: len(orders(bot, path)) > before)
        await bot.ended(number)
    assert bot.rows("SELECT DISTINCT state FROM tasks") == [("succeeded",)]
    delivered = bot.rows("SELECT count(DISTINCT task_id), min(state), max(state) FROM outbox")
    assert delivered == [(begun + len(ASKED), "delivered", "delivered")]
