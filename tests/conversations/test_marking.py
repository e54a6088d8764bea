"""Something in a video is added, swapped or removed, by what people tap on a frame of it."""

import pytest

from tests.world.media import a_clip, a_portrait
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA, XIAOLIN

ROOT = "/v1/videos/multi-elements"
OPEN, ADD, CLEAR = (f"{ROOT}/{step}-selection" for step in ("init", "add", "clear"))
MODELS = '["kling-v2-6", "kling-v3-omni"]'


@pytest.fixture(autouse=True)
def quick(world):
    world.kling.behaviour.render_seconds = 0.3


@pytest.fixture
async def bot(world):
    world.configure(models=MODELS, daily=2000)
    await world.start()
    return world


@pytest.fixture
async def public(world):
    """The bot with a public address."""
    async with behind_a_proxy(world, models=MODELS, daily=2000) as proxy:
        world.proxy = proxy
        yield world


def orders(bot, path: str) -> list[dict]:
    """What was asked for at a place of Kling's, without our own id and address."""
    ours = {"external_task_id", "callback_url"}
    return [
        {name: value for name, value in request.body.items() if name not in ours}
        for request in bot.kling.requests
        if (request.method, request.path) == ("POST", path)
    ]


async def a_video(bot) -> dict:
    """A finished video of Ada's."""
    await bot.telegram.say(ADA, "/video a fox")
    (video,) = await bot.telegram.wait_video(ADA)
    return video


def frames(bot) -> list[dict]:
    """The photos that the bot shows to mark something in."""
    return [
        message for message in bot.telegram.messages(ADA) if "photo" in message and "reply_markup" in message
    ]


async def a_frame(bot, words: str = "Tap what") -> dict:
    """The frame, once its caption holds some words."""
    return await bot.telegram.wait_for(
        lambda: next((each for each in frames(bot) if words in each.get("caption", "")), None)
    )


def buttons(frame: dict) -> dict[str, str]:
    """What is written on the buttons of a frame, and what is behind them."""
    rows = frame["reply_markup"]["inline_keyboard"]
    return {button["text"].partition(" · ")[0]: button["callback_data"] for row in rows for button in row}


async def press(bot, frame: dict, label: str) -> None:
    await bot.telegram.press(ADA, ADA, frame["message_id"], buttons(frame)[label])


async def test_what_is_tapped_is_swapped_for_a_photo(bot):
    video = await a_video(bot)
    await bot.telegram.send_photo(
        ADA, a_portrait(), "/edit the fox becomes a cat --pro", reply_to=video["message_id"]
    )
    frame = await a_frame(bot)
    assert orders(bot, OPEN) == []
    await press(bot, frame, "11")
    frame = await a_frame(bot, "1 point marked")
    await press(bot, frame, "12")
    frame = await a_frame(bot, "2 points marked")
    await press(bot, frame, "Go")
    await bot.telegram.wait_video(ADA, 2)
    assert len(orders(bot, OPEN)) == 1
    assert set(orders(bot, OPEN)[0]) == {"video_id"}
    (added,) = orders(bot, ADD)
    assert (added["frame_index"], added["points"]) == (
        0,
        [{"x": 0.5, "y": 0.375}, {"x": 0.6429, "y": 0.375}],
    )
    (order,) = orders(bot, ROOT)
    assert order["session_id"] == added["session_id"]
    assert (order["edit_mode"], order["mode"], order["duration"]) == ("swap", "pro", "5")
    assert order["prompt"] == "Swap in <<<video_1>>>, using <<<image_1>>>: the fox becomes a cat"
    assert len(order["image_list"]) == 1
    # Five seconds of Pro; the frame is gone.
    assert bot.rows("SELECT price FROM tasks ORDER BY created_at")[-1] == (50,)
    assert frames(bot) == []


async def test_a_step_is_taken_back_and_all_of_it_begun_anew(bot):
    video = await a_video(bot)
    await bot.telegram.say(ADA, "/edit --remove", reply_to=video["message_id"])
    frame = await a_frame(bot, "Tap what to remove")
    await press(bot, frame, "3")
    frame = await a_frame(bot, "1 point marked")
    await press(bot, frame, "Other frame")
    frame = await bot.telegram.wait_for(
        lambda: next((each for each in frames(bot) if buttons(each)["1"] != buttons(frame)["1"]), None)
    )
    await press(bot, frame, "5")
    frame = await a_frame(bot, "2 points marked")
    await press(bot, frame, "Undo")
    frame = await a_frame(bot, "1 point marked")
    await press(bot, frame, "Start over")
    frame = await a_frame(bot, "Tap what to remove")
    assert "Go" not in buttons(frame)
    await press(bot, frame, "28")
    frame = await a_frame(bot, "1 point marked")
    await bot.restart()
    await press(bot, frame, "Go")
    await bot.telegram.wait_video(ADA, 2)
    (order,) = orders(bot, ROOT)
    assert (order["edit_mode"], "image_list" in order) == ("removal", False)
    assert order["prompt"] == "Delete the marked element from <<<video_1>>>"
    (added,) = orders(bot, ADD)
    assert added["frame_index"] > 0
    assert added["points"] == [{"x": 0.9286, "y": 0.875}]


async def test_two_photos_are_added_at_once_and_one_where_the_person_says_so(bot):
    video = await a_video(bot)
    group = bot.telegram.state.opaque(7)
    for caption in ("/edit they walk in", ""):
        await bot.telegram.send_photo(ADA, a_portrait(), caption, reply_to=video["message_id"], group=group)
    await bot.telegram.wait_video(ADA, 2)
    await bot.telegram.send_photo(ADA, a_portrait(), "/edit he waves", reply_to=video["message_id"])
    await press(bot, await a_frame(bot), "Just add it")
    await bot.telegram.wait_video(ADA, 3)
    first, second = orders(bot, ROOT)
    assert [order["edit_mode"] for order in (first, second)] == ["addition", "addition"]
    assert [len(order["image_list"]) for order in (first, second)] == [2, 1]
    assert first["prompt"].startswith("Using the context of <<<video_1>>>, seamlessly add")
    assert orders(bot, ADD) == []


async def test_an_own_video_is_marked_and_fetched_from_here(public):
    message = await public.telegram.send_film(ADA, a_clip(720, 1280, 8))
    await public.telegram.send_photo(ADA, a_portrait(), "/edit", reply_to=message["message_id"])
    frame = await a_frame(public)
    assert (frame["photo"][-1]["width"], frame["photo"][-1]["height"]) == (720, 1280)
    await press(public, frame, "16")
    await press(public, await a_frame(public, "1 point marked"), "Go")
    await public.telegram.wait_video(ADA)
    (opened,) = orders(public, OPEN)
    assert set(opened) == {"video_url"}
    (order,) = orders(public, ROOT)
    assert order["duration"] == "10"
    assert order["prompt"] == "Swap the marked element of <<<video_1>>> for what <<<image_1>>> shows"
    assert public.rows("SELECT price FROM tasks") == [(60,)]


@pytest.mark.parametrize(
    ("clip", "command", "words"),
    [
        ((1280, 720, 6), "/edit --remove", "2–5 or 7–10 seconds"),
        ((1280, 720, 12), "/edit --remove", "2 to 10 seconds"),
        ((640, 360, 5), "/edit --remove", "720 to 2,160 pixels"),
        ((1280, 720, 5, 25), "/edit --remove", "24, 30, 60 frames"),
        ((1280, 720, 5), "/edit --swap", "Swapping takes one photo"),
        ((1280, 720, 5), "/edit --add", "Adding takes one or two photos"),
    ],
)
async def test_what_kling_would_refuse_is_refused_before_it_is_marked(public, clip, command, words):
    await public.telegram.send_film(ADA, a_clip(*clip), caption=command)
    await public.telegram.wait_text(ADA, words)
    assert (frames(public), public.rows("SELECT 1 FROM tasks")) == ([], [])


async def test_a_prompt_alone_changes_the_whole_video_and_a_step_belongs_to_its_person(bot):
    video = await a_video(bot)
    await bot.telegram.say(ADA, "/edit make it night", reply_to=video["message_id"])
    await bot.telegram.wait_video(ADA, 2)
    assert len(orders(bot, "/v1/videos/omni-video")) == 1
    assert (frames(bot), orders(bot, OPEN)) == ([], [])


async def test_without_a_model_that_edits_by_words_something_is_removed(world):
    world.configure(models='["kling-v2-6"]', daily=2000)
    await world.start()
    video = await a_video(world)
    await world.telegram.say(ADA, "/edit the hat", reply_to=video["message_id"])
    await press(world, await a_frame(world, "Tap what to remove"), "1")
    await press(world, await a_frame(world, "1 point marked"), "Go")
    await world.telegram.wait_video(ADA, 2)
    assert orders(world, ROOT)[0]["prompt"] == "Delete from <<<video_1>>>: the hat"


async def test_it_is_said_in_chinese(bot):
    await bot.telegram.say(XIAOLIN, "/video 一只狐狸")
    (video,) = await bot.telegram.wait_video(XIAOLIN)
    await bot.telegram.say(XIAOLIN, "/edit 帽子 --删除", reply_to=video["message_id"])
    frame = await bot.telegram.wait_text(XIAOLIN, "点选要删除的内容")
    assert "换一帧" in buttons(frame)
