"""Commands that work on a video, in reply to every kind of message: the message itself, or an explanation."""

import io

import pytest

from bot.demo.telegram.acting import Place
from bot.demo.telegram.wire import Upload
from tests.world.media import a_portrait, a_voice_message, film
from tests.world.telegram import ADA

MODELS = '["kling-v1-6", "kling-v2-6", "kling-video-o1"]'
COMMANDS = ("/extend it runs on", "/edit make it night", "/lipsync Hello there, how are you all doing?")
KINDS = ("video", "film as a file", "photo", "voice", "text", "answer")
NO_ADDRESS = "it has no public address"
TOO_SMALL = "300 to 10,000 pixels"
UNFIT = "That can't be used for this"
NONE = "This message has no video"
TAKING_NO_VIDEO = ("/video a fox", "/new", "/image a fox", "/effect hug", "/tryon", "/avatar Hi")
TAKING_ANY = ("/edit make it night", "/sound wind")


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(daily=1_000, models=MODELS)
    await world.start()
    await world.telegram.say(ADA, "/video the newest --model kling-v1-6")
    await world.telegram.wait_video(ADA)
    await world.ended()
    return world


async def sent(bot, kind: str) -> dict:
    """A message of this kind that is not a result."""
    telegram = bot.telegram
    match kind:
        case "video":
            upload = Upload("mine.mp4", "video/mp4", len(film()), io.BytesIO(film()))
            return await telegram.acting.send_file(ADA, "video", upload, "", Place())
        case "film as a file":
            return await telegram.send_document(ADA, film(), "mine.mp4", "video/mp4")
        case "photo":
            return await telegram.send_photo(ADA, a_portrait())
        case "voice":
            return await telegram.send_voice(ADA, a_voice_message())
        case "text":
            return await telegram.say(ADA, "just some words of mine")
    await telegram.say(ADA, "/quota")
    await bot.settle()
    return telegram.replies(ADA)[-1]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_replied_to_is_never_passed_over_for_another_video(bot, kind):
    message = await sent(bot, kind)
    await bot.settle()
    for command in COMMANDS:
        if (kind, command.split()[0]) == ("voice", "/lipsync"):
            continue  # the voice message is what the face says
        before = len(bot.telegram.replies(ADA))
        await bot.telegram.say(ADA, command, reply_to=message["message_id"])
        await bot.settle()
        told = [reply.get("text", "") for reply in bot.telegram.replies(ADA)[before:]]
        is_own = kind in {"video", "film as a file"}
        expected = (NO_ADDRESS, TOO_SMALL) if is_own else (NONE, UNFIT)
        assert any(words in text for words in expected for text in told), (command, kind, told)
    assert bot.rows("SELECT count(*) FROM tasks") == [(1,)]


@pytest.mark.parametrize(("commands", "words"), [(TAKING_NO_VIDEO, UNFIT), (TAKING_ANY, NO_ADDRESS)])
async def test_no_command_passes_over_an_uploaded_video(bot, commands, words):
    message = await sent(bot, "video")
    for number, command in enumerate(commands, 1):
        await bot.telegram.say(ADA, command, reply_to=message["message_id"])
        await bot.wait_written(ADA, words, number)
    await bot.telegram.send_photo(ADA, a_portrait(), "/motion", reply_to=message["message_id"])
    await bot.telegram.wait_text(ADA, NO_ADDRESS)
    assert bot.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_a_text_that_is_replied_to_is_the_prompt_of_a_bare_command(bot):
    message = await bot.telegram.say(ADA, "make it night")
    await bot.telegram.say(ADA, "/edit", reply_to=message["message_id"])
    await bot.telegram.wait_video(ADA, 2)


async def test_the_result_that_is_replied_to_is_the_source(bot):
    (newest,) = await bot.telegram.wait_video(ADA)
    await bot.telegram.say(ADA, "/video another --model kling-v2-6")
    await bot.telegram.wait_video(ADA, 2)
    await bot.telegram.say(ADA, "/extend it runs on", reply_to=newest["message_id"])
    await bot.telegram.wait_video(ADA, 3)
    sources = {row for (row,) in bot.rows("SELECT remote_id FROM outbox ORDER BY rowid LIMIT 1")}
    ((request,),) = bot.rows("SELECT request FROM tasks WHERE request LIKE '%video-extend%'")
    assert all(str(source) in request for source in sources)
