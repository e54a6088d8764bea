"""The Telegram adapter: where messages go, what its errors become, and how it waits out a pause."""

import asyncio
import math
from contextlib import nullcontext
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.domain.types import SECOND
from bot.services.ports import ChatBusy, ChatGone, ChatMoved, ChatRefused, ChatUnsure
from bot.services.slots import Slots
from handlers.chat.html import View
from handlers.chat.keyboards import Button, Signer
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.media import Media, MediaKind
from handlers.sending.pacing import GROUP as GROUP_RATE
from handlers.sending.pacing import LONGEST_WAIT, Pacing, Urgency
from handlers.sending.requests import Requests
from tests.clock import ManualClock
from tests.world.telegram import ADA, GROUP, TOKEN, XIAOLIN, complaint

HELLO = View("Hello <b>Ada</b>")
TO_ADA = ReplyTarget(ADA)

pytestmark = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def chat(telegram, pauses):
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return chat_of(telegram, sleep)


def chat_of(telegram, sleep, clock=None):
    """A chat whose clock stands still, unless it is given one."""
    requests = Requests(Pacing(clock or ManualClock(), sleep))
    return Chat(bot=telegram.side.application.bot, signer=Signer(TOKEN), requests=requests)


def too_many(seconds: int):
    return complaint(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


async def test_an_answer_waits_as_long_as_telegram_asks_for_and_then_arrives(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(7))
    message = await chat.send(TO_ADA, HELLO, urgency=Urgency.ANSWER)
    assert pauses == [7]
    assert [reply["message_id"] for reply in telegram.people.replies(ADA)] == [message.message_id]


COPYING = [
    [Button("Copy", copy="a fox")],
    [Button("Copy", copy="a fox"), Button("Open", url="https://a.example/")],
]


async def test_an_older_server_gets_no_buttons_that_copy_wherever_they_stand(telegram, chat):
    telegram.people.be_older()
    alone = View("<b>Ada</b>", COPYING[:1])
    for number, view in enumerate((View("<b>Ada</b>", COPYING), alone)):
        sent = await chat.send(TO_ADA, view)
        assert await chat.edit(ADA, sent.message_id, replace(view, html=f"<i>{number}</i>"))
        await chat.send_media(TO_ADA, Media(kind=MediaKind.DOCUMENT, source=b"a", filename="a"), view)
    assert await chat.edit_buttons(ADA, sent.message_id, COPYING)
    refused = [call for _, call in telegram.people.calls if "copy_text" in str(call)]
    shown = [
        reply.get("reply_markup", {}).get("inline_keyboard", []) for reply in telegram.people.replies(ADA)
    ]
    # Once is enough to know it.
    assert len(refused) == 1
    assert [[[button["text"] for button in row] for row in rows] for rows in shown] == [
        [["Open"]],
        [["Open"]],
        [["Open"]],
        [],
    ]


@pytest.mark.parametrize("throttled", [True, False])
async def test_an_answer_that_waits_leaves_the_slot_of_its_update_to_others(telegram, throttled):
    """While Telegram lets one chat wait, and while its server takes its time."""
    slots, others = Slots(1), []

    async def other(*_: object) -> None:
        async with asyncio.timeout(10), slots.one():
            others.append(1)

    async def slowly(_: Request) -> Response:
        await other()
        return complaint(403, "Forbidden: bot was blocked by the user")

    telegram.front.answer("sendMessage", too_many(7) if throttled else slowly)
    chat = chat_of(telegram, other)
    async with slots.one():
        with nullcontext() if throttled else pytest.raises(ChatGone):
            await chat.send(TO_ADA, HELLO, urgency=Urgency.ANSWER)
    assert others == [1]


async def test_an_answer_does_not_wait_for_ever(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(int(LONGEST_WAIT) + 1))
    with pytest.raises(ChatBusy):
        await chat.send(TO_ADA, HELLO, urgency=Urgency.ANSWER)
    assert pauses == []


async def test_an_answer_waits_once_and_no_more(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(1), too_many(1))
    with pytest.raises(ChatBusy):
        await chat.send(TO_ADA, HELLO, urgency=Urgency.ANSWER)
    assert pauses == [1]


async def test_a_throttled_chat_is_not_asked_again_before_its_pause_is_over(telegram, chat, pauses):
    telegram.front.answer("sendMessage", too_many(30))
    with pytest.raises(ChatBusy):
        await chat.send(TO_ADA, HELLO)
    with pytest.raises(ChatBusy) as busy:
        await chat.send(TO_ADA, HELLO)
    assert busy.value.retry_after == 30 * SECOND
    with pytest.raises(ChatBusy):
        await chat.edit(ADA, 1, HELLO, urgency=Urgency.PROGRESS)
    assert not await chat.react(ADA, 1, "👀")
    assert not await chat.show_action(TO_ADA, "typing")
    assert [name for name, call in telegram.front.calls if "chat_id" in call] == ["sendMessage"]
    # Another chat, and whoever pressed a button, notice nothing of it.
    await chat.send(ReplyTarget(XIAOLIN), HELLO)
    await chat.answer_press("1")
    assert pauses == []
    await chat.send(TO_ADA, HELLO, urgency=Urgency.ANSWER)
    assert pauses == [30]


async def test_a_group_gets_no_more_at_once_than_it_may(telegram, chat, pauses):
    for _ in range(GROUP_RATE.burst + 2):
        await chat.send(ReplyTarget(GROUP), HELLO, urgency=Urgency.ANSWER)
    assert pauses == [GROUP_RATE.interval, GROUP_RATE.interval]


@pytest.mark.parametrize("where", [ADA, GROUP], ids=["private", "group"])
async def test_a_busy_chat_gets_everything_from_a_telegram_that_counts(telegram, where):
    """At a clock that goes on while the bot sleeps; what is refused once is the end of the first burst."""
    clock, limits = ManualClock(), telegram.people.state.limits
    limits.enabled, limits.now = True, lambda: clock.now() / SECOND

    async def sleep(seconds: float) -> None:
        clock.advance(math.ceil(seconds * SECOND))

    chat = chat_of(telegram, sleep, clock)
    for _ in range(40):
        await chat.send(ReplyTarget(where), HELLO, urgency=Urgency.ANSWER)
    assert len(telegram.people.replies(where)) == 40
    assert len(telegram.front.of("sendMessage")) <= 41


async def test_an_answer_stands_in_the_topic_of_the_question_and_shows_no_preview(telegram, chat):
    telegram.front.answer("sendMessage", too_many(int(LONGEST_WAIT) + 1))
    with pytest.raises(ChatBusy):
        await chat.send(ReplyTarget(GROUP, 9, 7), HELLO, urgency=Urgency.ANSWER)
    (call,) = telegram.front.of("sendMessage")
    assert (call["chat_id"], call["message_thread_id"], call["parse_mode"]) == (GROUP, 7, "HTML")
    assert call["reply_parameters"]["message_id"] == 9
    assert call["reply_parameters"]["allow_sending_without_reply"] is True
    assert call["link_preview_options"] == {"is_disabled": True}


# -- what goes wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((403, "Forbidden: bot was blocked by the user"), ChatGone),
        ((403, "Forbidden: bot was kicked from the supergroup chat"), ChatGone),
        ((403, "Forbidden: user is deactivated"), ChatGone),
        ((400, "Bad Request: chat not found"), ChatGone),
        ((400, "Bad Request: PEER_ID_INVALID"), ChatGone),
        ((400, "Bad Request: group chat was deleted"), ChatGone),
        ((400, "Bad Request: have no rights to send a message"), ChatGone),
        ((400, "Bad Request: not enough rights to send text messages to the chat"), ChatGone),
        ((400, "Bad Request: CHAT_WRITE_FORBIDDEN"), ChatGone),
        ((400, "Bad Request: BUTTON_DATA_INVALID"), ChatRefused),
        ((400, "Bad Request: message is too long"), ChatRefused),
        ((413, "Request Entity Too Large"), ChatRefused),
        ((409, "Conflict: terminated by other getUpdates request"), ChatBusy),
        ((401, "Unauthorized"), ChatBusy),
        ((500, "Internal Server Error"), ChatBusy),
        ((502, "Bad Gateway"), ChatBusy),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
async def test_telegrams_answers_become_what_the_services_know(telegram, chat, answer, error):
    telegram.front.answer("sendMessage", complaint(*answer))
    with pytest.raises(error):
        await chat.send(TO_ADA, HELLO)


async def test_a_pause_that_telegram_asks_for_is_told_in_milliseconds(telegram, chat):
    telegram.front.answer("sendMessage", complaint(429, "Too Many Requests: retry after 17", retry_after=17))
    with pytest.raises(ChatBusy) as raised:
        await chat.send(TO_ADA, HELLO)
    assert raised.value.retry_after == 17 * SECOND


async def test_a_group_that_became_a_supergroup_is_told_with_its_new_id(telegram, chat):
    moved = complaint(
        400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=GROUP
    )
    telegram.front.answer("sendMessage", moved)
    with pytest.raises(ChatMoved) as raised:
        await chat.send(TO_ADA, HELLO)
    assert raised.value.new_chat_id == GROUP


async def test_an_answer_that_is_none_is_a_bad_moment_and_gives_no_token_away(telegram, chat):
    telegram.front.answer("sendMessage", PlainTextResponse(f"proxy error at /bot{TOKEN}/sendMessage", 503))
    with pytest.raises(ChatBusy) as raised:
        await chat.send(TO_ADA, HELLO)
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None


# -- topics and replies ------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED"])
async def test_where_a_topic_is_gone_the_answer_goes_to_the_chat_itself(telegram, chat, words):
    telegram.front.answer("sendMessage", complaint(400, f"Bad Request: {words}"))
    sent = await chat.send(ReplyTarget(GROUP, None, 7), HELLO)
    (message,) = telegram.people.replies(GROUP)
    assert message["message_id"] == sent.message_id
    assert "message_thread_id" not in telegram.front.of("sendMessage")[1]


async def test_where_the_message_is_gone_that_is_replied_to_the_answer_is_no_reply(telegram, chat):
    telegram.front.answer("sendMessage", complaint(400, "Bad Request: message to be replied not found"))
    await chat.send(ReplyTarget(GROUP, 99), HELLO)
    first, second = telegram.front.of("sendMessage")
    assert first["reply_parameters"]["message_id"] == 99
    assert "reply_parameters" not in second


# -- what is best effort, and what is not ------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (complaint(400, "Bad Request: message to delete not found"), True),
        (complaint(400, "Bad Request: message can't be deleted for everyone"), False),
        (complaint(502, "Bad Gateway"), False),
    ],
    ids=["gone already", "too old", "unwell"],
)
async def test_deleting_says_whether_the_message_is_gone(telegram, chat, answer, gone):
    telegram.front.answer("deleteMessage", answer)
    assert await chat.delete(ADA, 12_345) is gone


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (complaint(400, "Bad Request: CHARGE_ALREADY_REFUNDED"), ChatRefused),
        (complaint(400, "Bad Request: USER_NOT_FOUND, user not found"), ChatRefused),
        (complaint(403, "Forbidden: bot was blocked by the user"), ChatRefused),
        (complaint(502, "Bad Gateway"), ChatBusy),
        (complaint(500, "Internal Server Error"), ChatBusy),
    ],
    ids=["done already", "unknown user", "blocked", "no answer", "broken"],
)
async def test_a_refund_that_was_refused_is_told_apart_from_one_that_may_have_been_done(
    telegram, chat, answer, error
):
    telegram.front.answer("refundStarPayment", answer)
    with pytest.raises(error):
        await chat.stars.refund(ADA, "charge")


CHAT_OF_2023 = {
    "id": GROUP,
    "type": "supergroup",
    "title": "Club",
    "active_usernames": ["club"],
    "permissions": {"can_send_messages": True},
    "join_to_send_messages": True,
}
"""What a server of Bot API 6.9 tells of a group."""

CHAT_OF_2024 = CHAT_OF_2023 | {"accent_color_id": 3, "max_reaction_count": 11, "can_send_gift": True}
"""What one of 8.2 tells: which gifts are taken is not there yet."""

CHAT_OF_2025 = CHAT_OF_2024 | {
    "accepted_gift_types": {
        "unlimited_gifts": True,
        "limited_gifts": True,
        "unique_gifts": True,
        "premium_subscription": True,
    }
}
"""What one of 9.0 tells: of the gifts, not yet all that the library asks for."""


@pytest.mark.parametrize("answer", [CHAT_OF_2023, CHAT_OF_2024, CHAT_OF_2025])
@pytest.mark.parametrize(("kind", "known"), [("group", True), ("supergroup", True), ("channel", False)])
async def test_a_group_is_known_by_what_an_older_server_tells_of_it(telegram, chat, answer, kind, known):
    telegram.front.answer("getChat", JSONResponse({"ok": True, "result": answer | {"type": kind}}))
    assert await chat.check_group(GROUP) is known


async def test_a_message_is_sent_also_where_its_answer_misses_an_object_that_nobody_needs(telegram, chat):
    """What is replied to may hold anything: here a place that is not on the map."""
    place = {"id": ADA, "type": "private", "first_name": "Ada"}
    venue = {"title": "Club", "address": "Main Street 5"}
    answered = {"message_id": 5, "date": 1, "chat": place, "venue": venue}
    sent = {"message_id": 7, "date": 2, "chat": place, "text": "Hello", "reply_to_message": answered}
    telegram.front.answer("sendMessage", JSONResponse({"ok": True, "result": sent}))
    assert (await chat.send(TO_ADA, HELLO)).message_id == 7


@pytest.mark.parametrize("missing", [{"message_id": None}, {"date": None}, {"message_id": "7"}])
async def test_an_answer_without_what_the_bot_needs_is_none(telegram, chat, missing):
    sent = {"message_id": 7, "date": 2, "chat": {"id": ADA, "type": "private", "first_name": "Ada"}}
    telegram.front.answer("sendMessage", JSONResponse({"ok": True, "result": sent | missing}))
    with pytest.raises(ChatUnsure):
        await chat.send(TO_ADA, HELLO)
