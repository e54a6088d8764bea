"""The client against a real server on loopback: what is sent, and what each way to fail means."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import jwt
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bot.demo.serving import serve
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import FailureKind
from bot.kling import dialects, errors
from bot.kling.addresses import joined
from bot.kling.auth import Signer
from bot.kling.client import KlingClient
from bot.kling.connection import LARGEST_ANSWER, Limiter
from bot.kling.provider import Provider
from bot.kling.wire import RemoteState, SubmitContext, TaskRef
from tests.clock import ManualClock
from tests.world.sockets import tcp_server

SECRET = "a-secret-that-is-long-enough-for-hs256"
PAIR = f"access|{SECRET}"
NOW = 1_800_000_000_000
REQUEST = GenerationRequest(operation="text2video", model="kling-v2-6", prompt="a very private fox")
CONTEXT = SubmitContext("klingbot-K7Q29F-1")
REF = TaskRef(Operation.TEXT_TO_VIDEO, "kling-v2-6", "klingbot-K7Q29F-1", "8319")
CREATED = {"code": 0, "message": "SUCCEED", "data": {"task_id": "8319", "task_status": "submitted"}}
RUNNING = {"code": 0, "message": "SUCCEED", "data": {"task_id": "8319", "task_status": "processing"}}

Answer = Callable[[Request], Awaitable[Response]]


class Server:
    """Answers what it is told to, one answer after the other, and keeps what it was asked."""

    def __init__(self, *answers: Response | Answer) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.bodies: list[bytes] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request)
        self.bodies.append(await request.body())
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Response) else await answer(request)


@asynccontextmanager
async def client_of(
    base_url: str, *, dialect: str = "official", key: str = PAIR, clock: ManualClock | None = None, **config
) -> AsyncIterator[KlingClient]:
    signer = Signer("jwt" if "|" in key else "bearer", key)
    settings = Provider(name="here", base_url="https://kling.example", key="sk", models=("kling-v2-6",))
    settings = settings.model_copy(update={"base_url": base_url, "rate": 1000.0} | config)
    # A proxy of the machine that runs the tests is none of theirs.
    async with httpx.AsyncClient(trust_env=False) as http:
        yield KlingClient(settings, dialects.get(dialect), signer, http, clock or ManualClock(NOW))


@asynccontextmanager
async def asked_of(server: Server, path: str = "", **settings) -> AsyncIterator[KlingClient]:
    async with serve(server.app) as address, client_of(address + path, **settings) as client:
        yield client


@asynccontextmanager
async def rude(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that does not speak HTTP to the end."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await behave(reader, writer)

    async with tcp_server(serve_one) as address:
        yield f"http://{address}"


async def hang_up(reader, writer) -> None:
    pass


async def break_off(reader, writer) -> None:
    writer.write(
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"code":0,'
    )
    await writer.drain()


async def talk_nonsense(reader, writer) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    await writer.drain()


# -- what is sent ------------------------------------------------------------------------------------


async def test_a_submission_is_signed_and_sent_once():
    server = Server(JSONResponse(CREATED))
    async with asked_of(server) as client:
        assert (await client.submit(REQUEST, CONTEXT)).provider_task_id == "8319"
    (asked,) = server.asked
    assert (asked.method, asked.url.path) == ("POST", "/v1/videos/text2video")
    token = asked.headers["authorization"].removeprefix("Bearer ")
    options = {"verify_exp": False, "verify_nbf": False}
    assert jwt.decode(token, SECRET, algorithms=["HS256"], options=options)["iss"] == "access"
    assert asked.headers["user-agent"].startswith("klingbot/")
    assert json.loads(server.bodies[0])["external_task_id"] == "klingbot-K7Q29F-1"


async def test_the_path_of_the_base_url_stays():
    server = Server(JSONResponse({"task_id": "1"}))
    async with asked_of(server, "/proxy/kling/", dialect="generic", key="sk-1") as client:
        await client.submit(REQUEST, CONTEXT)
    assert server.asked[0].url.path == "/proxy/kling/v1/video/generations"
    assert server.asked[0].headers["authorization"] == "Bearer sk-1"


@pytest.mark.parametrize(
    ("base_url", "path", "expected"),
    [
        ("https://a.example", "/v1/videos/text2video", "https://a.example/v1/videos/text2video"),
        ("https://a.example/", "/v1/x", "https://a.example/v1/x"),
        ("https://a.example/kling", "/v1/x", "https://a.example/kling/v1/x"),
        ("https://a.example/kling", "/kling/v1/x", "https://a.example/kling/v1/x"),
        ("https://a.example/api/v1/", "/v1/x", "https://a.example/api/v1/x"),
        ("https://a.example:8443/kling/v1", "/kling/v1/x", "https://a.example:8443/kling/v1/x"),
        ("https://a.example/v1", "/v1/x/83%2F1", "https://a.example/v1/x/83%2F1"),
    ],
)
def test_base_url_and_path_are_joined_without_repeating_what_they_share(base_url, path, expected):
    assert joined(base_url, path) == expected


async def test_many_tasks_are_asked_for_at_once_where_there_is_a_list():
    server = Server(JSONResponse({"code": 0, "data": [RUNNING["data"]]}))
    async with asked_of(server) as client:
        assert client.can_query_many
        (status,) = await client.query_many([REF])
    assert status.state is RemoteState.RUNNING
    assert dict(server.asked[0].query_params) == {"pageNum": "1", "pageSize": "500"}


async def test_a_gateway_offers_neither_list_nor_look_up():
    async with client_of("http://127.0.0.1:9", dialect="generic", key="sk-1") as client:
        assert not client.can_query_many
        with pytest.raises(errors.Unavailable):
            await client.query_many([REF])
        with pytest.raises(errors.Unavailable):
            await client.look_up(REF)


async def test_an_answer_without_an_id_is_about_what_was_asked():
    server = Server(JSONResponse({"status": "succeeded", "url": "https://v.example/1.mp4"}))
    async with asked_of(server, dialect="generic", key="sk-1") as client:
        assert (await client.query(REF)).provider_task_id == "8319"


async def test_a_look_up_finds_a_task_or_proves_that_there_is_none():
    absent = JSONResponse({"code": 1201, "message": "Task not found by id/external id"}, 400)
    server = Server(JSONResponse(RUNNING), absent)
    async with asked_of(server) as client:
        found = await client.look_up(REF)
        assert found is not None
        assert found.provider_task_id == "8319"
        assert await client.look_up(REF) is None
    assert server.asked[0].url.path == "/v1/videos/text2video/klingbot-K7Q29F-1"


async def test_an_answer_that_names_another_task_of_ours_says_nothing_of_this_one():
    other = {"external_task_id": "klingbot-XXXXXX-2"}
    row = {"task_id": "8319", "task_status": "succeed", "task_info": other}
    server = Server(*(JSONResponse({"code": 0, "data": data}) for data in (row, row, row, [row], [])))
    async with asked_of(server) as client:
        with pytest.raises(errors.Ambiguous):
            await client.submit(REQUEST, CONTEXT)
        for ask in (client.query, client.look_up):
            with pytest.raises(errors.Unavailable):
                await ask(REF)
        assert await client.query_many([REF]) == ()


async def test_a_gateway_may_tell_an_id_of_its_own_beside_the_task():
    row = {"task_id": "8319", "task_status": "processing", "task_info": {"external_task_id": "gw-77"}}
    server = Server(*(JSONResponse({"code": 0, "data": row}) for _ in range(2)))
    async with asked_of(server) as client:
        assert (await client.submit(REQUEST, CONTEXT)).provider_task_id == "8319"
        assert (await client.query(REF)).state is RemoteState.RUNNING


# -- what a failure means ----------------------------------------------------------------------------


async def test_what_was_never_sent_is_unavailable():
    async with tcp_server(hang_up) as address:
        pass
    for base_url in (f"http://{address}", "ftp://127.0.0.1", "http://no-such-host.invalid"):
        async with client_of(base_url) as client:
            with pytest.raises(errors.Unavailable):
                await client.submit(REQUEST, CONTEXT)


@pytest.mark.parametrize("behave", [hang_up, break_off, talk_nonsense])
async def test_a_submission_whose_answer_is_lost_is_ambiguous_and_a_lost_question_is_not(behave):
    async with rude(behave) as base_url, client_of(base_url) as client:
        with pytest.raises(errors.Ambiguous):
            await client.submit(REQUEST, CONTEXT)
        with pytest.raises(errors.Unavailable):
            await client.query(REF)
        with pytest.raises(errors.Unavailable):
            await client.look_up(REF)


async def test_a_submission_that_nobody_answers_is_ambiguous():
    released = asyncio.Event()

    async def wait(reader, writer) -> None:
        await released.wait()

    async with rude(wait) as base_url, client_of(base_url, timeout=0.05) as client:
        with pytest.raises(errors.Ambiguous):
            await client.submit(REQUEST, CONTEXT)
        with pytest.raises(errors.Unavailable):
            await client.query(REF)
        released.set()


async def test_redirects_are_not_followed():
    server = Server(Response(status_code=307, headers={"location": "/elsewhere"}), JSONResponse(CREATED))
    async with asked_of(server) as client:
        with pytest.raises(errors.Unavailable):
            await client.submit(REQUEST, CONTEXT)
    assert len(server.asked) == 1


async def test_an_endless_answer_is_not_read_to_its_end():
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10 * LARGEST_ANSWER:
            sent += 1_000_000
            await asyncio.sleep(0)  # lets the server notice that nobody listens
            yield b" " * 1_000_000

    server = Server(StreamingResponse(endless()))
    async with asked_of(server) as client:
        with pytest.raises(errors.Unavailable):
            await client.query(REF)
    assert sent < 3 * LARGEST_ANSWER


async def test_an_answer_that_does_not_unpack_is_ambiguous():
    server = Server(Response(b"no gzip", headers={"content-encoding": "gzip"}))
    async with asked_of(server) as client:
        with pytest.raises(errors.Ambiguous):
            await client.submit(REQUEST, CONTEXT)


# -- clocks ------------------------------------------------------------------------------------------


@asynccontextmanager
async def told(status: int, date: datetime, body: dict[str, object], then: dict[str, object], more: str = ""):
    """A raw server with its own idea of the time, which answers twice; `more` is another header."""
    heard: list[bytes] = []

    answers = [(status, body), (200, then)]

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head)
        code, payload = answers.pop(0)
        data = json.dumps(payload).encode()
        writer.write(
            f"HTTP/1.1 {code} X\r\ndate: {format_datetime(date, usegmt=True)}\r\n"
            f"{more}content-length: {len(data)}\r\nconnection: close\r\n\r\n".encode()
            + data
        )
        await writer.drain()

    async with tcp_server(serve_one) as address:
        yield f"http://{address}", heard


def issued(head: bytes) -> int:
    (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"authorization:")]
    token = line.decode().rpartition(" ")[2]
    options = {"verify_exp": False, "verify_nbf": False}
    return jwt.decode(token, SECRET, algorithms=["HS256"], options=options)["nbf"] + 5


@pytest.mark.parametrize("code", [1003, 1004])
async def test_a_token_of_a_wrong_clock_is_signed_again_once_with_the_providers_time(code):
    theirs = datetime.fromtimestamp(NOW / 1000 + 900, UTC)
    refusal = {"code": code, "message": "x"}
    async with told(401, theirs, refusal, CREATED) as (base_url, heard), client_of(base_url) as client:
        assert (await client.submit(REQUEST, CONTEXT)).provider_task_id == "8319"
    assert [issued(head) for head in heard] == [NOW // 1000, NOW // 1000 + 900]


async def test_a_token_that_is_refused_twice_is_an_unauthorized_key():
    theirs = datetime.fromtimestamp(NOW / 1000, UTC)
    refusal = {"code": 1004, "message": "expired"}
    async with told(401, theirs, refusal, refusal) as (base_url, heard), client_of(base_url) as client:
        with pytest.raises(errors.Unauthorized):
            await client.submit(REQUEST, CONTEXT)
    assert len(heard) == 2


async def test_an_api_key_is_not_sent_a_second_time():
    server = Server(JSONResponse({"code": 1004, "message": "expired"}, 401))
    async with asked_of(server, key="an-api-key") as client:
        with pytest.raises(errors.Unauthorized):
            await client.query(REF)
    assert len(server.asked) == 1


async def test_a_pause_until_a_date_is_measured_by_the_answers_own_clock():
    theirs = datetime.fromtimestamp(NOW / 1000 - 5000, UTC)
    until = format_datetime(theirs + timedelta(minutes=1), usegmt=True)
    refusal = {"code": 1302, "message": "API request too fast"}
    async with (
        told(429, theirs, refusal, {}, f"retry-after: {until}\r\n") as (base_url, _),
        client_of(base_url) as client,
    ):
        with pytest.raises(errors.Throttled) as caught:
            await client.query(REF)
    assert caught.value.retry_after == 60_000


# -- probing -----------------------------------------------------------------------------------------


async def test_a_probe_falls_back_to_a_task_that_nobody_has():
    absent = JSONResponse({"code": 1201, "message": "Task not found by id/external id"}, 400)
    server = Server(Response("<html>404</html>", 404), absent)
    async with asked_of(server) as client:
        assert (await client.probe()).words == "the key is accepted"
    assert server.asked[1].url.path == "/v1/videos/text2video/klingbot-probe"


async def test_a_probe_does_not_take_a_wrong_address_for_a_good_key():
    server = Server(Response("<html>404</html>", 404), Response("<html>404</html>", 404))
    async with asked_of(server) as client:
        with pytest.raises(errors.Unavailable):
            await client.probe()


# -- manners -----------------------------------------------------------------------------------------


async def test_requests_keep_their_distance():
    time, waits = 100.0, []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))

    limiter = Limiter(4, lambda: time, sleep)
    for _ in range(3):
        await limiter.wait()
    assert waits == [0.25, 0.5]
    time += 10
    await limiter.wait()
    assert waits == [0.25, 0.5]


async def test_an_unknown_word_is_logged_once():
    polishing = {"code": 0, "data": {"task_id": "8319", "task_status": "polishing"}}
    server = Server(*[JSONResponse(polishing) for _ in range(3)])
    async with asked_of(server) as client:
        with structlog.testing.capture_logs() as lines:
            for _ in range(3):
                assert (await client.query(REF)).state is RemoteState.UNKNOWN
    assert [line["word"] for line in lines if line["event"] == "unknown status word"] == ["polishing"]


async def test_the_log_holds_neither_key_nor_prompt_nor_id():
    server = Server(JSONResponse(CREATED), JSONResponse({"code": 1301, "message": "a private reason"}, 400))
    async with asked_of(server) as client:
        with structlog.testing.capture_logs() as lines:
            await client.submit(REQUEST, CONTEXT)
            ended = await client.query(REF)
    assert (ended.state, ended.failure) == (RemoteState.FAILED, FailureKind.CONTENT)
    said = str(lines)
    for secret in (SECRET, "access", "eyJ", "private", "8319", "klingbot-K7Q29F"):
        assert secret not in said
    answered = [line for line in lines if line["event"] == "provider answered"]
    assert [(line["method"], line["path"], line["status"], line["code"]) for line in answered] == [
        ("POST", "/v1/videos/text2video", 200, ""),
        ("GET", "/v1/videos/text2video", 400, "1301"),
    ]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("image", "image"), ("text-to-audio", "audio"), ("text2video", "video"), ("video-to-audio", "video")],
)
async def test_a_result_of_no_kind_is_what_its_operation_makes(operation, kind):
    answer = {
        "code": "success",
        "data": {"task_id": "8319", "status": "succeeded", "url": "https://x.example/a"},
    }
    server = Server(JSONResponse(answer))
    async with serve(server.app) as base, client_of(base, dialect="prefixed", key="sk-demo") as client:
        ref = TaskRef(Operation(operation), "kling-v2-1", "klingbot-K7Q29F-1", "8319")
        (result,) = (await client.query(ref)).videos
    assert result.kind == kind
