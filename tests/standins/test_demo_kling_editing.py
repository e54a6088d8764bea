"""Multi-element editing at the stand-in: opened, marked, looked at and changed as documented, or refused."""

import base64
import io

import pytest
import pytest_asyncio
from PIL import Image

from bot.demo.kling.editing import run_lengths
from tests.world.kling import image, open_kling
from tests.world.media import a_clip

TEXT, ROOT = "/v1/videos/text2video", "/v1/videos/multi-elements"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    async with open_kling(tmp_path_factory.mktemp("kling"), renderer=a_video) as caller:
        yield caller


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared):
    """An open session."""
    made = await shared.made(TEXT, {"prompt": "a fox"})
    done = (await shared.get(f"{TEXT}/{made['task_id']}")).json()["data"]
    video = done["task_result"]["videos"][0]["id"]
    opened = (await shared.post(f"{ROOT}/init-selection", {"video_id": video})).json()["data"]
    assert (opened["status"], opened["width"] > 0, opened["total_frame"] > 0) == (0, True, True)
    return opened["session_id"]


def a_video(spec, path) -> None:
    path.write_bytes(a_clip(640, 360, spec.seconds))


async def refuses(shared, path, body, words):
    status, text = await shared.refusal(path, body)
    assert (status, '"code":1201' in text.replace(" ", ""), words in text) == (400, True, True), text


def points(session, *places, frame=0):
    marks = [{"x": x, "y": y} for x, y in places]
    return {"session_id": session, "frame_index": frame, "points": marks}


def decoded(counts: str, height: int, width: int) -> Image.Image:
    """A mask of run lengths, read as the vendor's sample does."""
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value, step, more = 0, 0, True
        while more:
            letter = ord(counts[at]) - 48
            value |= (letter & 0x1F) << (5 * step)
            more, at, step = bool(letter & 0x20), at + 1, step + 1
            if not more and letter & 0x10:
                value |= -1 << (5 * step)
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    columns = b"".join((b"\xff" if number % 2 else b"\0") * run for number, run in enumerate(runs))
    return Image.frombytes("L", (height, width), columns).transpose(Image.Transpose.TRANSPOSE)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_marked_is_shown_taken_away_and_cleared(shared, session):
    added = (await shared.post(f"{ROOT}/add-selection", points(session, (0.5, 0.5), (0.2, 0.2)))).json()[
        "data"
    ]
    assert (added["status"], added["res"]["frame_index"]) == (0, 0)
    masks = added["res"]["rle_mask_list"]
    assert [mask["object_id"] for mask in masks] == [0, 1]
    shown = Image.open(io.BytesIO(base64.b64decode(masks[0]["png_mask"]["base64"])))
    height, width = masks[0]["rle_mask"]["size"]
    assert shown.size == (width, height)
    assert decoded(masks[0]["rle_mask"]["counts"], height, width).tobytes() == shown.convert("L").tobytes()
    await refuses(shared, f"{ROOT}/delete-selection", points(session, (0.51, 0.5)), "exactly")
    left = (await shared.post(f"{ROOT}/delete-selection", points(session, (0.2, 0.2)))).json()["data"]
    assert len(left["res"]["rle_mask_list"]) == 1
    shown = (await shared.post(f"{ROOT}/preview-selection", {"session_id": session})).json()["data"]
    assert set(shown["res"]) == {"video", "video_cover", "tracking_output"}
    cleared = (await shared.post(f"{ROOT}/clear-selection", {"session_id": session})).json()["data"]
    assert (cleared["status"], "res" in cleared) == (0, False)
    await refuses(shared, f"{ROOT}/preview-selection", {"session_id": session}, "nothing is marked")
    corner = (await shared.post(f"{ROOT}/add-selection", points(session, (0, 0)))).json()["data"]
    assert corner["status"] == 1


def order(session, **changes):
    body = {
        "session_id": session,
        "edit_mode": "removal",
        "prompt": "Delete it from <<<video_1>>>",
        "image_list": [],
    }
    return {**body, **changes}


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_marked_is_removed(shared, session):
    await refuses(shared, ROOT, order(session), "needs a selection")
    await shared.post(f"{ROOT}/add-selection", points(session, (0.5, 0.5)))
    made = await shared.made(ROOT, order(session, external_task_id=f"mine-{session}"))
    done = (await shared.get(f"{ROOT}/mine-{session}")).json()["data"]
    assert (done["task_id"], done["task_status"]) == (made["task_id"], "succeed")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"session_id": "1"}, "does not exist"),
        ({"edit_mode": "swap"}, "1 to 1 entries"),
        ({"edit_mode": "swap", "image_list": [{"image": image()}] * 2}, "1 to 1 entries"),
        ({"edit_mode": "addition"}, "1 to 2 entries"),
        ({"image_list": [{"image": image()}]}, "0 to 0 entries"),
        ({"edit_mode": "other"}, "must be one of"),
        ({"prompt": ""}, "must not be empty"),
        ({"duration": "7"}, "5 or 10"),
        ({"duration": "10"}, "does not fit"),
        ({"duration": 5}, "string of digits"),
        ({"mode": "4k"}, "must be one of"),
        ({"cfg_scale": 0.5}, "unknown field"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_not_as_documented_is_refused(shared, session, changes, words):
    await shared.post(f"{ROOT}/add-selection", points(session, (0.5, 0.5)))
    await refuses(shared, ROOT, order(session, **changes), words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"points": []}, "1 to 10 entries"),
        ({"points": [{"x": 0.5, "y": 0.5}] * 11}, "1 to 10 entries"),
        ({"points": [{"x": 1.5, "y": 0.5}]}, "between 0 and 1"),
        ({"frame_index": 100_000}, "must be less than"),
        ({"session_id": "1"}, "does not exist"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_points_are_as_documented(shared, session, body, words):
    await refuses(shared, f"{ROOT}/add-selection", points(session, (0.5, 0.5)) | body, words)


@pytest.mark.asyncio(loop_scope="module")
async def test_so_many_frames_are_marked(shared, session):
    for frame in range(10):
        await shared.post(f"{ROOT}/add-selection", points(session, (0.5, 0.5), frame=frame))
    await refuses(shared, f"{ROOT}/add-selection", points(session, (0.5, 0.5), frame=10), "10 frames")


def test_run_lengths_are_read_as_the_vendor_reads_them():
    mask = Image.new("L", (37, 23))
    mask.paste(255, (3, 5, 30, 9))
    assert decoded(run_lengths(mask), 23, 37).tobytes() == mask.tobytes()
