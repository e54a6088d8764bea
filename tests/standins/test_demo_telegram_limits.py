"""The stand-in for Telegram is as strict as Telegram: each limit with the words of its refusal, and each fault."""

import asyncio
import json

import httpx
import pytest
from telegram import (
    BotCommand,
    BotCommandScopeChat,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    InputTextMessageContent,
    LabeledPrice,
    ReactionTypeEmoji,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.demo.telegram.faults import ConnectionDropped, Garbled, too_many_requests
from bot.demo.telegram.wire import BotApiError
from tests.world.media import film, image
from tests.world.telegram import ADA, BOSS, GROUP, TOKEN, XIAOLIN

pytestmark = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")


def keyboard(**options) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("Go", **options)]])


def article(number: str) -> InlineQueryResultArticle:
    return InlineQueryResultArticle(number, "A", InputTextMessageContent("a"))


FOX = "🦊"
"""Two UTF-16 units."""

REFUSALS = {
    "an unknown chat": (lambda bot: bot.send_message(5, "a"), "Chat not found"),
    "no text": (lambda bot: bot.send_message(ADA, "  "), "Message text is empty"),
    "a text over 4,096 units": (lambda bot: bot.send_message(ADA, FOX * 2048 + "a"), "Message is too long"),
    "a caption over 1,024 units": (
        lambda bot: bot.send_photo(ADA, image(), caption=FOX * 512 + "a"),
        "Message caption is too long",
    ),
    "an unknown parse mode": (lambda bot: bot.send_message(ADA, "a", "BBCode"), "Unsupported parse_mode"),
    "callback data over 64 bytes": (
        lambda bot: bot.send_message(ADA, "a", reply_markup=keyboard(callback_data="é" * 33)),
        "Button_data_invalid",
    ),
    "a button that does nothing": (
        lambda bot: bot.send_message(ADA, "a", reply_markup=keyboard()),
        "Text buttons are unallowed",
    ),
    "a button with a wrong address": (
        lambda bot: bot.send_message(ADA, "a", reply_markup=keyboard(url="fox")),
        "Wrong HTTP URL",
    ),
    "a style that there is not": (
        lambda bot: bot.send_message(
            ADA, "a", reply_markup=keyboard(callback_data="a", api_kwargs={"style": "pink"})
        ),
        "unsupported button style",
    ),
    "more than a hundred buttons": (
        lambda bot: bot.send_message(
            ADA,
            "a",
            reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("a", callback_data="a")]] * 101),
        ),
        "Reply markup is too long",
    ),
    "a reply to nothing": (
        lambda bot: bot.send_message(ADA, "a", reply_parameters=ReplyParameters(99)),
        "Message to be replied not found",
    ),
    "an unknown topic": (
        lambda bot: bot.send_message(GROUP, "a", message_thread_id=99),
        "Message thread not found",
    ),
    "an unknown file": (lambda bot: bot.send_photo(ADA, "AgAD"), "Wrong file identifier"),
    "an unreachable address": (lambda bot: bot.send_photo(ADA, "http://a.example/a.jpg"), "HTTP URL content"),
    "an empty file": (lambda bot: bot.send_document(ADA, b""), "File must be non-empty"),
    "a photo that is none": (lambda bot: bot.send_photo(ADA, b"no picture"), "Image_process_failed"),
    "a photo that is too narrow": (
        lambda bot: bot.send_photo(ADA, image(2100, 100)),
        "Photo_invalid_dimensions",
    ),
    "a photo of more than 10 MB": (
        lambda bot: bot.send_photo(ADA, bytes(10 * 1024 * 1024 + 1)),
        "is too big for a photo",
    ),
    "an album of one": (
        lambda bot: bot.send_media_group(ADA, [InputMediaPhoto(image())]),
        "2-10 items",
    ),
    "an album of photos and files": (
        lambda bot: bot.send_media_group(ADA, [InputMediaPhoto(image()), InputMediaDocument(b"a")]),
        "can't be mixed",
    ),
    "an unknown action": (lambda bot: bot.send_chat_action(ADA, "dancing"), "Wrong parameter action"),
    "an edit of nothing": (lambda bot: bot.edit_message_text("a", ADA, 99), "Message to edit not found"),
    "a deletion of nothing": (lambda bot: bot.delete_message(ADA, 99), "Message to delete not found"),
    "a reaction to nothing": (lambda bot: bot.set_message_reaction(ADA, 99), "Message to react not found"),
    "an unknown file to download": (lambda bot: bot.get_file("AgAD"), "Wrong file_id"),
    "a capital in a command": (
        lambda bot: bot.set_my_commands([BotCommand("Video", "a")]),
        "Bot_command_invalid",
    ),
    "more than a hundred commands": (
        lambda bot: bot.set_my_commands([BotCommand("a", "a")] * 101),
        "Bot_commands_too_much",
    ),
    "commands for an unknown chat": (
        lambda bot: bot.set_my_commands([BotCommand("a", "a")], BotCommandScopeChat(5)),
        "Chat not found",
    ),
    "an unknown language": (lambda bot: bot.set_my_description("a", "english"), "Lang_code_invalid"),
    "a long name": (lambda bot: bot.set_my_name("a" * 65), "name is too long"),
    "an invoice in euros": (
        lambda bot: bot.send_invoice(ADA, "a", "a", "a", "EUR", [LabeledPrice("a", 1)], provider_token=""),
        "Currency_invalid",
    ),
    "an invoice with two prices": (
        lambda bot: bot.send_invoice(
            ADA, "a", "a", "a", "XTR", [LabeledPrice("a", 1)] * 2, provider_token=""
        ),
        "Stars_invoice_invalid",
    ),
    "an invoice with a long payload": (
        lambda bot: bot.send_invoice(
            ADA, "a", "a", "a" * 129, "XTR", [LabeledPrice("a", 1)], provider_token=""
        ),
        "1-128",
    ),
    "a refund of nothing": (lambda bot: bot.refund_star_payment(ADA, "stx1"), "Charge_not_found"),
    "an answer to no press": (lambda bot: bot.answer_callback_query("1"), "Query is too old"),
    "an answer to no inline query": (lambda bot: bot.answer_inline_query("1", []), "Query is too old"),
    "an unknown member": (lambda bot: bot.get_chat_member(GROUP, 5), "Invalid user_id"),
    "a forward of nothing": (lambda bot: bot.forward_message(ADA, BOSS, 99), "Message to forward not found"),
    "a webhook without TLS": (
        lambda bot: bot.set_webhook("http://bot.example/"),
        "HTTPS URL must be provided",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_telegram_does_not_take_is_refused_in_its_words(demo, name):
    call, words = REFUSALS[name]
    with pytest.raises(BadRequest, match=f"(?i){words}"):
        await call(demo.bot)
    assert not any(demo.telegram.messages(chat) for chat in (ADA, BOSS, GROUP))


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<fox>a</fox>", 'Unsupported start tag "fox" at byte offset 0'),
        ("é <b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("é <b>a</i>", 'Unmatched end tag at byte offset 7, expected "</b>", found "</i>"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("é<b", "Unclosed start tag at byte offset 2"),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler"'),
    ],
)
async def test_html_that_is_wrong_is_refused_with_its_place(demo, html, words):
    with pytest.raises(BadRequest) as refused:
        await demo.bot.send_message(ADA, html, "HTML")
    assert f"can't parse entities: {words}".lower() in refused.value.message.lower()


async def test_the_longest_text_and_data_are_taken(demo):
    await demo.bot.send_message(
        ADA, f"<b>{FOX * 2048}</b>", "HTML", reply_markup=keyboard(callback_data="é" * 32)
    )
    await demo.bot.send_photo(ADA, image(), caption=FOX * 512)
    assert len(demo.telegram.messages(ADA)) == 2


async def test_an_upload_over_50_mb_is_refused(demo):
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await demo.bot.send_document(ADA, bytes(50 * 1024 * 1024 + 1))


async def test_a_file_over_20_mb_cannot_be_downloaded(demo):
    sent = await demo.telegram.send_document(ADA, bytes(20 * 1024 * 1024 + 1), "big.bin", "application/zip")
    with pytest.raises(BadRequest, match="File is too big"):
        await demo.bot.get_file(sent["document"]["file_id"])


async def test_the_same_edit_again_is_no_edit(demo):
    sent = await demo.bot.send_message(ADA, "a")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await demo.bot.edit_message_text("a", ADA, sent.message_id)


async def test_the_words_of_somebody_else_are_not_edited(demo):
    said = await demo.telegram.say(ADA, "a")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await demo.bot.edit_message_text("b", ADA, said["message_id"])


async def test_a_text_has_no_caption_and_a_photo_no_text(demo):
    text, photo = await demo.bot.send_message(ADA, "a"), await demo.bot.send_photo(ADA, image())
    with pytest.raises(BadRequest, match="There is no caption"):
        await demo.bot.edit_message_caption(ADA, text.message_id, caption="b")
    with pytest.raises(BadRequest, match="There is no text"):
        await demo.bot.edit_message_text("b", ADA, photo.message_id)


async def test_words_that_were_not_said_cannot_be_quoted(demo):
    said = await demo.telegram.say(ADA, "a fox")
    with pytest.raises(BadRequest, match="Quote_text_invalid"):
        await demo.bot.send_message(
            ADA, "a", reply_parameters=ReplyParameters(said["message_id"], quote="wolf")
        )


async def test_a_reply_to_what_is_gone_goes_without_it_where_that_is_allowed(demo):
    options = ReplyParameters(99, allow_sending_without_reply=True)
    assert (await demo.bot.send_message(ADA, "a", reply_parameters=options)).reply_to_message is None


async def test_one_reaction_of_telegrams_set_is_allowed(demo):
    said = await demo.telegram.say(ADA, "a")
    with pytest.raises(BadRequest, match="Reaction_invalid"):
        await demo.bot.set_message_reaction(ADA, said["message_id"], ReactionTypeEmoji("🦊"))
    with pytest.raises(BadRequest, match="Reactions_too_many"):
        await demo.bot.set_message_reaction(ADA, said["message_id"], ["👍", "👎"])


async def test_old_messages_and_those_of_others_in_a_group_stay(demo):
    said = await demo.telegram.say(ADA, "/a", chat=GROUP)
    with pytest.raises(BadRequest, match="can't be deleted"):
        await demo.bot.delete_message(GROUP, said["message_id"])
    sent = await demo.bot.send_message(ADA, "a")
    demo.clock.now += 48 * 3600 + 1
    with pytest.raises(BadRequest, match="can't be deleted"):
        await demo.bot.delete_message(ADA, sent.message_id)


async def test_a_file_is_not_repeated_as_another_kind(demo):
    photo = (await demo.bot.send_photo(ADA, image())).photo[-1]
    with pytest.raises(BadRequest, match=r"(?i)can't use file of type photo as video"):
        await demo.bot.send_video(ADA, photo.file_id)


async def test_inline_results_need_ids_of_their_own_and_are_at_most_fifty(demo):
    number = demo.telegram.acting.ask_inline(ADA, "fox")
    with pytest.raises(BadRequest, match="Result_id_duplicate"):
        await demo.bot.answer_inline_query(number, [article("1"), article("1")])
    with pytest.raises(BadRequest, match="Results_too_much"):
        await demo.bot.answer_inline_query(number, [article(str(count)) for count in range(51)])


async def test_an_answer_to_a_press_has_at_most_200_characters(demo):
    sent = await demo.bot.send_message(ADA, "?", reply_markup=keyboard(callback_data="a"))
    number = await demo.telegram.press(ADA, ADA, sent.message_id, "a")
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await demo.bot.answer_callback_query(number, "a" * 201)


async def test_a_closed_topic_takes_nothing(demo):
    topic = demo.telegram.open_topic("Foxes")
    demo.telegram.close_topic(topic)
    with pytest.raises(BadRequest, match="Topic_closed"):
        await demo.bot.send_message(GROUP, "a", message_thread_id=topic)
    # A reply stands in the topic of what it replies to.
    with pytest.raises(BadRequest, match="Topic_closed"):
        await demo.bot.send_message(GROUP, "a", reply_parameters=ReplyParameters(topic))
    assert await demo.bot.send_message(GROUP, "a")
    demo.telegram.close_topic()
    with pytest.raises(BadRequest, match="Topic_closed"):
        await demo.bot.send_message(GROUP, "a")


async def test_a_group_refuses_what_it_forbids_but_to_its_administrators(demo):
    demo.telegram.forbid("text messages", "videos")
    with pytest.raises(BadRequest, match="Not enough rights to send text messages to the chat"):
        await demo.bot.send_message(GROUP, "a")
    with pytest.raises(BadRequest, match="Not enough rights to send videos to the chat"):
        await demo.bot.send_video(GROUP, film())
    placed = await demo.bot.send_document(GROUP, film(), filename="a.mp4")
    with pytest.raises(BadRequest, match="Not enough rights to send videos to the chat"):
        await placed.edit_media(InputMediaVideo(film()))
    permissions = (await demo.bot.get_chat(GROUP)).permissions
    assert (permissions.can_send_videos, permissions.can_send_documents) == (False, True)
    demo.telegram.acting.set_bot_status(BOSS, GROUP, "administrator")
    assert await demo.bot.send_message(GROUP, "a")


PART = {"type": "photo", "media": "attach://one"}
NAMED = {**PART, "thumbnail": "attach://two"}
NO_MEDIA = "can't parse InputMedia: media not found"
PARTS = {
    "a part without a file": ({"type": "photo"}, ["media"], NO_MEDIA),
    "a file that was not uploaded": ({**PART, "media": "attach://two"}, ["one"], NO_MEDIA),
    "a file that is no text": ({**PART, "media": 7}, ["one"], 'field "media" must be of type String'),
    "a part of no type": ({"media": "attach://one"}, ["one"], 'can\'t find field "type"'),
    "an unknown type": ({**PART, "type": "film"}, ["one"], 'type "film" is unsupported'),
    "no description": ("attach://one", ["one"], "expected an Object"),
    "a file that nothing names": (PART, ["one", "two"], 'nothing names the uploaded file "two"'),
    "a thumbnail that has the name of a file": (
        NAMED,
        ["one", "two", "media"],
        'nothing names the uploaded file "media"',
    ),
    "a long caption": ({**PART, "caption": FOX * 512 + "a"}, ["one"], "message caption is too long"),
    "a caption with a tag that stays open": (
        {**PART, "caption": "<b>a", "parse_mode": "HTML"},
        ["one"],
        "Can't find end tag",
    ),
}


async def _upload(demo, method, parameters, names):
    """Call a method with pictures as parts of these names; the status, and the description of a refusal."""
    files = {name: ("a.jpg", image(), "image/jpeg") for name in names}
    async with httpx.AsyncClient(trust_env=False) as http:
        address = f"{demo.address}/bot{TOKEN}/{method}"
        answer = await http.post(address, data={"chat_id": ADA, **parameters}, files=files)
    return answer.status_code, answer.json().get("description", "")


@pytest.mark.parametrize("name", PARTS)
async def test_what_no_real_server_makes_a_file_of_is_refused_in_albums_and_edits(demo, name):
    part, names, words = PARTS[name]
    placed = await demo.bot.send_message(ADA, "here it comes")
    edit = {"message_id": placed.message_id, "media": json.dumps(part)}
    status, description = await _upload(demo, "editMessageMedia", edit, names)
    assert status == 400
    assert words in description
    good = {"type": "photo", "media": "attach://other"}
    album = {"media": json.dumps([good, part])}
    status, description = await _upload(demo, "sendMediaGroup", album, [*names, "other"])
    assert status == 400
    assert words in description
    assert len(demo.telegram.messages(ADA)) == 1


ALBUMS = {
    "no list": ({"0": PART}, "expected an Array of InputMedia"),
    "one file": ([PART], "2-10 items"),
    "eleven files": ([PART] * 11, "2-10 items"),
    "nothing": ([], "there are no media"),
    "an animation": ([PART, {**PART, "type": "animation"}], "can't be used in sendMediaGroup"),
    "a photo and a document": ([PART, {**PART, "type": "document"}], "can't be mixed"),
    "a document and a sound": ([{**PART, "type": kind} for kind in ("document", "audio")], "can't be mixed"),
    "the second caption too long": ([PART, {**PART, "caption": "a" * 1025}], "caption is too long"),
}


@pytest.mark.parametrize("name", ALBUMS)
async def test_an_album_is_two_to_ten_files_that_go_together(demo, name):
    media, words = ALBUMS[name]
    status, description = await _upload(demo, "sendMediaGroup", {"media": json.dumps(media)}, ["one"])
    assert status == 400
    assert words in description
    assert not demo.telegram.messages(ADA)


async def test_one_file_may_be_several_parts_and_a_thumbnail_has_a_name_of_its_own(demo):
    media = [PART, {**PART, "caption": "a" * 1024}, {"type": "photo", "media": "attach://three"}]
    names = ["one", "three"]
    assert await _upload(demo, "sendMediaGroup", {"media": json.dumps(media)}, names) == (200, "")
    assert len(demo.telegram.messages(ADA)) == 3


async def test_a_message_of_inline_mode_takes_no_upload(demo):
    with pytest.raises(BadRequest, match="Invalid message content"):
        await demo.bot.edit_message_media(InputMediaVideo(film()), inline_message_id="1")


async def test_who_blocked_the_bot_hears_nothing(demo):
    demo.telegram.acting.block(ADA)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await demo.bot.send_message(ADA, "a")
    demo.telegram.acting.block(ADA, blocked=False)
    assert await demo.bot.send_message(ADA, "a")


async def test_a_group_that_threw_the_bot_out_hears_nothing(demo):
    demo.telegram.acting.set_bot_status(BOSS, GROUP, "kicked")
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await demo.bot.send_message(GROUP, "a")


async def test_a_group_that_moved_tells_where_to(demo):
    demo.telegram.state.chats[GROUP].migrated_to = -1_009
    with pytest.raises(ChatMigrated) as moved:
        await demo.bot.send_message(GROUP, "a")
    assert moved.value.new_chat_id == -1_009


# -- how often ---------------------------------------------------------------------------------------


async def test_a_chat_takes_a_short_burst_and_then_asks_for_a_pause(demo):
    demo.telegram.state.limits.enabled = True
    for number in range(5):
        await demo.bot.send_message(ADA, str(number))
    with pytest.raises(RetryAfter) as pause:
        await demo.bot.send_message(ADA, "one more")
    assert pause.value.retry_after == 5
    assert await demo.bot.send_message(XIAOLIN, "another chat")
    demo.clock.now += 5
    assert await demo.bot.send_message(ADA, "now")


async def test_a_group_takes_20_messages_a_minute(demo):
    demo.telegram.state.limits.enabled = True
    for number in range(20):
        await demo.bot.send_message(GROUP, str(number))
        demo.clock.now += 1
    with pytest.raises(RetryAfter) as pause:
        await demo.bot.send_message(GROUP, "one more")
    assert pause.value.retry_after == 40


# -- faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (too_many_requests(17), RetryAfter),
        (BotApiError(502, "Bad Gateway"), NetworkError),
        (BotApiError(500, "Internal Server Error"), NetworkError),
        (BotApiError(403, "Forbidden: user is deactivated"), Forbidden),
        (ConnectionDropped(), NetworkError),
    ],
)
async def test_a_planned_fault_meets_the_next_call_only(demo, error, seen):
    demo.telegram.refuse_next("sendMessage", error)
    with pytest.raises(seen):
        await demo.bot.send_message(ADA, "a")
    assert demo.telegram.messages(ADA) == []
    assert await demo.bot.send_message(ADA, "b")


async def test_an_answer_may_be_lost_after_the_work_was_done(demo):
    demo.telegram.refuse_next("sendMessage", ConnectionDropped(), done_first=True)
    with pytest.raises(NetworkError):
        await demo.bot.send_message(ADA, "a")
    assert [message["text"] for message in demo.telegram.messages(ADA)] == ["a"]


async def test_a_fault_may_concern_one_chat_or_every_method(demo):
    demo.telegram.refuse_next("*", BotApiError(500, "Internal Server Error"), chat=ADA)
    assert await demo.bot.send_message(BOSS, "a")
    with pytest.raises(TelegramError):
        await demo.bot.send_chat_action(ADA, "typing")


async def test_calls_are_recorded_without_the_bytes_of_files(demo):
    await demo.bot.send_photo(ADA, image(), caption="a")
    method, given = demo.telegram.calls[-1]
    assert (method, given["caption"], given["chat_id"]) == ("sendPhoto", "a", str(ADA))
    assert given["photo"]["size"] == len(image())


# -- the wire ----------------------------------------------------------------------------------------


async def test_a_wrong_token_and_an_unknown_method_are_refused(demo):
    async with httpx.AsyncClient() as http:
        wrong = await http.get(f"{demo.address}/bot1:wrong/getMe")
        unknown = await http.get(f"{demo.address}/bot{TOKEN}/dance")
        shouted = await http.post(f"{demo.address}/bot{TOKEN}/GETME")
        stolen = await http.get(f"{demo.address}/file/bot1:wrong/photos/file_0.jpg")
    assert [answer.status_code for answer in (wrong, unknown, shouted, stolen)] == [401, 404, 200, 401]


async def test_json_and_forms_are_read_alike(demo):
    async with httpx.AsyncClient(base_url=f"{demo.address}/bot{TOKEN}/") as http:
        answers = [
            await http.post("sendMessage", json={"chat_id": ADA, "text": "a"}),
            await http.post("sendMessage", data={"chat_id": ADA, "text": "a"}),
            await http.get("sendMessage", params={"chat_id": ADA, "text": "a"}),
            await http.post("sendMessage", files={"chat_id": (None, str(ADA)), "text": (None, "a")}),
        ]
        broken = await http.post("sendMessage", content="{", headers={"Content-Type": "application/json"})
    assert [answer.json()["result"]["text"] for answer in answers] == ["a"] * 4
    assert broken.status_code == 400


async def test_a_second_poller_ends_the_first(demo):
    first = asyncio.create_task(demo.bot.get_updates(timeout=20))
    await demo.telegram.state.updates.changed()
    async with httpx.AsyncClient() as http:
        await http.get(f"{demo.address}/bot{TOKEN}/getUpdates")
    with pytest.raises(Conflict, match="terminated by other getUpdates"):
        await first


async def test_effects_are_for_private_chats_and_of_telegrams_own_set(demo):
    confetti = "5046509860389126442"
    sent = await demo.bot.send_message(ADA, "done", message_effect_id=confetti)
    assert sent.effect_id == confetti
    for chat, effect in ((GROUP, confetti), (ADA, "123")):
        with pytest.raises(BadRequest, match=r"(?i)effect"):
            await demo.bot.send_message(chat, "done", message_effect_id=effect)


# -- files put into messages -------------------------------------------------------------------------


async def test_a_text_becomes_a_video_once_however_often_that_is_asked_for(demo):
    asked = await demo.telegram.say(ADA, "a fox")
    text = await demo.bot.send_message(ADA, "soon", reply_parameters=ReplyParameters(asked["message_id"]))
    for _ in range(2):
        filmed = await demo.bot.edit_message_media(InputMediaVideo(film(), caption="a"), ADA, text.message_id)
    (message,) = demo.telegram.replies(ADA)
    assert (message["message_id"], message["reply_to_message"]["message_id"]) == (
        text.message_id,
        asked["message_id"],
    )
    assert "text" not in message
    same = InputMediaVideo(filmed.video.file_id, caption="a")
    with pytest.raises(BadRequest, match="not modified"):
        await demo.bot.edit_message_media(same, ADA, text.message_id)
    with pytest.raises(BadRequest, match="no text in the message"):
        await demo.bot.edit_message_text("b", ADA, text.message_id)


async def test_what_cannot_become_a_file_is_refused(demo):
    bot = demo.bot
    asks = await bot.send_message(ADA, "what?", reply_markup=ForceReply())
    album = await bot.send_media_group(ADA, [InputMediaPhoto(image()), InputMediaPhoto(image())])
    document = InputMediaDocument(b"words", filename="a.txt")
    for message_id, media, words in (
        (asks.message_id, InputMediaVideo(film()), "can't be edited"),
        (album[0].message_id, document, "media can't be edited"),
        (99, document, "Message to edit not found"),
    ):
        with pytest.raises(BadRequest, match=words):
            await bot.edit_message_media(media, ADA, message_id)
    filmed = await bot.edit_message_media(InputMediaVideo(film()), ADA, album[1].message_id)
    assert filmed.media_group_id == album[0].media_group_id


async def test_an_older_server_puts_files_only_in_the_place_of_files(demo):
    demo.telegram.be_older()
    text = await demo.bot.send_message(ADA, "soon")
    with pytest.raises(BadRequest, match="no media in the message to edit"):
        await demo.bot.edit_message_media(InputMediaVideo(film()), ADA, text.message_id)


async def test_of_two_edits_at_once_the_later_one_counts(demo):
    text = await demo.bot.send_message(ADA, "soon")
    edits = [
        demo.bot.edit_message_media(InputMediaVideo(film(), caption=str(number)), ADA, text.message_id)
        for number in range(2)
    ]
    ended = await asyncio.gather(*edits, return_exceptions=True)
    refused = [error for error in ended if isinstance(error, BadRequest)]
    assert [error.message for error in refused] == ["Canceled by new edit message request"]
    assert len(demo.telegram.replies(ADA)) == 1


async def test_an_answer_may_be_a_page_or_come_later_than_what_it_tells_of(demo):
    demo.telegram.refuse_next("sendMessage", Garbled(), done_first=True)
    with pytest.raises(TelegramError, match="Invalid server response"):
        await demo.bot.send_message(ADA, "a")
    demo.telegram.answer_late(0.05, "sendMessage")
    sending = asyncio.create_task(demo.bot.send_message(ADA, "b"))
    await demo.telegram.wait_text(ADA, "b")
    assert not sending.done()
    assert (await sending).text == "b"
