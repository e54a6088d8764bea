"""Newcomers: one screen with three examples, links that lead somewhere, and a first video that is celebrated."""

import pytest

from handlers.sending.delivery import CONFETTI
from tests.world.telegram import ADA, XIAOLIN


@pytest.mark.parametrize(
    ("user", "hello", "example", "prompt", "generate"),
    [
        (ADA, "Hello Ada", "A paper boat in rain", "a paper boat sails", "Generate"),
        (XIAOLIN, "你好，小林", "黄昏的灯塔", "黄昏的灯塔", "生成"),
    ],
)
async def test_two_taps_lead_to_the_first_video(world, user, hello, example, prompt, generate):
    world.kling.behaviour.render_seconds = 0.2
    await world.start()
    await world.telegram.say(user, "/start")
    screen = await world.telegram.wait_text(user, hello)
    assert "200" in screen["text"]
    assert len(screen["reply_markup"]["inline_keyboard"]) == 4
    await world.telegram.press_labelled(user, example)
    await world.telegram.wait_text(user, prompt)
    assert world.balance(user) == (0, 0)
    await world.telegram.press_labelled(user, generate)
    await world.telegram.wait_video(user)
    await world.telegram.say(user, "/video 一只狐狸")
    await world.telegram.wait_video(user, 2)
    effects = [call["message_effect_id"] for _, call in world.telegram.calls if "message_effect_id" in call]
    assert [str(effect) for effect in effects] == [CONFETTI]
    assert ["effect_id" in video for video in await world.telegram.wait_video(user, 2)] == [True, False]


async def test_a_link_says_who_invited_a_newcomer(world):
    await world.start()
    await world.telegram.say(ADA, "/invite")
    invitation = await world.telegram.wait_text(ADA, "t.me/kling_demo_bot?start=ref_")
    payload = invitation["text"].split("start=")[1].strip()
    await world.telegram.say(XIAOLIN, f"/start {payload}")
    await world.telegram.wait_text(XIAOLIN, "你好")
    assert world.rows("SELECT invited_by FROM users WHERE id = ?", XIAOLIN) == [(ADA,)]
    await world.telegram.say(ADA, "/start ref_what-is-this")
    await world.telegram.wait_text(ADA, "Hello Ada")
    assert world.rows("SELECT invited_by FROM users WHERE id = ?", ADA) == [(None,)]
