"""Chats that the bot may not write to: nothing is made for nobody, and what is made comes to its person."""

import pytest

from bot.demo.telegram.wire import BotApiError
from tests.unit.handlers.messaging import TELLS_OF_TIMEDELTA
from tests.world.telegram import ADA, GROUP

FOREVER = 1_000_000
REFUSALS = [
    (400, "Bad Request: not enough rights to send text messages to the chat"),
    (400, "Bad Request: have no rights to send a message"),
    (400, "Bad Request: CHAT_RESTRICTED"),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN"),
    (403, "Forbidden: bot was kicked from the supergroup chat"),
    (403, "Forbidden: bot is not a member of the supergroup chat"),
    (403, "Forbidden: the group chat was deleted"),
    (400, "Bad Request: chat not found"),
    (400, "Bad Request: TOPIC_CLOSED"),
    (400, "Bad Request: message thread not found"),
    (400, "Bad Request: not enough rights to send messages to the chat"),
    (400, "Bad Request: SOMETHING_NEW_IS_FORBIDDEN"),
]


def refuse(bot, chat: int, code: int = 403, text: str = "Forbidden: bot was blocked by the user") -> None:
    bot.telegram.refuse_next("*", BotApiError(code, text), times=FOREVER, chat=chat)


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 2
    await world.start()
    return world


async def test_the_status_is_shown_before_anything_is_sent_to_kling(bot):
    sent = bot.to_kling.hold(lambda scope: scope["method"] == "POST", inside=False)
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_for(sent.is_set)
    assert bot.rows("SELECT status_message_id IS NOT NULL FROM tasks") == [(1,)]


@pytest.mark.parametrize(("code", "text"), REFUSALS)
async def test_where_the_bot_may_not_write_nothing_is_made_and_the_person_is_told_in_private(bot, code, text):
    refuse(bot, GROUP, code, text)
    await bot.telegram.say(ADA, "/video a fox --n 2", chat=GROUP)
    await bot.telegram.wait_text(ADA, "I can't write in the group where you asked")
    assert bot.kling.submissions == {}
    assert bot.balance(ADA) == (0, 0)
    assert bot.rows("SELECT DISTINCT state FROM tasks") == [("failed",)]
    assert len(bot.telegram.replies(ADA)) == 1


@TELLS_OF_TIMEDELTA
async def test_a_busy_chat_stops_nothing(bot):
    bot.telegram.refuse_next(
        "sendMessage", BotApiError(429, "Too Many Requests", {"retry_after": 5}), chat=ADA
    )
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_video(ADA)
    assert bot.balance(ADA) == (-15, 0)


@pytest.mark.parametrize(("code", "text"), REFUSALS)
@pytest.mark.parametrize("count", [1, 2])
async def test_what_is_ready_when_a_group_is_lost_comes_in_private(bot, code, text, count):
    await bot.telegram.say(ADA, f"/video a fox --n {count}", chat=GROUP)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    refuse(bot, GROUP, code, text)
    await bot.telegram.wait_video(ADA, count)
    await bot.ended(count)
    assert len(bot.written(ADA, "The group no longer accepts messages")) == 1
    assert bot.balance(ADA) == (-15 * count, 0)


async def test_a_reason_comes_in_private_too(bot):
    await bot.telegram.say(ADA, "/video [fail] a fox", chat=GROUP)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    refuse(bot, GROUP)
    await bot.wait_for(lambda: bot.telegram.replies(ADA))
    await bot.ended()
    assert bot.balance(ADA) == (0, 0)


@pytest.mark.parametrize("back", ["by a message", "by unblocking"])
async def test_who_comes_back_gets_what_could_not_be_delivered_once(bot, back):
    await bot.telegram.say(ADA, "/video a fox")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    bot.telegram.acting.block(ADA)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM outbox WHERE state = 'undeliverable'"))
    bot.telegram.acting.block(ADA, False)
    if back == "by a message":
        await bot.telegram.say(ADA, "/quota")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    await bot.telegram.say(ADA, "/quota")
    await bot.settle()
    assert len([message for message in bot.telegram.replies(ADA) if "video" in message]) == 1
    assert bot.balance(ADA) == (-15, 0)


async def test_what_nobody_comes_back_for_is_refunded_after_a_week_and_comes_no_more(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    bot.telegram.acting.block(ADA)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM outbox WHERE state = 'undeliverable'"))
    bot.clock.advance(8 * 24 * 3_600_000)
    await bot.settle()
    bot.telegram.acting.block(ADA, False)
    await bot.telegram.say(ADA, "/quota")
    await bot.settle()
    assert bot.rows("SELECT state FROM outbox") == [("undeliverable",)]
    assert bot.balance(ADA) == (0, 0)


async def test_who_comes_back_after_days_gets_it_though_telegram_is_busy_then(bot):
    await bot.telegram.say(ADA, "/video a fox")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    bot.telegram.acting.block(ADA)
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM outbox WHERE state = 'undeliverable'"))
    bot.clock.advance(3 * 24 * 3_600_000)
    bot.telegram.refuse_next("sendMessage", BotApiError(502, "Bad Gateway"), times=2, chat=ADA)
    bot.telegram.acting.block(ADA, False)
    await bot.telegram.wait_video(ADA, timeout_seconds=120)
    assert bot.balance(ADA) == (-15, 0)


async def test_a_group_that_is_lost_keeps_what_was_spent_in_it_in_its_budget(world):
    world.configure(groups="daily_credits = 20")
    await world.start()
    await world.telegram.say(ADA, "/video a fox", chat=GROUP)
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    refuse(world, GROUP)
    await world.telegram.wait_video(ADA)
    world.telegram.state.faults.planned.clear()
    await world.telegram.say(ADA, "/video another fox", chat=GROUP)
    await world.settle()
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]
