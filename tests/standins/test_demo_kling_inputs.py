"""Videos, recordings and faces that are sent to the stand-in: within the documented bounds, or refused."""

import base64

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route

from bot.demo.media.render import RenderSpec
from bot.demo.media.sound import render_sound
from bot.demo.serving import serve
from tests.world.kling import canned_video, image, open_kling, token
from tests.world.media import a_clip

TEXT = "/v1/videos/text2video"
MOTION, OMNI, LIPS = "/v1/videos/motion-control", "/v1/videos/omni-video", "/v1/videos/lip-sync"
ELEMENTS, VOICES = "/v1/general/advanced-custom-elements", "/v1/general/custom-voices"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def files(tmp_path_factory):
    """The address of somebody's videos and sounds."""
    directory = tmp_path_factory.mktemp("files")
    for name, seconds, ratio in (("short", 2, "16:9"), ("long", 12, "16:9")):
        canned_video(RenderSpec("", seconds, ratio=ratio), directory / f"{name}.mp4")
    canned_video(RenderSpec("", 4, mode="pro"), directory / "large.mp4")
    # Omni models take 24 frames a second and more.
    (directory / "good.mp4").write_bytes(a_clip(1280, 720, 4))
    (directory / "square.mp4").write_bytes(a_clip(1080, 1080, 3))
    render_sound(3, directory / "good.mp3")
    render_sound(1, directory / "short.mp3")
    render_sound(6, directory / "voice.wav")
    (directory / "words.mp4").write_text("no video")

    async def file(request):
        return FileResponse(directory / request.path_params["name"])

    async with serve(Starlette(routes=[Route("/{name}", file)])) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    """One stand-in for all rows of the tables, which do not disturb each other."""
    async with open_kling(tmp_path_factory.mktemp("kling"), renderer=canned_video) as caller:
        yield caller


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(shared):
    """The id of a video that was made here."""
    made = await shared.made(TEXT, {"prompt": "a fox"})
    done = (await shared.get(f"{TEXT}/{made['task_id']}")).json()["data"]
    return done["task_result"]["videos"][0]["id"]


def motion(address, orientation="image"):
    return {"image_url": image(), "video_url": address, "character_orientation": orientation}


def omni(address, *images, **video):
    body = {"prompt": "in <<<video_1>>>", "video_list": [{"video_url": address} | video]}
    return body | ({"image_list": list(images)} if images else {})


def element(address):
    return {
        "element_name": "Ada",
        "element_description": "she walks",
        "reference_type": "video_refer",
        "element_video_list": {"refer_videos": [{"video_url": address}]},
    }


def spoken(**given):
    return {"input": {"mode": "text2video", "text": "hello", "voice_id": "uk_man2"} | given}


def heard(**given):
    return {"input": {"mode": "audio2video"} | given}


def avatar(sound):
    return {"image": image(), "sound_file": sound}


FILES, OWN = "{files}", "the id of a video made here"
GOOD_MP4, LONG_MP4, GOOD_MP3 = f"{FILES}/good.mp4", f"{FILES}/long.mp4", f"{FILES}/good.mp3"
FRAME = {"image_url": image(), "type": "first_frame"}


def face(sound, **changes):
    times = {"sound_start_time": 0, "sound_end_time": 2500, "sound_insert_time": 0}
    return {"face_id": "0", "sound_file": sound} | times | changes


def placed(value, files, own):
    """A body with the addresses and ids that are known only now."""
    if isinstance(value, dict):
        return {name: placed(inner, files, own) for name, inner in value.items()}
    if isinstance(value, list):
        return [placed(inner, files, own) for inner in value]
    return value.replace(FILES, files).replace(OWN, own) if isinstance(value, str) else value


ACCEPTED = {
    "a motion": (MOTION, motion(GOOD_MP4)),
    "a long motion": (MOTION, motion(LONG_MP4, "video")),
    "an edited video": (OMNI, omni(GOOD_MP4, keep_original_sound="yes")),
    "a video for its features": (OMNI, omni(GOOD_MP4, FRAME, refer_type="feature")),
    "an element": (ELEMENTS, element("{files}/large.mp4")),
    "lips for words": (LIPS, spoken(video_id=OWN, voice_language="en", voice_speed=1.5)),
    "lips for a file": (LIPS, heard(video_url=GOOD_MP4, audio_type="url", audio_url=GOOD_MP3)),
    "a portrait": ("/v1/videos/avatar/image2video", avatar(GOOD_MP3)),
    "a voice": (VOICES, {"voice_name": "Ada", "voice_url": "{files}/voice.wav"}),
    "a voice out of a video": (VOICES, {"voice_name": "Ada", "video_id": OWN}),
    "a sound for a video": ("/v1/audio/video-to-audio", {"video_url": GOOD_MP4}),
    "a face": ("/v1/videos/identify-face", {"video_url": GOOD_MP4}),
}


@pytest.mark.parametrize(("path", "body"), ACCEPTED.values(), ids=ACCEPTED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_within_the_bounds_is_accepted(shared, files, own, path, body):
    made = await shared.made(path, placed(body, files, own))
    if "task_id" in made:
        data = (await shared.get(f"{path}/{made['task_id']}")).json()["data"]
        assert data["task_status"] == "succeed"


REFUSED = [
    (MOTION, motion(LONG_MP4), "must last 3 to 10"),
    (MOTION, motion("{files}/"), "status 404"),
    (MOTION, motion("{files}/words.mp4"), "must be mp4 or mov"),
    (MOTION, motion(GOOD_MP3), "video_url: must be mp4 or mov"),
    (MOTION, motion("a video"), "must be an http or https address"),
    (OMNI, omni(GOOD_MP4, FRAME), "takes no first_frame"),
    (OMNI, {"prompt": "a", "image_list": [FRAME], "duration": "7"}, "5 or 10"),
    (OMNI, {"prompt": "a", "image_list": [FRAME, FRAME]}, "one first_frame"),
    (OMNI, omni(GOOD_MP4, *[{"image_url": image()}] * 5), "4 pictures"),
    (ELEMENTS, element("") | {"element_video_list": None}, "element_video_list is required"),
    (ELEMENTS, element("") | {"element_video_list": {}}, "refer_videos is required"),
    (ELEMENTS, element(LONG_MP4), "must last 3 to 8"),
    (ELEMENTS, element(GOOD_MP4), "must have 1060 to 1940 pixels"),
    (ELEMENTS, element("{files}/square.mp4"), "the aspect ratio is not supported"),
    (LIPS, spoken(video_id=OWN, voice_id="nobody"), "voice_id nobody"),
    (LIPS, spoken(video_id=OWN, text="x" * 121), "at most 120"),
    (LIPS, spoken(video_id=OWN, text=" "), "input.text must not be empty"),
    (LIPS, {}, "input is required"),
    (LIPS, heard(video_id=OWN, audio_type="file"), "audio_file is required"),
    (LIPS, heard(video_id=OWN, audio_type="url", audio_url="{files}/short.mp3"), "must last 2 to 60"),
    ("/v1/videos/avatar/image2video", avatar("?!"), "neither an address nor Base64"),
    ("/v1/videos/avatar/image2video", avatar("{files}/words.mp4"), "must be mp3, wav, m4a or aac"),
    (
        "/v1/videos/avatar/image2video",
        avatar(base64.b64encode(b"x" * 5_000_001).decode()),
        "larger than 5 MB",
    ),
    (VOICES, {"voice_name": "Ada", "voice_url": GOOD_MP3}, "must last 5 to 30"),
    ("/v1/videos/advanced-lip-sync", {"session_id": "7", "face_choose": [face(GOOD_MP3)]}, "session_id 7"),
    ("/v1/videos/advanced-lip-sync", {"session_id": "7"}, "face_choose is required"),
]


@pytest.mark.parametrize(("path", "body", "words"), REFUSED)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_out_of_the_bounds_is_refused(shared, files, own, path, body, words):
    answer = await shared.post(path, placed(body, files, own))
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"face_id": "1"}, "face_id 1"),
        ({"sound_end_time": 9000}, "later than the end of the sound"),
        ({"sound_insert_time": 3000}, "before the video does"),
        ({"sound_volume": 2.1}, "between 0 and 2"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_face_speaks_only_where_there_is_sound_and_video(shared, files, changes, words):
    found = (await shared.post("/v1/videos/identify-face", {"video_url": f"{files}/good.mp4"})).json()["data"]
    chosen = face(f"{files}/good.mp3", **changes)
    answer = await shared.refusal(
        "/v1/videos/advanced-lip-sync", {"session_id": found["session_id"], "face_choose": [chosen]}
    )
    assert words in answer[1]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_video_of_somebody_else_is_not_there(shared, own):
    answer = await shared.with_key(token()).refusal(LIPS, spoken(video_id=own))
    assert f"video {own} does not exist" in answer[1]


async def test_a_video_can_be_extended_to_three_minutes(tmp_path):
    extend = "/v1/videos/video-extend"
    async with open_kling(tmp_path) as caller:
        made = await caller.made(TEXT, {"prompt": "a fox", "model_name": "kling-v1-6", "duration": "10"})
        done = (await caller.get(f"{TEXT}/{made['task_id']}")).json()["data"]
        for _ in range(34):
            video = done["task_result"]["videos"][0]
            made = await caller.made(extend, {"video_id": video["id"]})
            done = (await caller.get(f"{extend}/{made['task_id']}")).json()["data"]
        longest = done["task_result"]["videos"][0]
        assert longest["duration"] == "180.0"
        said = await caller.refusal(extend, {"video_id": longest["id"]})
        assert "longer than 180 seconds" in said[1]
