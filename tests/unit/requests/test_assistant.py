"""The assistant: what is asked of it, and what its answers may be. The server is a tiny one on loopback."""

import asyncio
import json

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.serving import serve
from bot.domain.types import HOUR
from bot.errors import UserError
from bot.services.requests.assistant import LARGEST_ANSWER, Assistant
from bot.settings import sections
from tests.builders import ADA, NOW, XIAOLIN
from tests.clock import ManualClock

KEY = "sk-thinks"


def saying(text: object) -> Response:
    return JSONResponse({"choices": [{"message": {"content": text}}]})


class Server:
    def __init__(self) -> None:
        self.answer: Response | None = saying("a better fox")
        self.asked: list[tuple[dict, dict]] = []
        self.left = asyncio.Event()
        self.app = Starlette(routes=[Route("/v1/chat/completions", self.complete, methods=["POST"])])

    async def complete(self, request: Request) -> Response:
        self.asked.append((dict(request.headers), json.loads(await request.body())))
        if self.answer is None:
            await self.left.wait()
            return saying("too late")
        return self.answer


@pytest.fixture
async def server():
    made = Server()
    async with serve(made.app) as url:
        made.url = f"{url}/v1"
        yield made
        made.left.set()


def settings(url: str, *, key: str = KEY) -> sections.Assistant:
    return sections.Assistant(base_url=url, key=SecretStr(key), model="small", per_hour=2)


@pytest.fixture
async def assistant(server):
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Assistant(http=http, settings=settings(server.url), clock=ManualClock(NOW))


async def test_the_prompt_goes_out_and_a_suggestion_comes_back(server, assistant):
    assert await assistant.improve(ADA, "a fox") == "a better fox"
    headers, body = server.asked[0]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["messages"][1]) == ("small", {"role": "user", "content": "a fox"})
    await assistant.improve(ADA, "a fox", of_a_photo=True)
    assert "photo" in server.asked[1][1]["messages"][0]["content"]


@pytest.mark.parametrize("text", ['"a better fox"', "“a better fox”", "  a better fox\n"])
async def test_the_quotation_marks_that_models_add_are_taken_off(server, assistant, text):
    server.answer = saying(text)
    assert await assistant.improve(ADA, "a fox") == "a better fox"


@pytest.mark.parametrize(
    "answer",
    [
        saying(""),
        saying(None),
        saying("x" * 2_501),
        JSONResponse({"choices": []}),
        JSONResponse(["no"]),
        JSONResponse({"error": f"the key {KEY} is bad"}, 401),
        PlainTextResponse("<html>"),
        PlainTextResponse("x" * (LARGEST_ANSWER + 1)),
    ],
)
async def test_any_other_answer_is_one_sentence_and_holds_no_secret(server, assistant, answer):
    server.answer = answer
    with pytest.raises(UserError) as failed:
        await assistant.improve(ADA, "a fox")
    assert failed.value.key == "error.assistant.failed"
    assert KEY not in f"{failed.value!r} {failed.value.params}"


async def test_a_suggestion_that_changes_nothing_is_told_as_such(server, assistant):
    server.answer = saying("A Fox")
    with pytest.raises(UserError, match=r"error\.assistant\.nothing_better"):
        await assistant.improve(ADA, "a fox")


async def test_an_answer_that_does_not_come_is_not_waited_for(server):
    server.answer = None
    async with httpx.AsyncClient(trust_env=False) as http:
        hasty = Assistant(http=http, settings=settings(server.url), clock=ManualClock(NOW), longest_wait=0.05)
        with pytest.raises(UserError, match=r"error\.assistant\.failed"):
            await hasty.improve(ADA, "a fox")


async def test_nobody_asks_more_than_so_often_in_an_hour(server):
    clock = ManualClock(NOW)
    async with httpx.AsyncClient(trust_env=False) as http:
        assistant = Assistant(http=http, settings=settings(server.url, key=""), clock=clock)
        for _ in range(2):
            await assistant.improve(ADA, "a fox")
        with pytest.raises(UserError, match=r"error\.assistant\.too_often"):
            await assistant.improve(ADA, "a fox")
        assert await assistant.improve(XIAOLIN, "a fox") == "a better fox"
        clock.advance(HOUR)
        assert await assistant.improve(ADA, "a fox") == "a better fox"
    assert "authorization" not in server.asked[0][0]


async def test_without_an_address_nobody_is_offered_anything():
    async with httpx.AsyncClient(trust_env=False) as http:
        off = Assistant(http=http, settings=sections.Assistant(), clock=ManualClock(NOW))
        assert not off.offered
        with pytest.raises(UserError, match=r"error\.assistant\.off"):
            await off.improve(ADA, "a fox")
