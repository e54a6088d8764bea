"""What a message says and points at: whose words, which name, which part of an album, what is quoted or linked."""

import itertools
import json
from dataclasses import replace

import pytest

from bot.demo.script import sample_picture
from handlers import ROUTES
from handlers.chat.menus import Section
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN

NAME = "kling_demo_bot"
NUMBERS = itertools.count(5_000)
PEOPLE = {ADA: "Ada", BOSS: "Boss", XIAOLIN: "小林"}
STRANGER = {"type": "user", "date": 1, "sender_user": {"id": 66, "is_bot": False, "first_name": "Eve"}}
STICKER = {"file_id": "s", "file_unique_id": "u", "type": "regular", "width": 9, "height": 9} | {
    "is_animated": False,
    "is_video": False,
}
FORWARDED = {"forward_origin": STRANGER}
GIVER = {"id": -1009, "type": "channel", "title": "News"}
OTHER_BOT = {"id": 77, "is_bot": True, "first_name": "Words", "username": "words_bot"}
FOREIGN = {
    "a forwarded message": FORWARDED,
    "one that an older server tells of": {"forward_from": STRANGER["sender_user"], "forward_date": 1},
    "one of somebody who hides, of an older server": {"forward_sender_name": "Eve", "forward_date": 1},
    "one of a channel, of an older server": {
        "forward_from_chat": GIVER,
        "forward_date": 1,
    },
    "what another bot wrote to be chosen": {"via_bot": OTHER_BOT},
}
"""The ways in which somebody else's words come in a person's name."""
NOT_YOURS = "This command was forwarded"


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(daily=1_000, models='["kling-v1-6", "kling-v2-6"]')
    await world.start()
    return world


def a_message(bot, user: int, chat: int, **fields) -> dict:
    """A message as the Bot API writes it."""
    private = {"id": chat, "type": "private", "first_name": PEOPLE[user]}
    return {
        "message_id": next(NUMBERS),
        "date": int(bot.seconds()),
        "chat": private if chat > 0 else {"id": chat, "type": "supergroup", "title": "Friends"},
        "from": {"id": user, "is_bot": False, "first_name": PEOPLE[user], "language_code": "en"},
    } | fields


async def send(bot, *messages: dict, user: int = ADA, chat: int | None = None) -> list[dict]:
    """Let messages come in one batch; each has the fields that it is told to have."""
    updates = bot.telegram.state.updates
    sent = []
    for fields in messages:
        sent.append(a_message(bot, user, chat or user, **fields))
        updates.add("message", sent[-1])
    await bot.settle()
    return sent


async def an_image(bot) -> dict:
    """What a message with a photo has in it, uploaded where it is in nobody's way."""
    sent = await bot.telegram.send_photo(XIAOLIN, sample_picture())
    await bot.settle()
    return {"photo": sent["photo"]}


def requests(bot) -> list[dict]:
    return [json.loads(text) for (text,) in bot.rows("SELECT request FROM tasks ORDER BY sequence")]


def drafts(bot, user: int = ADA) -> list[dict]:
    found = bot.rows("SELECT data FROM drafts WHERE user_id = ?", user)
    return [json.loads(text)["request"] for (text,) in found]


def entity(text: str, part: str, kind: str, **fields) -> dict:
    """An entity over a part of a text, counted as Telegram does."""
    before = text[: text.index(part)]
    units = [len(piece.encode("utf-16-le")) // 2 for piece in (before, part)]
    return {"type": kind, "offset": units[0], "length": units[1]} | fields


# -- somebody else's words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["/video a fox", "/image two cats", "/sound rain on a roof", "/image two cats --n 4", "/new a fox"],
)
@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
async def test_somebody_elses_order_is_asked_about(bot, text, foreign):
    await send(bot, {"text": text} | foreign)
    assert requests(bot) == []
    assert len(drafts(bot)) == 1


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
async def test_somebody_elses_photo_with_an_order_is_asked_about(bot, foreign):
    image = await an_image(bot)
    await send(bot, image | {"caption": "/effect running"} | foreign)
    await send(bot, image | {"caption": "/video@" + NAME + " it runs"} | foreign, chat=GROUP)
    assert requests(bot) == []
    assert len(drafts(bot)) == 2


@pytest.mark.parametrize(
    "name", [name for name, command in ROUTES.commands.items() if command.section is not Section.MAKING]
)
async def test_no_other_command_acts_for_who_did_not_write_it(bot, name):
    # When the bot last copied its database is its own note.
    settings = "SELECT * FROM settings WHERE key != 'backups.last'"
    before = bot.rows("SELECT count(*) FROM ledger"), bot.rows(settings)
    for foreign in FOREIGN.values():
        for rest in (f"{ADA} 5000", f"{ADA} admin"):
            await send(bot, {"text": f"/{name} {rest}"} | foreign, user=BOSS)
    assert len(bot.written(BOSS, NOT_YOURS)) == 2 * len(FOREIGN)
    assert (bot.rows("SELECT count(*) FROM ledger"), bot.rows(settings)) == before
    assert bot.rows("SELECT count(*) FROM audit") == [(0,)]


async def test_what_a_person_writes_above_what_they_forward_is_their_own(bot):
    image = await an_image(bot)
    await send(bot, {"text": "/video it runs"}, image | {"caption": "/image two cats"} | FORWARDED)
    (request,) = requests(bot)
    assert (request["prompt"], request["operation"]) == ("it runs", "image2video")


async def test_a_comment_whose_photo_comes_late_still_gets_it(bot):
    bot.kling.behaviour.throttle = True
    image = await an_image(bot)
    await send(bot, {"text": "/video it runs"})
    await send(bot, image | {"caption": "somebody's boat"} | FORWARDED)
    bot.kling.behaviour.throttle = False
    await bot.telegram.wait_video(ADA)
    await bot.ended(2)
    states = [state for (state,) in bot.rows("SELECT state FROM tasks ORDER BY sequence")]
    assert states == ["cancelled", "succeeded"]
    assert [(each["prompt"], each["operation"]) for each in requests(bot)][1] == ("it runs", "image2video")


async def test_all_photos_that_are_forwarded_with_a_comment_belong_to_it(bot):
    image = await an_image(bot)
    forwarded = image | FORWARDED
    await send(bot, {"text": "/effect hug"}, forwarded, forwarded)
    (request,) = requests(bot)
    assert (request["operation"], bot.balance(ADA)[0]) == ("effects", -15)


async def test_a_private_comment_is_no_order_in_a_group(bot):
    image = await an_image(bot)
    await send(bot, {"text": "/video my secret"})
    await send(bot, image | FORWARDED, chat=GROUP)
    assert [request["prompt"] for request in requests(bot)] == ["my secret"]
    assert bot.telegram.replies(GROUP) == []


async def test_a_late_photo_repeats_no_command_that_makes_nothing(bot):
    image = await an_image(bot)
    await send(bot, {"text": "/quota"})
    await send(bot, {"text": f"/grant {ADA} 500"}, user=BOSS)
    await send(bot, image | FORWARDED, user=BOSS)
    assert bot.rows("SELECT count(*) FROM ledger WHERE kind = 'grant'") == [(1,)]
    assert len(drafts(bot, BOSS)) == 1


async def test_a_forwarded_command_in_a_group_is_for_another_bot(bot):
    before = len(bot.telegram.replies(GROUP))
    await send(bot, {"text": "/help"} | FORWARDED, {"text": "/image a fox"} | FORWARDED, chat=GROUP)
    assert len(bot.telegram.replies(GROUP)) == before
    assert bot.rows("SELECT count(*) FROM users WHERE id = ?", ADA) == [(0,)]


@pytest.mark.parametrize("words", ["sunset --n 4", "sunset 10s pro", "sunset https://pictures.example/a.jpg"])
async def test_options_and_links_of_somebody_elses_words_are_asked_about(bot, words):
    said = await bot.telegram.say(XIAOLIN, words, chat=GROUP)
    await bot.telegram.say(ADA, "/video", chat=GROUP, reply_to=said["message_id"])
    await bot.settle()
    assert requests(bot) == []


# -- the bot's name -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"ask @{NAME}_helper_bot",
        f"write to x@{NAME}.example",
        f"die Straße heißt @{NAME}_2",
        "İstanbul is nice",
        "it runs on",
    ],
)
async def test_talk_about_a_video_in_a_group_is_no_order(bot, text):
    await bot.telegram.say(ADA, "/video a fox --model kling-v1-6", chat=GROUP)
    (video,) = await bot.telegram.wait_video(GROUP)
    await bot.ended()
    answers = len(bot.telegram.replies(GROUP))
    await bot.telegram.say(ADA, text, chat=GROUP, reply_to=video["message_id"])
    await bot.settle()
    assert len(requests(bot)) == 1
    assert len(bot.telegram.replies(GROUP)) == answers


@pytest.mark.parametrize(
    "text", [f"@{NAME} ßßß it runs on", f"ßßß it @{NAME.upper()} runs on", f"ßßß it runs on @{NAME}"]
)
async def test_words_that_name_the_bot_are_for_it_without_the_name(bot, text):
    await bot.telegram.say(ADA, "/video a fox --model kling-v1-6", chat=GROUP)
    (video,) = await bot.telegram.wait_video(GROUP)
    await bot.ended()
    await bot.telegram.say(ADA, text, chat=GROUP, reply_to=video["message_id"])
    await bot.settle()
    assert requests(bot)[1]["prompt"] == "ßßß it runs on"


async def test_the_bots_name_is_no_part_of_a_prompt(bot):
    await bot.telegram.say(ADA, f"/video @{NAME} a fox", chat=GROUP)
    text = "/video 🦊 Kling a fox"
    me = {"id": bot.telegram.state.bot.id, "is_bot": True, "first_name": "Kling"}
    await send(bot, {"text": text, "entities": [entity(text, "Kling", "text_mention", user=me)]})
    assert {request["prompt"] for request in requests(bot)} == {"a fox", "🦊 a fox"}


async def test_a_bot_with_a_new_name_is_addressed_by_it_without_a_restart(bot):
    bot.telegram.state.bot = replace(bot.telegram.state.bot, username="renamed_bot")
    await bot.telegram.say(ADA, "/video@renamed_bot a fox", chat=GROUP)
    await bot.settle()
    assert requests(bot) == []
    bot.clock.advance(11 * 60_000)
    await bot.settle()
    await bot.telegram.say(ADA, "/video@renamed_bot a fox", chat=GROUP)
    await bot.settle()
    assert len(requests(bot)) == 1


# -- what is quoted, linked, or in another chat -------------------------------------------------------


async def test_the_part_that_is_quoted_is_the_prompt(bot):
    said = await bot.telegram.say(XIAOLIN, "I dreamt of a fox in the snow last night", chat=GROUP)
    await bot.telegram.say(ADA, "/video", chat=GROUP, reply_to=said["message_id"], quote="a fox in the snow")
    await bot.settle()
    assert [request["prompt"] for request in requests(bot)] == ["a fox in the snow"]


async def test_a_quote_beside_words_of_ones_own_is_asked_about(bot):
    said = await bot.telegram.say(XIAOLIN, "I dreamt of a fox in the snow last night", chat=GROUP)
    await bot.telegram.say(ADA, "/video at night", chat=GROUP, reply_to=said["message_id"], quote="a fox")
    await bot.settle()
    assert requests(bot) == []
    assert [draft["prompt"] for draft in drafts(bot)] == ["a fox\nat night"]


async def test_a_photo_of_another_chat_is_what_it_is_about(bot):
    image = await an_image(bot)
    elsewhere = {"external_reply": {"origin": STRANGER} | image}
    await send(bot, {"text": "/video it runs"} | elsewhere)
    await send(bot, {"text": "it runs"} | elsewhere)
    assert [request["operation"] for request in requests(bot)] == ["image2video", "image2video"]


async def test_words_of_another_chat_are_the_prompt(bot):
    quote = {"text": "a fox in the snow", "position": 0}
    await send(bot, {"text": "/video", "external_reply": {"origin": STRANGER}, "quote": quote})
    assert [request["prompt"] for request in requests(bot)] == ["a fox in the snow"]


@pytest.mark.parametrize("command", ["/video ", ""])
async def test_an_address_behind_words_is_the_photo(bot, command):
    text = f"{command}let 🦊 this run"
    address = "https://pictures.example/fox.jpg"
    await send(bot, {"text": text, "entities": [entity(text, "this", "text_link", url=address)]})
    assert requests(bot) == []
    assert len(bot.written(ADA, "pictures.example")) == 1


# -- albums -------------------------------------------------------------------------------------------


async def an_album(bot, *captions: str, chat: int | None = None, files: bool = False, **fields) -> None:
    image = await an_image(bot)
    if files:
        largest = image["photo"][-1]
        image = {"document": {**largest, "mime_type": "image/jpeg", "file_name": "a.jpg"}}
    parts = [image | ({"caption": caption} if caption else {}) | fields for caption in captions]
    group = {"media_group_id": f"album-{next(NUMBERS)}"}
    await send(bot, *(part | group for part in parts), chat=chat)


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("chat", [ADA, GROUP])
async def test_a_command_counts_on_any_part_of_an_album(bot, chat, files):
    await an_album(bot, "", "/effect hug", chat=chat, files=files)
    await an_album(bot, "us two", "/effect hug", chat=chat, files=files)
    assert [request["operation"] for request in requests(bot)] == ["effects", "effects"]


async def test_an_order_for_a_picture_on_the_second_part_makes_a_picture(bot):
    await an_album(bot, "", "/image two cats")
    assert [request["operation"] for request in requests(bot)] == ["multi-image2image"]


@pytest.mark.parametrize("captions", [("", "/video@other_bot"), ("a fox", "/video@other_bot it runs")])
async def test_an_album_for_another_bot_is_left_alone(bot, captions):
    before = len(bot.telegram.replies(GROUP))
    await an_album(bot, *captions, chat=GROUP)
    assert (requests(bot), drafts(bot)) == ([], [])
    assert len(bot.telegram.replies(GROUP)) == before


async def test_the_captions_of_all_parts_are_the_prompt(bot):
    await an_album(bot, "they dance", "in the rain")
    assert [draft["prompt"] for draft in drafts(bot)] == ["they dance\nin the rain"]


async def test_a_video_beside_a_photo_swallows_neither_photo_nor_words(bot):
    image = await an_image(bot)
    film = {"video": {"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9, "duration": 1}}
    group = {"media_group_id": "mixed"}
    await send(bot, film | {"caption": "it runs"} | group, image | group)
    await bot.settle()
    assert len(requests(bot)) + len(drafts(bot)) == 1


async def test_a_late_part_of_an_album_joins_what_is_still_in_line(bot):
    bot.kling.behaviour.throttle = True
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | {"caption": "/effect running"} | group)
    bot.clock.advance(4_000)
    await send(bot, image | {"caption": ""} | group)
    # Running is for one person; nobody is charged for what two are in.
    assert bot.rows("SELECT state FROM tasks") == [("queued",)]
    await send(bot, {"text": "/cancel"})


async def test_a_late_part_that_makes_another_request_replaces_the_first(bot):
    bot.kling.behaviour.throttle = True
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | {"caption": "/image two cats"} | group)
    bot.clock.advance(4_000)
    await send(bot, image | group)
    states = [state for (state,) in bot.rows("SELECT state FROM tasks ORDER BY sequence")]
    assert states[0] == "cancelled"
    assert len(states) + len(drafts(bot)) == 2


async def test_a_late_part_of_what_was_sent_is_asked_about(bot):
    bot.kling.behaviour.render_seconds = 30
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | {"caption": "/video they dance"} | group)
    bot.clock.advance(4_000)
    await bot.settle()
    assert bot.rows("SELECT state FROM tasks") == [("in_progress",)]
    await send(bot, image | group)
    assert len(requests(bot)) == 1
    assert len(drafts(bot)) == 1


async def test_a_late_part_of_several_results_of_which_some_were_sent_is_asked_about(bot):
    bot.kling.behaviour.render_seconds = 30
    bot.configure(daily=1_000, provider="max_concurrent = 1")
    await bot.restart()
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | {"caption": "/video they dance --n 2"} | group)
    assert sorted(state for (state,) in bot.rows("SELECT state FROM tasks")) == ["in_progress", "queued"]
    await send(bot, image | group)
    assert sorted(state for (state,) in bot.rows("SELECT state FROM tasks")) == ["in_progress", "queued"]
    assert len(drafts(bot)) == 1


async def test_a_late_part_that_cannot_be_used_leaves_what_was_begun(bot):
    bot.kling.behaviour.throttle = True
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | {"caption": "/expand 16:9"} | group)
    await send(bot, image | group)
    assert bot.rows("SELECT state FROM tasks") == [("queued",)]


@pytest.mark.parametrize(
    ("caption", "operations", "prompts"),
    [
        ("/effect hug", ["effects"], []),
        ("/image two cats", ["multi-image2image"], []),
        ("/video they dance", [], ["they dance"]),
        ("they dance", [], ["they dance"]),
    ],
)
async def test_what_a_late_part_says_decides_what_is_made_of_all_of_them(bot, caption, operations, prompts):
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | group)
    bot.clock.advance(4_000)
    await send(bot, image | {"caption": caption} | group)
    assert [request["operation"] for request in requests(bot)] == operations
    assert [draft["prompt"] for draft in drafts(bot)] == prompts
    assert bot.written(ADA, "What should happen in this photo") == []


async def test_a_late_part_joins_a_draft(bot):
    image = await an_image(bot)
    group = {"media_group_id": "slow"}
    await send(bot, image | group)
    bot.clock.advance(4_000)
    await send(bot, image | {"caption": ""} | group)
    (photos,) = [json.loads(text) for (text,) in bot.rows("SELECT data FROM drafts WHERE user_id = ?", ADA)]
    assert len(photos["pictures"]) == 2


# -- how it is written --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "/video a fox 10s 9:16",
        "\u200e/video a fox 10s\u200e 9:16\ufe0f",
        "/video a fox \u200f10s 9\u223616",
        "/video a fox 10s 9：16",
        "/video a fox ‐‐duration 10 —ratio 9:16",
        "/video a fox −−duration\u200b 10 --ratio 9\ufe5516",
        "/video a fox \u2011\u2011duration 10 ──ratio 9:16",
        "／video a fox 10s 9:16",
        "/视频 a fox 10s 9:16",
        "／视频a fox 10s 9:16",
        "/视频@" + NAME + " a fox 10s 9:16",
        "/ｖｉｄｅｏ a fox 10s 9:16",
        "/video: 10s 9:16 a fox",
        "/视频：10秒，9：16，a fox",
    ],
)
async def test_marks_and_signs_of_other_keyboards_mean_the_same(bot, text):
    await send(bot, {"text": text})
    (request,) = requests(bot)
    assert (request["prompt"], request["duration"], request["aspect_ratio"]) == ("a fox", 10, "9:16")


@pytest.mark.parametrize("text", ["/图片 一只狐狸", "/音效 雨声", "/生成视频一只狐狸在雪地里"])
async def test_commands_have_chinese_words(bot, text):
    await send(bot, {"text": text})
    assert len(requests(bot)) == 1


async def test_an_edit_that_changes_no_word_does_nothing(bot):
    sent = await bot.telegram.say(ADA, "/video a fox 10s")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    bot.telegram.state.updates.add("edited_message", sent | {"edit_date": int(bot.seconds())})
    await bot.settle()
    assert drafts(bot) == []
    bot.telegram.acting.edit(ADA, ADA, sent["message_id"], "/video a hare 10s")
    await bot.settle()
    assert [draft["prompt"] for draft in drafts(bot)] == ["a hare"]


@pytest.mark.parametrize(
    "words", ["/grant 66 500", "/video@other_bot a bear", "/quota now", "/nothing a bear"]
)
async def test_an_edit_into_what_makes_nothing_is_no_other_prompt(bot, words):
    sent = await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    bot.telegram.acting.edit(ADA, ADA, sent["message_id"], words)
    await bot.settle()
    assert drafts(bot) == []


@pytest.mark.parametrize(
    ("first", "edited"),
    [
        ("/video a fox", "/image a fox"),
        ("/video a fox", "/image a bear"),
        ("/image a fox", "/视频 a fox"),
        ("/video a fox", "/extend it runs"),
        ("/video a fox", "/sound rain"),
    ],
)
async def test_an_edit_into_another_command_says_to_send_it_anew(bot, first, edited):
    sent = await bot.telegram.say(ADA, first)
    await bot.ended()
    bot.telegram.acting.edit(ADA, ADA, sent["message_id"], edited)
    await bot.telegram.wait_text(ADA, "An edit can't change the command")
    await bot.settle()
    assert drafts(bot) == []
    assert len(requests(bot)) == 1


@pytest.mark.parametrize("first", ["/video a fox", "/image a fox", "/sound rain"])
async def test_an_edit_within_a_command_is_asked_about(bot, first):
    sent = await bot.telegram.say(ADA, first)
    await bot.ended()
    bot.telegram.acting.edit(ADA, ADA, sent["message_id"], f"{first} and a hare")
    await bot.settle()
    (draft,) = drafts(bot)
    assert draft["prompt"].endswith("and a hare")
    assert len(bot.written(ADA, "An edit can't")) == 0


@pytest.mark.parametrize(
    "content",
    [
        {"dice": {"emoji": "🎲", "value": 3}},
        {"paid_media": {"star_count": 1, "paid_media": []}},
        {"checklist": {"title": "a", "tasks": []}},
        {"game": {"title": "a", "description": "b", "photo": []}},
        {"venue": {"location": {"longitude": 1, "latitude": 1}, "title": "a", "address": "b"}},
        {"gift": {"gift": {"id": "1", "sticker": STICKER, "star_count": 1}}},
        {"giveaway": {"chats": [GIVER], "winners_selection_date": 1, "winner_count": 1}},
        {
            "giveaway_winners": {"chat": GIVER, "giveaway_message_id": 1, "winners_selection_date": 1}
            | {"winner_count": 1, "winners": []}
        },
        {"something_new": {"a": 1}},
    ],
    ids=lambda content: next(iter(content)),
)
async def test_whatever_nothing_can_be_made_of_is_answered(bot, content):
    await send(bot, content)
    assert len(bot.telegram.replies(ADA)) == 1


async def test_news_of_the_chat_is_not_answered(bot):
    await send(bot, {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86_400}})
    assert bot.telegram.replies(ADA) == []
