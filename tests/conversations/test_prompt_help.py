"""Ideas, tips, try-on suggestions and better prompts, through the real process."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.script import sample_picture
from bot.demo.serving import serve
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, XIAOLIN


def shown_with(world: BotInProcess, chat: int, label: str) -> str | None:
    """The text of the newest message of the bot that has a button of this label."""
    return next(
        (
            message["text"]
            for message in reversed(world.telegram.replies(chat))
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
            if button["text"].startswith(label)
        ),
        None,
    )


async def test_a_newcomers_first_video_takes_two_taps(world):
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    await world.telegram.say(XIAOLIN, "/ideas")
    await world.telegram.wait_text(XIAOLIN, "雪中的狐狸")
    await world.telegram.press_labelled(XIAOLIN, "做这个")
    (video,) = await world.telegram.wait_video(XIAOLIN)
    assert "红狐" in video["caption"]

    await world.telegram.say(ADA, "/ideas")
    await world.telegram.wait_text(ADA, "Fox in the snow")
    await world.telegram.press_labelled(ADA, "Previous")
    await world.telegram.wait_text(ADA, "Fly into your photo")
    await world.telegram.press_labelled(ADA, "Make this of a photo")
    await world.telegram.wait_text(ADA, "Send me the photo for Fly into your photo")
    await world.telegram.send_photo(ADA, sample_picture())
    (of_a_photo,) = await world.telegram.wait_video(ADA)
    assert "glides slowly forward" in of_a_photo["caption"]

    await world.telegram.press_labelled(ADA, "Make this of a photo")
    await world.telegram.wait_for(lambda: shown_with(world, ADA, "Never mind"))
    await world.telegram.say(ADA, "/cancel")
    await world.telegram.wait_text(ADA, "All right, nothing is made")
    await world.telegram.send_photo(ADA, sample_picture())
    await world.telegram.wait_text(ADA, "What should happen")


async def test_the_operators_ideas_come_with_a_sample_that_is_uploaded_once(world, tmp_path):
    sample: Path = tmp_path / "sample.jpg"
    sample.write_bytes(sample_picture())
    idea = f"""
[[ideas]]
name = "Neon <city>"
prompt = "a rainy neon street 9:16"
mode = "pro"
sample = "{sample}"

[[ideas]]
name = "Plain"
prompt = "a quiet lake"
"""
    world.configure(extra=idea)
    await world.start()

    def photos() -> list[dict[str, Any]]:
        return [message for message in world.telegram.replies(ADA) if "photo" in message]

    for count in (1, 2):
        await world.telegram.say(ADA, "/ideas")
        await world.telegram.wait_for(lambda count=count: len(photos()) == count)
    sent = [arguments for method, arguments in world.telegram.calls if method.lower() == "sendphoto"]
    assert "Neon <city>" in photos()[0]["caption"]
    assert "pro · 5 s · 9:16" in photos()[0]["caption"]
    assert isinstance(sent[-1]["photo"], str)
    assert world.rows("SELECT count(*) FROM settings WHERE key LIKE 'sample:%'") == [(1,)]
    await world.telegram.press_labelled(ADA, "Next")
    await world.telegram.wait_text(ADA, "a quiet lake")
    await world.telegram.wait_for(lambda: len(photos()) == 1)


async def test_tips_teach_prompts_and_camera_words_in_both_languages(world):
    await world.start()
    await world.telegram.say(ADA, "/tips")
    tips = await world.telegram.wait_text(ADA, "A good prompt")
    copies = [row[0]["copy_text"]["text"] for row in tips["reply_markup"]["inline_keyboard"][:3]]
    assert copies[0].startswith("/video An old fisherman")
    await world.telegram.press_labelled(ADA, "Camera words")
    await world.telegram.wait_text(ADA, "slow dolly in")
    await world.telegram.say(XIAOLIN, "/tips")
    await world.telegram.wait_text(XIAOLIN, "好的提示词")


async def test_one_photo_for_a_try_on_brings_suggestions_and_a_tap_dresses(world):
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    await world.telegram.send_photo(ADA, sample_picture(), "/tryon")
    asked = await world.telegram.wait_text(ADA, "What should the person wear?")
    labels = [button["text"] for row in asked["reply_markup"]["inline_keyboard"] for button in row]
    assert labels[:2] == ["White shirt, jeans", "Elegant suit"]
    assert len(labels) == 7
    await world.telegram.press_labelled(ADA, "Elegant suit")
    await world.telegram.wait_text(ADA, "an elegant dark suit")
    await world.telegram.press_labelled(ADA, "Generate")
    await world.telegram.wait_video(ADA)
    assert world.rows("SELECT json_extract(request, '$.try_on') FROM tasks") == [(1,)]


class Thinker:
    """Answers /chat/completions as the test says."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.bodies: list[Any] = []
        self.answer: Response = JSONResponse({})
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.complete, methods=["POST"])])

    async def complete(self, request: Request) -> Response:
        self.asked.append(request)
        self.bodies.append(json.loads(await request.body()))
        return self.answer

    def say(self, text: str) -> None:
        self.answer = JSONResponse({"choices": [{"message": {"role": "assistant", "content": text}}]})


@pytest.fixture
async def thinker():
    made = Thinker()
    async with serve(made.app) as url:
        made.url = url
        yield made


async def test_a_prompt_is_improved_by_a_tap_and_used_by_another(world, thinker):
    key = "sk-demo-generic-thinker"
    world.configure(
        extra=f'[assistant]\nbase_url = "{thinker.url}/v1"\nkey = "{key}"\nmodel = "small"\nper_hour = 3\n'
    )
    await world.start()
    await world.telegram.say(ADA, "a fox")
    await world.telegram.wait_text(ADA, "a fox")
    thinker.say('"A red fox trots through <deep> snow"')
    await world.telegram.press_labelled(ADA, "Improve prompt")
    shown = await world.telegram.wait_text(ADA, "A red fox trots through <deep> snow")
    assert "Your prompt\na fox\nSuggestion" in shown["text"]
    await world.telegram.press_labelled(ADA, "Keep mine")
    await world.telegram.wait_for(lambda: shown_with(world, ADA, "Improve prompt"))
    await world.telegram.press_labelled(ADA, "Improve prompt")
    await world.telegram.wait_for(lambda: shown_with(world, ADA, "Use it"))
    await world.telegram.press_labelled(ADA, "Use it")
    await world.telegram.wait_for(lambda: "trots" in (shown_with(world, ADA, "Generate") or ""))
    assert thinker.asked[0].headers["authorization"] == f"Bearer {key}"
    assert thinker.bodies[0]["model"] == "small"
    assert thinker.bodies[0]["messages"][-1] == {"role": "user", "content": "a fox"}

    thinker.answer = JSONResponse({"error": f"no {key} here"}, 500)
    failed = await world.telegram.press_labelled(ADA, "Improve prompt")
    assert "The assistant did not answer" in (await world.telegram.wait_answer(failed))["text"]
    often = await world.telegram.press_labelled(ADA, "Improve prompt")
    assert "3 suggestions an hour" in (await world.telegram.wait_answer(often))["text"]
    assert key not in repr(world.output)


async def test_a_prompt_is_improved_while_a_template_waits_for_its_photo(world, thinker):
    world.configure(extra=f'[assistant]\nbase_url = "{thinker.url}/v1"\nkey = "sk-demo"\nmodel = "small"\n')
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    await world.telegram.say(ADA, "a fox")
    await world.telegram.wait_text(ADA, "a fox")
    await world.telegram.say(ADA, "/ideas")
    await world.telegram.wait_text(ADA, "Fox in the snow")
    await world.telegram.press_labelled(ADA, "Previous")
    await world.telegram.wait_text(ADA, "Fly into your photo")
    await world.telegram.press_labelled(ADA, "Make this of a photo")
    await world.telegram.wait_text(ADA, "Send me the photo for Fly into your photo")
    thinker.say("A red fox trots through deep snow")
    await world.telegram.press_labelled(ADA, "Improve prompt")
    await world.telegram.wait_for(lambda: shown_with(world, ADA, "Use it"))
    await world.telegram.send_photo(ADA, sample_picture())
    (video,) = await world.telegram.wait_video(ADA)
    assert "glides slowly forward" in video["caption"]
    await world.telegram.press_labelled(ADA, "Use it")
    await world.telegram.wait_for(lambda: "trots" in (shown_with(world, ADA, "Generate") or ""))


async def test_nobody_is_offered_better_prompts_where_there_is_no_assistant(world):
    await world.start()
    await world.telegram.say(ADA, "a fox")
    card = await world.telegram.wait_text(ADA, "a fox")
    labels = [button["text"] for row in card["reply_markup"]["inline_keyboard"] for button in row]
    assert "Improve prompt" not in labels
