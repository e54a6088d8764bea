"""Elements and voices of one's own: what is sent for them, and what is read of them."""

import json

import httpx
import pytest

from bot.clock import SystemClock
from bot.demo.kling import KlingStandIn
from bot.demo.serving import serve
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation, Product
from bot.domain.requests.request import SourceVideo, VideoRef
from bot.domain.tasks.task import RemoteResult
from bot.kling import dialects, errors
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.dialects import library
from bot.kling.dialects.generic import GENERIC
from bot.kling.dialects.native import FLAT, OFFICIAL, PREFIXED
from bot.kling.dialects.unified import UNIFIED
from bot.kling.provider import Provider
from bot.kling.wire import HttpResponse, RemoteState, SubmitContext, TaskRef
from tests.builders import an_asset_request, an_image
from tests.world.media import a_portrait

PLACES = {
    Operation.ELEMENT: "/v1/general/advanced-custom-elements",
    Operation.VOICE: "/v1/general/custom-voices",
}
FRONT, SIDE = an_image(b"front"), an_image(b"side")
VIDEO = SourceVideo(provider="official", video_id="video-1", model="kling-v2-6")


def an_element(images=(FRONT, SIDE), **changes):
    return an_asset_request(name="Fox", references=tuple(image.ref for image in images), **changes)


def a_context(images=(FRONT, SIDE), **changes):
    return SubmitContext("klingbot-1", {image.ref.sha256: image.content for image in images}, **changes)


async def test_an_element_is_made_from_images_and_deleted(tmp_path):
    stand_in = KlingStandIn(tmp_path / "kling")
    stand_in.behaviour.render_seconds = 0
    images = (an_image(a_portrait()), an_image(a_portrait()))
    async with serve(stand_in.app) as url, httpx.AsyncClient(trust_env=False) as http:
        config = Provider(name="official", base_url=url, key="sk", models=("kling-v3",), rate=1_000)
        signer = Signer("bearer", "demo-api-key")
        client = KlingClient(config, dialects.get("official"), signer, http, SystemClock())
        made = await client.submit(an_element(images), a_context(images))
        ref = TaskRef(Operation.ELEMENT, "element", "klingbot-1", made.provider_task_id)
        await stand_in.rendered()
        status = await client.query(ref)
        assert status.state is RemoteState.SUCCEEDED
        (result,) = status.videos
        assert (await client.look_up(ref)).videos == (result,)
        assert [each.videos for each in await client.query_many([ref])] == [(result,)]
        await client.delete_asset(Operation.ELEMENT, result.id)
        with pytest.raises(errors.ProviderError):
            await client.delete_asset(Operation.ELEMENT, "no-such-element")


@pytest.mark.parametrize(
    "source",
    [
        VIDEO.model_copy(update={"url": "https://kling.example/a.mp4"}),
        SourceVideo.of_file(VideoRef(sha256="a" * 64, width=1920, height=1080, duration_ms=4_000)),
    ],
    ids=["made here", "own"],
)
def test_an_element_of_a_video_is_asked_for_with_its_address(source):
    request = an_asset_request(name="Tom", source=source, voices=("7",))
    context = a_context(video_urls={"a" * 64: "https://kling.example/a.mp4"})
    assert OFFICIAL.submit(request, context).json == {
        "element_name": "Tom",
        "element_description": "a small red fox",
        "reference_type": "video_refer",
        "element_video_list": {"refer_videos": [{"video_url": "https://kling.example/a.mp4"}]},
        "element_voice_id": "7",
        "external_task_id": "klingbot-1",
    }


def test_an_element_takes_either_images_or_a_video():
    with pytest.raises(ValueError, match="either images or a video"):
        library.element(an_asset_request(), ["front", "side"], "https://kling.example/a.mp4")


def test_a_voice_is_asked_for_with_a_video_that_speaks():
    request = an_asset_request(operation=Operation.VOICE, name="Mine", source=VIDEO)
    order = OFFICIAL.submit(request, a_context(callback_url="https://bot.example/callback"))
    assert (order.method, order.path, order.json) == (
        "POST",
        "/v1/general/custom-voices",
        {"voice_name": "Mine", "video_id": "video-1", "external_task_id": "klingbot-1"},
    )
    assert library.delete(Operation.VOICE, "7").json == {"voice_id": "7"}


def test_a_voice_of_a_sound_is_asked_for_with_its_address():
    request = an_asset_request(operation=Operation.VOICE, name="Mine")
    order = OFFICIAL.submit(request, a_context(sound_url="https://bot.example/s.mp3"))
    assert order.json == {
        "voice_name": "Mine",
        "voice_url": "https://bot.example/s.mp3",
        "external_task_id": "klingbot-1",
    }


@pytest.mark.parametrize(
    ("request_", "context"),
    [
        (an_element((FRONT,)), a_context()),
        (an_asset_request(operation=Operation.VOICE), a_context()),
        (
            an_asset_request(operation=Operation.VOICE, source=VIDEO),
            a_context(sound_url="https://h.example/7.mp3"),
        ),
    ],
)
def test_what_kling_would_refuse_is_not_sent(request_, context):
    with pytest.raises(ValueError, match="takes"):
        OFFICIAL.submit(request_, context)


@pytest.mark.parametrize("dialect", [OFFICIAL, UNIFIED])
@pytest.mark.parametrize("operation", sorted(LIBRARY_OPERATIONS))
def test_both_standards_of_kling_are_asked_in_the_same_place(dialect, operation):
    ref, place = TaskRef(operation, str(operation), "klingbot-1", "a/b"), PLACES[operation]
    assert dialect.query(ref).path == f"{place}/a%2Fb"
    assert dialect.look_up(ref).path == f"{place}/klingbot-1"
    assert {request.path for request in dialect.query_many([ref])} == {place}


@pytest.mark.parametrize("dialect", [GENERIC, PREFIXED, FLAT])
def test_gateways_make_none(dialect):
    assert not dialect.operations & LIBRARY_OPERATIONS


def answered(data) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps({"code": 0, "message": "SUCCEED", "data": data}).encode())


def read(kind: str, word: str = "succeed", **row):
    return OFFICIAL.parse_query(
        answered({"task_id": "1", "task_status": word, "task_result": {f"{kind}s": [row]}})
    )


def test_what_is_made_is_its_id_and_no_address():
    voice = read("voice", voice_id=7, voice_name="Mine", trial_url="https://v.example/7.mp3")
    assert voice.videos == (RemoteResult("", "7", kind=Product.ASSET),)
    assert read("element", element_id=829877809978941442).videos[0].id == "829877809978941442"


@pytest.mark.parametrize(
    "row", [{"element_id": "fox"}, {"element_id": 7, "status": "deleted"}, {"element_name": "Fox"}]
)
def test_without_an_id_that_can_be_used_it_is_not_clear_what_was_made(row):
    assert read("element", **row).is_unclear


def test_before_it_is_done_an_id_is_no_result():
    assert read("element", "processing", element_id=7).videos == ()


@pytest.mark.parametrize(
    ("tasks", "is_last"), [(library.PRESETS_PAGE, False), (library.PRESETS_PAGE - 1, True)]
)
def test_a_page_is_full_by_what_it_lists_not_by_what_can_be_used_of_it(tasks, is_last):
    rows = [{"element_id": number, "element_name": "Fox", "status": "succeed"} for number in range(tasks)]
    rows[0]["status"] = "deleted"
    listed = answered([{"task_result": {"elements": [row]}} for row in rows])
    page = library.parse_presets(Operation.ELEMENT, "official", listed)
    assert (len(page.presets), page.is_last) == (tasks - 1, is_last)
