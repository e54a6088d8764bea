"""The door: strangers ask and are let in or turned away, codes let in, bans and maintenance keep out."""

import re

import pytest

from bot.domain.types import HOUR
from bot.services.people.access import WRONG_CODES
from tests.world.bot import BotInProcess, open_bot
from tests.world.telegram import ADA, BOSS, XIAOLIN


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(extra='[access]\nmode = "request"\n\n[plans.pro]\ndaily_credits = 900')
    await world.start()
    return world


async def let_in(bot, person: int) -> None:
    """Somebody asks, and is approved on the free plan."""
    await bot.telegram.say(person, "/start")
    await bot.telegram.wait_text(BOSS, "would like to use the bot")
    await bot.telegram.press_labelled(BOSS, "Approve · free")
    await bot.telegram.wait_text(person, "let you in")


async def test_a_stranger_asks_is_let_in_on_a_plan_and_makes_a_video(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "I have asked its admins")
    assert not bot.kling.requests
    card = await telegram.wait_text(BOSS, "would like to use the bot")
    assert "@ada" in card["text"]
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "haven't decided yet")
    await bot.restart()
    await telegram.press_labelled(BOSS, "Approve · pro")
    await telegram.wait_text(ADA, "The admins have let you in")
    await telegram.wait_text(BOSS, "is admitted, on the plan pro")
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "Balance: 900 credits")
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    assert bot.rows("SELECT actor_id, action, subject, before, after FROM audit") == [
        (BOSS, "admit", str(ADA), "asked", "allowed pro")
    ]
    assert not bot.written(BOSS, "would like")


async def test_a_stranger_who_is_turned_away_stays_outside_until_somebody_changes_their_mind(bot):
    telegram = bot.telegram
    await telegram.say(XIAOLIN, "/start")
    await telegram.wait_text(XIAOLIN, "我已向管理员提出申请")
    await telegram.wait_text(BOSS, "would like to use the bot")
    await telegram.press_labelled(BOSS, "Decline")
    await telegram.wait_text(XIAOLIN, "没有批准")
    await telegram.say(XIAOLIN, "/language")
    await telegram.wait_text(XIAOLIN, "请选择语言")
    await telegram.press_labelled(BOSS, "Approve")
    await telegram.wait_text(XIAOLIN, "已批准")


async def test_a_code_lets_in_as_many_as_it_says_and_nobody_after_it_ended(bot):
    telegram = bot.telegram
    await telegram.say(BOSS, "/invitecode 1 30 pro")
    made = await telegram.wait_text(BOSS, "This link admits 1")
    payload = re.search(r"start=(invite_\w+)", made["text"])[1]
    await telegram.say(ADA, f"/start {payload}")
    await telegram.wait_text(ADA, "You have 900 credits")
    await telegram.say(ADA, f"/start {payload}")
    await telegram.say(XIAOLIN, f"/start {payload}")
    await telegram.wait_text(XIAOLIN, "已经用完")
    await telegram.say(XIAOLIN, "/start invite_wrong")
    await telegram.wait_text(XIAOLIN, "不认识")
    assert bot.rows("SELECT used FROM invite_codes") == [(1,)]
    await telegram.say(BOSS, "/invitecode")
    await telegram.wait_text(BOSS, "Invite codes that still work")
    await telegram.press_labelled(BOSS, f"Revoke {payload.removeprefix('invite_')}")
    await telegram.wait_text(BOSS, "There are no invite codes now")


async def test_a_banned_person_begins_nothing_and_keeps_their_rights(bot):
    telegram = bot.telegram
    await telegram.say(BOSS, "/ban @nobody")
    await telegram.wait_text(BOSS, "nobody")
    await let_in(bot, ADA)
    await telegram.say(BOSS, "/ban @ada selling the videos")
    await telegram.wait_text(BOSS, "is banned")
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "selling the videos")
    await telegram.say(ADA, "/language")
    await telegram.wait_text(ADA, "Choose your language")
    assert not bot.kling.requests
    await telegram.say(BOSS, "/unban @ada")
    await telegram.wait_text(BOSS, "may use the bot again")
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_video(ADA)
    await telegram.say(BOSS, "/ban @boss")
    await telegram.wait_text(BOSS, "only an owner")


async def test_maintenance_finishes_what_runs_and_begins_nothing_new(bot):
    telegram = bot.telegram
    await let_in(bot, ADA)
    bot.kling.behaviour.render_seconds = 2
    await telegram.say(ADA, "/video a fox")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await telegram.say(BOSS, "/maintenance on")
    await telegram.wait_text(BOSS, "Maintenance is on")
    await telegram.say(ADA, "/video an owl")
    await telegram.wait_text(ADA, "back soon")
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "Balance:")
    await telegram.wait_video(ADA)
    await bot.restart()
    await telegram.say(ADA, "/video an owl")
    await bot.wait_written(ADA, "back soon", 2)
    await telegram.press_labelled(BOSS, "End maintenance")
    await telegram.wait_text(BOSS, "Maintenance is off")
    await telegram.say(ADA, "/video an owl")
    await telegram.wait_video(ADA, 2)


def menu_of(world: BotInProcess, user: int) -> dict[str, str]:
    state = world.telegram.state
    commands = world.telegram.settings.commands_for(state.users[user], state.chats[user])
    return {command["command"]: command["description"] for command in commands}


async def test_roles_allow_what_they_say_and_no_more(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/start")
    await telegram.wait_text(BOSS, "would like")
    await telegram.say(BOSS, "/role @ada support")
    await telegram.wait_text(BOSS, "Support, from now on")
    await telegram.wait_text(ADA, "You help to run this bot now, as: Support")
    assert {"admin", "stats"} <= menu_of(bot, ADA).keys()
    assert "ban" not in menu_of(bot, ADA)
    for command in ("/ban @xiaolin", "/maintenance on", "/invitecode 3", "/role @xiaolin admin"):
        await telegram.say(ADA, command)
    await bot.wait_written(ADA, "Your role (support)", 4)
    await telegram.say(XIAOLIN, "/ban @ada")
    await telegram.say(BOSS, "/role @ada admin")
    await telegram.wait_text(BOSS, "Admin, from now on")
    await telegram.say(ADA, "/maintenance on")
    await telegram.wait_text(ADA, "Maintenance is on")
    await telegram.say(ADA, "/role @ada none")
    await bot.wait_written(ADA, "Your role (admin)", 1)
    await telegram.say(BOSS, "/role @ada none")
    await telegram.wait_text(BOSS, "no role, from now on")
    await telegram.wait_text(ADA, "no longer have a role")
    assert "admin" not in menu_of(bot, ADA)
    await telegram.say(ADA, "/providers")
    await telegram.wait_text(ADA, "haven't decided yet")


async def test_a_closed_bot_is_quiet_in_groups_but_for_those_that_are_let_in(tmp_path):
    group = -1_002_000_000_001
    async with open_bot(tmp_path, BotInProcess) as world:
        world.kling.behaviour.render_seconds = 0.3
        world.configure(extra=f'[access]\nmode = "allow-list"\nusers = [{XIAOLIN}]')
        await world.start()
        telegram = world.telegram
        await telegram.say(ADA, "what a day", chat=group)
        await telegram.say(ADA, "/video@kling_demo_bot a fox", chat=group)
        await telegram.wait_text(group, "This bot is private")
        assert len(telegram.replies(group)) == 1
        await telegram.say(XIAOLIN, "/video@kling_demo_bot a fox", chat=group)
        await telegram.wait_video(group)
        await world.stop()
        world.configure(extra=f'[access]\nmode = "allow-list"\ngroups = [{group}]')
        await world.start()
        await telegram.say(ADA, "/video@kling_demo_bot an owl", chat=group)
        await telegram.wait_video(group, 2)
        await telegram.say(ADA, "/video a fox")
        await telegram.wait_text(ADA, "This bot is private")


async def test_invite_codes_cannot_be_guessed(bot):
    telegram = bot.telegram
    for number in range(WRONG_CODES):
        await telegram.say(XIAOLIN, f"/start invite_wrong{number}")
    await telegram.say(BOSS, "/invitecode 1 30")
    made = await telegram.wait_text(BOSS, "start=invite_")
    payload = re.search(r"start=(invite_\w+)", made["text"])[1]
    await telegram.say(XIAOLIN, f"/start {payload}")
    await telegram.wait_text(XIAOLIN, "邀请码错误次数太多。请 60 分钟后再试")
    assert bot.rows("SELECT used FROM invite_codes") == [(0,)]
    bot.clock.advance(HOUR)
    await telegram.say(XIAOLIN, f"/start {payload}")
    await telegram.wait_for(lambda: bot.rows("SELECT used FROM invite_codes") == [(1,)])
