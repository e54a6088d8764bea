"""Models that only Kling's newer standard sells, with an API key that speaks both standards."""

import re
from typing import Any

import pytest

from bot.domain.requests.operations import Operation
from bot.domain.requests.prompt import ParsedPrompt
from tests.conversations.test_card import card_of, labels, tap
from tests.world.media import plain_images
from tests.world.telegram import ADA

KEY = "demo-api-key"
MODELS = '["kling-v2-6", "kling-v3-turbo", "kling-4.0", "kling-4.0-flash"]'


@pytest.fixture
async def newer(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(dialect="official", key=KEY, models=MODELS, daily=100_000)
    await world.start()
    return world


def submitted(world) -> list[tuple[str, dict[str, Any]]]:
    """What was sent, without the pictures themselves."""
    sent = [
        request for request in world.kling.requests if request.method == "POST" and request.path != "/tasks"
    ]
    return [
        (
            request.path,
            request.body
            | {
                "contents": [
                    {name: value for name, value in item.items() if name != "url"}
                    for item in request.body.get("contents", ())
                ]
            },
        )
        for request in sent
    ]


async def test_each_model_goes_by_the_standard_that_has_it_and_its_task_is_asked_for_there(newer):
    await newer.telegram.say(ADA, "/video a fox --model kling-v2-6")
    await newer.telegram.wait_video(ADA, 1)
    await newer.telegram.say(ADA, "/video a hen --model kling-v3-turbo")
    await newer.telegram.wait_video(ADA, 2)
    paths = [request.path for request in newer.kling.requests if request.path != "/account/costs"]
    asked = {path.rpartition("/")[0] or path for path in paths}
    assert asked == {"/v1/videos", "/v1/videos/text2video", "/text-to-video", "/tasks"}
    by_id = [request for request in newer.kling.requests if request.path == "/tasks"]
    turbo = next(task for task in newer.kling.tasks.values() if task.order.model == "kling-3.0-turbo")
    assert {request.query.get("task_ids") for request in by_id} == {turbo.id}


async def test_words_become_a_video_without_an_id_of_ours(newer):
    await newer.telegram.say(ADA, "/video a fox in the snow --model kling-4.0 --pro 21:9 30s")
    (video,) = await newer.telegram.wait_video(ADA)
    assert "a fox in the snow" in video["caption"]
    ((path, body),) = submitted(newer)
    assert path == "/text-to-video/kling-4.0"
    assert body["prompt"] == "a fox in the snow"
    assert body["settings"] == {"resolution": "1080p", "aspect_ratio": "21:9", "duration": 30}
    assert "options" not in body
    await newer.ended()
    assert newer.balance(ADA) == (-504, 0)


async def test_an_album_in_its_order_becomes_the_frames_of_a_video(newer):
    await newer.telegram.send_album(ADA, plain_images(4), "/video it grows --model kling-4.0")
    await newer.telegram.wait_video(ADA)
    ((path, body),) = submitted(newer)
    assert path == "/image-to-video/kling-4.0"
    kinds = [item["type"] for item in body["contents"]]
    assert kinds == ["prompt", "first_frame", "middle_frame", "middle_frame", "last_frame"]
    assert body["settings"] == {"resolution": "720p", "duration": 5}


async def test_an_album_whose_photos_the_prompt_names_is_referred_to(newer):
    words = "/video <<<image_2>>> chases <<<image_1>>> --model kling-4.0"
    await newer.telegram.send_album(ADA, plain_images(3), words)
    await newer.telegram.wait_video(ADA)
    ((path, body),) = submitted(newer)
    assert path == "/omni-video/kling-4.0"
    assert body["contents"] == [
        {"type": "prompt", "text": "@image_2 chases @image_1 @image_3"},
        *({"type": "refer_image", "id": f"image_{number}"} for number in (1, 2, 3)),
    ]


async def test_an_album_without_words_is_asked_about_where_it_can_be_both(newer):
    await newer.telegram.send_album(ADA, plain_images(3), "--model kling-4.0")
    await newer.telegram.wait_text(ADA, "What are these photos for?")
    await newer.telegram.press_labelled(ADA, "First → last")
    await newer.telegram.wait_text(ADA, "3 frames, in order")
    assert submitted(newer) == []


async def test_a_draft_is_rendered_for_good_by_one_tap_at_the_price_on_the_button(newer):
    await newer.telegram.say(ADA, "/video a fox --model kling-4.0-flash 9:16")
    await newer.telegram.wait_video(ADA, 1)
    await newer.telegram.press_labelled(ADA, "Render final · 84")
    await newer.telegram.wait_video(ADA, 2)
    (_, draft), (path, final) = submitted(newer)
    assert path == "/text-to-video/kling-4.0"
    assert final == draft | {"settings": draft["settings"] | {"resolution": "1080p"}}
    await newer.ended(2)
    assert newer.balance(ADA) == (-(34 + 84), 0)
    # The final has no final.
    labels = [
        button["text"]
        for video in (await newer.telegram.wait_video(ADA, 2))[-1:]
        for row in video["reply_markup"]["inline_keyboard"]
        for button in row
    ]
    assert not any(label.startswith("Render final") for label in labels)


async def test_beneath_several_drafts_one_tap_renders_for_good(newer):
    await newer.telegram.say(ADA, "/video a fox --model kling-4.0-flash --n 2")
    await newer.telegram.wait_video(ADA, 2)
    await newer.telegram.press_labelled(ADA, "Render final · 84")
    await newer.telegram.wait_video(ADA, 3)
    assert [path for path, _ in submitted(newer)[2:]] == ["/text-to-video/kling-4.0"]
    await newer.ended(3)
    assert newer.balance(ADA) == (-(34 + 34 + 84), 0)


async def test_a_final_that_costs_much_is_confirmed_like_anything_else(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(
        dialect="official",
        key=KEY,
        models=MODELS,
        daily=1000,
        limits="confirm_credits = 80\nconfirm_percent = 0",
    )
    await world.start()
    await world.telegram.say(ADA, "/video a fox --model kling-4.0-flash")
    await world.telegram.wait_video(ADA, 1)
    await world.telegram.press_labelled(ADA, "Render final · 84")
    await world.telegram.wait_for(lambda: "84" in str(world.telegram.replies(ADA)[-1].get("text")))
    assert len(submitted(world)) == 1


async def test_a_prompt_that_is_too_long_for_its_model_is_refused_before_it_costs_anything(newer):
    await newer.telegram.say(ADA, "/video " + "snow " * 600 + "--model kling-v2-6")
    await newer.telegram.wait_text(ADA, "up to 2,500 characters")
    assert newer.balance(ADA) == (0, 0)
    await newer.telegram.say(ADA, "/video " + "snow " * 600 + "--model kling-4.0")
    await newer.telegram.wait_video(ADA)


async def test_a_lost_answer_is_found_in_the_list_of_all_tasks_and_nothing_is_made_twice(newer):
    newer.kling.behaviour.lose_next = 1
    await newer.telegram.say(ADA, "/video a fox --model kling-4.0")
    await newer.telegram.wait_video(ADA)
    assert len(newer.kling.tasks) == 1
    assert [
        request for request in newer.kling.requests if (request.method, request.path) == ("POST", "/tasks")
    ]
    await newer.ended()
    assert newer.balance(ADA) == (-56, 0)


async def test_a_key_pair_offers_nothing_that_it_cannot_speak_of(world):
    world.configure(models=MODELS)
    await world.start()
    await world.telegram.say(ADA, "/models")
    listed = await world.telegram.wait_text(ADA, "v2-6")
    assert "turbo" not in listed["text"].casefold()
    assert "4.0" not in listed["text"]
    await world.telegram.say(ADA, "/video a fox --model kling-4.0")
    await world.telegram.wait_text(ADA, "kling-v2-6")
    assert world.kling.tasks == {}


async def test_a_sound_that_the_list_of_tasks_does_not_hold_ends_well(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(dialect="unified", key=KEY, daily=1000)
    await world.start()
    await world.telegram.say(ADA, "/sound rain on a roof")
    await world.telegram.wait_for(lambda: world.rows("SELECT 1 FROM tasks WHERE state = 'succeeded'"))
    await world.ended()
    asked = [request.path for request in world.kling.requests if request.method == "GET"]
    assert any(path.startswith("/v1/audio/text-to-audio/") for path in asked)


@pytest.mark.parametrize("named", [{"voices": ("v1",)}, {"elements": (160,)}, {"voice": ""}])
async def test_words_that_name_an_element_or_a_voice_are_asked_for_in_the_way_that_takes_it(newer, named):
    compose = newer.app.services.compose
    draft = compose.video_draft(ParsedPrompt("it speaks", {"model": "kling-4.0", **named}))
    assert draft.operation is Operation.OMNI_VIDEO


PRESETS = {1000001: "Lighthouse", 1000002: "Paper crane", 1000003: "Grey cat"}


async def test_fifteen_inputs_of_a_card_are_named_by_taps(newer):
    for name in ("Fox", "戴帽子的红狐狸"):
        await newer.telegram.send_album(ADA, plain_images(2), f"/element {name}")
        await newer.telegram.wait_text(ADA, f"{name} is ready")
    ids = " ".join(f"@{id}" for id in PRESETS)
    await newer.telegram.send_album(ADA, plain_images(10), f"/new @2 looks at {ids} --model kling-4.0")
    await newer.telegram.wait_text(ADA, "looks at")
    await tap(newer, ADA, "Elements, voices", "@Fox")
    await tap(newer, ADA, "@Fox", "✓ @Fox")
    await tap(newer, ADA, "@戴帽子的红狐狸", "✓ @戴帽子的红狐狸")
    await tap(newer, ADA, "Back", "With @Fox")
    await tap(newer, ADA, "Name in prompt", "Tap to write")
    inputs = [label.removeprefix("✓ ") for label in labels(card_of(newer, ADA))[:-1]]
    assert len(inputs) == 15
    assert [label for label in labels(card_of(newer, ADA)) if label.startswith("✓")] == [
        "✓ @image2",
        *(f"✓ @{id}" for id in PRESETS),
    ]
    for name in ("@image10", "@戴帽子的红狐狸", "@image7"):
        await tap(newer, ADA, name, f"✓ {name}")
    await tap(newer, ADA, "✓ @image7", "@image7")
    assert card_of(newer, ADA)["text"].endswith("@image10 @戴帽子的红狐狸")
    await tap(newer, ADA, "Back", "With @Fox")
    assert submitted(newer)[2:] == []
    await newer.telegram.press_labelled(ADA, "Generate")
    await newer.telegram.wait_video(ADA)
    (_, body) = submitted(newer)[-1]
    (prompt,) = (item["text"] for item in body["contents"] if item["type"] == "prompt")
    spoken, added = prompt.split(" @image_10 ")
    assert spoken == "@image_02 looks at @element_01 @element_02 @element_03"
    assert added.startswith("@element_05 ")
    assert {item["id"] for item in body["contents"][1:]} == set(re.findall(r"@(\w+)", prompt))
    assert len(body["contents"]) == 16


async def test_images_of_the_newer_standard_are_reached_by_name_and_come_as_one_album(newer):
    await newer.telegram.send_album(
        ADA, plain_images(2), "/image @1 rides @2 --model image-4.0 --size 4k --n 3 21:9"
    )
    await newer.ended()
    ((path, body),) = submitted(newer)
    assert path == "/omni-image/kling-image-4.0"
    assert body["contents"] == [
        {"type": "prompt", "text": "@image_1 rides @image_2"},
        {"type": "refer_image", "id": "image_1"},
        {"type": "refer_image", "id": "image_2"},
    ]
    assert body["settings"] == {"resolution": "4k", "aspect_ratio": "21:9", "n": 3}
    assert "options" not in body
    sent = [message for message in newer.telegram.replies(ADA) if message.get("media_group_id")]
    assert len({message["media_group_id"] for message in sent}) == 1
    assert len(sent) == 3
    assert newer.balance(ADA) == (-26, 0)


async def test_a_series_of_ten_is_one_album_and_a_lost_answer_makes_it_once(newer):
    newer.kling.behaviour.lose_next = 1
    await newer.telegram.say(ADA, "/image the ten plagues --model image-4.0 --series 10")
    await newer.ended()
    assert len(newer.kling.tasks) == 1
    ((_, body),) = submitted(newer)
    assert (body["settings"]["result_type"], body["settings"]["series_amount"]) == ("series", 10)
    sent = [message for message in newer.telegram.replies(ADA) if message.get("media_group_id")]
    assert len(sent) == 10
    assert len({message["media_group_id"] for message in sent}) == 1
    assert newer.balance(ADA) == (-43, 0)


async def test_a_key_pair_has_no_images_of_the_newer_standard(world):
    world.configure(daily=1000)
    await world.start()
    await world.telegram.say(ADA, "/models")
    listed = await world.telegram.wait_text(ADA, "image-o1")
    assert "image-4.0" not in listed["text"]
    await world.telegram.say(ADA, "/image a fox --model image-4.0")
    await world.telegram.wait_text(ADA, "kling-image-4.0")
    assert world.kling.tasks == {}


async def test_what_only_one_standard_has_a_place_for_goes_by_it_and_its_video_comes(world):
    """The older omni-video has no negative prompt; everything else of that model goes by the older standard."""
    world.kling.behaviour.render_seconds = 0.3
    world.configure(dialect="official", key=KEY, models='["kling-v3-omni"]', daily=100_000)
    await world.start()
    await world.telegram.say(ADA, "/video a fox --no blur, text")
    await world.telegram.wait_video(ADA, 1)
    await world.telegram.say(ADA, "/video a hen")
    await world.telegram.wait_video(ADA, 2)
    (unwanted, body), (plain, _) = submitted(world)
    assert (unwanted, plain) == ("/omni-video/kling-3.0-omni", "/v1/videos/omni-video")
    assert "Avoid: blur, text" in str(body["contents"])
    assert [request.warnings for request in world.kling.requests if request.warnings] == []


async def test_a_lost_answer_of_the_other_standard_is_asked_for_where_it_went(world):
    world.kling.behaviour.render_seconds = 0.3
    world.configure(dialect="official", key=KEY, models='["kling-v3-omni"]', daily=100_000)
    await world.start()
    world.kling.behaviour.lose_next = 1
    await world.telegram.say(ADA, "/video a fox --no blur")
    await world.telegram.wait_video(ADA, 1)
    assert len(submitted(world)) == 1
    assert {request.path for request in world.kling.requests if request.method == "GET"} == {"/tasks"}
