"""What Telegram's refusals mean: everything in `handlers` reads them here, and the table of `docs/troubleshooting.md` is made of it."""

import re

from handlers.sending.wordings import TABLE, Refusal

__all__ = ["Refusal", "read", "table"]

HEAD = """\
| What it means | Telegram's words | What the bot does |
| --- | --- | --- |
"""

_PATTERNS = [(meaning.refusal, re.compile("|".join(meaning.patterns))) for meaning in TABLE]


def read(refused: object) -> Refusal | None:
    """Return what a description of Telegram's means, or an error with one; None where the table does not know it."""
    text = str(refused).lower()
    return next((refusal for refusal, pattern in _PATTERNS if pattern.search(text)), None)


def table() -> str:
    """Return the table of `docs/troubleshooting.md`."""
    rows = []
    for meaning in TABLE:
        words = "<br>".join(f"`{example}`" for example in meaning.examples)
        rows.append(f"| {meaning.title} | {words} | {meaning.action} |")
    return HEAD + "\n".join(rows)
