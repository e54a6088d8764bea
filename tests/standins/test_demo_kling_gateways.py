"""Gateways and proxies at the stand-in: each with its own bodies, its own answers and its own refusals."""

import json

import pytest

from tests.world.kling import NOW, image

GENERATIONS = "/v1/video/generations"
TEXT, IMAGE = "/kling/v1/videos/text2video", "/kling/v1/videos/image2video"
FLAT_TEXT, FLAT_IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"


def generic(**changes):
    return {"model": "kling-v2-6", "prompt": "a fox", "duration": 5} | changes


def omnimaas(**changes):
    return {"model": "kling-v2-5-turbo-pro", "prompt": "a fox"} | changes


def native(**changes):
    return {"model_name": "kling-v2-6", "prompt": "a fox"} | changes


def flat(**changes):
    return {"model_name": "kling-v1-6", "mode": "pro", "prompt": "a fox"} | changes


ACCEPTED = [
    ("sk-demo-generic", GENERATIONS, {"model": "kling-v1-6", "prompt": "猫", "duration": 5.0}),
    ("sk-demo-generic", GENERATIONS, generic(width=720, height=1280, fps=24, seed=7, n=1)),
    (
        "sk-demo-generic",
        GENERATIONS,
        generic(image=image(), response_format="url", metadata={"mode": "pro", "aspect_ratio": "9:16"}),
    ),
    (
        "sk-demo-generic",
        GENERATIONS,
        generic(model="kling-v2-master", image=image(), duration=3.0, metadata={"mode": "pro"}),
    ),
    ("sk-demo-newapi", GENERATIONS, generic(duration="10", size="1280x720")),
    ("sk-demo-newapi", GENERATIONS, generic(duration=10.0, metadata='{"mode": "pro"}')),
    ("sk-demo-newapi", "/v1/videos", generic(mode="pro")),
    ("sk-demo-newapi", TEXT, native(duration="10")),
    ("sk-demo-prefixed", TEXT, native(duration="10", cfg_scale=0.5)),
    ("sk-demo-prefixed", IMAGE, native(image=image(), aspect_ratio="16:9")),
    (
        "sk-demo-prefixed",
        IMAGE,
        native(image=image(), duration="3", metadata={"style": "fashion", "try_on": True}),
    ),
    ("sk-demo-aliases", TEXT, {"model_name": "kling_video", "prompt": "a fox"}),
    ("sk-demo-crazyrouter", TEXT, native()),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas()),
    (
        "sk-demo-omnimaas",
        GENERATIONS,
        omnimaas(model="kling-v2-6", duration=10, size="9:16", images=[image()], metadata='{"mode": "pro"}'),
    ),
    ("sk-demo-flat", FLAT_TEXT, flat(aspect_ratio="4:3", duration=10)),
    ("sk-demo-flat", FLAT_IMAGE, flat(image=image(), image_tail=image(), cfg_scale=0.7)),
    (
        "sk-demo-flat",
        FLAT_IMAGE,
        flat(image=image(), camera_control={"type": "zoom", "config": {"value": -5}}),
    ),
    ("sk-demo-flat", FLAT_IMAGE, flat(model_name="kling-v2-master", image_list=[image()] * 3)),
]


@pytest.mark.parametrize(("key", "path", "body"), ACCEPTED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_documented_for_a_gateway_is_accepted(shared, key, path, body):
    answer = await shared.with_key(key).post(path, body)
    assert answer.status_code == 200, answer.text


REFUSED = [
    ("sk-demo-generic", GENERATIONS, {"duration": 5}, "prompt is required"),
    ("sk-demo-generic", GENERATIONS, generic(duration="5"), "must be a number"),
    ("sk-demo-generic", GENERATIONS, generic(duration=5.5), "whole seconds"),
    ("sk-demo-generic", GENERATIONS, generic(duration=7), "duration 7"),
    ("sk-demo-generic", GENERATIONS, generic(width="720"), "must be an integer"),
    ("sk-demo-generic", GENERATIONS, generic(size="16:9"), "unknown field: size"),
    ("sk-demo-generic", GENERATIONS, generic(model="kling-v9"), "does not exist"),
    ("sk-demo-generic", GENERATIONS, generic(metadata="{}"), "must be an object"),
    ("sk-demo-generic", GENERATIONS, generic(metadata={"speed": 1}), "unknown field"),
    ("sk-demo-generic", GENERATIONS, generic(metadata={"aspect_ratio": "4:3"}), "aspect_ratio"),
    ("sk-demo-generic", GENERATIONS, generic(image="data:image/png;base64,xx"), "data: prefix"),
    ("sk-demo-newapi", GENERATIONS, generic(prompt=""), "prompt is required"),
    ("sk-demo-newapi", GENERATIONS, generic(metadata="{"), "not JSON"),
    ("sk-demo-newapi", GENERATIONS, generic(metadata="[]"), "not an object"),
    ("sk-demo-newapi", GENERATIONS, generic(callback="x"), "unknown field: callback"),
    ("sk-demo-newapi", IMAGE, native(image=image(), prompt=""), "must not be empty"),
    ("sk-demo-prefixed", IMAGE, {"model_name": "kling-v2-6", "image": image()}, "prompt is required"),
    ("sk-demo-prefixed", TEXT, native(duration=5), "string of digits"),
    ("sk-demo-prefixed", TEXT, native(model="kling-v2-6"), "unknown field: model"),
    ("sk-demo-prefixed", TEXT, {"model_name": "kling_video", "prompt": "a"}, "does not exist"),
    ("sk-demo-prefixed", IMAGE, native(image=image(), duration="3"), "duration 3"),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas(model="kling-v2-5-turbo"), "model must be one of"),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas(duration="5"), "must be an integer"),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas(size="1280x720"), "size must be one of"),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas(metadata={}), "must be a string"),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas(metadata='{"mode": "pro"}'), "unknown field"),
    ("sk-demo-omnimaas", GENERATIONS, omnimaas(image=image()), "unknown field: image"),
    ("sk-demo-flat", FLAT_TEXT, {"model_name": "kling-v1-6", "prompt": "a"}, "mode is required"),
    ("sk-demo-flat", FLAT_TEXT, {"mode": "std", "prompt": "a"}, "model_name is required"),
    ("sk-demo-flat", FLAT_TEXT, flat(duration="5"), "must be an integer"),
    ("sk-demo-flat", FLAT_TEXT, flat(duration=7), "5 or 10"),
    ("sk-demo-flat", FLAT_TEXT, flat(aspect_ratio="21:9"), "aspect_ratio must be one of"),
    ("sk-demo-flat", FLAT_TEXT, flat(sound="on"), "unknown field: sound"),
    ("sk-demo-flat", FLAT_IMAGE, flat(), "image or image_tail"),
    ("sk-demo-flat", FLAT_IMAGE, flat(image_list=[{"image": image()}] * 2), "must hold strings"),
]


@pytest.mark.parametrize(("key", "path", "body", "words"), REFUSED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_not_documented_for_a_gateway_is_refused(shared, key, path, body, words):
    status, said = await shared.with_key(key).refusal(path, body)
    assert status in {400, 404}
    assert words in said


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("sk-demo-generic", FLAT_TEXT),
        ("sk-demo-generic", TEXT),
        ("sk-demo-prefixed", GENERATIONS),
        ("sk-demo-omnimaas", TEXT),
        ("sk-demo-flat", GENERATIONS),
        ("demo-api-key", GENERATIONS),
    ],
)
async def test_a_key_opens_only_the_endpoints_of_its_dialect(caller, key, path):
    status, _ = await caller.with_key(key).refusal(path, native())
    assert status == 404


async def asked(caller, path, states=(0, 5, 10), prompt="a fox", **query):
    """The answers about a task while its time passes."""
    found = []
    await caller.kling.rendered()
    for seconds in states:
        caller.clock.now = NOW + seconds
        found.append((await caller.get(path)).json())
    return found


async def test_older_gateways_answer_without_an_envelope(caller):
    caller.kling.behaviour.render_seconds = 10
    generic_caller = caller.with_key("sk-demo-generic")
    sent = (await generic_caller.post(GENERATIONS, generic(seed=7, width=1280, height=720))).json()
    assert set(sent) == {"task_id"}
    answers = await asked(generic_caller, f"{GENERATIONS}/{sent['task_id']}")
    assert [answer["status"] for answer in answers] == ["submitted", "processing", "succeeded"]
    assert answers[2]["metadata"] == {"duration": 5.0, "fps": 24, "width": 1280, "height": 720, "seed": 7}
    assert await caller.file(answers[2]["url"])


async def test_newer_gateways_answer_with_rows_in_an_envelope(caller):
    caller.kling.behaviour.render_seconds = 10
    newapi = caller.with_key("sk-demo-newapi")
    sent = (await newapi.post(GENERATIONS, generic(duration=10.0))).json()
    assert sent["id"].startswith("task_")
    assert (sent["task_id"], sent["status"], sent["object"]) == (sent["id"], "queued", "video")
    answers = await asked(newapi, f"{GENERATIONS}/{sent['id']}")
    assert [answer["data"]["status"] for answer in answers] == ["SUBMITTED", "IN_PROGRESS", "SUCCESS"]
    row = answers[2]["data"]
    kling = row["data"]["data"]
    assert kling["task_id"] != row["task_id"]
    assert kling["task_result"]["videos"][0]["url"] == row["result_url"]
    assert kling["task_result"]["videos"][0]["duration"] == "5.0"
    video = (await newapi.get(f"/v1/videos/{sent['id']}")).json()
    assert (video["status"], video["metadata"]["url"]) == ("completed", row["result_url"])
    again = (await newapi.get(f"{TEXT}/{sent['id']}")).json()
    assert again["data"]["status"] == "SUCCESS"


async def test_prefixed_gateways_keep_klings_envelope(caller):
    prefixed = caller.with_key("sk-demo-prefixed")
    made = await prefixed.made(TEXT, native(external_task_id="mine"))
    answer = (await prefixed.get(f"{TEXT}/{made['task_id']}")).json()
    assert (answer["code"], answer["data"]["task_status"]) == (0, "succeed")


async def test_others_flatten_the_answer_inside_an_envelope(caller):
    crazy = caller.with_key("sk-demo-crazyrouter")
    made = await crazy.made(TEXT, native())
    answer = (await crazy.get(f"{TEXT}/{made['task_id']}")).json()
    assert answer["code"] == "success"
    assert (answer["data"]["status"], answer["data"]["error"]) == ("succeeded", None)
    assert await caller.file(answer["data"]["url"])


async def test_omnimaas_counts_progress(caller):
    caller.kling.behaviour.render_seconds = 10
    holder = caller.with_key("sk-demo-omnimaas")
    sent = (await holder.post(GENERATIONS, omnimaas())).json()
    assert (sent["status"], sent["progress"], sent["model"]) == ("processing", 0, "kling-v2-5-turbo-pro")
    answers = await asked(holder, f"{GENERATIONS}/{sent['id']}")
    assert [(answer["status"], answer["progress"]) for answer in answers] == [
        ("processing", 0),
        ("processing", 50),
        ("succeeded", 100),
    ]
    assert await caller.file(answers[2]["url"])


async def test_flat_proxies_say_completed_and_count_whole_seconds(caller):
    caller.kling.behaviour.render_seconds = 10
    holder = caller.with_key("sk-demo-flat")
    sent = (await holder.post(FLAT_IMAGE, flat(image=image()))).json()
    assert set(sent) == {"task_id", "task_status", "created_at", "updated_at"}
    answers = await asked(holder, f"{FLAT_IMAGE}/{sent['task_id']}")
    assert [answer["task_status"] for answer in answers] == ["submitted", "processing", "completed"]
    assert answers[2]["task_result"]["videos"][0]["duration"] == 5


@pytest.mark.parametrize(
    ("key", "path", "body", "id", "status", "reason"),
    [
        ("sk-demo-generic", GENERATIONS, generic(), "task_id", ("status",), ("error", "message")),
        ("sk-demo-newapi", GENERATIONS, generic(), "id", ("data", "status"), ("data", "fail_reason")),
        ("sk-demo-newapi", "/v1/videos", generic(), "id", ("status",), ("error", "message")),
        ("sk-demo-omnimaas", GENERATIONS, omnimaas(), "id", ("status",), ("error", "message")),
        ("sk-demo-flat", FLAT_TEXT, flat(), "task_id", ("task_status",), ("task_status_msg",)),
    ],
)
async def test_a_failure_is_told_in_the_words_of_the_gateway(caller, key, path, body, id, status, reason):
    holder = caller.with_key(key)
    sent = (await holder.post(path, body | {"prompt": "[unsafe] a fox"})).json()
    answer = (await holder.get(f"{path}/{sent[id]}")).json()
    assert follow(answer, status).lower() in {"failed", "failure"}
    assert follow(answer, reason) == "Failure to pass the risk control system"


def follow(document, names):
    for name in names:
        document = document[name]
    return document


@pytest.mark.parametrize(
    ("key", "path", "status", "word"),
    [
        ("sk-demo-generic", GENERATIONS, 400, "task_not_exist"),
        ("sk-demo-newapi", GENERATIONS, 400, "task_not_exist"),
        ("sk-demo-crazyrouter", TEXT, 400, "task_not_exist"),
        ("sk-demo-prefixed", TEXT, 400, "Task not found"),
        ("sk-demo-omnimaas", GENERATIONS, 404, "not_found"),
        ("sk-demo-flat", FLAT_TEXT, 404, "task not found"),
    ],
)
async def test_a_task_that_nobody_knows_is_told_as_such(caller, key, path, status, word):
    answer = await caller.with_key(key).get(f"{path}/7")
    assert answer.status_code == status
    assert word in answer.text


async def test_gateways_hand_klings_own_refusals_on_as_text(caller):
    caller.kling.behaviour.refuse.append(1303)
    answer = await caller.with_key("sk-demo-newapi").post(GENERATIONS, generic())
    assert (answer.status_code, answer.json()["code"]) == (429, "fail_to_fetch_task")
    assert json.loads(answer.json()["message"])["code"] == 1303


async def test_flat_proxies_say_nothing_but_the_status(caller):
    caller.kling.behaviour.refuse.extend([1303, 5002])
    holder = caller.with_key("sk-demo-flat")
    for status in (429, 500):
        answer = await holder.post(FLAT_TEXT, flat())
        assert (answer.status_code, answer.json()["code"]) == (status, status)
