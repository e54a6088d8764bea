"""The recorded requests of the client and the stand-in's own reading of the documents agree."""

import base64
import json
from pathlib import Path

import pytest

from tests.world.kling import image, mask

SAMPLES = Path(__file__).parent.parent / "samples"
KEYS = {
    "official": "demo-api-key",
    "unified": "demo-api-key",
    "generic": "sk-demo-generic",
    "prefixed": "sk-demo-prefixed",
    "omnimaas": "sk-demo-omnimaas",
    "flat": "sk-demo-flat",
}
PLACEHOLDERS = {
    base64.b64encode(words.encode()).decode(): image()
    for words in ("first frame", "last frame", *(f"picture {number}" for number in range(10)))
}
MASKS = ("static_mask", "mask")
ELSEWHERE = (
    "video-1",
    "audio-7",
    "session-1",
    "voice-1",
    "v-1",
    "element_id",
    base64.b64encode(b"a sound").decode(),
)
"""What stands in samples for something that somebody made before: no stand-in has it."""


def recorded():
    for path in sorted(SAMPLES.glob("*/submit_*.json")):
        expected = json.loads(path.read_text("utf-8"))["expected"]
        text = json.dumps(expected["json"])
        strange = any(json.dumps(name)[1:-1] in text for name in ELSEWHERE)
        if path.parent.name in KEYS and not strange and "unknown" not in path.stem:
            yield pytest.param(path.parent.name, expected, id=f"{path.parent.name}/{path.stem}")


def with_images(value):
    if isinstance(value, dict):
        return {name: mask() if name in MASKS else with_images(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_images(inner) for inner in value]
    return PLACEHOLDERS.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(("dialect", "expected"), list(recorded()))
@pytest.mark.asyncio(loop_scope="module")
async def test_a_recorded_submission_is_accepted(shared, dialect, expected):
    body = with_images(expected["json"])
    # All samples have the same external id, which an account can use once.
    fresh = f"klingbot-{len(shared.kling.tasks)}"
    for place in (body, body.get("options", {}), body.get("metadata", {})):
        if isinstance(place, dict) and "external_task_id" in place:
            place["external_task_id"] = fresh
    if isinstance(body.get("metadata"), str):
        metadata = with_images(json.loads(body["metadata"]))
        body["metadata"] = json.dumps({**metadata, "external_task_id": fresh})
    answer = await shared.with_key(KEYS[dialect]).post(expected["path"], body)
    assert answer.status_code == 200, answer.text
    await shared.kling.rendered()
