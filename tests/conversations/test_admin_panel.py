"""The panel: people are found and looked after, tasks steered, texts written, and everything is in the log."""

import pytest

from bot.demo.script import sample_picture
from bot.domain.types import HOUR
from tests.world.telegram import ADA, BOSS, XIAOLIN


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(extra="[plans.pro]\ndaily_credits = 900")
    await world.start()
    return world


async def tap(bot, label: str, words: str, user: int = BOSS) -> None:
    await bot.telegram.press_labelled(user, label)
    await bot.telegram.wait_text(user, words)


async def test_an_admin_finds_a_person_and_looks_after_them(bot):
    telegram = bot.telegram
    for person in (ADA, XIAOLIN):
        await telegram.say(person, "/start")
        await telegram.wait_for(lambda person=person: telegram.replies(person))
    await telegram.say(BOSS, "/admin")
    await telegram.wait_text(BOSS, "Your role: Owner")
    await tap(bot, "Search", "Which user?")
    await telegram.say(BOSS, "ADA")
    await telegram.wait_text(BOSS, "@ada · 1001")
    await tap(bot, "+50", "250 credits")
    await telegram.wait_text(ADA, "50 credits")
    await tap(bot, "Plan", "Choose another")
    await tap(bot, "pro", "950 credits")
    await tap(bot, "Write", "Write the message")
    await telegram.say(BOSS, "Your film is <great>! https://example.org/fox")
    written = await telegram.wait_text(ADA, "Your film is <great>!")
    assert written["link_preview_options"] == {"is_disabled": False}
    await telegram.say(BOSS, "/admin 1001")
    await telegram.wait_for(lambda: "@ada · 1001" in telegram.replies(BOSS)[-1]["text"])
    await tap(bot, "Ban", "For what reason?")
    await telegram.say(BOSS, "too loud")
    await telegram.wait_text(BOSS, "Banned: too loud")
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "too loud")
    await telegram.press_labelled(BOSS, "Unban")
    await telegram.wait_for(lambda: not bot.rows("SELECT 1 FROM standings WHERE ban IS NOT NULL"))
    await telegram.say(BOSS, "/audit @ada")
    log = (await telegram.wait_text(BOSS, "Log, newest first"))["text"]
    for done in (
        "lifted a ban",
        "banned",
        "too loud",
        "wrote to",
        "moved to a plan",
        "free → pro",
        "granted credits",
    ):
        assert done in log


async def test_tasks_are_ended_made_again_and_refunded_and_failures_counted(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/video [fail] a fox")
    await telegram.wait_text(ADA, "credits are refunded")
    bot.kling.behaviour.render_seconds = 30
    await telegram.say(ADA, "/video an owl")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    await telegram.say(BOSS, "/admin")
    await telegram.wait_text(BOSS, "Panel")
    await tap(bot, "Failures", "1 of 1 tasks failed")
    await tap(bot, "Panel", "Your role")
    await tap(bot, "Running tasks", "rendering")
    ((task,),) = bot.rows("SELECT id FROM tasks WHERE state = 'in_progress'")
    await tap(bot, f"{task[:4]}-{task[4:]}", "provider stand-in")
    bot.kling.behaviour.render_seconds = 0.2
    await tap(bot, "End and refund", "took too long")
    await bot.ended(2)
    assert bot.balance(ADA) == (0, 0)
    # A double tap makes it once.
    await telegram.press_labelled(BOSS, "Make again")
    await telegram.press_labelled(BOSS, "Make again")
    await telegram.wait_video(ADA)
    await bot.ended(3)
    assert bot.balance(ADA) == (-15, 0)
    await telegram.press_labelled(BOSS, "User")
    await telegram.wait_text(BOSS, "@ada · 1001")
    await tap(bot, "Tasks", "done")
    ((made,),) = bot.rows("SELECT id FROM tasks WHERE state = 'succeeded' ORDER BY sequence DESC LIMIT 1")
    await telegram.press_labelled(BOSS, f"{made[:4]}-{made[4:]}")
    await telegram.wait_for(lambda: "Refund" in str(telegram.messages(BOSS)))
    await telegram.press_labelled(BOSS, "Refund")
    await telegram.wait_for(lambda: bot.balance(ADA) == (0, 0))
    await telegram.press_labelled(BOSS, "Refund")
    assert bot.rows("SELECT count(*) FROM ledger WHERE kind = 'refund'") == [(1,)]


async def test_a_broadcast_goes_to_whom_it_is_for_and_goes_on_after_a_crash(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/unsubscribe")
    await telegram.wait_text(ADA, "unsubscribed from news")
    await telegram.say(XIAOLIN, "/start")
    await telegram.say(BOSS, "/admin")
    await telegram.wait_text(BOSS, "Panel")
    await tap(bot, "Broadcast", "before it is sent")
    await telegram.say(BOSS, "New: videos with sound")
    card = await telegram.wait_text(BOSS, "To: everybody (2)")
    assert not [label for label in labels_of(card) if label.startswith("Send")]
    await tap(bot, "简体中文", "To: 简体中文 (1)")
    await tap(bot, "everybody", "To: everybody (2)")
    await tap(bot, "Test", "Stop it: /unsubscribe")
    assert not bot.written(XIAOLIN, "videos with sound")
    await telegram.wait_for(lambda: "Send to 2" in all_labels(bot))
    await telegram.press_labelled(BOSS, "Send to 2")
    await telegram.wait_for(lambda: bot.rows("SELECT 1 FROM broadcasts WHERE state != 'draft'"))
    await bot.restart()
    await telegram.wait_text(XIAOLIN, "New: videos with sound")
    await telegram.wait_text(BOSS, "done: 2 of 2 sent")
    assert not bot.written(ADA, "videos with sound")


async def test_a_broadcast_has_a_photo_formatting_buttons_and_a_version_per_language(bot):
    telegram = bot.telegram
    for person in (ADA, XIAOLIN):
        await telegram.say(person, "/start")
    await open_panel(bot)
    await tap(bot, "Broadcast", "before it is sent")
    await telegram.send_document(BOSS, sample_picture(), "fox.jpg", "image/jpeg", "News")
    await telegram.wait_text(BOSS, "not as a file")
    await telegram.send_photo(BOSS, sample_picture(), "News\nTry it - http://example.org")
    await telegram.wait_text(BOSS, "begins with https://")
    sent = await telegram.send_photo(
        BOSS, sample_picture(), "Sound & vision\n\nTry it - https://example.org/fox"
    )
    card = await telegram.wait_text(BOSS, "Photo\nSound & vision\nTry it – https://example.org/fox")
    assert not [label for label in labels_of(card) if label.startswith("Send")]
    await tap(bot, "Add 简体中文", "instead of the first version")
    chinese = {
        "message_id": 901,
        "from": {"id": BOSS, "is_bot": False, "first_name": "Boss"},
        "chat": {"id": BOSS, "type": "private"},
        "date": int(bot.seconds()),
        "text": "🦊 有声视频\n试试 - t.me/klingbot",
        "entities": [{"type": "bold", "offset": 0, "length": 15}],
    }
    telegram.state.updates.add("message", chinese)
    await telegram.wait_text(BOSS, "试试 – https://t.me/klingbot")
    await telegram.press_labelled(BOSS, "Test")
    await telegram.wait_for(lambda: [label for label in all_labels(bot) if label.startswith("Send to")])
    tests = [
        message
        for message in telegram.replies(BOSS)
        if "Stop it: /unsubscribe" in message.get("caption", "") or "/unsubscribe" in message.get("text", "")
    ]
    assert [("photo" in message, labels_of(message)) for message in tests] == [
        (True, ["Try it"]),
        (False, ["试试"]),
    ]
    await telegram.press_labelled(BOSS, "Send to")
    await bot.restart()
    written = await bot.wait_for(lambda: [message for message in telegram.replies(ADA) if "photo" in message])
    assert written[0]["caption"].startswith("Sound & vision\n\nNews from")
    assert written[0]["photo"][-1]["file_unique_id"] == sent["photo"][-1]["file_unique_id"]
    assert written[0]["reply_markup"]["inline_keyboard"][0][0]["url"] == "https://example.org/fox"
    translated = await telegram.wait_text(XIAOLIN, "有声视频")
    assert {"type": "bold", "offset": 0, "length": 7} in translated["entities"]
    assert translated["reply_markup"]["inline_keyboard"][0][0]["url"] == "https://t.me/klingbot"
    await telegram.wait_text(BOSS, "done: 3 of 3 sent")
    assert not [message for message in telegram.replies(XIAOLIN) if "photo" in message]


async def test_a_scheduled_broadcast_is_listed_cancelled_and_sent_after_a_restart(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/start")
    for words in ("First news", "Second news"):
        await open_panel(bot)
        await tap(bot, "Broadcast", "before it is sent")
        await telegram.say(BOSS, words)
        await telegram.wait_text(BOSS, words)
        await telegram.press_labelled(BOSS, "Test")
        await bot.wait_for(lambda: "Send later" in all_labels(bot))
        await tap(bot, "Send later", "When? Send a time")
        await telegram.say(BOSS, "yesterday")
        await telegram.wait_text(BOSS, "within a year")
        await telegram.say(BOSS, "in 2h")
        await telegram.wait_for(lambda: "to be sent at" in telegram.replies(BOSS)[-1].get("text", ""))
    await open_panel(bot)
    await tap(bot, "Broadcast", "before it is sent")
    listed = [label for label in labels_of(telegram.replies(BOSS)[-1]) if label != "Never mind"]
    assert len(listed) == 2
    await tap(bot, listed[0], "First news")
    await telegram.press_labelled(BOSS, "Stop")
    await telegram.wait_text(BOSS, "stopped: 0 of 2")
    await bot.restart()
    await telegram.say(XIAOLIN, "/start")
    await bot.settle()
    assert not bot.written(ADA, "Second news")
    bot.clock.advance(2 * HOUR)
    await telegram.wait_text(ADA, "Second news")
    await telegram.wait_text(XIAOLIN, "Second news")
    await telegram.wait_text(BOSS, "done: 3 of 3 sent")
    assert not bot.written(ADA, "First news")


async def test_the_text_of_the_day_stands_beneath_start_and_others_have_no_panel(bot):
    telegram = bot.telegram
    await telegram.say(BOSS, "/admin")
    await telegram.wait_text(BOSS, "Panel")
    await tap(bot, "Notice", "There is none now")
    await tap(bot, "Change", "notice that /start shows")
    await telegram.say(BOSS, "Today everything is free")
    await telegram.wait_text(BOSS, "Today everything is free")
    await telegram.say(ADA, "/start")
    await telegram.wait_text(ADA, "Today everything is free")
    for command in ("/admin", "/admin boss", "/audit", "/audit @boss"):
        await telegram.say(ADA, command)
    await bot.wait_written(ADA, "Only admins", 4)
    await telegram.say(BOSS, "/role @ada support")
    await telegram.wait_text(BOSS, "Support, from now on")
    await telegram.say(ADA, "/admin")
    panel = await telegram.wait_text(ADA, "Your role: Support")
    labels = [button["text"] for row in panel["reply_markup"]["inline_keyboard"] for button in row]
    assert labels == ["Users", "Search", "Running tasks", "Failures today"]


def labels_of(message: dict) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def all_labels(bot) -> list[str]:
    """The buttons that stand in the admin's chat."""
    return [label for message in bot.telegram.replies(BOSS) for label in labels_of(message)]


async def open_panel(bot) -> None:
    before = len(bot.telegram.replies(BOSS))
    await bot.telegram.say(BOSS, "/admin")
    await bot.telegram.wait_for(lambda: len(bot.telegram.replies(BOSS)) > before)


async def test_settings_change_at_once_and_stay_changed_after_a_restart(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/start")
    await telegram.wait_text(ADA, "200 credits")
    await open_panel(bot)
    await tap(bot, "Settings", "Changes apply immediately")
    await tap(bot, "plans", "plans")
    await tap(bot, "free", "plans.free")
    await tap(bot, "daily_credits: 200", "Configured: 200")
    await tap(bot, "Change", "Send a whole number from 0 to 10,000,000, or - for no limit")
    await telegram.say(BOSS, "many")
    await bot.wait_written(BOSS, "Send a whole number from 0 to 10,000,000", 2)
    await telegram.say(BOSS, "35")
    await telegram.wait_text(BOSS, "Now: 35")
    await telegram.say(ADA, "/quota")
    await telegram.wait_text(ADA, "35")
    await tap(bot, "Up", "plans.free")
    await tap(bot, "operations: -", "plans.free.operations")
    await tap(bot, "Change", "Send some of these")
    await telegram.say(BOSS, "multi-image2image")
    await telegram.wait_text(BOSS, "Now: multi-image2image")
    await telegram.say(ADA, "/video a fox")
    await telegram.wait_text(ADA, "It includes: image from photos")
    assert not bot.rows("SELECT 1 FROM tasks")

    await open_panel(bot)
    await tap(bot, "Settings", "Changes apply immediately")
    await tap(bot, "Type a key", "plans.gold.daily_credits 900")
    await telegram.say(BOSS, "plans.gold.priority")
    await telegram.wait_text(BOSS, "Send a key and its value")
    await telegram.say(BOSS, "plans.gold.priority 2")
    await telegram.wait_text(BOSS, "Now: 2")
    await telegram.say(BOSS, "/plan @ada gold")
    await telegram.wait_text(ADA, "gold")
    await telegram.say(BOSS, "/grant @ada 300")
    await telegram.wait_text(ADA, "300 credits")

    await open_panel(bot)
    await tap(bot, "Settings", "Changes apply immediately")
    await tap(bot, "prices", "prices")
    await tap(bot, "models", "prices.models")
    await tap(bot, "kling-v2-6", "prices.models.kling-v2-6")
    await tap(bot, "rate", "prices.models.kling-v2-6.rate")
    await tap(bot, "std: 3", "Configured: 3")
    await tap(bot, "Change", "Send a number from 0 to 100,000")
    await telegram.say(BOSS, "0,5")
    await telegram.wait_text(BOSS, "Now: 0.5")
    await bot.restart()
    await telegram.say(ADA, "/video a fox --model kling-v2-6")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks WHERE state = 'succeeded'"))
    assert bot.rows("SELECT price FROM tasks") == [(3,)]

    await telegram.press_labelled(BOSS, "As in the settings")
    await bot.wait_for(
        lambda: bot.rows("SELECT 1 FROM audit WHERE subject LIKE 'prices%' AND after = 'settings'")
    )
    await telegram.say(ADA, "/video an owl --model kling-v2-6")
    await bot.wait_for(lambda: len(bot.rows("SELECT 1 FROM tasks")) == 2)
    assert bot.rows("SELECT max(price) FROM tasks")[0][0] > 3
    changes = bot.rows("SELECT subject, before, after FROM audit WHERE action = 'setting' ORDER BY at")
    assert changes == [
        ("plans.free.daily_credits", "200", "35"),
        ("plans.free.operations", "-", "multi-image2image"),
        ("plans.gold.priority", "0", "2"),
        ("prices.models.kling-v2-6.rate.std", "3", "0.5"),
        ("prices.models.kling-v2-6.rate.std", "0.5", "settings"),
    ]


async def test_what_somebody_else_has_changed_meanwhile_is_told_and_a_removed_plan_is_gone(bot):
    telegram, overrides = bot.telegram, bot.app.services.overrides
    await open_panel(bot)
    await tap(bot, "Settings", "Changes apply immediately")
    await tap(bot, "access", "access")
    await tap(bot, "notice: -", "access.notice")
    await tap(bot, "Change", "Send a text of up to 500 characters")
    await overrides.set(None, "access.notice", "from a shell", "shell:1")
    await telegram.say(BOSS, "from the panel")
    await telegram.wait_text(BOSS, "access.notice was changed in the meantime: it is now from a shell")
    assert bot.app.services.live.now.access.notice == "from a shell"
    await overrides.set(None, "plans.gold.priority", 1, "shell:2")
    await open_panel(bot)
    await tap(bot, "Settings", "Changes apply immediately")
    await tap(bot, "● plans", "plans")
    await tap(bot, "● gold", "plans.gold")
    await tap(bot, "As in the settings", "Changes apply immediately")
    assert "gold" not in bot.app.services.live.plans


async def test_support_changes_no_settings(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/start")
    await telegram.wait_text(ADA, "200 credits")
    await telegram.say(BOSS, "/role @ada support")
    await telegram.wait_text(ADA, "Support")
    await telegram.say(ADA, "/admin")
    panel = await telegram.wait_text(ADA, "Your role: Support")
    assert "Settings" not in labels_of(panel)
