"""Promo codes in the chat: made by admins, redeemed by people, and not guessed."""

import re

import pytest

from bot.domain.types import HOUR
from bot.services.credits.promos import WRONG_CODES
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, BOSS, XIAOLIN


@pytest.fixture
async def bot(world: BotInProcess) -> BotInProcess:
    await world.start()
    await let_come(world, ADA, XIAOLIN)
    return world


async def let_come(bot: BotInProcess, *people: int) -> None:
    for person in people:
        await bot.telegram.say(person, "/start")
        await bot.telegram.wait_for(lambda person=person: bot.telegram.replies(person))


async def make(bot: BotInProcess, words: str) -> str:
    await bot.telegram.say(BOSS, f"/promocode {words}")
    made = await bot.telegram.wait_text(BOSS, "start=promo_")
    return re.search(r"start=promo_(\w+)", made["text"])[1]


async def test_a_code_is_redeemed_by_command_and_link_once_each_and_revoked(bot):
    telegram = bot.telegram
    code = await make(bot, "50 2 until 30d 60")
    await telegram.say(ADA, f"/redeem {code.upper()}")
    await telegram.wait_text(ADA, "50 credits added, to spend until")
    await telegram.say(ADA, f"/start promo_{code}")
    await telegram.wait_text(ADA, "already redeemed this code")
    await telegram.say(XIAOLIN, f"/兑换 {code}")
    await telegram.wait_text(XIAOLIN, "已到账 50 积分")
    await telegram.say(BOSS, f"/redeem {code}")
    await telegram.wait_text(BOSS, "All uses of this promo code are gone")
    assert bot.rows("SELECT used FROM promo_codes") == [(2,)]
    assert bot.rows("SELECT user_id, amount FROM ledger WHERE kind = 'grant' ORDER BY user_id") == sorted(
        [(ADA, 50), (XIAOLIN, 50)]
    )
    await telegram.say(BOSS, "/promocode")
    await telegram.wait_text(BOSS, "2 of 2 used")
    await telegram.press_labelled(BOSS, f"Revoke {code}")
    await telegram.wait_text(BOSS, "There are no promo codes now")
    await telegram.say(BOSS, f"/redeem {code}")
    await telegram.wait_text(BOSS, "This promo code has expired")
    await telegram.say(ADA, "/redeem")
    await telegram.wait_text(ADA, "/redeem CODE")


async def test_promo_codes_cannot_be_guessed(bot):
    telegram = bot.telegram
    code = await make(bot, "50")
    for number in range(WRONG_CODES):
        await telegram.say(ADA, f"/redeem wrong{number}")
    await telegram.say(ADA, f"/start promo_{code}")
    await telegram.wait_text(ADA, "Too many wrong promo codes. Try again in 60 min.")
    assert bot.rows("SELECT used FROM promo_codes") == [(0,)]
    bot.clock.advance(HOUR)
    await telegram.say(ADA, f"/start promo_{code}")
    await telegram.wait_text(ADA, "50 credits added. Balance")


async def test_only_those_who_may_use_the_bot_redeem(world):
    bot, telegram = world, world.telegram
    world.configure(extra=f'[access]\nmode = "request"\nusers = [{ADA}]')
    await world.start()
    await let_come(bot, ADA)
    code = await make(bot, "50")
    await telegram.say(BOSS, "/ban @ada too loud")
    await telegram.wait_text(BOSS, "is banned")
    for words in (f"/redeem {code}", f"/start promo_{code}"):
        before = len(telegram.replies(ADA))
        await telegram.say(ADA, words)
        await telegram.wait_for(lambda before=before: len(telegram.replies(ADA)) > before)
        assert "too loud" in telegram.replies(ADA)[-1]["text"]
    await telegram.say(XIAOLIN, f"/start promo_{code}")
    await telegram.wait_text(BOSS, "would like to use the bot")
    assert bot.rows("SELECT used FROM promo_codes") == [(0,)]
