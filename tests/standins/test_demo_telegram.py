"""The stand-in for Telegram as python-telegram-bot sees it: every method once."""

import pytest
from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeChatAdministrators,
    ChatMemberAdministrator,
    ChatMemberOwner,
    CopyTextButton,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultCachedVideo,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    InputTextMessageContent,
    LabeledPrice,
    MenuButtonCommands,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.error import BadRequest

from bot.demo.telegram.acting import Place
from tests.world.media import film, image
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])


@pytest.fixture
def bot(demo):
    return demo.bot


# -- about the bot -----------------------------------------------------------------------------------


async def test_the_bot_knows_itself(bot):
    me = await bot.get_me()
    assert (me.username, me.is_bot, me.supports_inline_queries) == ("kling_demo_bot", True, True)


async def test_names_and_descriptions_are_kept_for_each_language(bot):
    await bot.set_my_name("Films")
    await bot.set_my_description("Makes films")
    await bot.set_my_description("拍电影", language_code="zh")
    await bot.set_my_short_description("Films")
    assert (await bot.get_my_name()).name == "Films"
    assert (await bot.get_my_description()).description == "Makes films"
    assert (await bot.get_my_description("zh")).description == "拍电影"
    assert (await bot.get_my_description("de")).description == "Makes films"
    assert (await bot.get_my_short_description()).short_description == "Films"


async def test_everybody_sees_the_commands_of_the_closest_scope_in_their_language(demo):
    menus = [
        (None, "", "default"),
        (BotCommandScopeAllPrivateChats(), "", "private"),
        (BotCommandScopeAllPrivateChats(), "zh", "private_zh"),
        (BotCommandScopeAllGroupChats(), "", "group"),
        (BotCommandScopeChat(BOSS), "", "boss"),
        (BotCommandScopeChatAdministrators(GROUP), "", "group_admin"),
    ]
    for scope, language, command in menus:
        await demo.bot.set_my_commands([BotCommand(command, "…")], scope, language or None)
    state = demo.telegram.state
    seen = {
        (user, chat): demo.telegram.settings.commands_for(state.users[user], state.chats[chat])[0]["command"]
        for user, chat in ((ADA, ADA), (XIAOLIN, XIAOLIN), (BOSS, BOSS), (ADA, GROUP), (BOSS, GROUP))
    }
    assert list(seen.values()) == ["private", "private_zh", "boss", "group", "group_admin"]
    assert await demo.bot.delete_my_commands(BotCommandScopeChat(BOSS))
    assert await demo.bot.get_my_commands(BotCommandScopeChat(BOSS)) == ()
    assert [one.command for one in await demo.bot.get_my_commands()] == ["default"]


async def test_the_menu_button_is_kept(bot):
    await bot.set_chat_menu_button(ADA, MenuButtonCommands())
    assert (await bot.get_chat_menu_button(ADA)).type == "commands"
    assert (await bot.get_chat_menu_button(XIAOLIN)).type == "default"


# -- sending -----------------------------------------------------------------------------------------


async def test_a_text_is_sent_with_its_entities_and_buttons(bot):
    sent = await bot.send_message(
        ADA, "<b>Hi</b> 🦊 /video and https://a.example", "HTML", reply_markup=KEYBOARD
    )
    found = [(one.type, sent.parse_entity(one)) for one in sent.entities]
    assert found == [("bold", "Hi"), ("bot_command", "/video"), ("url", "https://a.example")]
    assert sent.text == "Hi 🦊 /video and https://a.example"
    assert sent.reply_markup == KEYBOARD


@pytest.mark.parametrize("markup", [ReplyKeyboardMarkup([["Yes", "No"]]), ForceReply()])
async def test_other_keyboards_are_taken_and_not_shown_with_the_message(bot, markup):
    assert (await bot.send_message(ADA, "?", reply_markup=markup)).reply_markup is None


async def test_buttons_of_every_kind_are_taken(bot):
    keys = [
        InlineKeyboardButton("Copy", copy_text=CopyTextButton("words")),
        InlineKeyboardButton("Open", url="https://a.example"),
        InlineKeyboardButton("Share", switch_inline_query="fox"),
        InlineKeyboardButton("Stop", callback_data="x", api_kwargs={"style": "danger"}),
    ]
    sent = await bot.send_message(ADA, "?", reply_markup=InlineKeyboardMarkup([keys]))
    assert [key.text for key in sent.reply_markup.inline_keyboard[0]] == ["Copy", "Open", "Share", "Stop"]


async def test_a_reply_shows_what_it_answers_and_quotes(demo):
    asked = await demo.telegram.say(ADA, "a fox in the snow")
    sent = await demo.bot.send_message(
        ADA, "Yes", reply_parameters=ReplyParameters(asked["message_id"], quote="snow")
    )
    assert sent.reply_to_message.text == "a fox in the snow"
    assert (sent.quote.text, sent.quote.position) == ("snow", 13)


async def test_a_photo_comes_in_sizes_and_can_be_sent_again_and_downloaded(bot):
    sent = await bot.send_photo(ADA, image(4000, 3000), caption="<i>big</i>", parse_mode="HTML")
    assert [(size.width, size.height) for size in sent.photo] == [(320, 240), (2560, 1920)]
    assert sent.caption_entities[0].type == "italic"
    again = await bot.send_photo(XIAOLIN, sent.photo[-1].file_id)
    assert again.photo == sent.photo
    content = await (await bot.get_file(sent.photo[-1])).download_as_bytearray()
    assert len(content) == sent.photo[-1].file_size


async def test_a_video_tells_what_it_is_and_has_a_thumbnail(bot):
    sent = await bot.send_video(ADA, film(2), cover=image(), has_spoiler=True, supports_streaming=True)
    assert (sent.video.width, sent.video.height, sent.video.mime_type) == (64, 48, "video/mp4")
    assert sent.video.to_dict()["duration"] == 2
    assert sent.video.thumbnail.file_size > 0
    assert sent.video.cover[-1].width == 640
    assert sent.has_media_spoiler


async def test_a_thumbnail_that_is_given_is_the_one_that_is_shown(bot):
    sent = await bot.send_video(ADA, film(), width=640, height=480, thumbnail=image(160, 120))
    assert (sent.video.width, sent.video.thumbnail.width) == (640, 160)


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        ("document", b"words", "words.txt"),
        ("animation", b"no film", "loop.mp4"),
        ("audio", b"ID3 no music", "song.mp3"),
        ("voice", b"OggS no words", "voice.ogg"),
        ("sticker", image(512, 512, "WEBP"), ""),
    ],
)
async def test_every_kind_of_file_is_sent_and_repeated_by_its_id(bot, kind, data, name):
    send = getattr(bot, f"send_{kind}")
    options = {} if kind in {"sticker", "voice"} else {"filename": name}
    sent = await send(ADA, data, **options)
    again = await send(XIAOLIN, getattr(sent, kind).file_id)
    assert getattr(again, kind) == getattr(sent, kind)
    assert getattr(sent, kind).file_size == len(data)


async def test_an_album_shares_an_id_and_its_caption_stands_where_it_was_given(bot):
    sent = await bot.send_media_group(
        ADA, [InputMediaPhoto(image(), caption="both"), InputMediaVideo(film())]
    )
    assert len({message.media_group_id for message in sent}) == 1
    assert [message.caption for message in sent] == ["both", None]
    assert sent[0].photo
    assert sent[1].video


async def test_a_message_is_forwarded_with_and_copied_without_its_author(demo):
    said = await demo.telegram.send_photo(ADA, image(), "look")
    forwarded = await demo.bot.forward_message(BOSS, ADA, said["message_id"])
    copied = await demo.bot.copy_message(BOSS, ADA, said["message_id"], caption="seen")
    assert forwarded.forward_origin.sender_user.first_name == "Ada"
    last = demo.telegram.messages(BOSS)[-1]
    assert (last["message_id"], last["caption"], "forward_origin" in last) == (
        copied.message_id,
        "seen",
        False,
    )


async def test_a_chat_action_is_seen_on_the_page(demo):
    await demo.bot.send_chat_action(ADA, "upload_video")
    seen = [event for event in demo.telegram.state.events.events if event["kind"] == "action"]
    assert [(event["chat_id"], event["action"]) for event in seen] == [(ADA, "upload_video")]


# -- changing ----------------------------------------------------------------------------------------


async def test_texts_captions_media_and_buttons_are_edited(bot):
    text = await bot.send_message(ADA, "one", reply_markup=KEYBOARD)
    edited = await bot.edit_message_text("<b>two</b>", ADA, text.message_id, parse_mode="HTML")
    assert (edited.text, edited.reply_markup, edited.edit_date is not None) == ("two", None, True)
    marked = await bot.edit_message_reply_markup(ADA, text.message_id, reply_markup=KEYBOARD)
    assert marked.reply_markup == KEYBOARD
    photo = await bot.send_photo(ADA, image(), caption="one")
    assert (await bot.edit_message_caption(ADA, photo.message_id, caption="two")).caption == "two"
    filmed = await bot.edit_message_media(InputMediaVideo(film(), caption="three"), ADA, photo.message_id)
    assert (filmed.caption, filmed.photo, filmed.video.width) == ("three", (), 64)


async def test_messages_are_deleted_one_by_one_or_together(demo):
    numbers = [(await demo.bot.send_message(ADA, str(number))).message_id for number in range(3)]
    assert await demo.bot.delete_message(ADA, numbers[0])
    assert await demo.bot.delete_messages(ADA, numbers)
    assert demo.telegram.messages(ADA) == []


async def test_the_bot_reacts_with_one_emoji_and_takes_it_back(demo):
    said = await demo.telegram.say(ADA, "a fox")
    await demo.bot.set_message_reaction(ADA, said["message_id"], ReactionTypeEmoji("👀"))
    assert demo.telegram.messages(ADA)[0]["reactions"] == ["👀"]
    await demo.bot.set_message_reaction(ADA, said["message_id"])
    assert "reactions" not in demo.telegram.messages(ADA)[0]


# -- questions of people -----------------------------------------------------------------------------


async def test_a_press_is_answered_once(demo):
    sent = await demo.bot.send_message(ADA, "?", reply_markup=KEYBOARD)
    number = await demo.telegram.press_labelled(ADA, "Go")
    (update,) = await demo.updates()
    query = update.callback_query
    assert (query.data, query.from_user.id, query.message.message_id) == ("go", ADA, sent.message_id)
    await query.answer("Done", show_alert=True)
    answer = await demo.telegram.wait_answer(number)
    assert (answer["text"], answer["show_alert"]) == ("Done", True)
    with pytest.raises(BadRequest, match="Query is too old"):
        await query.answer()


async def test_a_star_invoice_is_paid_and_refunded_once(demo):
    sent = await demo.bot.send_invoice(
        ADA,
        "100 credits",
        "For videos",
        "pack-100",
        "XTR",
        [LabeledPrice("100 credits", 50)],
        provider_token="",
    )
    assert sent.reply_markup.inline_keyboard[0][0].pay
    demo.telegram.stars.pay(ADA, ADA, sent.message_id)
    (asked,) = await demo.updates()
    checkout = asked.pre_checkout_query
    assert (checkout.invoice_payload, checkout.total_amount, checkout.currency) == ("pack-100", 50, "XTR")
    await checkout.answer(ok=True)
    (paid,) = await demo.updates()
    payment = paid.message.successful_payment
    assert (payment.total_amount, payment.invoice_payload) == (50, "pack-100")
    assert await demo.bot.refund_star_payment(ADA, payment.telegram_payment_charge_id)
    with pytest.raises(BadRequest, match=r"(?i)already_refunded"):
        await demo.bot.refund_star_payment(ADA, payment.telegram_payment_charge_id)
    # The bot hears of it in a message of its own, whoever gave the Stars back.
    (told,) = await demo.updates()
    assert (told.message.from_user.id, told.message.chat.id) == (demo.bot.id, ADA)
    refunded = told.message.refunded_payment
    assert (refunded.telegram_payment_charge_id, refunded.total_amount, refunded.invoice_payload) == (
        payment.telegram_payment_charge_id,
        50,
        "pack-100",
    )
    with pytest.raises(ValueError, match="nothing to give back"):
        demo.telegram.stars.refund_elsewhere(ADA, payment.telegram_payment_charge_id)


async def test_a_subscription_is_paid_by_its_link_renews_and_is_ended_by_the_bot_or_the_person(demo):
    link = await demo.bot.create_invoice_link(
        "Pro", "A month", "sub-1", "XTR", [LabeledPrice("Pro", 500)], subscription_period=2_592_000
    )
    with pytest.raises(BadRequest, match=r"(?i)period"):
        await demo.bot.create_invoice_link(
            "Pro", "A day", "sub-2", "XTR", [LabeledPrice("Pro", 5)], subscription_period=86_400
        )
    demo.telegram.stars.pay_link(ADA, link)
    (asked,) = await demo.updates()
    await asked.pre_checkout_query.answer(ok=True)
    (first,) = await demo.updates()
    paid = first.message.successful_payment
    assert (paid.is_recurring, paid.is_first_recurring) == (True, True)

    charge = paid.telegram_payment_charge_id
    again = demo.telegram.stars.renew(ADA, charge)
    (second,) = await demo.updates()
    renewed = second.message.successful_payment
    assert (renewed.invoice_payload, renewed.is_first_recurring) == ("sub-1", None)
    assert renewed.telegram_payment_charge_id == again != charge
    month = renewed.subscription_expiration_date - paid.subscription_expiration_date
    assert month.total_seconds() == 2_592_000

    with pytest.raises(BadRequest, match=r"(?i)charge_id_invalid"):
        await demo.bot.edit_user_star_subscription(ADA, again, is_canceled=True)
    await demo.bot.edit_user_star_subscription(ADA, charge, is_canceled=True)
    with pytest.raises(ValueError, match="does not renew"):
        demo.telegram.stars.renew(ADA, charge)
    await demo.bot.edit_user_star_subscription(ADA, charge, is_canceled=False)
    demo.telegram.stars.switch(ADA, charge, "active")
    assert demo.telegram.stars.subscription(ADA, charge).renews


async def test_a_checkout_is_declined_with_a_reason_and_not_answered_late(demo):
    sent = await demo.bot.send_invoice(ADA, "A", "b", "c", "XTR", [LabeledPrice("A", 1)], provider_token="")
    demo.telegram.stars.pay(ADA, ADA, sent.message_id)
    demo.telegram.stars.pay(ADA, ADA, sent.message_id)
    first, second = await demo.updates()
    await first.pre_checkout_query.answer(ok=False, error_message="Sold out")
    assert demo.telegram.state.events.events[-2]["text"] == "Sold out"
    demo.clock.now += 11
    with pytest.raises(BadRequest, match="Query is too old"):
        await second.pre_checkout_query.answer(ok=True)


async def test_an_inline_question_is_answered_and_the_choice_stands_in_the_chat(demo):
    video = (await demo.bot.send_video(ADA, film())).video
    number = demo.telegram.acting.ask_inline(ADA, "fox")
    (update,) = await demo.updates()
    assert update.inline_query.query == "fox"
    await update.inline_query.answer(
        [
            InlineQueryResultArticle("1", "Fox", InputTextMessageContent("a <b>fox</b>", "HTML")),
            InlineQueryResultCachedVideo("2", video.file_id, "Film", caption="a film"),
        ]
    )
    text = await demo.telegram.acting.choose_inline(ADA, number, "1", Place(GROUP))
    sent = await demo.telegram.acting.choose_inline(ADA, number, "2", Place(GROUP))
    assert (text["text"], text["entities"][0]["type"], text["via_bot"]["id"]) == ("a fox", "bold", 7_000_001)
    assert (sent["video"]["file_id"], sent["caption"]) == (video.file_id, "a film")
    chosen = [one.chosen_inline_result for one in await demo.updates() if one.chosen_inline_result]
    assert [one.result_id for one in chosen] == ["1", "2"]


# -- chats -------------------------------------------------------------------------------------------


async def test_chats_and_members_are_told(bot):
    private, group = await bot.get_chat(ADA), await bot.get_chat(GROUP)
    assert (private.first_name, group.title, group.is_forum) == ("Ada", "Film club", None)
    assert isinstance(await bot.get_chat_member(GROUP, BOSS), ChatMemberOwner)
    assert (await bot.get_chat_member(GROUP, ADA)).status == "member"
    assert [one.user.id for one in await bot.get_chat_administrators(GROUP)] == [BOSS]
    assert await bot.get_chat_member_count(GROUP) == 4


async def test_an_administrator_has_rights(demo):
    demo.telegram.acting.set_bot_status(BOSS, GROUP, "administrator")
    member = await demo.bot.get_chat_member(GROUP, demo.bot.id)
    assert isinstance(member, ChatMemberAdministrator)
    assert member.can_delete_messages


async def test_the_bot_writes_in_topics_and_leaves_groups(demo):
    topic = demo.telegram.open_topic("Foxes")
    sent = await demo.bot.send_message(GROUP, "here", message_thread_id=topic)
    assert (sent.message_thread_id, sent.is_topic_message) == (topic, True)
    assert (await demo.bot.get_chat(GROUP)).is_forum
    assert await demo.bot.leave_chat(GROUP)


async def test_documents_of_one_kind_make_an_album(bot):
    files = [InputMediaDocument(b"one", filename="1.txt"), InputMediaDocument(b"two", filename="2.txt")]
    sent = await bot.send_media_group(ADA, files)
    assert [message.document.file_name for message in sent] == ["1.txt", "2.txt"]
