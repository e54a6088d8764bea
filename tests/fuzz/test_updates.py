"""Updates of any form on their whole way: from the text that Telegram answers to the handlers of the whole bot."""

import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from handlers.updates import LARGEST_UPDATE_ID
from tests.fuzz.mutations import changed, written
from tests.fuzz.seeds import ADA_USER, MESSAGES, OTHERS, PRIVATE, UPDATES
from tests.fuzz.target import target
from tests.world.bot import BotInProcess, open_bot

pytestmark = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")

TOGETHER = 10
"""Updates in one answer of Telegram."""

TOLD = {"updates were set aside", "operators are told", "the paid stars fit no offer"}
"""What the log says of an update that is set aside, and of a payment for nothing that is sold."""

PACKAGE = """
[[packages]]
name = "small"
credits = 100
stars = 50

[[subscriptions]]
name = "monthly"
plan = "free"
stars = 50
"""


@pytest.fixture
async def bot(tmp_path) -> AsyncIterator[BotInProcess]:
    async with open_bot(tmp_path, BotInProcess) as world:
        world.configure(extra=PACKAGE)
        await world.start()
        await world.settle()
        yield world


async def take(bot: BotInProcess, answer: bytes) -> None:
    """Have the bot read this as Telegram's answer to its question for updates, and act on it."""
    bot.to_telegram.answer("getUpdates", Response(answer, media_type="application/json"))
    await bot.settle()
    bot.clock.advance(60_000)


def numbered(update: Any, number: int) -> Any:
    """An update with this number, unless its number is one that no update has."""
    if isinstance(update, dict):
        known = update.get("update_id", number)
        if isinstance(known, int) and 0 <= known < LARGEST_UPDATE_ID:
            return {**update, "update_id": number}
    return update


def fate(bot: BotInProcess, number: int) -> str:
    """What became of an update."""
    if bot.rows("SELECT 1 FROM quarantine WHERE update_id = ?", number):
        return "set aside"
    rows = bot.rows("SELECT processed_at FROM inbox WHERE update_id = ?", number)
    if not rows:
        # An eleventh photo of an album.
        return "left alone" if bot.events("updates of a flood were left alone") else "lost"
    return "waits" if rows[0][0] is None else "done"


NUMBERS = itertools.count(1_000)


async def hold(bot: BotInProcess, updates: Sequence[Any]) -> list[str]:
    """Each of the updates is acted on or set aside, and a valid one between and behind them is acted on."""
    bot.output.clear()
    number = next(NUMBERS) * 100
    sent = [numbered(update, number + at) for at, update in enumerate(updates)]
    person = 10_000 + number
    hello = {"message_id": 5, "from": {**ADA_USER, "id": person}, "chat": {**PRIVATE, "id": person}}
    hello |= {"date": bot.clock.now() // 1000, "text": "/help"}
    valid = {"update_id": number + 50, "message": hello}
    batch = b", ".join(map(written, [*sent, valid]))
    await take(bot, b'{"ok": true, "result": [' + batch + b"]}")
    assert fate(bot, number + 50) == "done"
    answered = [call["chat_id"] for call in bot.to_telegram.of("sendMessage")]
    assert person in answered, "a valid update was not answered"
    bot.to_telegram.calls.clear()
    failures = [
        line
        for line in bot.output
        if line.get("exc_info") or (line["log_level"] in {"error", "critical"} and line["event"] not in TOLD)
    ]
    assert not failures, [
        (line, [each for each in sent if _number_of(each) == line.get("update")]) for line in failures
    ]
    return [fate(bot, number + at) for at, update in enumerate(sent) if _number_of(update) == number + at]


def _number_of(update: Any) -> Any:
    return update.get("update_id") if isinstance(update, dict) else None


async def test_every_kind_of_update_is_acted_on(bot):
    valid = [{"update_id": 0, **update} for update in UPDATES]
    for start in range(0, len(valid), TOGETHER):
        found = await hold(bot, valid[start : start + TOGETHER])
        assert set(found) == {"done"}, (found, bot.rows("SELECT error, content FROM quarantine"))


NEVER_SENT: list[dict[str, Any]] = [
    {"message": {**MESSAGES[0], "date": 2**60}},
    {"message": {**MESSAGES[0], "date": -1}},
    {"message": {**MESSAGES[0], "text": "/video", "entities": [{"offset": 0, "length": 6}]}},
    {"message": {**MESSAGES[0], "text": "/video", "entities": [{"type": 5, "offset": "x", "length": 6}]}},
    {"message": {name: part for name, part in MESSAGES[0].items() if name != "from"}},
    {"message": {**MESSAGES[0], "from": {**ADA_USER, "first_name": None}}},
    {"message": {**MESSAGES[0], "from": {**ADA_USER, "language_code": ["en"]}}},
    {"message": {**MESSAGES[0], "reply_to_message": {"message_id": 5, "date": 0}}},
    {"my_chat_member": {name: part for name, part in OTHERS[-1]["my_chat_member"].items() if name != "chat"}},
    {"callback_query": {"id": "9", "chat_instance": "5", "data": "x"}},
    {"pre_checkout_query": {"id": 9, "from": ADA_USER, "currency": "XTR", "total_amount": "50"}},
    {"subscription": "active"},
    {"subscription": {"invoice_payload": "a-token", "state": 5}},
]


async def test_what_the_bot_api_never_sends_is_set_aside(bot):
    for update in NEVER_SENT:
        assert await hold(bot, [{"update_id": 0, **update}]) == ["set aside"], update


@target(share=0.02, usual=12, cases_each=TOGETHER, repeats=False)
@given(
    updates=st.lists(
        changed([{"update_id": 0, **update} for update in UPDATES]), min_size=TOGETHER, max_size=TOGETHER
    )
)
async def test_an_update_of_any_form_is_acted_on_or_set_aside(bot, tried, part, updates):
    found = await hold(bot, updates)
    assert set(found) <= {"done", "set aside", "left alone"}, (found, updates)
    tried(len(updates))
