"""Every reader of what comes from outside, found by looking for it, is given any JSON: what it reads can be kept."""

import ast
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bot.kling
from bot.domain.operations.charges import Book
from bot.domain.outside import ID_LIMIT, TEXT_LIMIT
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import Millis
from bot.kling import callback, dialects, errors
from bot.kling.dialects.accounting import Page
from bot.kling.dialects.error_codes import ADDRESS_LIMIT, MESSAGE_LIMIT
from bot.kling.wire import HttpResponse, Submission, SubmitContext, TaskStatus
from bot.services.people.moderation import read_verdict
from bot.services.requests.assistant import read_suggestion
from tests.fuzz.target import target
from tests.operations import a_request_for

ROOT = Path(__file__).parent.parent.parent
LIP_SYNC = GenerationRequest(
    operation="lip-sync",
    model="lip-sync",
    duration=0,
    speech={"text": "Hello", "voice": "oversea_male1"},
    source={"provider": "here", "video_id": "5", "model": "kling-v1-6", "duration_ms": 5100},
)

CONTEXT = SubmitContext("x")

NAMES = st.sampled_from(
    [
        *(
            "code",
            "message",
            "msg",
            "detail",
            "data",
            "error",
            "errors",
            "success",
            "status",
            "task_status",
            "task_id",
        ),
        *(
            "id",
            "taskId",
            "task",
            "output",
            "result",
            "response",
            "task_result",
            "task_info",
            "external_task_id",
        ),
        *(
            "videos",
            "images",
            "audios",
            "outputs",
            "creations",
            "url",
            "result_url",
            "video_url",
            "watermark_url",
        ),
        *(
            "video",
            "content",
            "metadata",
            "progress",
            "duration",
            "seconds",
            "billing",
            "amount",
            "charge_type",
        ),
        *("final_unit_deduction", "fail_reason", "task_status_msg", "type", "items", "elements", "voices"),
        *(
            "element_id",
            "voice_id",
            "element_name",
            "trial_url",
            "session_id",
            "face_data",
            "face_id",
            "start_time",
        ),
        *("resource_pack_subscribe_infos", "remaining_quantity", "resource_pack_name", "external_id"),
        *("allowed", "reason", "results", "flagged", "categories", "choices"),
    ]
)
"""What readers look for."""

LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from(
        [0, 1, -1, 200, 404, 1201, 1301, 1303, 5000, 10**29, 10**400, -(2**63) - 1, 0.55, 1e308]
    )
    | st.sampled_from(
        ["", "0", "--5", "9" * 5_000, "1e999999", "NaN", "²", "a\ud83d", "\udc00", "\0", "x" * 30_000]
    )
    | st.sampled_from(
        ["succeed", "failed", "processing", "success", "成功", "unit", "online", "video", "{", "[]"]
    )
    | st.sampled_from(
        [
            "https://x.example/1.mp4",
            "https://x.example/" + "y" * 10_000,
            "http://[",
            "https://\ud800.example/",
        ]
    )
    | st.text(max_size=8)
    | st.floats()
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)
BODIES = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40)
RESPONSES = st.builds(
    HttpResponse,
    st.sampled_from([200, 200, 200, 400, 403, 404, 413, 429, 500, 503]),
    st.fixed_dictionaries(
        {}, optional={"retry-after": st.sampled_from(["5", "9" * 400, "1e999", "x", "\ud800"])}
    ),
    BODIES,
)

GIVEN: dict[str, Any] = {
    "response": None,
    "submitting": (True, False),
    "message": ("", "risk control\ud83d", "x" * 30_000),
    "code": ("--5", "task_failed", "\ud83d" * 100),
    "status": (200, 404, 500),
    "page": tuple(Page(book, Millis(0), Millis(1)) for book in Book),
    "provider": ("official",),
    "operation": (Operation.ELEMENT, Operation.VOICE),
    "request": (a_request_for(Operation.CUTOUT),),
}
"""What readers take beside an answer."""


def modules() -> Iterator[Any]:
    """Every module that speaks with providers."""
    for found in pkgutil.walk_packages(bot.kling.__path__, "bot.kling."):
        yield importlib.import_module(found.name)


def functions() -> Iterator[Callable[..., Any]]:
    """Every function that takes an answer, and every method of a dialect that does."""
    for module in modules():
        for name, each in inspect.getmembers(module, inspect.isfunction):
            is_ours = each.__module__ == module.__name__ and not name.startswith("__")
            if is_ours and HttpResponse in inspect.get_annotations(each, eval_str=True).values():
                yield each
    for dialect in dialects.DIALECTS.values():
        for name, method in inspect.getmembers(dialect, inspect.ismethod):
            if name.startswith("parse_"):
                yield method
        for preparation in dialect.preparations(LIP_SYNC, CONTEXT):
            yield preparation.parse


READERS = list(functions())
INNER = {"_data", "_failure", "_garbage", "_payload", "_rejected", "_unclear", "_status"}
"""Parts of readers, which are given what was read of an answer already."""


def calls(reader: Callable[..., Any]) -> list[dict[str, Any]]:
    """Everything that a reader may be given beside an answer."""
    wanted = inspect.signature(reader).parameters.values()
    options: list[dict[str, Any]] = [{}]
    for parameter in wanted:
        if parameter.name == "response" or (
            parameter.default is not parameter.empty and parameter.name not in GIVEN
        ):
            continue
        values = GIVEN[parameter.name]
        if parameter.name == "code" and parameter.annotation in {int, "int"}:
            values = (1000, 1201, 1301, 5999)
        options = [option | {parameter.name: value} for option in options for value in values]
    return options


def hold_kept(value: Any, *, limit: int = TEXT_LIMIT) -> None:
    """A value fits a store, an address and a message, and so does each of its parts."""
    if isinstance(value, str):
        value.encode()
        assert "\0" not in value
        assert len(value) <= limit
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, (tuple, list)):
        for part in value:
            hold_kept(part, limit=limit)
    elif isinstance(value, dict):
        hold_kept(tuple(value.items()), limit=limit)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            hold_kept(getattr(value, name), limit=ADDRESS_LIMIT)
    if isinstance(value, (Submission, TaskStatus)):
        assert len(value.provider_task_id) <= ID_LIMIT
        assert len(value.external_task_id or "") <= ID_LIMIT


def hold_read(reader: Callable[..., Any], response: HttpResponse) -> None:
    """What comes of an answer is a value that can be kept, or an outcome that can be told."""
    named = "response" in inspect.signature(reader).parameters
    for options in calls(reader):
        try:
            found = reader(response=response, **options) if named else reader(response)
        except errors.ProviderError as error:
            hold_kept((error.message, error.code), limit=MESSAGE_LIMIT)
            assert error.retry_after is None or 0 <= error.retry_after <= 3_600_000
        else:
            # The fields of an answer are read on by whoever asked for them.
            if not isinstance(found, errors.ProviderError) and reader.__name__ not in {"fields", "data"}:
                hold_kept(found)


def said(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps(body).encode())


def test_the_readers_are_found():
    names = {reader.__name__ for reader in READERS}
    assert {"submission", "status", "parse_query", "_spoken", "by_word"} <= names
    assert len(READERS) >= 60
    for reader in READERS:
        unknown = {name for name in inspect.signature(reader).parameters if name not in GIVEN} - {"response"}
        assert not unknown or reader.__name__ in INNER or reader.__name__.startswith("_"), (reader, unknown)


@target(share=0.1, usual=60)
@example(response=said({"code": "--5", "message": "x"}))
@example(
    response=said(
        {"code": 0, "data": {"task_id": "1", "task_status": "failed", "task_status_msg": "no: \ud83d"}}
    )
)
@example(response=said({"code": 0, "data": {"task_id": "1" * 5_000, "task_status": "processing"}}))
@example(
    response=said(
        {
            "code": 0,
            "data": {
                "result": {
                    "detail": [
                        {"task_id": "1\ud83d", "deduction_amount": 1e300, "deduction_time": "x"},
                        {"task_id": "1", "deduction_amount": 5, "deduction_time": 10**30, "duration": "nan"},
                        {"task_id": "1", "deduction_amount": "5", "deduction_time": -5, "currency": "\ud83d"},
                    ]
                },
                "has_more": True,
                "next_cursor": "\ud83d" * 300,
            },
        }
    )
)
@example(response=said({"data": {"resource_pack_subscribe_infos": [{"status": "online"}] * 2_000}}))
@given(response=RESPONSES)
def test_whatever_a_provider_answers_can_be_kept(tried, part, response):
    for reader in READERS:
        if reader.__name__ in INNER:
            continue
        hold_read(reader, response)
        tried()


OWN: dict[str, Callable[[bytes], Any]] = {
    "bot.kling.callback": callback.parse,
    "bot.services.people.moderation": read_verdict,
    "bot.services.requests.assistant": read_suggestion,
}
"""Who reads what others than providers send, by its module."""


@pytest.mark.parametrize("module", OWN)
@target(share=0.05, usual=100)
@example(body=json.dumps({"allowed": False, "reason": "no: \ud83d"}).encode())
@example(
    body=json.dumps(
        {"results": [{"flagged": True, "categories": {"\ud83d\0": True, "x" * 9_999: True}}]}
    ).encode()
)
@example(body=json.dumps({"choices": [{"message": {"content": "a fox \ud83d"}}]}).encode())
@example(body=b"[" * 200_000)
@example(body=json.dumps({"task_id": "5" * 5_000}).encode())
@given(body=BODIES)
def test_whatever_others_send_can_be_kept(tried, part, module, body):
    tried()
    try:
        found = OWN[module](body)
    except (callback.Malformed, ValueError):
        return
    hold_kept(found)


def test_nobody_else_reads_what_comes_from_outside():
    """A new reader of JSON is in the property above, or reads what the bot itself has written."""
    ours = ("store", "settings", "media", "demo", "cli")
    known = {
        *(
            "bot.i18n",
            "bot.domain.requests.catalog",
            "bot.domain.requests.effects",
            "bot.domain.requests.presets",
        ),
        "bot.masking",
        "bot.domain.outside",
        "bot.domain.operations.overrides",
        "bot.reloading",
        "bot.services.added_providers",
        "bot.services.live_settings",
    }
    reading = set()
    for path in (ROOT / "bot").rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if name.split(".")[1] in ours:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name))
            called = (
                (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id) if is_call else ""
            )
            if called in {"loads", "json", "decoded"}:
                reading.add(name)
    reading = {name for name in reading if not name.startswith("bot.kling.dialects.")}
    assert reading == known | set(OWN)
