"""The motion brush: what is tapped on a grid over a photo moves the way that is tapped, and the rest may stay still."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from tests.world.media import a_portrait
from tests.world.telegram import ADA, GROUP, XIAOLIN

PATH = "/v1/videos/image2video"
MODELS = '["kling-v2-6", "kling-v1", "kling-v1-5"]'
TURNED = 6
"""What EXIF says of a picture whose camera was held upright: turn it by a quarter to the right."""


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.3


@pytest.fixture
async def bot(world):
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


def a_turned_photo() -> bytes:
    """800 by 600 pixels that are to be seen as 600 by 800, with something bright at what is then the top left."""
    image = Image.new("RGB", (800, 600), (40, 90, 160))
    image.paste((250, 240, 90), (0, 500, 100, 600))
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = TURNED
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def grids(bot, chat: int = ADA) -> list[dict]:
    """The photos that the bot shows to mark something in."""
    return [
        message for message in bot.telegram.messages(chat) if "photo" in message and "reply_markup" in message
    ]


async def a_grid(bot, words: str, chat: int = ADA, *, other_than: dict | None = None) -> dict:
    """The photo with the grid, once its caption holds some words, and its buttons are other than those of a step."""
    before = {} if other_than is None else buttons(other_than)

    def found() -> dict | None:
        shown = (each for each in grids(bot, chat) if words in each.get("caption", ""))
        return next((each for each in shown if buttons(each) != before), None)

    return await bot.telegram.wait_for(found)


def buttons(message: dict) -> dict[str, str]:
    rows = message["reply_markup"]["inline_keyboard"]
    return {button["text"].partition(" · ")[0]: button["callback_data"] for row in rows for button in row}


async def press(bot, message: dict, label: str, user: int = ADA, chat: int = ADA) -> None:
    await bot.telegram.press(user, chat, message["message_id"], buttons(message)[label])


async def steps(bot, grid: dict, *taps: tuple[str, str], user: int = ADA, chat: int = ADA) -> dict:
    """Tap one button after another, each followed by what the caption says then; the last step."""
    for label, words in taps:
        await press(bot, grid, label, user, chat)
        grid = await a_grid(bot, words, chat, other_than=grid)
    return grid


def orders(bot) -> list[dict[str, Any]]:
    return [
        request.body for request in bot.kling.requests if (request.method, request.path) == ("POST", PATH)
    ]


def decoded(text: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    image.load()
    return image


def covered(mask: Image.Image) -> tuple[int, int, int, int] | None:
    """The box of what is white in a mask of two colours."""
    assert {colour for _, colour in mask.getcolors()} == {0, 255}
    return mask.getbbox()


AREA, WAY, STILL = "Tap the parts that move", "Where does it move", "Tap the parts that stay still"


async def test_what_is_tapped_moves_as_it_was_tapped_whatever_way_the_camera_was_held(bot):
    await bot.telegram.send_photo(ADA, a_turned_photo(), "the light moves --brush --model kling-v1")
    grid = await a_grid(bot, AREA)
    shown = grid["photo"][-1]
    assert (shown["width"], shown["height"]) == (600, 800)
    grid = await steps(
        bot, grid, ("1", AREA), ("2", AREA), ("Set its path", WAY), ("↓ Down", WAY), ("→ Right", WAY)
    )
    await bot.restart()
    grid = await steps(
        bot,
        grid,
        *(("Another area", "Area 2 of up to 6"), ("48", AREA), ("Set its path", WAY), ("43", WAY)),
        *(("Keep parts still", STILL), ("25", STILL), ("26", STILL)),
    )
    assert orders(bot) == []
    await press(bot, grid, "Done")
    card = await bot.telegram.wait_text(ADA, "motion brush: 2 moving, parts kept still")
    assert "kling-v1 · standard · 5 s" in card["text"]
    assert grids(bot) == []
    await press(bot, card, "Generate")
    await bot.telegram.wait_video(ADA)
    (order,) = orders(bot)
    assert (order["model_name"], order["mode"], order["duration"]) == ("kling-v1", "std", "5")
    photo = decoded(order["image"])
    assert photo.size == (600, 800)
    # Pixel for pixel: the bright corner is at the top left of what is sent, as on the grid.
    assert photo.getpixel((5, 5))[0] > 200
    assert photo.getpixel((300, 400))[0] < 100
    first, second = order["dynamic_masks"]
    masks = [decoded(first["mask"]), decoded(second["mask"]), decoded(order["static_mask"])]
    assert {mask.size for mask in masks} == {photo.size}
    assert {mask.format for mask in masks} == {"PNG"}
    assert [covered(mask) for mask in masks] == [(0, 0, 200, 100), (500, 700, 600, 800), (0, 400, 200, 500)]
    assert first["trajectories"] == [{"x": 50, "y": 749}, {"x": 50, "y": 649}, {"x": 150, "y": 649}]
    assert second["trajectories"] == [{"x": 550, "y": 49}, {"x": 50, "y": 49}]
    assert bot.rows("SELECT price FROM tasks") == [(10,)]


async def test_a_model_that_can_stands_in_and_the_card_says_why(bot):
    photo = await bot.telegram.send_photo(ADA, a_portrait())
    await bot.telegram.wait_text(ADA, "What should happen")
    await bot.telegram.say(ADA, "/video she waves --brush", reply_to=photo["message_id"])
    grid = await steps(bot, await a_grid(bot, AREA), ("20", AREA), ("Set its path", WAY), ("↑ Up", WAY))
    await press(bot, grid, "Done")
    card = await bot.telegram.wait_text(ADA, "kling-v2-6 has no motion brush, so this uses kling-v1.")
    assert {"✓ Motion brush", "Back to v2-6"} <= set(buttons(card))


async def test_a_model_that_was_chosen_and_cannot_is_refused_with_those_that_can(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "she waves --brush --model kling-v2-6")
    refusal = await bot.telegram.wait_text(ADA, "kling-v2-6 doesn't support the motion brush")
    assert "kling-v1 (std), kling-v1-5 (pro)" in refusal["text"]
    await bot.telegram.send_photo(ADA, a_portrait(), "she waves --brush --model kling-v1 --pro")
    await bot.telegram.wait_text(ADA, "kling-v1 doesn't support the motion brush with these settings")
    assert grids(bot) == []


@pytest.mark.parametrize("command", ["/video a fox --brush", "/image a fox --brush"])
async def test_it_takes_one_photo(bot, command):
    await bot.telegram.say(ADA, command)
    await bot.telegram.wait_text(ADA, "The motion brush takes one photo")
    assert bot.rows("SELECT 1 FROM tasks") == []


async def test_the_card_of_a_photo_leads_to_it_and_keeps_what_was_marked(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/new she waves --model v1.5 --pro")
    card = await bot.telegram.wait_text(ADA, "kling-v1-5")
    await press(bot, card, "Motion brush")
    grid = await steps(bot, await a_grid(bot, AREA), ("3", AREA), ("Set its path", WAY), ("4", WAY))
    # What is written meanwhile is for the card.
    await bot.telegram.say(ADA, "she dances")
    await bot.telegram.wait_text(ADA, "she dances")
    await press(bot, grid, "Done")
    card = await bot.telegram.wait_text(ADA, "motion brush: 1 moving")
    assert "she dances" in card["text"]
    assert "uses" not in card["text"]
    await press(bot, card, "✓ Motion brush")
    grid = await a_grid(bot, WAY)
    grid = await steps(bot, grid, ("Undo", WAY)) if "Undo" in buttons(grid) else grid
    grid = await steps(bot, grid, ("Start over", AREA))
    assert "Done" not in buttons(grid)
    await press(bot, grid, "Without motion brush")
    card = await bot.telegram.wait_text(ADA, "she dances")
    await bot.telegram.wait_for(lambda: grids(bot) == [])
    assert "motion brush:" not in bot.telegram.messages(ADA)[-1]["text"]


async def test_another_photo_has_no_brush(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "she waves --brush --model kling-v1")
    grid = await steps(bot, await a_grid(bot, AREA), ("3", AREA), ("Set its path", WAY), ("4", WAY))
    await press(bot, grid, "Done")
    await bot.telegram.wait_text(ADA, "motion brush: 1 moving")
    await bot.telegram.send_photo(ADA, a_turned_photo())
    asking = await bot.telegram.wait_text(ADA, "Two photos")
    await press(bot, asking, "Only the new one")
    card = await bot.telegram.wait_text(ADA, "Photo: first frame")
    assert "motion brush:" not in card["text"]


async def test_in_a_group_only_who_began_it_marks(bot):
    await bot.telegram.send_photo(ADA, a_portrait(), "/video she waves --brush --model kling-v1", chat=GROUP)
    grid = await a_grid(bot, AREA, GROUP)
    query = await bot.telegram.press(XIAOLIN, GROUP, grid["message_id"], buttons(grid)["3"])
    assert (await bot.telegram.wait_answer(query))["show_alert"]
    grid = await steps(bot, grid, ("9", AREA), ("Set its path", WAY), ("← Left", WAY), chat=GROUP)
    await press(bot, grid, "Done", chat=GROUP)
    card = await bot.telegram.wait_text(GROUP, "motion brush: 1 moving")
    await press(bot, card, "Generate", chat=GROUP)
    await bot.telegram.wait_video(GROUP)
    (mask,) = orders(bot)[0]["dynamic_masks"]
    assert covered(decoded(mask["mask"])) == (160, 80, 240, 160)


async def test_it_is_said_in_chinese(bot):
    await bot.telegram.send_photo(XIAOLIN, a_portrait(), "她挥手 --笔刷 --模型 kling-v1")
    grid = await a_grid(bot, "点选一起运动的区域", XIAOLIN)
    grid = await steps(
        bot,
        grid,
        *(("3", "点选"), ("设置轨迹", "往哪里动"), ("→ 右", "往哪里动")),
        user=XIAOLIN,
        chat=XIAOLIN,
    )
    await press(bot, grid, "完成", XIAOLIN, XIAOLIN)
    await bot.telegram.wait_text(XIAOLIN, "运动笔刷：1 处运动")
