"""What costs more is sent: over the catalog, in every dialect, two requests with two prices have two bodies."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.domain.requests import catalog as catalogs
from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import lacking
from bot.errors import UserError
from bot.kling.dialects import DIALECTS
from bot.kling.wire import Dialect, SubmitContext
from tests.operations import BYTES, IMAGES, NEEDED, SOURCE, SPEECH, a_request_for

CATALOG = catalogs.load({})
ROWS = tuple(row for section in ("models", "images", "services") for row in CATALOG.section(section))
PREPARED = {
    "audio_id": "audio-1",
    "sound_ms": "2000",
    "session_id": "session-1",
    "faces": '[["face-1", 0, 5000, ""]]',
}
CASES = [(row, operation) for row in ROWS for operation in row.operations]


def choices(row: Model, operation: Operation) -> Iterator[GenerationRequest]:
    """Requests that differ in everything that may cost something, as far as the catalog takes them."""
    base = {"model": row.id}
    needed = NEEDED[operation]
    options: dict[str, list[dict[str, Any]]] = {
        "mode": [{"mode": mode} for mode in row.modes],
        "duration": [{"duration": number} for number in (row.durations[0], row.durations[-1])],
        "sound": [{}, {"sound": True}],
        "voices": [
            {},
            {"voices": ("voice-1",)},
            {"voices": ("voice-1",), "prompt": "<<<voice_1>>> says hello"},
        ],
        "resolution": [{"resolution": resolution} for resolution in row.resolutions],
        "references": [{}, {"references": IMAGES[:1]}, {"references": IMAGES[:2]}],
        "source": [
            {},
            {"source": SOURCE},
            {"source": {**SOURCE, "video_id": "2", "duration_ms": 9_000, "url": "https://cdn.example/2.mp4"}},
        ],
        "speech": [{}, {"speech": {**SPEECH, "text": "Hello there. " * 20}}] if "speech" in needed else [{}],
        "elements": [{}, {"elements": (7,)}],
    }
    if operation is Operation.EXTEND:
        # An extension has the mode of the video that it goes on with.
        options["mode"] = [{"mode": mode, "source": {**SOURCE, "video_id": mode}} for mode in row.modes]
        options["source"] = [{}]
    if operation.row.duration_from_source or row.durations == (0,):
        options["duration"] = [{}]
    for changes in itertools.product(*options.values()):
        try:
            request = a_request_for(
                operation, **base, **{k: v for change in changes for k, v in change.items()}
            )
            CATALOG.check(request, [row.id])
        except (ValueError, UserError):
            continue
        yield request


def body(dialect: Dialect, request: GenerationRequest, context: SubmitContext) -> str:
    """Everything that is sent for a request: what is asked for beforehand, too."""
    asked = [
        dialect.submit(request, context),
        *(step.write(context.prepared) for step in dialect.preparations(request, context)),
    ]
    return json.dumps([(each.path, each.json) for each in asked], sort_keys=True)


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(("row", "operation"), CASES, ids=lambda value: getattr(value, "id", str(value)))
def test_what_changes_the_price_changes_what_is_sent(name, row, operation):
    dialect, context = DIALECTS[name], SubmitContext("klingbot-1", BYTES, None, PREPARED)
    prices: dict[str, set[int]] = {}
    for request in choices(row, operation):
        if not lacking(dialect.limits, request):
            prices.setdefault(body(dialect, request, context), set()).add(CATALOG.price(request))
    assert [(sent, costs) for sent, costs in prices.items() if len(costs) > 1] == []


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(("row", "operation"), CASES, ids=lambda value: getattr(value, "id", str(value)))
def test_a_voice_that_is_sent_is_named_in_the_words(name, row, operation):
    dialect, context = DIALECTS[name], SubmitContext("klingbot-1", BYTES, None, PREPARED)
    for request in choices(row, operation):
        if (
            request.voices
            and operation is not Operation.MOTION_CONTROL
            and not lacking(dialect.limits, request)
        ):
            sent = body(dialect, request, context)
            assert "<<<voice_1>>>" in sent or "@voice_1" in sent
