"""Every command of those who run the bot, by every role: who may, may; everybody else hears so."""

import pytest

from bot.domain.people.access import PERMISSIONS, Role
from handlers import ROUTES
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, BOSS, XIAOLIN

WORDS = {
    "user": "@xiaolin",
    "grant": "@xiaolin 5",
    "plan": "@xiaolin free",
    "refund": "no-such-charge",
    "maintenance": "off",
    "invitecode": "1",
    "promocode": "5",
    "ban": "@nobody loud",
    "unban": "@nobody",
    "role": "@nobody support",
}
"""What a command needs to be more than a look; none of it changes anything that matters here."""

STAFF_COMMANDS = {
    command.name: command.permission for command in ROUTES.commands.values() if command.permission is not None
}
REFUSALS = ("Only admins of this bot", "Your role (")


@pytest.fixture
async def bot(world: BotInProcess) -> BotInProcess:
    await world.start()
    for person in (ADA, XIAOLIN):
        await world.telegram.say(person, "/start")
        await world.telegram.wait_for(lambda person=person: world.telegram.replies(person))
    return world


async def said(bot: BotInProcess, command: str) -> str:
    """What the bot answers Ada."""
    before = len(bot.telegram.replies(ADA))
    await bot.telegram.say(ADA, f"/{command} {WORDS.get(command, '')}".strip())
    await bot.telegram.wait_for(lambda: len(bot.telegram.replies(ADA)) > before)
    reply = bot.telegram.replies(ADA)[before]
    return reply.get("text") or reply.get("caption") or ""


@pytest.mark.parametrize("role", [None, Role.SUPPORT, Role.ADMIN])
async def test_a_role_may_do_what_its_permissions_say_and_nothing_else(bot, role):
    if role is not None:
        await bot.telegram.say(BOSS, f"/role @ada {role}")
        await bot.telegram.wait_text(ADA, "You help to run this bot")
    allowed = PERMISSIONS[role] if role is not None else frozenset()
    answers = {command: await said(bot, command) for command in STAFF_COMMANDS}
    refused = {command: any(words in text for words in REFUSALS) for command, text in answers.items()}
    assert refused == {command: needed not in allowed for command, needed in STAFF_COMMANDS.items()}


async def test_an_owner_may_do_everything(bot):
    telegram = bot.telegram
    for command in STAFF_COMMANDS:
        before = len(telegram.replies(BOSS))
        await telegram.say(BOSS, f"/{command} {WORDS.get(command, '')}".strip())
        await telegram.wait_for(lambda before=before: len(telegram.replies(BOSS)) > before)
    texts = [reply.get("text") or reply.get("caption") or "" for reply in telegram.replies(BOSS)]
    assert not [text for text in texts if any(refusal in text for refusal in REFUSALS)]


async def test_the_panel_of_somebody_who_lost_their_role_does_nothing_any_more(bot):
    telegram = bot.telegram
    await telegram.say(BOSS, "/role @ada admin")
    await telegram.wait_text(ADA, "You help to run this bot")
    await telegram.say(ADA, "/admin")
    panel = await telegram.wait_text(ADA, "Your role: Admin")
    await telegram.press_labelled(ADA, "Notice")
    await telegram.wait_text(ADA, "shown under /start")
    await telegram.press_labelled(ADA, "Change")
    await telegram.wait_text(ADA, "Write the notice")
    await telegram.say(BOSS, "/role @ada none")
    await telegram.wait_text(ADA, "no longer have a role")
    await telegram.say(ADA, "Free videos for all!")
    await telegram.wait_text(ADA, "Only admins")
    assert bot.rows("SELECT count(*) FROM questions") == [(0,)]
    assert bot.rows("SELECT count(*) FROM settings WHERE key = 'text.notice'") == [(0,)]
    buttons = [button for row in panel["reply_markup"]["inline_keyboard"] for button in row]
    assert len(buttons) > 8
    for button in buttons:
        query = await telegram.press(ADA, ADA, panel["message_id"], button["callback_data"])
        assert "Only admins" in (await telegram.wait_answer(query))["text"], button["text"]
    assert bot.rows("SELECT count(*) FROM questions") == [(0,)]
