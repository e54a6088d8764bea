"""Who is a person to the bot: whoever uses it, and nobody who only talks where it is; and whom broadcasts reach."""

import sqlite3
from contextlib import closing

import pytest

from bot.demo.script import sample_picture
from bot.demo.telegram.wire import BotApiError
from bot.services.operations.broadcast import read_content
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN

CLUB = {"id": GROUP, "type": "supergroup", "title": "Film club"}
CHANNEL = {"id": -1_009, "type": "channel", "title": "News"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
OTHER_BOT = {"id": 555, "is_bot": True, "first_name": "Other", "username": "other_bot"}
COMMAND = [{"type": "bot_command", "offset": 0, "length": 6}]
ORDERS = {
    "a text": {"text": "/video a fox", "entities": COMMAND},
    "a photo": {"caption": "/video a fox", "caption_entities": COMMAND, "photo": True},
}
BLOCKED = BotApiError(403, "Forbidden: bot was blocked by the user")


async def arrives(world: BotInProcess, sender: dict, content: dict, kind: str = "message") -> None:
    """A message as Telegram writes it, for senders whom the stand-in has no account of; and it is acted on."""
    body = {"message_id": 900, "from": sender, "chat": CLUB, "date": int(world.seconds()), **content}
    if body.get("photo") is True:
        photo = await world.telegram.send_photo(ADA, sample_picture(), chat=GROUP)
        body["photo"] = photo["photo"]
    world.telegram.state.updates.add(kind, body)
    await world.settle()


def people(world: BotInProcess) -> list[tuple[int, int | None]]:
    return world.rows("SELECT id, chat_open FROM users ORDER BY id")


async def broadcast(world: BotInProcess, text: str) -> None:
    """Send a broadcast to everybody."""
    assert world.app is not None
    broadcasts = world.app.services.broadcasts
    letter = await broadcasts.draft(None, read_content(text))
    await broadcasts.send(None, letter.id, None, text)
    await world.settle()


@pytest.fixture
async def club(world: BotInProcess) -> BotInProcess:
    """The bot in a group where it reads everything."""
    world.telegram.state.privacy_mode = False
    await world.start()
    return world


async def test_talk_in_a_group_makes_nobody_a_user(club):
    telegram = club.telegram
    said = await telegram.say(ADA, "what a day", chat=GROUP)
    await telegram.say(XIAOLIN, "天气真好", chat=GROUP, reply_to=said["message_id"])
    telegram.acting.edit(ADA, GROUP, said["message_id"], "what a night")
    await telegram.send_photo(ADA, sample_picture(), "look", chat=GROUP)
    await telegram.say(XIAOLIN, "/video@another_bot 一只狐狸", chat=GROUP)
    await club.settle()
    assert people(club) == []
    assert telegram.replies(GROUP) == []


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("sender", "more"),
    [
        (TELEGRAM, {"sender_chat": CHANNEL, "is_automatic_forward": True}),
        # A server that does not say so yet.
        (TELEGRAM, {"sender_chat": CHANNEL}),
        (OTHER_BOT, {}),
        (OTHER_BOT, {"chat": {"id": 555, "type": "private", "first_name": "Other"}}),
    ],
)
async def test_machines_are_ignored_in_silence(club, sender, more, order):
    calls = len(club.telegram.calls)
    for kind in ("message", "edited_message"):
        await arrives(club, sender, ORDERS[order] | more, kind)
    assert len(club.telegram.calls) == calls
    assert people(club) == []
    assert club.rows("SELECT count(*) FROM tasks") == [(0,)]
    assert club.rows("SELECT count(*) FROM inbox WHERE processed_at IS NULL") == [(0,)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("sender", "chat"), [(ANONYMOUS, CLUB), (CHANNEL_BOT, CHANNEL)])
async def test_whoever_orders_in_the_name_of_a_chat_is_told_why_not(club, sender, chat, order):
    await arrives(club, sender, ORDERS[order] | {"sender_chat": chat})
    await club.telegram.wait_text(GROUP, "Write as yourself")
    assert people(club) == []
    assert club.rows("SELECT count(*) FROM tasks") == [(0,)]


@pytest.mark.parametrize(("sender", "chat"), [(ANONYMOUS, CLUB), (CHANNEL_BOT, CHANNEL)])
async def test_what_is_forwarded_in_the_name_of_a_chat_is_no_order_unless_it_names_the_bot(
    club, sender, chat
):
    forwarded = {
        "sender_chat": chat,
        "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Eve"},
    }
    before = len(club.telegram.replies(GROUP))
    await arrives(club, sender, forwarded | {"text": "/video a fox"})
    assert len(club.telegram.replies(GROUP)) == before
    await arrives(club, sender, forwarded | {"text": "/video@kling_demo_bot a fox"})
    await club.telegram.wait_text(GROUP, "Write as yourself")


@pytest.mark.parametrize("order", ["text", "caption"])
async def test_an_anonymous_reply_that_names_the_bot_is_told_why_not_and_another_is_left_alone(club, order):
    await club.telegram.say(ADA, "/video a fox", chat=GROUP)
    (video,) = await club.telegram.wait_video(GROUP)
    name = "entities" if order == "text" else "caption_entities"
    content = {"sender_chat": CLUB, "reply_to_message": video} | ({} if order == "text" else {"photo": True})
    before = len(club.telegram.replies(GROUP))
    await arrives(club, ANONYMOUS, content | {order: "what a fox"})
    assert len(club.telegram.replies(GROUP)) == before
    mention = [{"type": "mention", "offset": 0, "length": len("@kling_demo_bot")}]
    await arrives(club, ANONYMOUS, content | {order: "@kling_demo_bot it runs on", name: mention})
    await club.telegram.wait_text(GROUP, "Write as yourself")
    assert people(club) == [(ADA, 0)]


async def test_an_anonymous_admin_may_add_the_bot_and_is_nobody(club):
    telegram = club.telegram
    telegram.acting.set_bot_status(BOSS, GROUP, "left")
    telegram.acting.set_bot_status(BOSS, GROUP, "member")
    telegram.state.updates.waiting[-1]["my_chat_member"]["from"] = ANONYMOUS
    await telegram.wait_text(GROUP, "Hello everybody")
    assert people(club) == []


async def test_whoever_uses_the_bot_is_kept_with_what_is_known_of_their_private_chat(club):
    telegram = club.telegram
    await telegram.say(ADA, "/video a fox", chat=GROUP)
    await telegram.wait_video(GROUP)
    assert people(club) == [(ADA, 0)]
    telegram.acting.ask_inline(XIAOLIN, "fox")
    await club.settle()
    assert people(club) == [(ADA, 0), (XIAOLIN, 0)]
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "Balance:")
    assert people(club) == [(ADA, 1), (XIAOLIN, 0)]
    telegram.acting.block(ADA)
    await club.settle()
    assert people(club) == [(ADA, 0), (XIAOLIN, 0)]
    # Whoever lets the bot in again and is no user of it stays none.
    telegram.acting.block(ADA, False)
    telegram.acting.block(BOSS, False)
    await club.settle()
    assert people(club) == [(ADA, 1), (XIAOLIN, 0)]


async def test_a_reply_that_the_bot_acts_on_in_a_group_is_a_use(club):
    telegram = club.telegram
    await telegram.say(ADA, "/video a fox", chat=GROUP)
    (video,) = await telegram.wait_video(GROUP)
    await telegram.say(XIAOLIN, "@kling_demo_bot 再跑一会儿", chat=GROUP, reply_to=video["message_id"])
    await club.settle()
    assert people(club) == [(ADA, 0), (XIAOLIN, 0)]


@pytest.mark.parametrize(
    "refusal",
    [
        BLOCKED,
        BotApiError(400, "Bad Request: chat not found"),
        BotApiError(403, "Forbidden: bot can't initiate conversation with a user"),
        BotApiError(403, "Forbidden: user is deactivated"),
    ],
)
async def test_a_refused_message_closes_a_private_chat_for_broadcasts(club, refusal):
    telegram = club.telegram
    await telegram.say(ADA, "/quota")
    await telegram.say(XIAOLIN, "/quota")
    await telegram.wait_text(XIAOLIN, "积分")
    telegram.refuse_next("sendMessage", refusal, chat=ADA, times=2)
    await broadcast(club, "one")
    assert people(club) == [(ADA, 0), (XIAOLIN, 1)]
    await broadcast(club, "two")
    assert club.rows("SELECT sent, failed, total FROM broadcasts ORDER BY id") == [(1, 1, 2), (1, 0, 1)]
    await telegram.say(ADA, "/quota")
    await telegram.say(ADA, "/quota")
    await telegram.wait_for(lambda: people(club) == [(ADA, 1), (XIAOLIN, 1)])


async def test_broadcasts_try_once_of_whom_nothing_is_known(club):
    telegram = club.telegram
    for person in (ADA, XIAOLIN, BOSS):
        await telegram.say(person, "/quota")
    await club.settle()
    await club.stop()
    with closing(sqlite3.connect(club.database)) as database, database:
        database.execute("UPDATE users SET chat_open = nullif(id = ?, 0) - 1", (BOSS,))
    await club.start()
    telegram.refuse_next("sendMessage", BLOCKED, chat=ADA)
    await broadcast(club, "news")
    assert people(club) == [(BOSS, 0), (ADA, 0), (XIAOLIN, 1)]
    assert club.rows("SELECT sent, failed, total FROM broadcasts") == [(1, 1, 2)]


@pytest.mark.parametrize(
    ("first", "username", "shown"),
    [
        ("", "ada", "@ada"),
        (" ", "ada", "@ada"),
        ("\u3164", "ada", "@ada"),
        ("\u200e\u200b\u2060", "ada", "@ada"),
        ("\u2800\ufe0f", None, "1001"),
        ("\u0301", None, "1001"),
        ("Ada", None, "Ada"),
        ("🦊", None, "🦊"),
    ],
)
async def test_a_name_that_shows_nothing_breaks_nothing(club, first, username, shown):
    telegram = club.telegram
    sender = {"id": ADA, "is_bot": False, "first_name": first, "language_code": "en"}
    sender |= {"username": username} if username else {}
    private = {"id": ADA, "type": "private", "first_name": first}
    await arrives(club, sender, {"chat": private, "text": "/start", "entities": COMMAND})
    await telegram.wait_text(ADA, shown)
    await arrives(club, sender, ORDERS["a text"] | {"chat": private})
    await telegram.wait_video(ADA)
    assert club.rows("SELECT name FROM users") == [(shown,)]
    await telegram.say(BOSS, f"/user {ADA}")
    await telegram.wait_text(BOSS, shown)
    await telegram.say(BOSS, "/admin")
    await telegram.wait_for(lambda: telegram.replies(BOSS)[-1].get("reply_markup"))
    await telegram.press_labelled(BOSS, "Users")
    buttons = await telegram.wait_for(
        lambda: [
            button["text"]
            for row in telegram.replies(BOSS)[-1]["reply_markup"]["inline_keyboard"]
            for button in row
            if shown in button["text"]
        ]
    )
    assert buttons
