"""The table of Telegram's refusals: what each wording means, and that nobody else reads them."""

import ast
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs

from bot.services.ports import (
    ChatBusy,
    ChatError,
    ChatForgot,
    ChatGone,
    ChatLost,
    ChatRefused,
    ChatTooLarge,
    ChatUnsure,
)
from handlers.chat.html import View
from handlers.sending import refusals
from handlers.sending.chat import ReplyTarget
from handlers.sending.pacing import Urgency
from handlers.sending.refusals import Refusal
from handlers.sending.wordings import TABLE
from tests.world.telegram import ADA, complaint

ROOT = Path(__file__).parent.parent.parent.parent

EXAMPLES = [(meaning.refusal, example) for meaning in TABLE for example in meaning.examples]

CODES = {
    "Bad Request": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "Conflict": 409,
    "Request Entity": 413,
    "Too Many": 429,
}

BUSY = {
    Refusal.MIGRATED,
    Refusal.LOGGED_OUT,
    Refusal.WEBHOOK_SET,
    Refusal.OTHER_POLLER,
    Refusal.TOO_MANY,
    Refusal.SUPERSEDED,
}
GONE = {Refusal.BLOCKED, Refusal.KICKED, Refusal.CHAT_GONE, Refusal.NO_RIGHT_TO_WRITE}
LOST = {
    Refusal.MESSAGE_GONE,
    Refusal.NOT_EDITABLE,
    Refusal.NO_MEDIA_TO_EDIT,
    Refusal.NO_TEXT_TO_EDIT,
}

TRIED_AGAIN = {
    Refusal.REPLY_GONE,
    Refusal.TOPIC_CLOSED,
    Refusal.TOPIC_GONE,
    Refusal.FORBIDDEN_MARKUP,
    Refusal.FORBIDDEN_BUTTON,
    Refusal.TOO_MANY,
}
"""Answers that the adapter sends once more by itself, differently or later."""


def kind_of(refusal: Refusal) -> type[Exception]:
    """What the services get to know of a refusal."""
    if refusal in BUSY:
        return ChatBusy
    if refusal in GONE:
        return ChatGone
    if refusal in LOST:
        return ChatLost
    return {Refusal.TOO_LARGE: ChatTooLarge, Refusal.WRONG_FILE_ID: ChatForgot}.get(refusal, ChatRefused)


@pytest.mark.parametrize(("refusal", "words"), EXAMPLES, ids=lambda value: str(value)[:60])
def test_each_wording_means_one_thing_however_the_library_writes_it(refusal, words):
    bare = words.removeprefix("Bad Request: ")
    for written in (words, bare, bare.capitalize(), f"{bare} (400)"):
        assert refusals.read(written) is refusal


def test_each_meaning_has_one_row_with_wordings_and_what_is_done():
    assert sorted(meaning.refusal for meaning in TABLE) == sorted(Refusal)
    for meaning in TABLE:
        assert meaning.patterns, meaning
        assert meaning.examples, meaning
        assert meaning.action.endswith("."), meaning
        assert all(pattern == pattern.lower() for pattern in meaning.patterns), meaning


@pytest.mark.parametrize(
    "words", ["Bad Request: message is too long", "chat", "reply markup is too long", ""]
)
def test_other_words_mean_nothing_known(words):
    assert refusals.read(words) is None


async def test_the_services_get_to_know_each_wording_in_the_same_way(telegram):
    for number, (refusal, words) in enumerate(EXAMPLES):
        if refusal in TRIED_AGAIN:
            continue
        code = next(code for begin, code in CODES.items() if words.startswith(begin))
        telegram.front.answer("sendMessage", complaint(code, words))
        with pytest.raises(ChatError) as raised:
            await telegram.side.chat.send(ReplyTarget(ADA + number), View("hello"), urgency=Urgency.ANSWER)
        assert type(raised.value) is kind_of(refusal), words


async def test_a_refusal_with_the_code_of_another_means_the_same(telegram):
    telegram.front.answer(
        "sendMessage", complaint(403, "Forbidden: not enough rights to send videos to the chat")
    )
    with pytest.raises(ChatRefused):
        await telegram.side.chat.send(ReplyTarget(ADA), View("hello"))


@pytest.mark.parametrize("status", [200, 502])
async def test_a_page_of_html_is_one_line_in_the_log_and_no_traceback(telegram, caplog, status):
    page = PlainTextResponse("<html><body>Welcome to nginx!</body></html>", status)
    telegram.front.answer("sendMessage", page)
    with capture_logs() as lines, pytest.raises(ChatUnsure):
        await telegram.side.chat.send(ReplyTarget(ADA), View("hello"))
    assert [line["event"] for line in lines] == ["telegram answers what is no JSON"] * (status == 200)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_proxy_that_takes_no_large_bodies_says_so_in_html(telegram):
    page = PlainTextResponse("<html><h1>413 Request Entity Too Large</h1></html>", 413)
    telegram.front.answer("sendMessage", page)
    with pytest.raises(ChatTooLarge):
        await telegram.side.chat.send(ReplyTarget(ADA), View("hello"))


async def test_a_text_whose_formatting_the_server_does_not_know_goes_without_it(telegram):
    words = 'Bad Request: can\'t parse entities: Unsupported start tag "tg-time" at byte offset 0'
    telegram.front.answer("sendMessage", complaint(400, words))
    sent = await telegram.side.chat.send(ReplyTarget(ADA), View("a <b>bold</b> &amp; plain text"))
    assert await telegram.side.chat.edit(ADA, sent.message_id, View("<i>other</i>"))
    first, second = telegram.front.of("sendMessage")
    assert "parse_mode" in first
    assert "parse_mode" not in second
    assert second["text"] == "a bold & plain text"


def test_the_document_is_what_the_table_says():
    written = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    found = written.partition("<!-- refusals -->\n")[2].partition("\n<!-- /refusals -->")[0]
    assert found == refusals.table(), (
        "put between the marks what python -c 'from handlers.sending import refusals; print(refusals.table())' prints"
    )


# -- nobody else reads them --------------------------------------------------------------------------

READERS = {"handlers/sending/refusals.py", "handlers/sending/wordings.py"}


def compared(path: Path) -> list[str]:
    """What a module compares with the text of an error, or with words of the table."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Compare):
            continue
        for part in ast.walk(node):
            is_text = isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) > 8
            if is_text and refusals.read(part.value) is not None:
                found.append(ast.unparse(node))
            of_error = isinstance(part, ast.Call) and ast.unparse(part.func) == "str"
            if ast.unparse(part) == "error.message":
                found.append(ast.unparse(node))
            if of_error and any("error" in ast.unparse(each) for each in part.args):
                found.append(ast.unparse(node))
    return found


def test_nobody_else_compares_the_text_of_an_error():
    for path in sorted((ROOT / "handlers").rglob("*.py")):
        if path.relative_to(ROOT).as_posix() not in READERS:
            assert compared(path) == [], path


def test_the_rule_finds_what_it_is_there_for(tmp_path):
    path = tmp_path / "module.py"
    path.write_text('a = "effect" in str(error).lower()\nb = "message to edit not found" in description\n')
    assert len(compared(path)) == 2
