"""Valid updates of every kind that the bot asks for, as the Bot API writes them (core.telegram.org/bots/api)."""

from typing import Any

from tests.builders import NOW
from tests.world.telegram import ADA, BOSS, GROUP

DATE = NOW // 1000
BOT_ID = 123456

ADA_USER: dict[str, Any] = {
    "id": ADA,
    "is_bot": False,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "username": "ada",
    "language_code": "en",
    "is_premium": True,
}
BOSS_USER: dict[str, Any] = {"id": BOSS, "is_bot": False, "first_name": "Boss", "language_code": "zh-hans"}
BOT_USER: dict[str, Any] = {"id": BOT_ID, "is_bot": True, "first_name": "Kling", "username": "kling_demo_bot"}
PRIVATE: dict[str, Any] = {"id": ADA, "type": "private", "first_name": "Ada", "username": "ada"}
SUPERGROUP: dict[str, Any] = {"id": GROUP, "type": "supergroup", "title": "Film club", "is_forum": True}
CHANNEL: dict[str, Any] = {"id": -1_003_000_000_001, "type": "channel", "title": "News", "username": "news"}

FILE: dict[str, Any] = {"file_id": "AgACAgIAAxkBAAIB", "file_unique_id": "AQADAgAT", "file_size": 40_000}
PHOTO: list[dict[str, Any]] = [
    {**FILE, "width": 90, "height": 51},
    {**FILE, "file_id": "AgACAgIAAxkBAAIC", "width": 1280, "height": 720},
]
VIDEO: dict[str, Any] = {
    **FILE,
    "width": 1280,
    "height": 720,
    "duration": 5,
    "mime_type": "video/mp4",
    "file_name": "clip.mp4",
    "thumbnail": PHOTO[0],
    "cover": PHOTO,
}
STICKER: dict[str, Any] = {
    **FILE,
    "type": "regular",
    "width": 512,
    "height": 512,
    "is_animated": False,
    "is_video": False,
    "emoji": "🦊",
    "set_name": "Foxes",
    "thumbnail": PHOTO[0],
}
POLL: dict[str, Any] = {
    "id": "5",
    "question": "Which?",
    "options": [{"persistent_id": "a", "text": "This", "voter_count": 1}],
    "total_voter_count": 1,
    "is_closed": False,
    "is_anonymous": True,
    "type": "regular",
    "allows_multiple_answers": False,
    "allows_revoting": False,
    "members_only": False,
}


def _message(chat: dict[str, Any] = PRIVATE, **parts: Any) -> dict[str, Any]:
    return {"message_id": 77, "from": ADA_USER, "chat": chat, "date": DATE, **parts}


RESULT = _message(**{"from": BOT_USER}, video=VIDEO, caption="a fox", message_id=70)
ENTITIES = [
    {"type": "bot_command", "offset": 0, "length": 6},
    {"type": "text_link", "offset": 7, "length": 3, "url": "https://example.com/"},
    {"type": "text_mention", "offset": 7, "length": 3, "user": BOSS_USER},
    {"type": "custom_emoji", "offset": 7, "length": 2, "custom_emoji_id": "5"},
    {"type": "date_time", "offset": 7, "length": 2, "unix_time": DATE, "date_time_format": "d"},
]
PAYMENT: dict[str, Any] = {
    "currency": "XTR",
    "total_amount": 50,
    "invoice_payload": "a-token",
    "telegram_payment_charge_id": "charge-1",
    "provider_payment_charge_id": "",
    "subscription_expiration_date": DATE + 2_592_000,
    "is_recurring": True,
    "is_first_recurring": True,
}
COMMANDS = [
    "/start",
    "/start ref_what",
    "/start join_code",
    "/help",
    "/video a fox in the snow 10s 9:16 --no blur",
    "/image a fox --n 3",
    "/lipsync Hello! --voice Melody",
    "/edit make it night",
    "/settings",
    "/history",
    "/ideas",
    "/buy",
    "/quota",
    "/language",
    "/cancel 7",
    "/favourites",
    "/templates",
    "/elements",
    "/voices",
    "/admin",
    "/grant @ada 5",
    "/privacy",
]

MESSAGES: list[dict[str, Any]] = [
    *(_message(text=text) for text in COMMANDS),
    _message(text="a fox in the snow", entities=ENTITIES),
    _message(text="Continue it", reply_to_message=RESULT),
    _message(
        text="/video a fox",
        entities=ENTITIES,
        link_preview_options={"is_disabled": True, "url": "https://example.com/"},
        quote={"text": "fox", "position": 2, "is_manual": True, "entities": ENTITIES[:1]},
        external_reply={"origin": {"type": "user", "date": DATE, "sender_user": BOSS_USER}, "photo": PHOTO},
    ),
    _message(text="/video a fox", reply_to_message=_message(photo=PHOTO, caption="mine")),
    _message(text="/edit at night", reply_to_message=_message(video=VIDEO)),
    _message(text="x", forward_origin={"type": "channel", "date": DATE, "chat": CHANNEL, "message_id": 4}),
    _message(text="x", via_bot=BOT_USER),
    _message(photo=PHOTO, caption="a fox", has_media_spoiler=True),
    _message(photo=PHOTO, caption="/video a fox", caption_entities=ENTITIES[:1], media_group_id="album"),
    _message(photo=PHOTO, media_group_id="album"),
    _message(video=VIDEO, caption="/edit this"),
    _message(animation=VIDEO, document=VIDEO),
    _message(audio={**FILE, "duration": 5, "title": "Song", "performer": "Ada", "mime_type": "audio/mpeg"}),
    _message(voice={**FILE, "duration": 5, "mime_type": "audio/ogg"}),
    _message(voice={**FILE, "duration": 5}, reply_to_message=RESULT),
    _message(video_note={**FILE, "length": 240, "duration": 5}),
    _message(document={**FILE, "file_name": "picture.heic", "mime_type": "image/heic"}),
    _message(document={**FILE, "file_name": "notes.txt", "mime_type": "text/plain"}),
    _message(sticker=STICKER),
    _message(sticker={**STICKER, "is_video": True}),
    _message(location={"latitude": 52.5, "longitude": 13.4, "horizontal_accuracy": 3.5}),
    _message(venue={"location": {"latitude": 1, "longitude": 2.5}, "title": "Zoo", "address": "Road 1"}),
    _message(contact={"phone_number": "+1", "first_name": "Boss", "user_id": BOSS}),
    _message(poll=POLL),
    _message(dice={"emoji": "🎲", "value": 4}),
    _message(story={"chat": CHANNEL, "id": 4}),
    _message(game={"title": "Game", "description": "Play", "photo": PHOTO}),
    _message(
        paid_media={
            "star_count": 5,
            "paid_media": [{"type": "preview", "width": 1, "height": 1, "duration": 5}],
        }
    ),
    _message(successful_payment=PAYMENT),
    _message(refunded_payment={key: PAYMENT[key] for key in list(PAYMENT)[:5]}),
    _message(
        invoice={"title": "5", "description": "", "start_parameter": "", "currency": "XTR", "total_amount": 5}
    ),
    _message(write_access_allowed={"from_request": True}),
    _message(users_shared={"request_id": 1, "users": [{"user_id": BOSS, "first_name": "Boss"}]}),
    _message(SUPERGROUP, text="/video@kling_demo_bot a fox", is_topic_message=True, message_thread_id=5),
    _message(SUPERGROUP, text="more snow", reply_to_message=RESULT | {"chat": SUPERGROUP}),
    _message(SUPERGROUP, new_chat_members=[BOT_USER]),
    _message(SUPERGROUP, left_chat_member=BOT_USER),
    _message(SUPERGROUP, forum_topic_created={"name": "Films", "icon_color": 7_322_096}),
    _message(SUPERGROUP, migrate_from_chat_id=-5),
    _message(SUPERGROUP, new_chat_title="Films"),
    _message(SUPERGROUP, new_chat_photo=PHOTO),
    _message(SUPERGROUP, video_chat_ended={"duration": 5}),
    _message(SUPERGROUP, message_auto_delete_timer_changed={"message_auto_delete_time": 86_400}),
    _message(SUPERGROUP, text="/help", sender_chat=CHANNEL),
    _message(SUPERGROUP, pinned_message=RESULT),
    _message(SUPERGROUP, boost_added={"boost_count": 1}),
]
MEMBER: dict[str, Any] = {"user": BOT_USER, "status": "member"}
ADMINISTRATOR: dict[str, Any] = {
    "user": BOT_USER,
    "status": "administrator",
    **dict.fromkeys(
        (
            "can_be_edited",
            "is_anonymous",
            "can_manage_chat",
            "can_delete_messages",
            "can_manage_video_chats",
            "can_restrict_members",
            "can_promote_members",
            "can_change_info",
            "can_invite_users",
            "can_post_stories",
            "can_edit_stories",
            "can_delete_stories",
        ),
        True,
    ),
}
OTHERS: list[dict[str, Any]] = [
    {
        "callback_query": {
            "id": "9",
            "from": ADA_USER,
            "chat_instance": "5",
            "data": data,
            "message": message,
        }
    }
    for data, message in (
        ("1:video:again:1001:forged", RESULT),
        ("", RESULT),
        ("x", {"chat": PRIVATE, "message_id": 5, "date": 0}),
    )
]
OTHERS += [
    {"edited_message": _message(text="/video another fox", edit_date=DATE + 5)},
    {"edited_message": _message(photo=PHOTO, caption="another fox", edit_date=DATE + 5)},
    {"inline_query": {"id": "4", "from": ADA_USER, "query": "fox", "offset": "", "chat_type": "sender"}},
    {
        "inline_query": {
            "id": "4",
            "from": ADA_USER,
            "query": "",
            "offset": "20",
            "location": {"latitude": 1.5, "longitude": 2.5},
        }
    },
    {"chosen_inline_result": {"result_id": "4", "from": ADA_USER, "query": "fox"}},
    {
        "pre_checkout_query": {
            "id": "4",
            "from": ADA_USER,
            "currency": "XTR",
            "total_amount": 50,
            "invoice_payload": "a-token",
        }
    },
    {"subscription": {"user": ADA_USER, "invoice_payload": "a-token", "state": "active"}},
    {"subscription": {"user": ADA_USER, "invoice_payload": "a-token", "state": "failed"}},
    *(
        {
            "my_chat_member": {
                "chat": SUPERGROUP,
                "from": ADA_USER,
                "date": DATE,
                "old_chat_member": old,
                "new_chat_member": new,
            }
        }
        for old, new in (
            ({"user": BOT_USER, "status": "left"}, MEMBER),
            (MEMBER, ADMINISTRATOR),
            (ADMINISTRATOR, {"user": BOT_USER, "status": "kicked", "until_date": 0}),
        )
    ),
]
UPDATES: list[dict[str, Any]] = [*({"message": message} for message in MESSAGES), *OTHERS]
