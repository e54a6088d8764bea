"""What Kling's first standard at the stand-in gives: real files, follow-ups, and answers about tasks."""

import base64
import io

import av
import pytest
from PIL import Image

from bot.demo.media.render import render_video
from bot.demo.media.sound import render_sound
from tests.world.kling import NOW, canned_video, image, open_kling, token

TEXT, IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"
OMNI, MOTION = "/v1/videos/omni-video", "/v1/videos/motion-control"
ELEMENTS = "/v1/general/advanced-custom-elements"


def text(**changes):
    return {"model_name": "kling-v2-6", "prompt": "a fox"} | changes


def image_body(**changes):
    return {"model_name": "kling-v2-6", "prompt": "it moves", "image": image()} | changes


async def test_a_lenient_account_may_send_more_than_it_should(caller):
    lenient = caller.with_key("demo-lenient-key")
    for more in ({"extra": 1}, {"camera_control": None}, {"cfg_scale": 0.5}, {"duration": 5}):
        assert (await lenient.post(TEXT, text(**more))).status_code == 200
        assert (await caller.post(TEXT, text(**more))).json()["code"] in {0, 1201}
    assert (await lenient.post(TEXT, text(duration=7))).status_code == 400


async def test_a_video_is_a_real_file_and_the_same_wish_has_the_same_one(tmp_path):
    async with open_kling(tmp_path, renderer=render_video) as caller:
        addresses = set()
        for _ in range(2):
            wish = text(model_name="kling-v3", duration="3", sound="on", watermark_info={"enabled": True})
            made = await caller.made(TEXT, wish)
            done = (await caller.get(f"{TEXT}/{made['task_id']}")).json()["data"]
            (video,) = done["task_result"]["videos"]
            addresses.add(video["url"])
        assert len(addresses) == 1
        assert video["watermark_url"] not in addresses
        assert video["duration"] == "3.0"
        with av.open(io.BytesIO(await caller.file(video["url"]))) as container:
            assert [stream.type for stream in container.streams] == ["video", "audio"]
            assert container.duration / 1_000_000 == pytest.approx(3, abs=0.2)
        assert done["final_unit_deduction"] == "0.9"


async def test_pictures_and_sounds_are_real_files(caller):
    made = await caller.made("/v1/images/generations", {"prompt": "a fox", "n": 2})
    done = (await caller.get(f"/v1/images/generations/{made['task_id']}")).json()["data"]
    images = done["task_result"]["images"]
    assert [item["index"] for item in images] == [0, 1]
    for item in images:
        with Image.open(io.BytesIO(await caller.file(item["url"]))) as opened:
            assert opened.format == "PNG"
    made = await caller.made("/v1/audio/text-to-audio", {"prompt": "rain", "duration": 3})
    done = (await caller.get(f"/v1/audio/text-to-audio/{made['task_id']}")).json()["data"]
    (sound,) = done["task_result"]["audios"]
    for name, kind in (("url_mp3", "mp3"), ("url_wav", "wav")):
        with av.open(io.BytesIO(await caller.file(sound[name]))) as container:
            assert container.format.name == kind


async def test_a_finished_video_is_extended_given_a_voice_and_scored(tmp_path):
    async with open_kling(tmp_path, renderer=canned_video) as caller:
        first = await caller.made(TEXT, text(model_name="kling-v1-6"))
        done = (await caller.get(f"{TEXT}/{first['task_id']}")).json()["data"]
        video = done["task_result"]["videos"][0]

        longer = await caller.made("/v1/videos/video-extend", {"video_id": video["id"], "prompt": "on"})
        done = (await caller.get(f"/v1/videos/video-extend/{longer['task_id']}")).json()["data"]
        assert done["task_result"]["videos"][0]["duration"] == "10.0"
        assert done["task_info"]["parent_video"]["id"] == first["task_id"]

        spoken = (
            await caller.post(
                "/v1/audio/tts",
                {"text": "hello to you all, my friends", "voice_id": "uk_man2", "voice_language": "en"},
            )
        ).json()["data"]["task_result"]["audios"][0]
        assert await caller.file(spoken["url"])
        faces = (await caller.post("/v1/videos/identify-face", {"video_url": video["url"]})).json()["data"]
        with Image.open(io.BytesIO(await caller.file(faces["face_data"][0]["face_image"]))) as opened:
            assert opened.format == "PNG"
        chosen = {
            "face_id": faces["face_data"][0]["face_id"],
            "audio_id": spoken["id"],
            "sound_start_time": 0,
            "sound_end_time": 2000,
            "sound_insert_time": 0,
        }
        lips = {"session_id": faces["session_id"], "face_choose": [chosen]}
        said = await caller.made("/v1/videos/advanced-lip-sync", lips)
        done = (await caller.get(f"/v1/videos/advanced-lip-sync/{said['task_id']}")).json()["data"]
        assert done["task_result"]["videos"][0]["duration"] == "5.0"
        chosen["sound_end_time"] = 1000
        assert "at least 2 seconds" in (await caller.refusal("/v1/videos/advanced-lip-sync", lips))[1]

        scored = await caller.made("/v1/audio/video-to-audio", {"video_id": video["id"]})
        done = (await caller.get(f"/v1/audio/video-to-audio/{scored['task_id']}")).json()["data"]
        assert set(done["task_result"]) == {"videos", "audios"}

        moved = {"image_url": image(), "video_url": video["url"], "character_orientation": "image"}
        danced = await caller.made(MOTION, moved)
        done = (await caller.get(f"{MOTION}/{danced['task_id']}")).json()["data"]
        assert done["task_result"]["videos"][0]["duration"] == "5.0"
        edited = {"prompt": "in <<<video_1>>>", "video_list": [{"video_url": video["url"]}]}
        assert (await caller.post(OMNI, edited)).status_code == 200
        assert (
            "sound must be off"
            in (await caller.refusal(OMNI, edited | {"model_name": "kling-v3-omni", "sound": "on"}))[1]
        )


async def test_only_videos_of_the_first_models_are_extended(caller):
    first = await caller.made(TEXT, text())
    done = (await caller.get(f"{TEXT}/{first['task_id']}")).json()["data"]
    answer = await caller.refusal(
        "/v1/videos/video-extend", {"video_id": done["task_result"]["videos"][0]["id"]}
    )
    assert "kling-v2-6 are not supported" in answer[1]


async def test_an_element_of_ones_own_can_be_used_until_it_is_deleted(caller):
    body = {
        "element_name": "Grey cat",
        "element_description": "a cat",
        "reference_type": "image_refer",
        "element_image_list": {"frontal_image": image(), "refer_images": [{"image_url": image()}]},
    }
    made = await caller.made(ELEMENTS, body)
    done = (await caller.get(f"{ELEMENTS}/{made['task_id']}")).json()["data"]
    (element,) = done["task_result"]["elements"]
    assert element["element_name"] == "Grey cat"
    used = image_body(
        model_name="kling-v3",
        prompt="<<<element_1>>>",
        element_list=[{"element_id": element["element_id"]}],
    )
    assert (await caller.post(IMAGE, used)).status_code == 200
    gone = {"element_id": str(element["element_id"])}
    assert (await caller.post("/v1/general/delete-advanced-elements", gone)).status_code == 200
    assert (await caller.post(IMAGE, used)).status_code == 400


async def test_a_voice_of_ones_own_comes_from_a_recording(tmp_path):
    render_sound(6, tmp_path / "ada.mp3")
    recording = (tmp_path / "ada.mp3").read_bytes()
    async with open_kling(tmp_path) as caller:
        path = "/v1/general/custom-voices"
        wish = {"voice_name": "Ada", "voice_url": base64.b64encode(recording).decode()}
        made = await caller.made(path, wish)
        done = (await caller.get(f"{path}/{made['task_id']}")).json()["data"]
        (voice,) = done["task_result"]["voices"]
        assert voice["voice_name"] == "Ada"
        assert await caller.file(voice["trial_url"])
        words = {"text": "hello", "voice_id": voice["voice_id"], "voice_language": "en"}
        assert (await caller.post("/v1/audio/tts", words)).status_code == 200
        assert (await caller.with_key(token()).post("/v1/audio/tts", words)).status_code == 400


async def test_a_portrait_speaks_as_long_as_its_recording(tmp_path):
    render_sound(3, tmp_path / "ada.mp3")
    recording = base64.b64encode((tmp_path / "ada.mp3").read_bytes()).decode()
    async with open_kling(tmp_path) as caller:
        path, wish = "/v1/videos/avatar/image2video", {"image": image(), "sound_file": recording}
        made = await caller.made(path, wish)
        done = (await caller.get(f"{path}/{made['task_id']}")).json()["data"]
        assert float(done["task_result"]["videos"][0]["duration"]) == pytest.approx(3, abs=0.2)


async def test_the_presets_are_listed(caller):
    voices = (await caller.get("/v1/general/presets-voices", pageSize=1000)).json()["data"]
    (listed,) = [item["task_result"]["voices"][0] for item in voices if "Old Tom" in repr(item)]
    assert await caller.file(listed["trial_url"])
    # Voices that say texts are a list of their own, which no address tells of.
    words = {"text": "hello", "voice_language": "en"}
    path = "/v1/audio/tts"
    assert (await caller.post(path, {**words, "voice_id": listed["voice_id"]})).status_code == 400
    assert (await caller.post(path, {**words, "voice_id": "uk_man2"})).status_code == 200
    elements = (await caller.get("/v1/general/advanced-presets-elements", pageSize=1)).json()["data"]
    assert len(elements) == 1
    (element,) = elements[0]["task_result"]["elements"]
    assert await caller.file(element["element_image_list"]["frontal_image"])


# -- asking --------------------------------------------------------------------------------------------


async def test_a_task_is_found_by_both_ids_and_only_by_its_owner(caller):
    made = await caller.made(TEXT, text(external_task_id="mine"))
    for id in (made["task_id"], "mine"):
        assert (await caller.get(f"{TEXT}/{id}")).json()["data"]["task_id"] == made["task_id"]
    others = [(caller, f"{IMAGE}/mine"), (caller.with_key(token()), f"{TEXT}/mine"), (caller, f"{TEXT}/1")]
    for who, path in others:
        answer = await who.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, 1201)
        assert answer.json()["message"] == "Task not found by id/external id"


async def test_an_external_id_is_taken_once(caller):
    assert (await caller.post(TEXT, text(external_task_id="mine"))).status_code == 200
    answer = await caller.post(IMAGE, image_body(external_task_id="mine"))
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert "already exists" in answer.json()["message"]
    assert caller.kling.submissions == {"mine": 1}


async def test_lists_are_paged_newest_first(caller):
    made = [(await caller.made(TEXT, text()))["task_id"] for _ in range(3)]
    await caller.made(IMAGE, image_body())
    listed = (await caller.get(TEXT)).json()["data"]
    assert [item["task_id"] for item in listed] == made[::-1]
    second = (await caller.get(TEXT, pageNum=2, pageSize=2)).json()["data"]
    assert [item["task_id"] for item in second] == made[:1]
    assert (await caller.get(TEXT, pageNum=9)).json()["data"] == []


@pytest.mark.parametrize(
    "query", [{"pageNum": 0}, {"pageNum": 1001}, {"pageSize": 501}, {"pageSize": "x"}, {"page": 1}]
)
async def test_lists_refuse_other_pages(caller, query):
    assert (await caller.get(TEXT, **query)).json()["code"] == 1201


async def test_a_task_goes_through_its_states(caller):
    caller.kling.behaviour.render_seconds = 10
    made = await caller.made(TEXT, text())
    seen = []
    for seconds in (0, 2, 9.9, 10):
        caller.clock.now = NOW + seconds
        seen.append((await caller.get(f"{TEXT}/{made['task_id']}")).json()["data"]["task_status"])
    assert seen == ["submitted", "processing", "processing", "succeed"]


async def test_the_costs_are_told_once_a_second(caller):
    times = {"start_time": 0, "end_time": int(NOW * 1000)}
    data = (await caller.get("/account/costs", **times)).json()["data"]
    assert (data["code"], data["msg"]) == (0, "success")
    assert data["resource_pack_subscribe_infos"][0]["status"] == "online"
    assert (await caller.get("/account/costs", **times)).json()["code"] == 1302
    caller.clock.now += 1
    one = await caller.get("/account/costs", resource_pack_name="Demo image", **times)
    assert len(one.json()["data"]["resource_pack_subscribe_infos"]) == 1
    assert (await caller.get("/account/costs")).json()["code"] == 1200
