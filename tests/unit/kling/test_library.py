"""Elements and voices of one's own, against the stand-in for Kling, which is strict about them."""

import base64
import io
import json

import httpx
import pytest
from PIL import Image

from bot.clock import SystemClock
from bot.demo.kling import KlingStandIn
from bot.demo.serving import serve
from bot.kling import dialects, outcomes
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.dialects import library
from bot.kling.dialects.library import Entry, Kind
from bot.kling.provider import Provider
from bot.kling.wire import HttpResponse, RemoteState


def a_picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 400), (90, 120, 60)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
async def kling(tmp_path):
    stand_in = KlingStandIn(tmp_path / "kling")
    stand_in.behaviour.render_seconds = 0
    async with serve(stand_in.app) as url, httpx.AsyncClient(trust_env=False) as http:
        config = Provider(name="official", base_url=url, key="sk", models=("kling-v3",), rate=1_000)
        signer = Signer("bearer", "demo-api-key")
        yield stand_in, KlingClient(config, dialects.get("official"), signer, http, SystemClock())


async def test_an_element_is_made_from_pictures_listed_and_deleted(kling):
    stand_in, client = kling
    request = library.create_element("Fox", "a red fox", [a_picture(), a_picture()], "klingbot-element-1")
    making = await client.make(Kind.ELEMENT, request)
    assert making.task_id
    await stand_in.rendered()
    made = await client.made(Kind.ELEMENT, making.task_id)
    assert made.state is RemoteState.SUCCEEDED
    assert made.entry is not None
    assert made.entry.name == "Fox"
    assert made.entry in await client.kept(Kind.ELEMENT)
    await client.forget(Kind.ELEMENT, made.entry.id)
    with pytest.raises(outcomes.ProviderError):
        await client.forget(Kind.ELEMENT, "no-such-element")


async def test_a_voice_of_a_video_that_nobody_made_is_refused(kling):
    _, client = kling
    with pytest.raises(outcomes.ProviderError):
        await client.make(
            Kind.VOICE, library.create_voice("Mine", "klingbot-voice-1", video_id="no-such-video")
        )


def test_a_voice_is_asked_for_with_a_video_that_speaks():
    request = library.create_voice("Mine", "klingbot-voice-1", video_id="video-1")
    assert (request.method, request.path, request.json) == (
        "POST",
        "/v1/general/custom-voices",
        {"voice_name": "Mine", "video_id": "video-1", "external_task_id": "klingbot-voice-1"},
    )
    assert library.look(Kind.VOICE, "a/b").path == "/v1/general/custom-voices/a%2Fb"
    assert library.delete(Kind.VOICE, "7").json == {"voice_id": "7"}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: library.create_element("F" * 21, "a fox", ["p", "q"], "x"),
        lambda: library.create_element("Fox", "d" * 101, ["p", "q"], "x"),
        lambda: library.create_element("Fox", "a fox", ["p"], "x"),
        lambda: library.create_element("Fox", "a fox", ["p"] * 5, "x"),
        lambda: library.create_voice("", "x", video_id="video-1"),
        lambda: library.create_voice("Mine", "x"),
        lambda: library.create_voice("Mine", "x", video_id="7", sound_url="https://h.example/7.mp3"),
    ],
)
def test_what_kling_would_refuse_is_not_sent(wrong):
    with pytest.raises(ValueError, match=r"at most|takes"):
        wrong()


def answered(data) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps({"code": 0, "message": "SUCCEED", "data": data}).encode())


def test_a_voice_comes_with_a_sample_and_a_failure_with_its_reason():
    row = {"voice_id": 7, "voice_name": "Mine", "trial_url": "https://v.example/7.mp3", "owned_by": "1"}
    done = {"task_id": "1", "task_status": "succeed", "task_result": {"voices": [row]}}
    made = library.parse_making(Kind.VOICE, answered(done))
    assert made.entry == Entry(Kind.VOICE, "7", "Mine", "https://v.example/7.mp3")
    failed = {"task_id": "1", "task_status": "failed", "task_status_msg": "too noisy"}
    assert library.parse_making(Kind.VOICE, answered(failed)).reason == "too noisy"
    gone = {**done, "task_result": {"voices": [row | {"status": "deleted"}]}}
    assert library.parse_listing(Kind.VOICE, answered([done, gone])) == (made.entry,)


def test_what_is_no_answer_is_not_taken_for_one():
    with pytest.raises(outcomes.Unavailable):
        library.parse_making(Kind.VOICE, answered([]))
    with pytest.raises(outcomes.Unavailable):
        library.parse_listing(Kind.VOICE, answered({}))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, b"<html>", outcomes.Ambiguous),
        (200, b'{"code": 0, "data": {}}', outcomes.Ambiguous),
        (500, b'{"code": 5000, "message": "internal"}', outcomes.Ambiguous),
        (400, b'{"code": 1201, "message": "external_task_id already exists"}', outcomes.Ambiguous),
        (400, b'{"code": 1301, "message": "a face"}', outcomes.Rejected),
        (429, b'{"code": 1303, "message": "parallel task"}', outcomes.Throttled),
    ],
)
def test_an_order_that_may_have_arrived_is_told_from_one_that_did_not(status, body, kind):
    with pytest.raises(kind):
        library.parse_submission(Kind.ELEMENT, HttpResponse(status, {}, body))


def test_only_klings_own_word_proves_that_something_is_not_there():
    unknown = b'{"code": 1201, "message": "Task not found by id/external id"}'
    with pytest.raises(outcomes.NotFound):
        library.parse_making(Kind.ELEMENT, HttpResponse(400, {}, unknown))
    with pytest.raises(outcomes.Unavailable):
        library.parse_making(Kind.ELEMENT, HttpResponse(404, {}, b'{"message": "not found"}'))


def test_a_voice_of_a_sound_is_asked_for_with_its_address():
    request = library.create_voice("Mine", "klingbot-voice-1", sound_url="https://bot.example/s.mp3")
    assert request.json == {
        "voice_name": "Mine",
        "voice_url": "https://bot.example/s.mp3",
        "external_task_id": "klingbot-voice-1",
    }
