"""The errors of the table of acceptance: Kling's codes as each server hands them on, HTTP statuses, and what each means.

Kling's codes, their statuses and what they stand for: kling.ai/document-api, "Error codes".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.demo.kling.refusals import CODES, Canned
from tests.acceptance.rows import Row

CONTENT, SETTINGS = "Rejected: content", "Rejected: settings"
FAILED_CONTENT, FAILED = "failed: content", "failed"
"""What a refusal in answer to a question is: the end of the task."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer means: to a request for something, and to a question about a task."""

    request: str
    question: str

    @property
    def before(self) -> str:
        """The same to what is found out before a request, such as a face: nothing can have been made of that."""
        ends = {FAILED_CONTENT: CONTENT, FAILED: SETTINGS, "NotFound": SETTINGS}
        return ends.get(self.question, self.question)


def _both(name: str) -> Meaning:
    return Meaning(name, name)


UNKNOWN = Meaning("Ambiguous", "Unavailable")
"""Nobody knows what became of a request; a question is asked again."""

BY_CODE: Mapping[int, Meaning] = {
    1000: _both("Unauthorized"),
    1001: _both("Unauthorized"),
    1002: _both("Unauthorized"),
    1003: _both("Unauthorized"),
    1004: _both("Unauthorized"),
    1100: _both("Unauthorized"),
    1101: _both("OutOfBalance"),
    1102: _both("PackEmpty"),
    1103: _both("NotEnabled"),
    1200: Meaning(SETTINGS, FAILED),
    1201: Meaning(SETTINGS, FAILED),
    1202: _both("WrongPath"),
    1203: Meaning("NoSuchModel", "NotFound"),
    1300: Meaning(CONTENT, FAILED_CONTENT),
    1301: Meaning(CONTENT, FAILED_CONTENT),
    1302: _both("Throttled"),
    1303: _both("TooManyAtOnce"),
    1304: _both("AddressRefused"),
    5000: UNKNOWN,
    5001: _both("Unavailable"),
    5002: UNKNOWN,
}
"""Kling's codes, wherever they are handed on: in Kling's envelope, nested in a gateway's, in an error object."""

BY_STATUS: Mapping[int, Meaning] = BY_CODE | {
    1100: _both("Throttled"),
    1102: _both("OutOfBalance"),
    1103: _both("Unauthorized"),
    1203: Meaning("NoSuchModel", "WrongPath"),
    1300: Meaning(SETTINGS, FAILED),
    1304: _both("Throttled"),
    5001: UNKNOWN,
}
"""The same codes where a flat proxy hands on the status and the sentence alone."""

PAGES: Mapping[int, Meaning] = {
    400: Meaning(SETTINGS, "Unavailable"),
    401: _both("Unauthorized"),
    402: _both("OutOfBalance"),
    403: _both("Unavailable"),
    404: _both("WrongPath"),
    408: UNKNOWN,
    409: UNKNOWN,
    413: _both("TooLarge"),
    422: Meaning(SETTINGS, "Unavailable"),
    429: _both("Throttled"),
    500: UNKNOWN,
    502: UNKNOWN,
    503: UNKNOWN,
    504: UNKNOWN,
}
"""HTTP statuses with a page: somebody on the way."""

SAID: Mapping[int, Meaning] = PAGES | {
    400: Meaning(SETTINGS, FAILED),
    403: _both("Unauthorized"),
    422: Meaning(SETTINGS, FAILED),
    503: _both("Unavailable"),
}
"""HTTP statuses with a JSON body as each server writes it, and no code of Kling's in it."""

SHAPES: Mapping[str, Callable[[int, str], dict[str, Any]]] = {
    "official": lambda status, text: {"code": status, "message": text, "request_id": "r-1"},
    "unified": lambda status, text: {"code": status, "message": text, "request_id": "r-1"},
    "flat": lambda status, text: {"code": status, "message": text},
    "omnimaas": lambda status, text: {"error": {"code": str(status), "message": text}},
}


def shaped(served: str, status: int) -> dict[str, Any]:
    """A refusal as a server writes it; gateways do it as OpenAI does."""
    text = HTTPStatus(status).phrase
    as_openai = {"error": {"message": text, "type": "new_api_error", "code": ""}}
    return SHAPES[served](status, text) if served in SHAPES else as_openai


PAGE = "<html><body>Just a moment…</body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is no result: one of Kling's codes, or an answer of somebody on the way."""

    said: str
    code: int | None
    canned: Canned | None
    meaning: Meaning


def faults_of(row: Row) -> Sequence[Fault]:
    """Every fault that can be met in a row, with its meaning there."""
    served = row.speaker.served
    codes = BY_STATUS if served == "flat" else BY_CODE
    # Where the status stands in the place of a code, nothing proves that a request was not read.
    said = SAID | ({503: UNKNOWN} if served in SHAPES else {})
    return (
        *(Fault(f"code {code}", code, None, codes[code]) for code in CODES),
        *(Fault(f"{status} as a page", None, Canned(status, PAGE), PAGES[status]) for status in PAGES),
        *(Fault(f"{status}", None, Canned(status, shaped(served, status)), said[status]) for status in said),
    )
