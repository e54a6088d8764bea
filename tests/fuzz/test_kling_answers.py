"""Answers of providers in every dialect: whatever comes, only `bot.kling.errors` results, and no key is quoted."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation
from bot.domain.requests.request import GenerationRequest
from bot.kling import callback, dialects, errors
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused, Egress, download
from bot.kling.provider import Provider
from bot.kling.wire import SubmitContext, TaskRef
from bot.masking import Mask
from tests.builders import NOW
from tests.clock import ManualClock
from tests.fuzz.mutations import TEXTS, WORDS, broken, changed, written
from tests.fuzz.target import target
from tests.unit.kling.recorded import SAMPLES

KEY = "a-key/of+the-operator's"
CONTEXT = SubmitContext("klingbot-K7Q29F-1")
REQUEST = GenerationRequest(operation="text2video", model="kling-v2-6", prompt="a fox")
LIP_SYNC = GenerationRequest(
    operation="lip-sync",
    model="lip-sync",
    duration=0,
    speech={"text": "Hello", "voice": "oversea_male1"},
    source={"provider": "here", "video_id": "5", "model": "kling-v1-6", "duration_ms": 5100},
)
REF = TaskRef(Operation.TEXT_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-1", "8319")

DIALECTS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())
RECORDED = {
    dialect: [
        json.loads(path.read_text("utf-8"))
        for path in sorted((SAMPLES / dialect).glob("*.json"))
        if not path.name.startswith("submit_")
    ]
    for dialect in DIALECTS
}
MADE = [
    {"code": 0, "data": {"task_id": "5", "task_status": status, "task_result": {f"{kind}s": [entry]}}}
    for kind, entry in (
        ("element", {"element_id": 5, "element_name": "Fox", "status": "succeed"}),
        ("voice", {"voice_id": "5", "voice_name": "Fox", "trial_url": "https://x.example/5.mp3"}),
    )
    for status in ("succeed", "processing", "failed")
]
FACES = [
    {
        "code": 0,
        "data": {"session_id": "5", "face_data": [{"face_id": "0", "start_time": 0, "end_time": 5200}]},
    }
]
BODIES = {
    dialect: [
        body
        for each in recorded
        for body in [
            each["body"] if "body" in each else each["text"],
            {"code": 1000, "message": f"bad key {KEY}"},
        ]
    ]
    + MADE
    + FACES
    for dialect, recorded in RECORDED.items()
}
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 204, 302, 400, 401, 402, 403, 404, 408, 409, 429, 500, 502, 503, 504, 599]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["application/json", "text/html", "text/event-stream", "x"]),
        "retry-after": st.sampled_from(
            [
                "5",
                "-1",
                "1e999999",
                "NaN",
                "9" * 400,
                "Wed, 21 Oct 2099 07:28:00 GMT",
                "x",
                "²",
                "Mon, 1 Jan 0001 00:00:00 GMT",
            ]
        )
        | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
        "date": st.sampled_from(
            [
                "Wed, 21 Oct 2026 07:28:00 GMT",
                "x",
                "Mon, 1 Jan 9999 00:00:00 -9999",
                "0",
                "1 Jan 99999 00:00:00",
            ]
        )
        | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
        "content-encoding": st.sampled_from(["gzip", "identity", "br", "deflate", "gzip, gzip", "x"]),
    },
)


@dataclass(frozen=True)
class Answer:
    """What a provider answers."""

    status: int
    headers: dict[str, str]
    body: bytes

    def response(self, request: httpx.Request) -> httpx.Response:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        return httpx.Response(self.status, headers=headers, content=_streamed(self.body))


@st.composite
def answers(draw: st.DrawFn, dialect: str) -> Answer:
    """An answer of a dialect, changed."""
    body = draw(broken(written(draw(changed(BODIES[dialect])))))
    headers = draw(HEADERS)
    if headers.get("content-encoding") == "gzip" and draw(st.booleans()):
        body = gzip.compress(body)
    return Answer(draw(STATUSES), headers, body)


def asking(client: KlingClient) -> list[Callable[[], Awaitable[Any]]]:
    """Everything that a provider is asked."""
    return [
        lambda: client.submit(REQUEST, CONTEXT),
        lambda: client.submit(LIP_SYNC, CONTEXT),
        lambda: client.query(REF),
        lambda: client.look_up(REF),
        lambda: client.search(REF),
        lambda: client.query_many((REF, REF)),
        client.probe,
        *(
            lambda operation=operation: client.delete_asset(operation, "5")
            for operation in sorted(LIBRARY_OPERATIONS)
        ),
    ]


CASES = st.sampled_from(DIALECTS).flatmap(
    lambda dialect: st.tuples(st.just(dialect), st.lists(answers(dialect), min_size=1, max_size=3))
)


async def outcomes_of(dialect: str, given_answers: list[Answer]) -> AsyncIterator[Any]:
    """What comes of each question, when it is answered so."""
    left: list[Answer] = []

    def answer(request: httpx.Request) -> httpx.Response:
        return (left.pop(0) if len(left) > 1 else left[0]).response(request)

    async def sleep(seconds: float) -> None:
        """Take no time."""

    config = Provider(name="here", base_url="https://kling.example", key=KEY, models=("kling-v2-6",))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), trust_env=False) as http:
        for number in range(QUESTIONS):
            left[:] = given_answers
            client = KlingClient(
                config,
                dialects.get(dialect),
                Signer("bearer", KEY),
                http,
                ManualClock(NOW),
                sleep=sleep,
                mask=Mask([KEY]).answer,
            )
            questions = asking(client)
            assert len(questions) == QUESTIONS
            try:
                yield await questions[number]()
            except errors.ProviderError as error:
                assert error.retry_after is None or 0 <= error.retry_after <= 3_600_000
                yield (str(error), error.message, error.code)


def said(body: Any, dialect: str = "official", **headers: str) -> tuple[str, list[Answer]]:
    """One answer, as a case."""
    return dialect, [Answer(200, headers, written(body))]


QUESTIONS = 9
"""That `asking` holds."""


@target(share=0.4, usual=30, cases_each=QUESTIONS)
@given(case=CASES)
@example(case=said({"code": "--5", "message": "x"}))
@example(case=said({"code": "9" * 5_000}))
@example(case=said({"code": 1302}, **{"retry-after": "1e999999"}))
@example(case=said({"code": 0, "data": {"task_id": "\ud800", "task_status": "succeed"}}))
@example(case=said({"code": 0, "data": {"task_id": 5, "task_status": "submitted", "progress": "1e999999"}}))
@example(case=said({"data": [{"id": "5", "status": "succeeded", "outputs": [{"type": []}]}]}, "unified"))
@example(
    case=said(
        {"data": {"resource_pack_subscribe_infos": [{"status": "online", "remaining_quantity": 10**400}]}}
    )
)
@example(
    case=said(
        {
            "data": {
                "session_id": "5",
                "face_data": [{"start_time": "9" * 5_000}],
                "task_result": {"audios": [{"id": 5}]},
            }
        }
    )
)
@example(case=("flat", [Answer(200, {}, b'{"a":' * 900 + b"1" + b"}" * 900)]))
async def test_an_answer_of_a_provider_is_read_or_an_outcome(tried, part, case):
    async for found in outcomes_of(*case):
        text = repr(found)
        assert KEY not in text
        assert "eyJ" not in text
        # It is kept in the store, and asked with.
        json.dumps(str(found), ensure_ascii=False).encode()
        hold_storable(found)
        tried()


def hold_storable(value: Any) -> None:
    """No part of a value is a text that a store or an address cannot hold, or a number beyond its columns."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, (tuple, list)):
        for part in value:
            hold_storable(part)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            hold_storable(getattr(value, name))


CALLBACKS = [
    {"task_id": "5", "task_status": "succeed", "task_info": {"external_task_id": "klingbot-K7Q29F-1"}},
    {"id": "5", "external_id": "klingbot-K7Q29F-1", "status": "succeeded"},
]


@target(share=0.1, usual=60)
@given(st.data())
def test_a_callback_of_any_form_is_a_hint_or_malformed(tried, part, data):
    body = data.draw(broken(written(data.draw(changed(CALLBACKS)))))
    headers = {
        f"webhook-{name}": data.draw(st.text(max_size=15) | st.just(str(NOW // 1000)))
        for name in ("id", "timestamp", "signature")
    }
    assert not callback.is_signed("whsec_aGVsbG8=", headers, body, NOW)
    tried()
    try:
        hint = callback.parse(body)
    except callback.Malformed:
        return
    hold_storable(hint)


ADDRESSES = [
    "https://cdn.example/video.mp4?sign=a%20b",
    "http://[::1]:8080/x",
    "https://xn--a-ecp.example/",
    "https://user:pass@cdn.example/",
    "//cdn.example/x",
    "?x",
    "https://cdn.example:99999/",
]


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address, spoiled at one or two places."""
    text = draw(st.sampled_from(ADDRESSES))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(TEXTS) | WORDS) + text[at + draw(st.integers(0, 8)) :]
    return text


@target(share=0.1, usual=60)
@example(url="https://xn--a-ecp.example/", location="", status=200, length="5", body=b"")
@example(url=ADDRESSES[0], location="https://xn--a-ecp.example/", status=302, length="5", body=b"")
@example(url=ADDRESSES[0], location="", status=200, length="²", body=b"")
@given(
    url=addresses(),
    location=addresses(),
    status=STATUSES,
    length=st.sampled_from(TEXTS) | WORDS,
    body=st.binary(max_size=40),
)
async def test_a_result_is_fetched_or_an_error_of_the_download(
    tmp_path, tried, part, url, location, status, length, body
):
    def answer(request: httpx.Request) -> httpx.Response:
        headers = [
            (b"location", location.encode("utf-8", "replace")),
            (b"content-length", length.encode("utf-8", "replace")),
        ]
        return httpx.Response(status, headers=headers, content=_streamed(b"\0\0\0\x18ftypisom" + body))

    async def resolve(host: str) -> list[str]:
        return ["93.184.215.14"]

    tried()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), trust_env=False) as http:
        try:
            done = await download(
                Egress(http), url, tmp_path / "video", max_bytes=40, allow_loopback=False, resolve=resolve
            )
        except (DownloadRefused, DownloadGone, DownloadFailed) as error:
            assert "sign=" not in str(error)
        else:
            assert done.size == 12 + len(body) <= 40


async def _streamed(body: bytes) -> AsyncIterator[bytes]:
    yield body
