"""The table of acceptance: what is sent for each operation in each standard and dialect, and what is read of the answers.

    python -m tests.acceptance.table > docs/acceptance.md

`test_table.py` lets each row happen.
"""

from collections.abc import Iterator
from itertools import groupby

from bot.demo.kling.refusals import CODES
from bot.domain.requests.operations import Operation, Product
from tests.acceptance.faults import (
    BY_CODE,
    BY_STATUS,
    FAILED,
    FAILED_CONTENT,
    PAGES,
    SAID,
    Meaning,
    faults_of,
)
from tests.acceptance.follows import FOLLOWS
from tests.acceptance.rows import Row, goes_elsewhere, rows, sent

WORDS = (
    "# What is accepted in which dialect",
    "",
    "One row for each operation, standard and dialect. Each is let happen in a test (`tests/acceptance`) between the",
    "bot's client and a strict stand-in, which is written from the documents and refuses whatever they don't state:",
    "",
    "- **sent**: the request goes there, with these fields, and is taken.",
    "- **answered**: the answer to it is read, the task is asked for until its result is there, and these are the words",
    "  for a task that was submitted, that is in work, and that is done. *At once*: the answer is the result, and there is",
    "  no task.",
    "- **errors**: each of Kling's codes and of the HTTP statuses below, in answer to the request and to the question, as",
    "  this server writes it, means what the tables of errors say. *By code*: the code is handed on; *by status*: only the",
    "  status and a sentence are. *And before*: what is found out before the request, such as a face, is answered so too.",
    "",
    "The standards are Kling's first (`/v1`, the model in the body), its newer one (the model in the path), and a gateway's",
    "own. What can't be done is refused before credits are reserved. What is *named* is offered where `operations` of the",
    "provider names it. This page is made by `python -m tests.acceptance.table`; what comes of each answer for people and",
    "admins is in [answers.md](answers.md).",
)


def document() -> str:
    """The table as a page."""
    lines = list(WORDS)
    for operation, group in groupby(rows(), key=lambda row: row.operation):
        lines += ["", f"## {operation}", "", f"{_made(operation)}.", ""]
        lines += ["| dialect | standard | sent | answered | errors |", "| --- | --- | --- | --- | --- |"]
        lines += [_line(row) for row in group]
    return "\n".join([*lines, *_errors(), ""])


def _made(operation: Operation) -> str:
    product = operation.product
    return {
        Product.VIDEO: "Makes a video",
        Product.IMAGE: "Makes images",
        Product.AUDIO: "Makes a sound",
        Product.ASSET: f"Makes {'an element' if operation is Operation.ELEMENT else 'a voice'}",
    }[product]


def _line(row: Row) -> str:
    begin = f"| {row.speaker.title} | {row.standard} |"
    if row.request is None:
        return f"{begin} {row.why if goes_elsewhere(row) else f'refused: {row.why}'} | – | – |"
    path, fields = sent(row.speaker, row.request)
    shown = ", ".join(f"`{field}`" for field in fields)
    named = ", named" if row.is_named else ""
    words = "at once" if row.is_answered_at_once else " → ".join(f"`{word}`" for word in row.words)
    by = "by status" if row.speaker.served == "flat" else "by code"
    before = ", and before" if row.prepares else ""
    errors = f"{(1 if row.is_answered_at_once else 2) * len(faults_of(row))} {by}{before}"
    return f"{begin} `{row.request.model}`{named}: `POST {path}`: {shown} | {words} | {errors} |"


def _errors() -> Iterator[str]:
    yield from ("", "## Errors: Kling's codes", "")
    yield "| code | | to a request | to a question | by status: to a request | to a question |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for code, (status, said) in CODES.items():
        cells = (*_cells(BY_CODE[code]), *_cells(BY_STATUS[code]))
        yield f"| {code} | {status}, {said} | {' | '.join(cells)} |"
    yield from ("", "## Errors: HTTP statuses", "")
    yield "A page is what somebody on the way writes; with JSON it is the server's own refusal, without a code of Kling's."
    yield from ("", "| status | a page: to a request | to a question | JSON: to a request | to a question |")
    yield "| --- | --- | --- | --- | --- |"
    for status in PAGES:
        cells = (*_cells(PAGES[status]), *_cells(SAID[status]))
        yield f"| {status} | {' | '.join(cells)} |"
    yield from (
        "",
        "A JSON body whose code is 503 itself is taken for `Ambiguous`, too: the request may have been read.",
    )
    yield from ("", "## What follows", "", "| answer | to a request |", "| --- | --- |")
    for name, outcome in FOLLOWS.items():
        yield f"| {_name(name)} | {outcome.said} |"
    yield from (
        "",
        "In answer to a question `failed` ends the task for that reason, and its credits are released; after any other the",
        "task is asked for again until its deadline. `NotFound` counts once it was said for two minutes.",
    )


def _cells(meaning: Meaning) -> tuple[str, str]:
    return _name(meaning.request), _name(meaning.question)


def _name(meaning: str) -> str:
    if meaning in {FAILED, FAILED_CONTENT}:
        return meaning
    name, _, what = meaning.partition(": ")
    return f"`{name}`, {what}" if what else f"`{name}`"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201  a script
