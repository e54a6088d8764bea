"""The table of answers: what a provider answers, and what the person, the admins and the ledger get.

    python -m tests.answers.table > docs/answers.md

`test_table.py` lets each row happen to the bot. A subject adds its rows in a module of its own beside this one, and
its name to `ROWS`.
"""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from bot.i18n import read_catalogue
from tests.answers.ends import ROWS as ENDS
from tests.answers.faults import ROWS as FAULTS
from tests.answers.reading import ROWS as READING
from tests.answers.results import ROWS as RESULTS
from tests.answers.rows import Row

ROWS: Sequence[tuple[str, Sequence[Row]]] = (*READING, *FAULTS, *ENDS, *RESULTS)
"""The sections of the page, each with its rows."""

LONGEST = 160
"""Characters of an answer that the page shows."""

WORDS = (
    "# What an answer of a provider means",
    "",
    "Each row happens to the real bot in a test (`tests/answers`): a person asks for a video, and the provider answers",
    "so, once or always. The columns are what comes of it. A key such as `notice.failed.content` is a text, which",
    "is listed at the end; one such as `alert.provider.balance` is what admins are told. This page is made by",
    "`python -m tests.answers.table`.",
)

MOMENTS = {
    "submit": "to the request",
    "query": "to a look at the task",
    "file": "to the download",
}


def document() -> str:
    """The table as a page for operators."""
    lines = list(WORDS)
    for title, rows in ROWS:
        lines += ["", f"## {title}"]
        for moment, group in groupby(rows, key=lambda row: row.moment):
            lines += ["", f"In answer {MOMENTS[moment]}:", ""]
            lines += ["| answer | | the person | the admins | credits |", "| --- | --- | --- | --- | --- |"]
            lines += [_line(row) for row in group]
    lines += ["", "## The texts", "", "| key | text |", "| --- | --- |"]
    texts = read_catalogue("en").texts
    keys = sorted({row.outcome.person for _, rows in ROWS for row in rows if "." in row.outcome.person})
    lines += [f"| `{key}` | {_cell(texts[key][-1])} |" for key in keys]
    return "\n".join([*lines, ""])


def _line(row: Row) -> str:
    outcome = row.outcome
    times = {None: "", 1: "once: "}.get(row.times, f"{row.times} times: ")
    answer = f"{row.status} {_shown(row.body)}"
    admins = ", ".join(f"`{key}`" if "." in key else key for key in outcome.admins.split(", "))
    person = f"`{outcome.person}`" if "." in outcome.person else outcome.person
    return f"| {times}{row.said} | `{_cell(answer)}` | {person} | {admins} | {outcome.ledger} |"


def _shown(body: Any) -> str:
    if isinstance(body, bytes):
        return f"({len(body)} bytes)"
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201  a script
