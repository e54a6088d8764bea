"""Answers of Telegram to the bot's own calls: whatever comes, only the errors of `bot.services.ports` result."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from telegram import BotCommandScopeDefault, Message

from bot.clock import Runtime
from bot.domain.types import SECOND
from bot.network import Network
from bot.services.ports import ChatBusy, ChatError
from bot.settings import sections
from handlers.chat.html import View
from handlers.connection import LARGEST_ANSWER, connect
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.pacing import Urgency
from handlers.updates import LONGEST_PAUSE
from tests.builders import NOW
from tests.clock import ManualClock
from tests.fuzz.mutations import broken, changed, written
from tests.fuzz.seeds import BOT_USER, MESSAGES, PRIVATE
from tests.fuzz.target import target
from tests.world.telegram import ADA, TOKEN

pytestmark = pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")

TO_ADA = ReplyTarget(ADA, 77)
HELLO = View("Hello <b>Ada</b>")
CALLS: dict[str, Callable[[Chat], Awaitable[Any]]] = {
    "send": lambda chat: chat.send(TO_ADA, HELLO, urgency=Urgency.ANSWER),
    "edit": lambda chat: chat.edit(ADA, 5, HELLO),
    "delete": lambda chat: chat.delete(ADA, 5),
    "react": lambda chat: chat.react(ADA, 5, "👍"),
    "action": lambda chat: chat.show_action(TO_ADA, "typing"),
    "press": lambda chat: chat.answer_press("9", "x", alert=True),
    "inline": lambda chat: chat.answer_inline("9"),
    "checkout": lambda chat: chat.answer_checkout("9"),
    "invoice": lambda chat: chat.stars.request_payment(ADA, "a", "b", "c", 5),
    "link": lambda chat: chat.stars.create_subscription_link("a", "b", "c", 5, 2_592_000),
    "refund": lambda chat: chat.stars.refund(ADA, "charge"),
    "renewal": lambda chat: chat.stars.set_renewal(ADA, "charge", renews=False),
    "download": lambda chat: chat.downloads.read("file"),
    "commands": lambda chat: chat.set_commands([], BotCommandScopeDefault(), None),
    "group": lambda chat: chat.check_group(ADA),
    "description": lambda chat: chat.set_description("x", None),
}
RESULTS: list[Any] = [
    True,
    *MESSAGES[-3:],
    *MESSAGES[22:30],
    {"file_id": "a", "file_unique_id": "b", "file_size": 5, "file_path": "photos/1.jpg"},
    {**PRIVATE, "accent_color_id": 1, "max_reaction_count": 5, "accepted_gift_types": {}},
    "https://t.me/$invoice",
]
REFUSALS: list[Any] = [
    {"ok": False, "error_code": code, "description": description, "parameters": parameters}
    for code, description, parameters in (
        (400, "Bad Request: message to be replied not found", {}),
        (400, "Bad Request: message thread not found", {}),
        (400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -100}),
        (400, "Bad Request: message is not modified", {}),
        (403, "Forbidden: bot was blocked by the user", {}),
        (429, "Too Many Requests: retry after 5", {"retry_after": 5}),
        (401, "Unauthorized", {}),
        (404, "Not Found", {}),
        (500, "Internal Server Error", {}),
    )
]
ANSWERS = changed([{"ok": True, "result": result} for result in RESULTS] + REFUSALS)


class Server(httpx.AsyncBaseTransport):
    """Answers every call with what it is told."""

    def __init__(self) -> None:
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(
            200, json={"ok": True, "result": BOT_USER}
        )
        self.read = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.answer()

    async def endless(self, chunk: bytes) -> AsyncIterator[bytes]:
        """Blanks without end; `read` counts what was taken of them."""
        while True:
            self.read += len(chunk)
            yield chunk


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def chat(server, clock) -> AsyncIterator[Chat]:
    async def sleep(seconds: float) -> None:
        assert 0 <= seconds <= 60
        # After a pause that was waited out Telegram takes it.
        server.answer = lambda: httpx.Response(502)

    settings = sections.Telegram(token=TOKEN, base_url="https://telegram.example/bot")
    async with connect(settings, Runtime(clock, sleep=sleep), Network(server)) as side:
        yield side.chat


def _dated(moment: int) -> bytes:
    """A message of a moment that the library's calendar may not hold."""
    chat = {"id": 1001, "type": "private"}
    return json.dumps({"ok": True, "result": {"message_id": 1, "date": moment, "chat": chat}}).encode()


@target(share=0.05, usual=100)
@example(name="send", status=200, body=b"[" * 100_000, kind="text/html")
@example(name="send", status=200, body=b'{"ok": true, "result": true}', kind="text/html")
@example(name="send", status=400, body=b'{"ok": false, "description": 5}', kind="text/html")
@example(name="send", status=429, body=b'{"parameters": {"retry_after": "x"}}', kind="text/html")
@example(name="send", status=429, body=b'{"parameters": {"retry_after": -5}}', kind="text/html")
@example(name="edit", status=400, body=b'{"parameters": [5]}', kind="text/html")
@example(name="invoice", status=200, body=_dated(67_768_040_609_740_800), kind="text/html")
@example(name="send", status=200, body=_dated(-(2**62)), kind="text/html")
@example(name="link", status=200, body=b'{"ok": true, "result": {}}', kind="text/html")
@given(
    name=st.sampled_from(sorted(CALLS)),
    status=st.sampled_from([200, 200, 200, 201, 302, 400, 401, 403, 404, 409, 413, 429, 500, 502, 599]),
    body=ANSWERS.flatmap(lambda value: broken(written(value))),
    kind=st.sampled_from(["application/json", "text/html"]),
)
async def test_an_answer_of_telegram_is_read_or_a_documented_error(
    chat, server, clock, tried, part, name, status, body, kind
):
    tried()
    # No pause that an earlier answer asked for keeps this one from being read.
    clock.advance(LONGEST_PAUSE * SECOND)
    server.answer = lambda: httpx.Response(status, content=body, headers={"content-type": kind})
    try:
        found = await CALLS[name](chat)
    except ChatError as error:
        assert TOKEN not in repr(error)
        if isinstance(error, ChatBusy):
            assert error.retry_after >= 0
        return
    if isinstance(found, Message):
        assert type(found.message_id) is int
    elif name == "link":
        assert isinstance(found, str)


@pytest.mark.parametrize("name", ["send", "download"])
async def test_an_endless_answer_is_not_read_to_its_end(chat, server, name):
    server.answer = lambda: httpx.Response(200, content=server.endless(b" " * 1_000_000))
    with pytest.raises(ChatBusy):
        await CALLS[name](chat)
    assert server.read <= LARGEST_ANSWER + 1_000_000


async def test_a_compressed_answer_that_nobody_asked_for_is_bounded_as_it_is_read(chat, server):
    packed = gzip.compress(b" " * 10_000_000)

    def answer() -> httpx.Response:
        return httpx.Response(200, content=server.endless(packed), headers={"content-encoding": "gzip"})

    server.answer = answer
    with pytest.raises(ChatBusy):
        await CALLS["send"](chat)
    assert server.read < 100_000
