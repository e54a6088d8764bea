"""A video of the person's own without a command: what can be made of it is offered, and made by a tap."""

from io import BytesIO

import pytest

from bot.demo.telegram.acting import Place
from bot.demo.telegram.wire import Upload
from tests.conversations.test_own_videos import EDIT, FACES, MODELS, MOTION, SOUND, orders, was_fetched
from tests.world.media import a_clip, a_portrait, a_voice_message
from tests.world.proxy import behind_a_proxy
from tests.world.telegram import ADA, XIAOLIN

OFFER = "What should I make of your video?"


@pytest.fixture
async def public(world):
    """The bot with a public address."""
    world.kling.behaviour.render_seconds = 0.3
    async with behind_a_proxy(world, models=MODELS, daily=2000) as proxy:
        world.proxy = proxy
        yield world


def labels(message: dict) -> list[str]:
    return [button["text"] for row in message["reply_markup"]["inline_keyboard"] for button in row]


async def offered(bot, user: int = ADA, words: str = OFFER) -> list[str]:
    return labels(await bot.telegram.wait_text(user, words))


async def test_a_video_alone_brings_what_can_be_made_of_it_with_prices(public):
    await public.telegram.send_film(ADA, a_clip())
    assert await offered(public) == [
        "Edit · 45",
        "Extend · 15",
        "Refer to it · 45",
        "Motion · 25",
        "Lip-sync · 6",
        "Sound · 3",
    ]
    assert public.rows("SELECT 1 FROM tasks") == []
    await public.telegram.press_labelled(ADA, "Edit")
    await public.telegram.wait_text(ADA, "What should change in your video?")
    await public.telegram.say(ADA, "make it night")
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, EDIT)
    assert order["prompt"].startswith("make it night")
    assert was_fetched(public, order["video_list"][0]["video_url"])


async def test_words_about_it_are_what_a_tap_makes(public):
    message = await public.telegram.send_film(ADA, a_clip())
    await public.telegram.say(ADA, "make it rain", reply_to=message["message_id"])
    offer = await public.telegram.wait_text(ADA, "make it rain")
    assert labels(offer)[0] == "Edit · 45"
    await public.telegram.press(ADA, ADA, offer["message_id"], data_of(offer, "Edit · 45"))
    await public.telegram.wait_video(ADA)
    assert orders(public, EDIT)[0]["prompt"].startswith("make it rain")
    await public.ended()
    await public.telegram.press(ADA, ADA, offer["message_id"], data_of(offer, "Sound · 3"))
    await public.wait_for(lambda: orders(public, SOUND))
    assert orders(public, SOUND)[0]["sound_effect_prompt"] == "make it rain"
    await public.ended(2)


def data_of(message: dict, label: str) -> str:
    rows = message["reply_markup"]["inline_keyboard"]
    return next(button["callback_data"] for row in rows for button in row if button["text"] == label)


async def test_a_caption_that_is_no_command_counts_as_words_about_it(public):
    await public.telegram.send_film(ADA, a_clip(), caption="it goes on raining")
    offer = await public.telegram.wait_text(ADA, "it goes on raining")
    await public.telegram.press(ADA, ADA, offer["message_id"], data_of(offer, "Extend · 15"))
    await public.telegram.wait_text(ADA, "A new video starts at the last frame")
    await public.telegram.press_labelled(ADA, "Generate")
    (video,) = await public.telegram.wait_video(ADA)
    assert "Continues your video: both parts" in video["caption"]


async def test_what_is_missing_is_asked_for(public):
    await public.telegram.send_film(ADA, a_clip())
    await offered(public)
    await public.telegram.press_labelled(ADA, "Motion")
    await public.telegram.wait_text(ADA, "Who should move like this?")
    await public.telegram.send_photo(ADA, a_portrait())
    await public.telegram.wait_video(ADA)
    assert was_fetched(public, orders(public, MOTION)[0]["video_url"])
    await public.ended()
    await public.telegram.press_labelled(ADA, "Lip-sync · 6")
    await public.telegram.wait_text(ADA, "What should the face say?")
    await public.telegram.send_voice(ADA, a_voice_message(3))
    await public.telegram.wait_video(ADA, 2)
    assert "video_url" in orders(public, FACES)[0]


async def test_it_is_told_in_chinese(public):
    await public.telegram.send_film(XIAOLIN, a_clip())
    assert (await offered(public, XIAOLIN, "想用你的视频做什么？"))[:3] == [
        "编辑 · 45",
        "延长 · 15",
        "作为参考 · 45",
    ]


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ((1280, 720, 2), ["Extend", "Lip-sync"]),
        ((640, 360, 5), ["Extend", "Motion", "Sound"]),
        ((1280, 720, 20), ["Extend", "Motion", "Lip-sync", "Sound"]),
    ],
)
async def test_only_what_the_providers_can_do_is_offered(public, clip, expected):
    await public.telegram.send_film(ADA, a_clip(*clip))
    assert [label.split(" · ")[0] for label in await offered(public)] == expected


async def test_without_a_public_address_it_says_what_is_possible(world):
    world.configure(models=MODELS)
    await world.start()
    await world.telegram.send_film(ADA, a_clip())
    assert await offered(world, words="it has no public address. So only this is possible") == ["Extend · 15"]


async def test_a_video_that_was_made_here_gets_its_buttons_again(world):
    world.configure(models=MODELS, daily=1_000)
    await world.start()
    await world.telegram.say(ADA, "/video a fox")
    (video,) = await world.telegram.wait_video(ADA)
    await world.ended()
    await world.telegram.send_again(ADA, video, "")
    again = (await world.telegram.wait_video(ADA, 2))[-1]
    assert "Again · 15 credits" in labels(again)
    assert world.rows("SELECT count(*) FROM tasks") == [(1,)]


# -- referring to it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["/video a robot dances as in @video", "a robot dances as in @video"])
async def test_a_prompt_that_names_the_video_refers_to_it(public, words):
    await public.telegram.send_film(ADA, a_clip(), caption=words)
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, EDIT)
    (sent,) = order["video_list"]
    assert sent["refer_type"] == "feature"
    assert order["prompt"] == "a robot dances as in <<<video_1>>>"
    assert was_fetched(public, sent["video_url"])


async def test_a_reply_that_names_the_video_refers_to_it_whoever_made_it(public):
    message = await public.telegram.send_film(ADA, a_clip())
    await public.telegram.say(ADA, "机器人像@视频里那样跳舞", reply_to=message["message_id"])
    (first,) = await public.telegram.wait_video(ADA)
    assert orders(public, EDIT)[0]["prompt"] == "机器人像<<<video_1>>>里那样跳舞"
    await public.ended()
    await public.telegram.say(
        ADA, "/video a cat as in @video 5s --model v3-omni", reply_to=first["message_id"]
    )
    await public.telegram.wait_video(ADA, 2)
    assert orders(public, EDIT)[1]["video_list"][0]["refer_type"] == "feature"


@pytest.mark.parametrize("command", ["/video ", ""])
async def test_an_album_of_photos_and_a_video_that_its_caption_names_uses_all(public, command):
    group = public.telegram.state.opaque(7)
    caption = f"{command}@1 dances as in @video_1 --model kling-v3-omni"
    await public.telegram.send_photo(ADA, a_portrait(), caption, group=group)
    upload = Upload("mine.mp4", "video/mp4", len(a_clip()), BytesIO(a_clip()))
    await public.telegram.acting.send_file(ADA, "video", upload, "", Place(None), group)
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, EDIT)
    assert order["prompt"] == "<<<image_1>>> dances as in <<<video_1>>>"
    assert [len(order[name]) for name in ("image_list", "video_list")] == [1, 1]


async def test_a_tap_asks_for_the_words(public):
    await public.telegram.send_film(ADA, a_clip())
    await offered(public)
    await public.telegram.press_labelled(ADA, "Refer to it")
    await public.telegram.wait_text(ADA, "Describe the new video")
    await public.telegram.say(ADA, "a robot in this style")
    await public.telegram.wait_video(ADA)
    assert orders(public, EDIT)[0]["prompt"] == "a robot in this style <<<video_1>>>"


async def test_where_no_video_came_along_or_no_model_takes_it_it_is_said(public):
    await public.telegram.say(ADA, "/video a robot dances as in @video")
    await public.telegram.wait_text(ADA, "@video needs a video")
    await public.telegram.send_film(
        ADA, a_clip(), caption="/video a robot dances as in @video --model kling-v2-6"
    )
    await public.telegram.wait_text(ADA, "kling-v3-omni")
    assert public.rows("SELECT 1 FROM tasks") == []
    assert public.balance(ADA) == (0, 0)


async def test_a_video_beside_the_album_of_a_card_becomes_its_reference(public):
    await public.telegram.send_album(ADA, [a_portrait(), a_portrait(), a_portrait()])
    await public.telegram.wait_text(ADA, "these photos")
    await public.telegram.send_film(ADA, a_clip(), caption="they dance like that")
    offer = await public.telegram.wait_text(ADA, "they dance like that")
    await public.restart()
    label = next(label for label in labels(offer) if label.startswith("Add to the draft"))
    await public.telegram.press(ADA, ADA, offer["message_id"], data_of(offer, label))
    card = await public.telegram.wait_text(ADA, "Video: 1 to refer to")
    assert "they dance like that" in card["text"]
    price = label.partition(" · ")[2]
    await public.telegram.press_labelled(ADA, f"Generate · {price} credits")
    await public.telegram.wait_video(ADA)
    (order,) = orders(public, EDIT)
    assert len(order["image_list"]) == 3
    (sent,) = order["video_list"]
    assert sent["refer_type"] == "feature"
    assert was_fetched(public, sent["video_url"])
    assert "<<<video_1>>>" in order["prompt"]


async def test_without_a_card_or_without_a_model_for_it_nothing_is_added(public):
    await public.telegram.send_film(ADA, a_clip(), caption="without a card")
    offer = await public.telegram.wait_text(ADA, "without a card")
    assert not any(label.startswith("Add") for label in labels(offer))
    await public.telegram.say(ADA, "/new")
    await public.telegram.wait_text(ADA, "Describe your video")
    # No model refers to a video of so few pixels.
    await public.telegram.send_film(ADA, a_clip(640, 360, 5), caption="too small")
    offer = await public.telegram.wait_text(ADA, "too small")
    assert not any(label.startswith("Add") for label in labels(offer))
    await public.telegram.send_film(ADA, a_clip(), caption="large enough")
    offer = await public.telegram.wait_text(ADA, "large enough")
    assert labels(offer)[0].startswith("Add to the draft")
