"""Every button that costs: pressed twice it is charged once, at the price that it shows."""

import re

import pytest

from tests.world.telegram import ADA


@pytest.fixture
async def bot(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(daily=5_000, models='["kling-v1-6", "kling-v2-6", "kling-video-o1"]')
    await world.start()
    return world


def buttons(message: dict) -> list[dict]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row if "callback_data" in button]


def count_tasks(bot) -> int:
    ((number,),) = bot.rows("SELECT count(*) FROM tasks")
    return number


async def press_twice(bot, message: dict, button: dict, user: int = ADA) -> list[tuple[int, ...]]:
    """Press a button twice in one breath; the prices of the tasks that this began."""
    before = count_tasks(bot)
    for _ in range(2):
        await bot.telegram.press(user, message["chat"]["id"], message["message_id"], button["callback_data"])
    await bot.settle()
    return bot.rows("SELECT price FROM tasks ORDER BY sequence LIMIT -1 OFFSET ?", before)


def priced(message: dict, button: dict) -> int | None:
    """The price on a button, or else in its message."""
    found = re.search(r"· (\d+)", button["text"]) or re.search(r"(\d+) credits?", message.get("text", ""))
    return int(found[1]) if found else None


async def opened(bot) -> None:
    """A conversation of each kind that shows buttons which cost."""
    say = bot.telegram.say
    await say(ADA, "/video a fox --model kling-v1-6")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    for text in ("/ideas", "/recipes", "/new a fox in the snow", "/start", "/history", "/settings", "/tips"):
        await say(ADA, text)
        await bot.settle()


async def test_a_double_tap_on_any_button_is_charged_once_at_the_price_shown(bot):
    await opened(bot)
    pressed: set[str] = set()
    charged = 0
    for _ in range(120):
        todo = next(
            (
                (message, button)
                for message in bot.telegram.replies(ADA)
                for button in buttons(message)
                if kind_of(button) not in pressed and "Delete" not in button["text"]
            ),
            None,
        )
        if todo is None:
            break
        message, button = todo
        pressed.add(kind_of(button))
        prices = await press_twice(bot, message, button)
        assert len(prices) <= 1, (button["text"], prices)
        if prices:
            charged += 1
            assert priced(message, button) == prices[0][0], (button["text"], message.get("text"))
        if len(prices) == 1:
            await bot.ended(count_tasks(bot))
    assert charged >= 5, pressed


def kind_of(button: dict) -> str:
    """What a button does, and on what in the main: pages of one list count once."""
    _, action, *_ = button["callback_data"].split(":")
    return (
        f"{action}:{button['text'].split('·')[0]}" if action not in {"history", "open", "effect"} else action
    )
