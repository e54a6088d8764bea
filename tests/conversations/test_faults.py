"""What Kling and Telegram may do wrong, and restarts between two messages: nothing is lost or paid twice."""

from tests.world.telegram import ADA


async def test_a_lost_answer_is_asked_for_and_nothing_is_sent_twice(world):
    world.kling.behaviour.lose_next = 1
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert set(world.kling.submissions.values()) == {1}
    assert world.balance(ADA) == (-15, 0)


async def test_a_lost_answer_that_nobody_can_be_asked_for_gives_the_credits_back(world):
    world.configure(dialect="generic", key="sk-demo-generic")
    world.kling.behaviour.lose_next = 1
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_text(ADA, "Your 15 credits are refunded")
    await world.ended()
    assert world.balance(ADA) == (0, 0)
    assert sum(world.kling.submissions.values()) == 1
    assert any("unknown" in str(line) or "lost" in str(line) for line in world.output)


async def test_a_busy_provider_is_waited_for(world):
    world.kling.behaviour.refuse.extend([1303, 1302, 5001])
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert world.balance(ADA) == (-15, 0)


async def test_an_empty_account_gives_the_credits_back_and_tells_the_admins(world):
    world.kling.behaviour.refuse.append(1102)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_text(ADA, "out of balance")
    await world.telegram.wait_text(1000, "No video units left at")
    await world.ended()
    assert world.balance(ADA) == (0, 0)


async def test_a_late_video_is_free_and_still_comes(world):
    world.kling.behaviour.render_seconds = 14
    world.configure(timeout=10)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_text(ADA, "longer than we wait", 30)
    await world.ended()
    assert world.balance(ADA) == (0, 0)


async def test_a_blocked_chat_ends_the_delivery_and_not_the_bot(world):
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    world.telegram.state.blocked.add(ADA)
    await world.wait_for(lambda: world.rows("SELECT 1 FROM outbox WHERE state = 'undeliverable'"))
    await world.telegram.say(1002, "/video a cat")
    await world.telegram.wait_video(1002)


async def test_what_people_wrote_while_the_bot_was_down_is_answered_when_it_is_back(bot):
    await bot.telegram.say(ADA, "/start")
    await bot.telegram.wait_text(ADA, "Hello Ada")
    await bot.stop()
    await bot.telegram.say(ADA, "/video a fox")
    await bot.start()
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    assert bot.balance(ADA) == (-15, 0)


async def test_a_reason_is_told_once_however_often_the_bot_is_restarted(bot):
    await bot.telegram.say(ADA, "/video [fail] a fox")
    await bot.telegram.wait_text(ADA, "Your 15 credits are refunded")
    await bot.ended()
    for _ in range(2):
        await bot.restart()
        await bot.telegram.say(ADA, "/quota")
        await bot.telegram.wait_text(ADA, "Balance: 200 credits")
    told = [reply for reply in bot.telegram.replies(ADA) if "credits are refunded" in reply.get("text", "")]
    assert len(told) == 1
    assert bot.balance(ADA) == (0, 0)


async def test_a_draft_survives_a_restart_and_its_buttons_still_work(bot):
    await bot.telegram.say(ADA, "a fox in the snow")
    await bot.telegram.wait_text(ADA, "Make a video of this?")
    await bot.restart()
    await bot.telegram.press_labelled(ADA, "Generate · 15 credits")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    assert bot.balance(ADA) == (-15, 0)
