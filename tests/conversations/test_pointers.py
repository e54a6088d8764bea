"""What a message points at is used, or refused with what can be: every way to point, for everything that makes something.

A pointer that cannot be used is never replaced by another video, by the prompt alone, or by nothing.
"""

import json
from collections.abc import Awaitable, Callable

import pytest

from tests.world.bot import BotInProcess
from tests.world.media import a_portrait, a_voice_message, film
from tests.world.telegram import ADA, GROUP, XIAOLIN

MODELS = '["kling-v1-6", "kling-v2-6", "kling-video-o1"]'
BOT = "@kling_demo_bot"
REFUSALS = (
    "I can only work on videos made here",
    "This message has no video of mine",
    "This message has no video. Reply",
    "Kling can't fetch your own videos",
    "This takes videos with 300 to",
    "No model here can use a video like this",
    "Send this with one photo",
    "another user's",
    "can't be used for this",
    "can't be done with a finished video",
)
SPEECH = "Hello there, how are you all doing?"
TEXTS = (
    "/extend it runs on",
    "/edit make it night",
    f"/lipsync {SPEECH}",
    "/sound rain on a roof",
    "/video make it rain",
    "/image two cats",
    "/effect hug",
    "/expand",
    "/tryon a red coat",
    f"/avatar {SPEECH}",
    "/motion",
    "/new a fox",
)
CAPTIONS = ("/motion", "/video make it rain", "/image two cats", "/effect hug", "/tryon", f"/avatar {SPEECH}")

Pointing = Callable[[BotInProcess, int], Awaitable[dict]]


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(daily=2_000, models=MODELS)
    await world.start()
    return world


async def made(bot, user: int, chat: int, prompt: str) -> dict:
    """A video that a person made in a chat."""
    before = [reply for reply in bot.telegram.replies(chat) if "video" in reply]
    await bot.telegram.say(user, f"/video {prompt} --model kling-v1-6", chat=chat)
    videos = await bot.telegram.wait_video(chat, len(before) + 1)
    await bot.settle()
    return videos[-1]


async def order(bot, user: int, chat: int, text: str, target: dict, *, photo: bool = False) -> None:
    """Send a text or a captioned photo in reply to a message, of this chat or another, and see what comes of it."""
    if photo:
        await bot.telegram.send_photo(user, a_portrait(), text, chat=chat, reply_to=target["message_id"])
    else:
        place = target["chat"]["id"]
        await bot.telegram.say(user, text, chat=chat, reply_to=target["message_id"], reply_chat=place)
    await bot.settle()


async def refused(bot, user: int, chat: int, act: Callable[[], Awaitable[object]], what: str) -> None:
    """See to it that something is answered with what can be used, and makes and costs nothing."""
    before, tasks, ledger = len(bot.telegram.replies(chat)), await count(bot), bot.balance(user)
    await act()
    told = [reply.get("text", "") for reply in bot.telegram.replies(chat)[before:]]
    assert any(words in text for words in REFUSALS for text in told), (what, told)
    assert (await count(bot), bot.balance(user)) == (tasks, ledger), what


async def count(bot) -> int:
    await bot.settle()
    ((tasks,),) = bot.rows("SELECT count(*) FROM tasks")
    return int(tasks)


def source(bot) -> str:
    """What the newest task works on, as its provider names it."""
    ((request,),) = bot.rows("SELECT request FROM tasks ORDER BY sequence DESC LIMIT 1")
    return str((json.loads(request).get("source") or {}).get("video_id"))


def remote_id(bot, prompt: str) -> str:
    ((remote,),) = bot.rows(
        "SELECT remote_id FROM outbox JOIN tasks ON tasks.id = outbox.task_id WHERE request LIKE ?",
        f'%"{prompt}"%',
    )
    return str(remote)


# -- refused -----------------------------------------------------------------------------------------


async def friends_video(bot, chat: int) -> dict:
    video = await made(bot, XIAOLIN, GROUP, "a friend's own")
    if chat == GROUP:
        return video
    return await bot.telegram.forward(ADA, video)


async def friends_video_forwarded(bot, chat: int) -> dict:
    video = await made(bot, XIAOLIN, XIAOLIN, "a friend's own")
    return await bot.telegram.send_again(ADA, video, chat=chat)


async def clip(bot, chat: int) -> dict:
    return await bot.telegram.send_film(ADA, film(), chat=chat)


async def gif(bot, chat: int) -> dict:
    return await bot.telegram.send_film(ADA, film(), "animation", chat=chat)


async def video_message(bot, chat: int) -> dict:
    return await bot.telegram.send_film(ADA, film(), "video_note", chat=chat)


async def film_as_a_file(bot, chat: int) -> dict:
    return await bot.telegram.send_film(ADA, film(), "document", chat=chat)


async def paper(bot, chat: int) -> dict:
    return await bot.telegram.send_document(ADA, b"%PDF-1.7", "paper.pdf", "application/pdf", chat=chat)


async def clip_of_another_chat(bot, chat: int) -> dict:
    return await bot.telegram.send_film(ADA, film(), chat=GROUP if chat == ADA else ADA)


POINTED = (
    friends_video,
    friends_video_forwarded,
    clip,
    gif,
    video_message,
    film_as_a_file,
    paper,
    clip_of_another_chat,
)


@pytest.mark.parametrize("chat", [ADA, GROUP], ids=["private", "group"])
@pytest.mark.parametrize("point", POINTED)
async def test_what_cannot_be_used_is_refused_by_everything(bot, point: Pointing, chat):
    await made(bot, ADA, chat, "the newest")
    target = await point(bot, chat)
    await bot.settle()
    for text in (*TEXTS, f"make it rain {BOT}"):
        await refused(bot, ADA, chat, lambda text=text: order(bot, ADA, chat, text, target), text)
    if target["chat"]["id"] != chat:
        return
    for text in CAPTIONS:
        await refused(
            bot, ADA, chat, lambda text=text: order(bot, ADA, chat, text, target, photo=True), f"photo {text}"
        )
    if chat == ADA:
        words = "make it rain"
        await refused(bot, ADA, chat, lambda: order(bot, ADA, chat, words, target), words)

        async def speak() -> None:
            await bot.telegram.send_voice(ADA, a_voice_message(), reply_to=target["message_id"])
            await bot.settle()

        await refused(bot, ADA, chat, speak, "voice message")


@pytest.mark.parametrize("text", ["/tryon a red coat", "/video make it rain", "/image two cats"])
@pytest.mark.parametrize("kind", ["video", "document", "animation"])
async def test_a_film_that_comes_with_a_command_is_refused_too(bot, kind, text):
    await made(bot, ADA, ADA, "the newest")

    async def act() -> None:
        await bot.telegram.send_film(ADA, film(), kind, text)
        await bot.settle()

    await refused(bot, ADA, ADA, act, text)


@pytest.mark.parametrize("text", ["/extend it runs on", "/sound rain", f"/lipsync {SPEECH}"])
async def test_a_photo_that_comes_with_a_command_for_videos_is_refused(bot, text):
    await made(bot, ADA, ADA, "the newest")

    async def act() -> None:
        await bot.telegram.send_photo(ADA, a_portrait(), text)
        await bot.settle()

    await refused(bot, ADA, ADA, act, text)


@pytest.mark.parametrize("text", ["/video make it rain", "/image two cats", "/effect hug", "/tryon a coat"])
async def test_an_own_video_is_refused_by_what_makes_nothing_of_videos(bot, text):
    video = await made(bot, ADA, ADA, "mine")
    await refused(bot, ADA, ADA, lambda: order(bot, ADA, ADA, text, video), text)


# -- used --------------------------------------------------------------------------------------------


async def the_result(bot, video: dict, chat: int) -> dict:
    return video


async def forwarded(bot, video: dict, chat: int) -> dict:
    return await bot.telegram.forward(ADA, video, chat=chat)


async def sent_again(bot, video: dict, chat: int) -> dict:
    return await bot.telegram.send_again(ADA, video, chat=chat)


async def by_inline_mode(bot, video: dict, chat: int) -> dict:
    query = bot.telegram.acting.ask_inline(ADA, "mine")
    (result,) = await bot.telegram.wait_for(lambda: bot.telegram.state.inline_answers[query])
    return await bot.telegram.choose_inline(ADA, query, result["id"], chat=chat)


async def as_a_file(bot, video: dict, chat: int) -> dict:
    await bot.telegram.press_labelled(ADA, "Original file")
    await bot.telegram.wait_for(lambda: any("document" in reply for reply in bot.telegram.replies(ADA)))
    (document,) = [reply for reply in bot.telegram.replies(ADA) if "document" in reply]
    return await bot.telegram.forward(ADA, document, chat=chat)


WAYS = (the_result, forwarded, sent_again, by_inline_mode, as_a_file)


@pytest.mark.parametrize("chat", [ADA, GROUP], ids=["private", "group"])
@pytest.mark.parametrize("way", WAYS)
async def test_an_own_video_is_known_again_however_it_is_pointed_at(bot, way, chat):
    video = await made(bot, ADA, ADA, "mine")
    target = await way(bot, video, chat)
    await bot.settle()
    await made(bot, ADA, chat, "the newest")
    expected, tasks = remote_id(bot, "mine"), await count(bot)
    for number, text in enumerate(("/extend it runs on", "/edit make it night", "/sound rain on a roof"), 1):
        await order(bot, ADA, chat, text, target)
        assert (await count(bot), source(bot)) == (tasks + number, expected), text
        await bot.ended(tasks + number)


async def test_an_own_video_that_comes_with_a_command_is_its_source(bot):
    video = await made(bot, ADA, ADA, "mine")
    await made(bot, ADA, ADA, "the newest")
    await bot.telegram.send_again(ADA, video, "/extend it runs on")
    await bot.ended(3)
    assert source(bot) == remote_id(bot, "mine")


async def test_words_and_a_voice_message_work_on_a_forwarded_video_as_on_the_result(bot):
    copy = await forwarded(bot, await made(bot, ADA, ADA, "mine"), ADA)
    await made(bot, ADA, ADA, "the newest")
    await bot.telegram.say(ADA, "it runs on", reply_to=copy["message_id"])
    await bot.ended(3)
    assert source(bot) == remote_id(bot, "mine")
    await bot.telegram.send_voice(ADA, a_voice_message(), reply_to=copy["message_id"])
    await bot.ended(4)
    assert source(bot) == remote_id(bot, "mine")


async def test_a_photo_moves_as_the_own_video_does_that_it_replies_to(bot):
    copy = await forwarded(bot, await made(bot, ADA, ADA, "mine"), GROUP)
    await made(bot, ADA, GROUP, "the newest")
    await order(bot, ADA, GROUP, "/motion", copy, photo=True)
    await bot.ended(3)
    assert source(bot) == remote_id(bot, "mine")


async def test_a_photo_of_another_chat_is_used(bot):
    photo = await bot.telegram.send_photo(ADA, a_portrait())
    await order(bot, ADA, GROUP, "/video let it wave", photo)
    await bot.telegram.wait_video(GROUP)
    ((request,),) = bot.rows("SELECT request FROM tasks")
    assert json.loads(request)["operation"] == "image2video"


async def test_a_photo_and_the_photo_that_it_replies_to_are_both_used(bot):
    person = await bot.telegram.send_photo(ADA, a_portrait(), chat=GROUP)
    await order(bot, ADA, GROUP, "/image the two of them on a boat", person, photo=True)
    await bot.ended()
    ((request,),) = bot.rows("SELECT request FROM tasks")
    assert len(json.loads(request)["references"]) == 2


# -- nothing is pointed at ---------------------------------------------------------------------------


async def test_without_a_pointer_a_video_of_another_chat_is_never_used(bot):
    await made(bot, ADA, ADA, "made in private")
    for text in ("/extend it runs on", "/edit make it night", f"/lipsync {SPEECH}"):
        await bot.telegram.say(ADA, text, chat=GROUP)
        await bot.settle()
    assert len(bot.written(GROUP, "You have no finished video in this chat")) == 3
    assert await count(bot) == 1
    await made(bot, ADA, GROUP, "made in the group")
    await made(bot, ADA, ADA, "the newest of all")
    await bot.telegram.say(ADA, "/extend it runs on", chat=GROUP)
    await bot.ended(4)
    assert source(bot) == remote_id(bot, "made in the group")


async def test_a_deleted_video_is_no_source_however_it_is_pointed_at(bot):
    copy = await forwarded(bot, await made(bot, ADA, ADA, "mine"), ADA)
    for label in ("Delete", "Delete for good"):
        await bot.telegram.press_labelled(ADA, label)
        await bot.settle()
    await refused(bot, ADA, ADA, lambda: order(bot, ADA, ADA, "/edit make it night", copy), "deleted")
