"""Kling's newer standard at the stand-in: contents, settings and options, and the questions about tasks."""

import pytest

from tests.world.kling import NOW, canned_video, image, open_kling

TURBO, V3 = "/text-to-video/kling-3.0-turbo", "/text-to-video/kling-3.0"
TURBO_I, V3_I = "/image-to-video/kling-3.0-turbo", "/image-to-video/kling-3.0"
V26, V26_I = "/text-to-video/kling-2.6", "/image-to-video/kling-2.6"
V25_I = "/image-to-video/kling-2.5-turbo"
OMNI, O1 = "/omni-video/kling-3.0-omni", "/omni-video/kling-o1"
MOTION = "/motion-control/kling-3.0"
V4, V4_I, V4_OMNI = (f"/{kind}/kling-4.0" for kind in ("text-to-video", "image-to-video", "omni-video"))
V4_IMAGE = "/omni-image/kling-image-4.0"
FLASH_I, FLASH_OMNI = "/image-to-video/kling-4.0-flash", "/omni-video/kling-4.0-flash"


def words(text="a fox"):
    return {"type": "prompt", "text": text}


def frame(kind="first_frame", **changes):
    return {"type": kind, "url": image()} | changes


def contents(*items, **settings):
    return {"contents": list(items)} | ({"settings": settings} if settings else {})


def element(number, id="1000001"):
    return {"type": "element", "element_id": id, "id": f"cat{number}"}


FILM = {"type": "video", "url": "http://127.0.0.1:9/a.mp4"}
BASE, FEATURE = FILM | {"type": "base_video"}, FILM | {"type": "feature_video"}
VOICE = {"type": "voice", "voice_id": "uk_man2", "id": "1"}
ACCEPTED = [
    (TURBO, {"prompt": "a fox"}),
    (TURBO, {"prompt": "shot 1, 2, a fox; shot 2, 3, a hen"}),
    (TURBO, {"prompt": "a", "settings": {"resolution": "1080p", "aspect_ratio": "9:16", "duration": 15}}),
    (V3, {"prompt": "a", "settings": {"resolution": "4k", "audio": "native", "multi_shot": False}}),
    (V26, {"prompt": "a", "settings": {"audio": "native", "resolution": "1080p", "duration": 10}}),
    (TURBO_I, contents(words(), frame(), duration=3)),
    (V3_I, contents(words("@cat1"), frame(), frame("last_frame"), element(1))),
    (V26_I, contents(words("@1"), frame(), VOICE, audio="native", resolution="1080p")),
    (V26_I, contents(words(), frame(), frame("last_frame"), resolution="1080p")),
    (V25_I, contents(words(), frame())),
    (OMNI, contents(words(), aspect_ratio="1:1")),
    (OMNI, contents(words("@a"), frame("refer_image", id="a"), frame("first_frame"))),
    (O1, contents(words(), frame(), duration=10)),
    (V4, {"prompt": "a", "settings": {"duration": 30, "aspect_ratio": "21:9", "resolution": "1080p"}}),
    (V4, {"prompt": "a" * 26_000}),
    (V4_I, contents(frame("last_frame"))),
    (V4_I, contents(words(), frame(), *[frame("middle_frame")] * 8, frame("last_frame"), duration=3)),
    (V4_OMNI, contents(words("@b @cat1 @v"), frame("refer_image", id="b"), element(1), VOICE | {"id": "v"})),
    (V4_OMNI, contents(words("@cat1"), element(1), aspect_ratio="adaptive")),
    (FLASH_I, contents(frame(), duration=20)),
]
IMAGES_ACCEPTED = [
    (contents(words()), 1),
    (contents(words("a" * 50_000), aspect_ratio="2:3", n=2), 2),
    (contents(words("@a @cat1"), frame("refer_image", id="a"), element(1), resolution="4k"), 1),
    (contents(words(), *[frame("refer_image")] * 10, result_type="series", series_amount=2), 2),
    (contents(words(), result_type="series", series_amount="auto"), 4),
]


@pytest.mark.parametrize(("path", "body"), ACCEPTED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_documents_allow_is_accepted_and_done(shared, path, body):
    made = await shared.made(path, body)
    assert made == {
        "id": made["id"],
        "status": "submitted",
        "create_time": int(NOW * 1000),
        "update_time": int(NOW * 1000),
    }
    (task,) = (await shared.get("/tasks", task_ids=made["id"])).json()["data"]
    assert (task["status"], task["message"]) == ("succeeded", "")
    assert task["outputs"][0]["type"] == "video"
    assert isinstance(task["outputs"][0]["duration"], str)
    assert task["billing"][0]["charge_type"] == "unit"
    assert await shared.file(task["outputs"][0]["url"])


@pytest.mark.parametrize(("body", "number"), IMAGES_ACCEPTED)
@pytest.mark.asyncio(loop_scope="module")
async def test_images_are_made_as_the_documents_allow(shared, body, number):
    made = await shared.made(V4_IMAGE, body)
    assert made["status"] == "submitted"
    (task,) = (await shared.get("/tasks", task_ids=made["id"])).json()["data"]
    assert [output["type"] for output in task["outputs"]] == ["image"] * number
    assert task["billing"][0]["package_type"] == "image"


REFUSED = [
    (TURBO, {}, "prompt is required"),
    (TURBO, {"prompt": " "}, "must not be empty"),
    (TURBO, {"prompt": "x" * 3073}, "at most 3072"),
    (V26, {"prompt": "x" * 2501}, "at most 2500"),
    (TURBO, {"prompt": "a", "model_name": "kling-v3"}, "unknown field: model_name"),
    (TURBO, {"prompt": "a", "negative_prompt": "b"}, "unknown field: negative_prompt"),
    (TURBO, {"prompt": "a", "settings": {"mode": "pro"}}, "unknown field: settings.mode"),
    (TURBO, {"prompt": "a", "settings": {"audio": "native"}}, "unknown field: settings.audio"),
    (TURBO, {"prompt": "a", "settings": {"duration": "5"}}, "must be an integer"),
    (TURBO, {"prompt": "a", "settings": {"duration": 2}}, "between 3 and 15"),
    (V26, {"prompt": "a", "settings": {"duration": 7}}, "one of 5, 10"),
    (TURBO, {"prompt": "a", "settings": {"resolution": "4k"}}, "must be one of"),
    (TURBO, {"prompt": "a", "settings": {"aspect_ratio": "4:3"}}, "must be one of"),
    (V26, {"prompt": "a", "settings": {"audio": "native"}}, "needs resolution 1080p"),
    (TURBO, {"prompt": "shot 1, 2, a; shot 2, 2, b"}, "as long together"),
    (TURBO, {"prompt": "a", "contents": []}, "unknown field: contents"),
    (TURBO, {"prompt": "a", "options": {"callback_url": "x"}}, "http or https"),
    (TURBO, {"prompt": "a", "options": {"mode": "x"}}, "unknown field"),
    (TURBO, {"prompt": "a", "external_task_id": "x"}, "unknown field: external_task_id"),
    (TURBO_I, {"prompt": "a"}, "contents is required"),
    (TURBO_I, contents(words()), "must hold a first_frame"),
    (TURBO_I, contents(frame()), "must hold a prompt"),
    (TURBO_I, contents(words(), frame(), frame("last_frame")), "type must be one of"),
    (TURBO_I, contents(words(), frame(), aspect_ratio="1:1"), "unknown field: settings.aspect_ratio"),
    (TURBO_I, contents(words(), frame(url=image(300, 299))), "at least 300"),
    (TURBO_I, contents(words(), frame(text="a")), "unknown field"),
    (V3_I, contents(words(), frame("last_frame")), "must hold a first_frame"),
    (V3_I, contents(words(), frame(), frame()), "one first_frame"),
    (V3_I, contents(words(), frame(), *map(element, range(4))), "3 elements"),
    (V3_I, contents(words(), frame(), element(1), element(1)), "once"),
    (V3_I, contents(words("@cat1"), frame(), element(1, "7")), "element_id 7"),
    (V3_I, contents(words(), frame(), element(1)), "must name @cat1"),
    (V3_I, contents(words("a@cat1.com"), frame(), element(1)), "part of other words"),
    (V26_I, contents(words(), frame(), VOICE), "needs settings.audio"),
    (V26_I, contents(words(), frame(), frame("last_frame")), "needs resolution 1080p"),
    (V25_I, contents(words(), frame(), frame("last_frame")), "needs resolution 1080p"),
    (OMNI, contents(words()), "aspect_ratio is required"),
    (OMNI, contents(words(), frame("last_frame"), aspect_ratio="1:1"), "needs a first_frame"),
    (OMNI, contents(words(), *[frame("refer_image")] * 8, aspect_ratio="1:1"), "hold 7"),
    (OMNI, contents(words(), BASE, frame()), "takes no frames"),
    (OMNI, contents(words(), BASE, BASE), "one video"),
    (OMNI, contents(words(), BASE), "multi_shot false"),
    (OMNI, contents(words(), FEATURE, audio="original"), "takes no audio"),
    (OMNI, contents(words(), FEATURE, multi_shot=False), "multi_shot true"),
    (O1, contents(words(), FEATURE, frame(), frame("last_frame")), "takes no last_frame"),
    (OMNI, contents(words(), frame(), *map(element, range(4))), "3 elements"),
    (O1, contents(words(), frame(), frame("last_frame"), element(1)), "nothing else"),
    (V4, {"prompt": "a", "options": {"external_task_id": "x"}}, "external_task_id is not supported"),
    (V4, {"prompt": "a", "options": {"callback_url": "http://a.example"}}, "callback_url is not supported"),
    (V4, {"prompt": "a", "settings": {"audio": "native"}}, "unknown field: settings.audio"),
    (V4, {"prompt": "a", "settings": {"resolution": "4k"}}, "must be one of"),
    (V4, {"prompt": "雪" * 11_001}, "at most 11000"),
    (V4_I, contents(words()), "must hold a frame"),
    (V4_I, contents(*[frame("middle_frame")] * 11), "hold 10 frames"),
    (V4_I, contents(frame(), frame("refer_image")), "type must be one of"),
    (V4_OMNI, contents(words(), frame()), "more than a prompt and frames"),
    (V4_OMNI, contents(words(), *[frame("refer_image")] * 11), "hold 10 images"),
    (V4_OMNI, contents(words(), *map(element, range(8))), "7 elements"),
    (V4_OMNI, contents(words(), *[VOICE | {"id": str(number)} for number in range(4)]), "3 voices"),
    (V4_OMNI, contents(words(), BASE, BASE), "one base_video"),
    (V4_OMNI, contents(words(), BASE, duration=5), "its own duration"),
    (V4_OMNI, contents(words(), *[FEATURE] * 6), "5 videos"),
    (V4_OMNI, contents(words(), *[frame("refer_image")] * 9, *map(element, range(7))), "15 inputs"),
    (FLASH_I, contents(frame(), duration=21), "between 3 and 20"),
    (FLASH_I, contents(frame("last_frame")), "type must be one of"),
    (FLASH_OMNI, contents(words(), frame("refer_image"), VOICE), "type must be one of"),
    (V4_IMAGE, {"settings": {"n": 2}}, "contents is required"),
    (V4_IMAGE, contents(frame("refer_image")), "must hold one prompt"),
    (V4_IMAGE, contents(words("雪" * 21_001)), "at most 21000"),
    (V4_IMAGE, contents(words(), frame()), "type must be one of"),
    (V4_IMAGE, contents(words("@cat1"), *[frame("refer_image")] * 10, element(1)), "1 to 11 entries"),
    (V4_IMAGE, contents(words(), *map(element, range(11))), "1 to 11 entries"),
    (V4_IMAGE, contents(words(), element(1)), "must name @cat1"),
    (V4_IMAGE, contents(words(), resolution="1k"), "must be one of 2k, 4k, 8k"),
    (V4_IMAGE, contents(words(), aspect_ratio="5:4"), "must be one of"),
    (V4_IMAGE, contents(words(), n=10), "between 1 and 9"),
    (V4_IMAGE, contents(words(), series_amount=4), "unknown field: settings.series_amount"),
    (V4_IMAGE, contents(words(), result_type="series", n=2), "unknown field: settings.n"),
    (V4_IMAGE, contents(words(), result_type="series", series_amount=11), "between 2 and 10"),
    (V4_IMAGE, contents(words()) | {"options": {"external_task_id": "x"}}, "is not supported"),
    (V4_IMAGE, contents(words()) | {"options": {"callback_url": "http://a.example"}}, "is not supported"),
    (TURBO, {"prompt": "; ".join(f"shot {n}, 1, a" for n in range(1, 8))}, "6 shots"),
    (OMNI, contents(words(), aspect_ratio="1:1", audio="original"), "needs a video"),
    (O1, contents(words(), frame(), duration=7), "5 or 10"),
    (O1, contents(words(), aspect_ratio="1:1", audio="native"), "must be one of"),
    (MOTION, contents(words(), frame("image")), "character_orientation is required"),
    (MOTION, contents(frame("image"), character_orientation="image"), "must hold a video"),
    (MOTION, contents(FILM, character_orientation="image"), "must hold an image"),
    (MOTION, contents(frame("image"), FILM, character_orientation="image"), "contents video"),
    (MOTION, contents(frame("image"), FILM, character_orientation="front"), "must be one of"),
]


@pytest.mark.parametrize(("path", "body", "reason"), REFUSED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_documents_forbid_is_refused_with_the_reason(shared, path, body, reason):
    answer = await shared.post(path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert reason in answer.json()["message"]


async def test_a_model_that_is_not_in_a_path_is_no_endpoint(caller):
    answer = await caller.post("/text-to-video/kling-9", {"prompt": "a"})
    assert (answer.status_code, answer.json()["code"]) == (404, 1202)


async def test_a_motion_is_taken_from_a_video(tmp_path):
    async with open_kling(tmp_path, renderer=canned_video) as caller:
        made = await caller.made(TURBO, {"prompt": "a dance", "settings": {"duration": 3}})
        (task,) = (await caller.get("/tasks", task_ids=made["id"])).json()["data"]
        video = {"type": "video", "url": task["outputs"][0]["url"]}
        moved = await caller.made(MOTION, contents(frame("image"), video, character_orientation="image"))
        (task,) = (await caller.get("/tasks", task_ids=moved["id"])).json()["data"]
        assert task["outputs"][0]["duration"] == "3.0"


async def test_tasks_are_asked_for_by_several_ids(caller):
    own = {"options": {"external_task_id": "mine", "watermark_info": {"enabled": True}}}
    one = await caller.made(TURBO, {"prompt": "a"} | own)
    two = await caller.made("/v1/videos/text2video", {"prompt": "an older one"})
    assert one["external_id"] == "mine"
    both = (await caller.get("/tasks", task_ids=f"{two['task_id']},7,{one['id']}")).json()["data"]
    assert [task["id"] for task in both] == [two["task_id"], one["id"]]
    assert both[1]["outputs"][0]["watermark_url"]
    named = (await caller.get("/tasks", external_task_ids="mine")).json()["data"]
    assert [task["external_id"] for task in named] == ["mine"]
    again = await caller.post(V3, {"prompt": "b"} | own)
    assert (again.status_code, again.json()["code"]) == (400, 1201)
    assert "already exists" in again.json()["message"]


@pytest.mark.parametrize(
    "query",
    [{}, {"task_ids": ""}, {"task_ids": "1", "external_task_ids": "2"}, {"task_ids": ",".join("1" * 21)}],
)
async def test_other_questions_are_refused(caller, query):
    assert (await caller.get("/tasks", **query)).json()["code"] == 1201


async def test_tasks_are_paged_by_a_cursor_and_filtered(caller):
    ids = [(await caller.made(TURBO, {"prompt": "a"}))["id"] for _ in range(3)]
    failed = (await caller.made(TURBO, {"prompt": "[unsafe]"}))["id"]
    page = (await caller.post("/tasks", {"limit": 3})).json()["data"]
    assert [task["id"] for task in page["result"]] == [failed, ids[2], ids[1]]
    assert (page["count"], page["has_more"]) == (3, True)
    rest = (await caller.post("/tasks", {"cursor": page["next_cursor"]})).json()["data"]
    assert [task["id"] for task in rest["result"]] == [ids[0]]
    assert rest["has_more"] is False
    wanted = {"filters": [{"key": "status", "values": ["failed"]}]}
    (one,) = (await caller.post("/tasks", wanted)).json()["data"]["result"]
    assert (one["id"], one["message"]) == (failed, "Failure to pass the risk control system")
    for start in (int(NOW * 1000) + 1, str(int(NOW * 1000) + 1)):
        assert (await caller.post("/tasks", {"start_time": start})).json()["data"]["result"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 501},
        {"filters": [{"key": "status", "values": ["succeed"]}]},
        {"start_time": "x"},
        {"page": 1},
    ],
)
async def test_other_pages_are_refused(caller, body):
    assert (await caller.post("/tasks", body)).json()["code"] == 1201
