"""Plans, grants that end, a group's own credits and caps on spending, through the real process."""

import pytest

from bot.demo.telegram.people import GROUP_ID
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, BOSS, XIAOLIN

PRO = """
[plans.pro]
monthly_credits = 500
models = ["kling-v2-5-turbo"]
max_duration = 5
priority = 3
"""


@pytest.fixture
async def bot(world: BotInProcess) -> BotInProcess:
    world.configure(extra=PRO)
    await world.start()
    return world


async def test_an_admin_moves_somebody_to_a_plan_which_then_decides_what_they_may_ask_for(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/prices")
    prices = await telegram.wait_text(ADA, "Prices")
    assert "kling-v2-6" in prices["text"]
    await telegram.say(ADA, "/plan @ada pro")
    await telegram.wait_text(ADA, "Only admins")
    await telegram.say(BOSS, "/plan @ada pro until 30d")
    await telegram.wait_text(BOSS, "on the plan “pro” now, until")
    await telegram.wait_text(ADA, "You are now on the plan “pro”")
    noted = bot.rows("SELECT actor_id, action, subject, before, after FROM audit")
    assert noted == [(BOSS, "plan", str(ADA), "free", "pro (30d)")]
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "Plan: pro, until")
    await telegram.say(ADA, "/video a fox --model kling-v2-6")
    await telegram.wait_text(ADA, "does not include kling-v2-6. These are yours: kling-v2-5-turbo")
    await telegram.say(ADA, "/video a fox 10s")
    await telegram.wait_text(ADA, "goes up to 5 seconds")
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    assert bot.rows("SELECT model, priority FROM tasks") == [("kling-v2-5-turbo", 3)]


async def test_a_grant_with_an_end_is_shown_with_it(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/start")
    await telegram.wait_for(lambda: telegram.replies(ADA))
    await telegram.say(BOSS, "/grant @ada 50 until 2099-01-31 a prize")
    await telegram.wait_text(BOSS, "50 credits granted to Ada")
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "50 credits of these until Jan 31, 2099")
    await telegram.say(BOSS, "/grant @ada 50 until yesterday")
    await telegram.wait_text(BOSS, "is no day in the future")
    assert bot.balance(ADA) == (50, 0)


async def test_a_group_pays_for_its_videos_from_its_own_credits_and_sees_who_spent_them(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/grant 500", chat=GROUP_ID)
    await telegram.wait_text(GROUP_ID, "Only admins")
    await telegram.say(BOSS, "/grant 500", chat=GROUP_ID)
    await telegram.wait_text(GROUP_ID, "It has 500 credits now")
    assert bot.rows("SELECT action, subject, after FROM audit") == [("grant", str(GROUP_ID), "500 (+500)")]
    await telegram.say(ADA, "/video a fox", chat=GROUP_ID)
    await telegram.wait_video(GROUP_ID)
    await bot.ended()
    ((price,),) = bot.rows("SELECT price FROM tasks")
    assert (bot.balance(GROUP_ID), bot.balance(ADA)) == ((500 - price, 0), (0, 0))
    await telegram.say(XIAOLIN, "/quota", chat=GROUP_ID)
    said = await telegram.wait_text(GROUP_ID, "本群积分")
    assert f"本月 Ada：{price}" in said["text"]


async def test_at_a_cap_new_videos_are_refused_kindly_and_the_admins_hear_of_it_before(world):
    world.configure(extra="[spending]\ndaily_units = 2.5\nwarn_percent = 40")
    await world.start()
    telegram = world.telegram
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    await telegram.wait_text(BOSS, "of 2.5 units today")
    await telegram.say(ADA, "/video a bear 10s pro")
    said = await telegram.wait_text(ADA, "no room for this one")
    assert "Refills" in said["text"]
    await telegram.say(BOSS, "/providers")
    await telegram.wait_text(BOSS, "Told by the provider this month")
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


async def test_a_request_has_the_price_of_the_provider_that_is_asked_first(world: BotInProcess):
    world.configure()
    settings = world.config.read_text("utf-8")
    dear = """
prices = { models = { kling-v2-6 = { rate = { std = 7 } } } }
"""
    world.config.write_text(settings.replace("timeout = 10\n", f"timeout = 10\n{dear}", 1), "utf-8")
    await world.start()
    telegram = world.telegram
    await telegram.say(ADA, "/prices")
    assert "35" in (await telegram.wait_text(ADA, "Prices"))["text"]
    await telegram.say(ADA, "/video a fox --model kling-v2-6")
    await telegram.wait_video(ADA)
    await telegram.say(ADA, "/video an owl --model kling-v2-5-turbo")
    await world.wait_for(lambda: len(world.rows("SELECT 1 FROM tasks WHERE state = 'succeeded'")) == 2)
    prices = dict(world.rows("SELECT model, price FROM tasks"))
    assert prices["kling-v2-6"] == 35
    assert prices["kling-v2-5-turbo"] != 35
    await telegram.say(BOSS, "/admin")
    await telegram.wait_text(BOSS, "Your role: Owner")
    await telegram.press_labelled(BOSS, "Settings")
    await telegram.wait_text(BOSS, "accepted videos keep their price")
    for label, shown in (
        ("providers", "providers"),
        ("stand-in", "providers.stand-in"),
        ("prices", "providers.stand-in.prices"),
        ("models", "providers.stand-in.prices.models"),
        ("kling-v2-6", "providers.stand-in.prices.models.kling-v2-6"),
        ("rate", "providers.stand-in.prices.models.kling-v2-6.rate"),
        ("std: 7", "Configured: 7"),
    ):
        await telegram.press_labelled(BOSS, label)
        await telegram.wait_text(BOSS, shown)


@pytest.mark.parametrize("target", ["-100", "-1009999999999", str(-ADA)])
async def test_credits_go_to_no_group_that_the_bot_is_not_in(bot, target):
    await bot.telegram.say(BOSS, f"/grant {target} 5")
    await bot.telegram.wait_text(BOSS, f"I'm not in a group with the id {target}")
    assert bot.rows("SELECT count(*) FROM ledger") == [(0,)]


async def test_credits_go_to_a_group_from_a_private_chat(bot):
    await bot.telegram.say(BOSS, f"/grant {GROUP_ID} 5")
    await bot.telegram.wait_text(BOSS, "5")
    assert bot.rows("SELECT user_id, amount FROM ledger") == [(GROUP_ID, 5)]
