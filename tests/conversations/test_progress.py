"""Progress: what is usual is learned, the status moves on by itself, and results arrive as people like."""

import sqlite3
from contextlib import closing

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, BOSS, XIAOLIN


def edits(world) -> list[str]:
    """What the status messages were changed to, one after the other."""
    return [str(call["text"]) for name, call in world.telegram.calls if name == "editMessageText"]


async def test_a_bar_moves_on_with_what_was_learned_and_only_where_something_changes(world):
    world.kling.behaviour.render_seconds = 0.2
    await world.start()
    for number in range(3):
        await world.telegram.say(ADA, f"/video fox number {number}")
        await world.telegram.wait_video(ADA, number + 1)
    await world.ended(3)
    seen = len(edits(world))
    world.kling.behaviour.render_seconds = 8
    await world.telegram.say(ADA, "/video a slow fox")
    bar = await world.telegram.wait_text(ADA, "▓")
    assert "%" in bar["text"]
    assert "Usually" in bar["text"]
    await world.telegram.wait_text(ADA, "this one takes longer")
    await world.telegram.wait_video(ADA, 4)
    changes = edits(world)[seen:]
    assert len(changes) == len(set(changes))
    actions = [call["action"] for name, call in world.telegram.calls if name == "sendChatAction"]
    assert set(actions) == {"upload_video"}
    assert len(actions) >= 4
    sent = [call for name, call in world.telegram.calls if name == "sendMessage"]
    silent = [str(call.get("disable_notification")).lower() == "true" for call in sent]
    # A status message makes no sound, and the place of its video does.
    assert silent == [True, False] * 4


async def test_waiting_in_line_takes_none_of_the_time_that_kling_has(world):
    world.kling.behaviour.render_seconds = 8
    world.configure(timeout=20, provider="max_concurrent = 1")
    await world.start()
    people = [ADA, BOSS, XIAOLIN] * 4
    for number, person in enumerate(people):
        await world.telegram.say(person, f"/video fox {number}")
    await world.telegram.wait_text(ADA, "Kling is busy right now\nYou're 6th in line")
    for person in people[:3]:
        await world.telegram.wait_video(person, 4, timeout_seconds=200)
    await world.ended(12)
    assert world.rows("SELECT DISTINCT state FROM tasks") == [("succeeded",)]
    # The first to come was the first to be sent.
    assert world.rows("SELECT sequence FROM tasks ORDER BY submitted_at") == [(n,) for n in range(1, 13)]


async def test_whoever_waits_long_is_asked_and_may_go_on_or_cancel(world):
    world.kling.behaviour.render_seconds = 60
    world.configure(polling="waiting = 20\nanswering = 30", provider="max_concurrent = 1")
    await world.start()
    await world.telegram.say(BOSS, "/video the first")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'in_progress'"))
    for person in (ADA, XIAOLIN):
        await world.telegram.say(person, "/video a fox")
    await world.telegram.wait_text(ADA, "Keep waiting?", 40)
    await world.telegram.wait_text(XIAOLIN, "要继续等吗", 40)
    await world.telegram.press_labelled(ADA, "Keep waiting")
    await world.telegram.press_labelled(XIAOLIN, "取消")
    await world.telegram.wait_video(ADA, timeout_seconds=200)
    await world.ended(3)
    assert world.balance(ADA) == (-15, 0)
    assert world.balance(XIAOLIN) == (0, 0)


async def test_a_fourth_video_waits_for_the_first_three(world):
    world.kling.behaviour.render_seconds = 8
    await world.start()
    for number in range(4):
        await world.telegram.say(ADA, f"/video fox {number}")
    await world.telegram.wait_text(ADA, "Waiting for your earlier videos – 3 run at a time")
    # It is in nobody's way.
    await world.telegram.say(XIAOLIN, "/video a cat")
    await world.telegram.wait_video(XIAOLIN)
    await world.telegram.wait_video(ADA, 4)
    await world.ended(5)
    assert world.balance(ADA) == (-60, 0)


async def test_what_the_line_does_not_hold_is_kept_on_a_card(world):
    plan = '[quota]\ndefault_plan = "small"\n[plans.small]\ndaily_credits = 200\nmax_waiting = 1'
    world.configure(extra=plan, provider="max_concurrent = 1")
    await world.start()
    for number in range(5):
        await world.telegram.say(ADA, f"/video fox {number}")
    card = await world.telegram.wait_text(ADA, "as many videos waiting as your plan allows")
    assert "fox 4" in card["text"]
    assert world.rows("SELECT count(*) FROM tasks") == [(4,)]
    # Too early; the card stays.
    await world.telegram.press_labelled(ADA, "Generate")
    await world.wait_for(
        lambda: world.written(ADA, "/cancel one") or "/cancel one" in str(world.telegram.calls)
    )
    assert world.rows("SELECT count(*) FROM tasks") == [(4,)]
    await world.telegram.wait_video(ADA)
    await world.telegram.press_labelled(ADA, "Generate")
    await world.telegram.wait_video(ADA, 5)
    await world.ended(5)
    assert world.balance(ADA) == (-75, 0)


async def test_whoever_wants_it_so_gets_videos_silently_and_covered(world):
    world.kling.behaviour.render_seconds = 0.2
    await world.start()
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "Balance:")
    with closing(sqlite3.connect(world.database)) as db, db:
        db.execute("UPDATE users SET preferences = ?", ('{"silent": true, "spoiler": true}',))
    await world.telegram.send_photo(ADA, sample_picture(), "let the boat sail")
    (video,) = await world.telegram.wait_video(ADA)
    assert video["has_media_spoiler"]
    place = [call for name, call in world.telegram.calls if name == "sendMessage"][-1]
    assert place["text"].startswith("Your video is ready")
    assert str(place["disable_notification"]).lower() == "true"


async def test_whose_answer_was_lost_is_asked_before_anything_is_sent_again(world):
    world.configure(dialect="generic", key="sk-demo-generic", provider='lost_answers = "ask"')
    world.kling.behaviour.lose_next = 2
    await world.start()
    for person, prompt in ((ADA, "a fox"), (XIAOLIN, "a cat")):
        await world.telegram.say(person, f"/video {prompt}")
    await world.telegram.wait_text(ADA, "can't tell if your video is being made")
    await world.telegram.wait_text(XIAOLIN, "无法确定视频是否在生成")
    assert len(world.kling.tasks) == 2
    await world.telegram.press_labelled(ADA, "Try again")
    await world.telegram.press_labelled(XIAOLIN, "退还积分")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert len(world.kling.tasks) == 3
    assert world.balance(ADA) == (-15, 0)
    assert world.balance(XIAOLIN) == (0, 0)
    await world.telegram.say(BOSS, "/providers")
    await world.telegram.wait_text(BOSS, "Lost answers in 30 days: 2")
