"""How the stand-in misbehaves on demand, limits, and calls back."""

import asyncio
import base64
import hashlib
import hmac
import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.demo.kling.accounts import WEBHOOK_SECRET
from bot.demo.kling.callbacks import signature
from bot.demo.kling.refusals import Canned
from bot.demo.serving import serve
from tests.world.kling import NOW, image, open_kling

TEXT = "/v1/videos/text2video"
WISH = {"model_name": "kling-v2-6", "prompt": "a fox"}


async def status_of(caller, id):
    return (await caller.get(f"{TEXT}/{id}")).json()["data"]["task_status"]


# -- limits and failures -------------------------------------------------------------------------------


async def test_five_tasks_of_a_model_run_at_once_and_the_sixth_is_throttled(caller):
    caller.kling.behaviour.render_seconds = 10
    for _ in range(5):
        assert (await caller.post(TEXT, WISH)).status_code == 200
    answer = await caller.post(TEXT, WISH)
    assert (answer.status_code, answer.json()["code"]) == (429, 1303)
    assert (await caller.post(TEXT, WISH | {"model_name": "kling-v3"})).status_code == 200
    await caller.kling.rendered()
    caller.clock.now += 10
    assert (await caller.post(TEXT, WISH)).status_code == 200


async def test_pictures_count_each(caller):
    caller.kling.behaviour.render_seconds = 10
    path, wish = "/v1/images/generations", {"prompt": "a fox", "n": 6}
    assert (await caller.post(path, wish)).status_code == 200
    assert (await caller.post(path, wish)).json()["code"] == 1303
    assert (await caller.post(path, wish | {"n": 4})).status_code == 200


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("[fail]", "Generation failed, please try again"),
        ("[unsafe]", "Failure to pass the risk control system"),
    ],
)
async def test_failing_words_fail_for_their_reasons(caller, word, reason):
    made = await caller.made(TEXT, WISH | {"prompt": f"{word} a fox"})
    data = (await caller.get(f"{TEXT}/{made['task_id']}")).json()["data"]
    assert (data["task_status"], data["task_status_msg"]) == ("failed", reason)
    assert "task_result" not in data


async def test_a_share_of_the_tasks_fails(caller):
    caller.kling.behaviour.failure_rate = 1.0
    assert await status_of(caller, (await caller.made(TEXT, WISH))["task_id"]) == "failed"


async def test_a_result_that_cannot_be_rendered_is_a_failure(tmp_path):
    def breaks(spec, path):
        raise OSError("the disk is full")

    async with open_kling(tmp_path) as caller:
        caller.kling._service.renderer = breaks
        made = await caller.made(TEXT, WISH)
        assert await status_of(caller, made["task_id"]) == "failed"


async def test_planned_refusals_come_in_their_order_and_make_nothing(caller):
    caller.kling.behaviour.refuse.extend([1303, 1102, 5001])
    seen = [
        (answer.status_code, answer.json()["code"])
        for answer in [await caller.post(TEXT, WISH) for _ in range(3)]
    ]
    assert seen == [(429, 1303), (429, 1102), (503, 5001)]
    assert not caller.kling.tasks
    assert (await caller.post(TEXT, WISH)).status_code == 200


async def test_a_throttled_provider_refuses_until_it_is_not(caller):
    caller.kling.behaviour.throttle = True
    assert (await caller.post(TEXT, WISH)).json()["code"] == 1303
    caller.kling.behaviour.throttle = False
    assert (await caller.post(TEXT, WISH)).status_code == 200


async def test_a_lost_answer_leaves_a_task_and_a_vanished_request_none(caller):
    caller.kling.behaviour.lose_next = 1
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.post(TEXT, WISH | {"external_task_id": "lost"})
    assert caller.kling.submissions == {"lost": 1}
    await caller.kling.rendered()
    assert await status_of(caller, "lost") == "succeed"
    caller.kling.behaviour.vanish_next = 1
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.post(TEXT, WISH | {"external_task_id": "gone"})
    assert (await caller.get(f"{TEXT}/gone")).json()["code"] == 1201


async def test_a_timeout_is_answered_though_the_task_is_there(caller):
    caller.kling.behaviour.time_out_next = 1
    answer = await caller.post(TEXT, WISH | {"external_task_id": "late"})
    assert (answer.status_code, answer.json()["code"]) == (504, 5002)
    assert caller.kling.submissions == {"late": 1}


async def test_somebody_on_the_way_may_answer_instead(caller):
    caller.kling.behaviour.answer_instead.append(Canned(502, "<h1>Bad gateway</h1>"))
    caller.kling.behaviour.answer_queries_instead.append(Canned(200, {"odd": True}))
    caller.kling.behaviour.refuse_queries.append(5000)
    answer = await caller.post(TEXT, WISH)
    assert (answer.status_code, answer.text) == (502, "<h1>Bad gateway</h1>")
    assert (await caller.get(f"{TEXT}/1")).json() == {"odd": True}
    assert (await caller.get(f"{TEXT}/1")).json()["code"] == 5000
    assert not caller.kling.tasks


async def test_what_was_asked_is_on_record(caller):
    await caller.post(TEXT, WISH)
    await caller.get(TEXT, pageSize=1)
    first, second = caller.kling.requests
    assert (first.method, first.path, first.body) == ("POST", TEXT, WISH)
    assert (second.method, second.query) == ("GET", {"pageSize": "1"})


# -- the control panel ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_the_knobs_are_shown_and_turned(caller, method):
    shown = (await caller.http.get("/demo/api/kling")).json()
    assert shown == {"render_seconds": 0, "failure_rate": 0, "throttle": False, "lose_answers": False}
    changed = await caller.http.request(
        method, "/demo/api/kling", json={"throttle": True, "render_seconds": 3}
    )
    assert changed.json() == shown | {"throttle": True, "render_seconds": 3}
    assert caller.kling.behaviour.throttle is True


@pytest.mark.parametrize(
    "change", [{"speed": 1}, {"throttle": 1}, {"render_seconds": True}, {"failure_rate": 1.1}, []]
)
async def test_knobs_that_there_are_not_are_refused(caller, change):
    answer = await caller.http.put("/demo/api/kling", json=change)
    assert answer.status_code == 400
    assert answer.json()["error"]


# -- callbacks -----------------------------------------------------------------------------------------


class Listener:
    """Takes callbacks, and lets a test wait for so many."""

    def __init__(self):
        self.app = Starlette(routes=[Route("/told", self._told, methods=["POST"])])
        self.calls = []
        self._heard = asyncio.Condition()

    async def _told(self, request):
        async with self._heard:
            self.calls.append((dict(request.headers), await request.body()))
            self._heard.notify_all()
        return PlainTextResponse("")

    async def heard(self, count):
        async with asyncio.timeout(20), self._heard:
            await self._heard.wait_for(lambda: len(self.calls) >= count)
        return [json.loads(body) for _, body in self.calls]


@pytest.fixture
async def listener():
    found = Listener()
    async with serve(found.app) as address:
        found.address = f"{address}/told"
        yield found


async def test_each_change_is_called_back_in_the_first_standard(caller, listener):
    made = await caller.made(TEXT, WISH | {"callback_url": listener.address, "external_task_id": "mine"})
    told = await listener.heard(3)
    assert [body["task_status"] for body in told] == ["submitted", "processing", "succeed"]
    assert {body["task_id"] for body in told} == {made["task_id"]}
    assert told[2]["task_result"]["videos"][0]["url"]
    assert told[2]["task_info"]["external_task_id"] == "mine"


async def test_each_change_is_called_back_in_the_newer_standard_with_a_signature(caller, listener):
    wish = {"prompt": "[unsafe] a fox", "options": {"callback_url": listener.address}}
    await caller.made("/text-to-video/kling-3.0-turbo", wish)
    told = await listener.heard(3)
    assert [body["status"] for body in told] == ["submitted", "processing", "failed"]
    assert told[2]["message"] == "Failure to pass the risk control system"
    assert len({headers["webhook-id"] for headers, _ in listener.calls}) == 3
    for headers, body in listener.calls:
        id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        assert timestamp == str(int(NOW))
        key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
        signed = f"{id}.{timestamp}.".encode() + body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


async def test_gateways_call_back_with_klings_own_ids(caller, listener):
    holder = caller.with_key("sk-demo-newapi")
    wish = {"model": "kling-v2-6", "prompt": "a fox", "metadata": {"callback_url": listener.address}}
    sent = (await holder.post("/v1/video/generations", wish)).json()
    told = await listener.heard(3)
    assert told[0]["task_id"] != sent["id"]
    assert "webhook-signature" not in listener.calls[0][0]


async def test_nobody_at_the_address_harms_nobody(caller):
    made = await caller.made(TEXT, WISH | {"callback_url": "http://127.0.0.1:9/told"})
    assert await status_of(caller, made["task_id"]) == "succeed"


def test_the_signature_is_the_vendors_own_example():
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,'
        b'"update_time":1781080794151}'
    )
    secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    assert (
        signature(secret, "9876543210", 1781080794, body) == "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
    )


# -- pictures at addresses -----------------------------------------------------------------------------


async def test_pictures_are_fetched_from_their_address(caller):
    async def shown(request):
        return PlainTextResponse(base64.b64decode(image()), media_type="image/png")

    async with serve(Starlette(routes=[Route("/fox.png", shown)])) as address:
        good = WISH | {"image": f"{address}/fox.png"}
        assert (await caller.post("/v1/videos/image2video", good)).status_code == 200
        missing = await caller.post("/v1/videos/image2video", WISH | {"image": f"{address}/hen.png"})
        assert "status 404" in missing.json()["message"]


async def test_files_are_served_when_they_are_whole(caller):
    (caller.kling.directory / "half.mp4.part").write_bytes(b"half")
    for name in ("half.mp4.part", "nothing.mp4"):
        assert (await caller.http.get(f"/files/{name}")).status_code == 404
