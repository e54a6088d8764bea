"""Reads the recorded requests and answers of a dialect and holds them against its functions."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import lacking
from bot.kling import errors
from bot.kling.wire import Dialect, HttpResponse, SubmitContext, TaskStatus
from tests.operations import BYTES

SAMPLES = Path(__file__).parent.parent.parent / "samples"
EXTERNAL_ID = "klingbot-K7Q29F-0123456789ab"
IMAGES = {hashlib.sha256(data).hexdigest(): data for data in (b"first frame", b"last frame")} | BYTES


USUAL = {"kind": "video", "watermark_url": None, "others": []}
"""What a sample says of a result only where it is otherwise."""


def names(dialect: str, kind: str) -> list[str]:
    """The samples of one kind, by file name."""
    found = sorted(path.stem for path in (SAMPLES / dialect).glob(f"{kind}_*.json"))
    assert found, f"no samples of {dialect} {kind}"
    return found


def sample(dialect: str, name: str) -> dict[str, Any]:
    return json.loads((SAMPLES / dialect / f"{name}.json").read_text("utf-8"))


def response(recorded: dict[str, Any]) -> HttpResponse:
    body = recorded["text"] if "text" in recorded else json.dumps(recorded["body"])
    return HttpResponse(recorded["status"], recorded["headers"], body.encode())


def hold_request(dialect: Dialect, name: str) -> None:
    """A submission is encoded exactly as recorded, and expressible."""
    recorded = sample(dialect.name, name)
    request = GenerationRequest.model_validate(recorded["request"])
    prepared = recorded.get("prepared", {})
    external = recorded.get("external_task_id", EXTERNAL_ID)
    sent = dialect.submit(request, SubmitContext(external, IMAGES, recorded["callback_url"], prepared))
    assert recorded["expected"] == {"method": sent.method, "path": sent.path, "json": sent.json}
    assert not sent.query
    assert lacking(dialect.limits, request) == ()


def hold_answer(dialect: Dialect, name: str) -> None:
    """An answer means exactly what was written down for it."""
    recorded = sample(dialect.name, name)
    means = recorded["means"]
    parse = {
        "submitted": dialect.parse_submit,
        "queried": dialect.parse_query,
        "looked": dialect.parse_look_up,
        "listed": dialect.parse_many,
        "probed": dialect.parse_probe,
    }[name.split("_", maxsplit=1)[0]]
    if "raises" in means:
        with pytest.raises(errors.ProviderError) as caught:
            parse(response(recorded))
        error = caught.value
        seen = {"raises": type(error).__name__, "code": error.code}
        for detail in ("kind", "retry_after", "message"):
            if detail in means:
                seen[detail] = getattr(error, detail)
        assert means == seen
        return
    meaning = parse(response(recorded))
    if means.get("absent"):
        assert meaning is None
    elif "text" in means:
        assert means["text"] == meaning
    elif "tasks" in means:
        assert means["tasks"] == [shown(task, means["tasks"][at]) for at, task in enumerate(meaning)]
    elif isinstance(meaning, TaskStatus):
        assert means == shown(meaning, means)
    else:
        assert means == {"provider_task_id": meaning.provider_task_id}


def shown(status: TaskStatus, like: dict[str, Any]) -> dict[str, Any]:
    """What a status says; the word only where the sample speaks of it, and nothing that is empty."""
    # As JSON has it: lists, and no tuples.
    fields = {
        key: value for key, value in json.loads(json.dumps(asdict(status))).items() if value not in (None, [])
    }
    for name in {"word", "keys"} - like.keys():
        fields.pop(name, None)
    if "videos" in fields:
        fields["videos"] = [default_operations(video, like) for video in fields["videos"]]
    return fields


def default_operations(video: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """A result without what is as usual, and without what the sample does not speak of."""
    spoken = {name for one in like.get("videos", ()) for name in one}
    return {
        name: value
        for name, value in video.items()
        if name not in USUAL
        or (name in spoken and value != USUAL[name])
        or (name == "kind" and value != "video")
    }
