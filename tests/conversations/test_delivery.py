"""The last metre: what Telegram may answer when a video is brought, and that it arrives once all the same."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from bot.demo.script import sample_picture
from bot.demo.serving import serve
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.bot import BotInProcess
from tests.world.front import Front
from tests.world.telegram import ADA, complaint

pytestmark = TELLS_OF_TIMEDELTA


@pytest.fixture
def front(world) -> Front:
    """Stands before Telegram and answers in its place where a test says so."""
    return world.to_telegram


def videos(world: BotInProcess) -> int:
    return sum("video" in reply for reply in world.telegram.replies(ADA))


async def test_a_video_that_is_too_large_is_offered_at_an_address_that_leads_to_it(world, front):
    front.answer("editMessageMedia", complaint(413, "Request Entity Too Large"))
    world.configure(delivery="copy_source_mb = 0")
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    message = await world.telegram.wait_text(ADA, "too large to be sent here")
    # The status goes away when the delivery is noted.
    await world.telegram.wait_for(lambda: len(world.telegram.replies(ADA)) == 1)
    (address,) = [entity["url"] for entity in message["entities"] if entity["type"] == "text_link"]
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(address)
    assert answer.content[4:8] == b"ftyp"
    assert videos(world) == 0
    assert world.balance(ADA) == (-15, 0)


@pytest.mark.parametrize(
    "refusal",
    [
        complaint(429, "Too Many Requests: retry after 1", retry_after=1),
        complaint(502, "Bad Gateway"),
    ],
    ids=["too many requests", "bad gateway"],
)
async def test_a_delivery_that_fails_is_not_swallowed_and_the_video_arrives_once(world, front, refusal):
    front.answer("editMessageMedia", refusal)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert len(front.of("editMessageMedia")) == 2
    assert videos(world) == 1
    assert world.rows("SELECT state, attempts FROM outbox") == [("delivered", 2)]


async def test_a_video_that_the_provider_no_longer_has_gives_the_credits_back(world):
    async def without_files(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/files/"):
            await PlainTextResponse("it has expired", 404)(scope, receive, send)
        else:
            await world.kling.app(scope, receive, send)

    async with serve(without_files) as address:
        world.kling_url = address
        world.configure()
        await world.start()
        await world.telegram.say(ADA, "/video a fox")
        await world.telegram.wait_text(ADA, "could not be fetched. Your 15 credits are refunded", 900)
        await world.ended()
        assert world.balance(ADA) == (0, 0)
        assert world.rows("SELECT state FROM outbox") == [("undeliverable",)]
        await world.stop()


async def test_a_status_that_cannot_be_written_does_not_keep_the_video_from_coming(world, front):
    front.answer("sendMessage", *[complaint(429, "Too Many Requests: retry after 5", retry_after=5)] * 3)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)


async def test_a_menu_that_cannot_be_set_does_not_keep_the_bot_from_working(world, front):
    front.answer("setMyCommands", *[complaint(400, "Bad Request: BOT_COMMAND_INVALID")] * 10)
    await world.start()
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "Balance: 200 credits")


async def test_videos_are_sent_as_files_and_the_token_is_given_to_nobody(world, front):
    await world.start()
    await world.telegram.send_photo(ADA, sample_picture(), "let the boat sail")
    await world.telegram.wait_video(ADA)
    await world.ended()
    (call,) = front.of("editMessageMedia")
    assert not call["media"]["media"].startswith("http")
    assert any(isinstance(part, dict) and part.get("size", 0) > 1_000 for part in call.values())
    for request in world.kling.requests:
        assert "file/bot" not in str(request)
