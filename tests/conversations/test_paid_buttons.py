"""Every button that costs: pressed twice it is charged once, at the price that it shows."""

import re

import pytest

from bot.demo.script import sample_picture
from tests.world.telegram import ADA, GROUP


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


async def everything(bot) -> None:
    """A conversation of each kind that shows buttons which cost."""
    await bot.telegram.say(ADA, "/video a fox --model kling-v1-6")
    await bot.telegram.wait_video(ADA)
    await bot.ended()
    for text in (
        "/ideas",
        "/templates",
        "/new a fox in the snow",
        "/start",
        "/history",
        "/settings",
        "/tips",
    ):
        await bot.telegram.say(ADA, text)
        await bot.settle()


async def an_album(bot) -> None:
    """Several results of one request, and their buttons."""
    await bot.telegram.say(ADA, "/video a fox --n 3")
    await bot.ended(3)


async def photos(bot) -> None:
    """What is asked about a photo alone, and about two."""
    await bot.telegram.send_photo(ADA, sample_picture(), "/video it moves")
    await bot.telegram.wait_video(ADA)
    await bot.telegram.send_photo(ADA, sample_picture())
    await bot.settle()
    await bot.telegram.send_album(ADA, [sample_picture(), sample_picture()], "they dance")
    await bot.settle()


async def a_failure(bot) -> None:
    """A task that Kling could not make, with the offer to try again."""
    bot.kling.behaviour.refuse.append(1301)
    await bot.telegram.say(ADA, "/video a fox")
    await bot.ended()
    await bot.telegram.say(ADA, "/video [fail] a fox")
    await bot.ended(2)


async def in_a_group(bot) -> None:
    """The same where others see it."""
    await bot.telegram.say(ADA, "/video a fox", chat=GROUP)
    await bot.telegram.wait_video(GROUP)
    await bot.ended()
    for text in ("/ideas", "/new a fox in the snow", "/history", "/video [fail] a fox"):
        await bot.telegram.say(ADA, text, chat=GROUP)
        await bot.settle()


@pytest.mark.parametrize(
    ("opened", "chat", "least"),
    [(everything, ADA, 5), (an_album, ADA, 3), (photos, ADA, 3), (a_failure, ADA, 1), (in_a_group, GROUP, 2)],
)
async def test_a_double_tap_on_any_button_is_charged_once_at_the_price_shown(bot, opened, chat, least):
    await opened(bot)
    pressed: set[str] = set()
    charged = 0
    for _ in range(120):
        todo = next(
            (
                (message, button)
                for message in bot.telegram.replies(chat)
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
            await bot.ended(count_tasks(bot))
    assert charged >= least, (charged, pressed)


def kind_of(button: dict) -> str:
    """What a button does, and on what in the main: pages of one list count once."""
    _, action, *_ = button["callback_data"].split(":")
    return (
        f"{action}:{button['text'].split('·')[0]}" if action not in {"history", "open", "effect"} else action
    )


def labels(message: dict) -> list[str]:
    return [button["text"] for button in buttons(message)]


async def test_a_price_that_changed_since_it_was_shown_is_asked_about(bot):
    telegram = bot.telegram
    await telegram.say(ADA, "/ideas")
    await bot.settle()
    await telegram.press_labelled(ADA, "Next")
    await bot.settle()
    idea = telegram.replies(ADA)[-1]
    (make,) = [button for button in buttons(idea) if button["text"].startswith("Make this")]
    shown = priced(idea, make)
    # Another length is usual from now on, and costs more.
    await telegram.say(ADA, "/settings")
    await bot.settle()
    await telegram.press_labelled(ADA, "Duration")
    await bot.settle()
    await telegram.press_labelled(ADA, "10 s")
    await bot.settle()
    await telegram.press(ADA, ADA, idea["message_id"], make["callback_data"])
    question = await telegram.wait_text(ADA, "The price is now")
    assert count_tasks(bot) == 0
    (again,) = [button for button in buttons(question) if button["text"].startswith("Make it")]
    price = priced(question, again)
    assert price != shown
    assert [row[0] for row in await press_twice(bot, question, again)] == [price]
    assert question["message_id"] not in {message["message_id"] for message in telegram.messages(ADA)}


@pytest.mark.parametrize(
    ("limits", "asks"),
    [("", True), ("confirm_percent = 0", False), ("confirm_credits = 15\nconfirm_percent = 0", True)],
)
async def test_a_large_sum_is_asked_about_with_what_is_left(world, limits, asks):
    world.configure(daily=60, limits=limits)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    if not asks:
        await world.telegram.wait_video(ADA)
        return
    question = await world.telegram.wait_text(ADA, "This costs 15 credits; 45 credits would be left")
    assert labels(question) == ["Make it · 15", "Cancel"]
    assert world.rows("SELECT count(*) FROM tasks") == [(0,)]
    await world.telegram.press_labelled(ADA, "Make it")
    await world.telegram.wait_video(ADA)
    assert world.balance(ADA) == (-15, 0)


async def test_who_wants_no_questions_about_large_sums_gets_none(world):
    world.configure(daily=60, limits="")
    await world.start()
    await world.telegram.say(ADA, "/settings")
    await world.settle()
    await world.telegram.press_labelled(ADA, "Ask for large sums")
    await world.settle()
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)


async def test_a_text_to_a_video_that_cannot_be_extended_offers_what_can_be_made(bot):
    await bot.telegram.say(ADA, "/video a fox --model kling-video-o1")
    (video,) = await bot.telegram.wait_video(ADA)
    await bot.ended()
    for number, label in enumerate(("Edit this video", "Continue from its last frame", "Make a new one"), 2):
        await bot.telegram.say(ADA, "it runs on", reply_to=video["message_id"])
        offer = await bot.telegram.wait_text(ADA, "This video can't be extended")
        assert [text.split(" · ")[0] for text in labels(offer)[:3]] == [
            "Edit this video",
            "Continue from its last frame",
            "Make a new one",
        ]
        (button,) = [button for button in buttons(offer) if button["text"].startswith(label)]
        assert [row[0] for row in await press_twice(bot, offer, button)] == [priced(offer, button)]
        await bot.telegram.wait_video(ADA, number)
        await bot.ended(number)
    requests = [row[0] for row in bot.rows("SELECT request FROM tasks ORDER BY sequence")]
    assert all("it runs on" in request for request in requests[1:])
    assert '"source"' in requests[1]
    assert '"first_frame"' in requests[2]
