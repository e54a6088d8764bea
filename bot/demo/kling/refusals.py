"""Why the stand-in refuses: the documented business codes with their HTTP statuses and texts."""

from collections.abc import Mapping
from typing import Any

CODES: Mapping[int, tuple[int, str]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization has expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Account balance not enough"),
    1103: (403, "Unauthorized access to requested resource"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid parameters, such as incorrect key or illegal value"),
    1202: (404, "The requested method is invalid"),
    1203: (404, "The requested resource does not exist, such as the model"),
    1300: (400, "Trigger strategy of the platform"),
    1301: (400, "Trigger the content security policy of the platform"),
    1302: (429, "The API request is too fast, exceeding the platform rate limit"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "Trigger the platform's IP whitelisting policy"),
    5000: (500, "Server internal error"),
    5001: (503, "Server temporarily unavailable, usually due to maintenance"),
    5002: (504, "Server internal timeout, usually due to a backlog"),
}
NOT_FOUND = "Task not found by id/external id"
FAILED = "Generation failed, please try again"
UNSAFE = "Failure to pass the risk control system"
BUSY = "The service is busy, please try again later"
"""What a failed task says; the second is what the real service says of content that it would not finish."""


class Refusal(Exception):
    """A request that is answered with a business code; each dialect wraps it in its own way.

    Whatever reads a request or looks up what it names may raise it; the code is 1201 where nothing else is said.
    """

    def __init__(self, code: int, message: str = "") -> None:
        status, text = CODES.get(code, (400, "Invalid request parameters"))
        super().__init__(message or text)
        self.status = status
        self.code = code
        self.message = message or text


class GatewayRefusal(Refusal):
    """A request that a gateway refuses itself, by a word of its own, before Kling hears of it."""

    def __init__(self, status: int, word: str, message: str = "") -> None:
        super().__init__(1200, message or word)
        self.status = status
        self.word = word


class Interruption(Exception):
    """What happens instead of an answer; whether a task was made before is told by who raises it."""


class HungUp(Interruption):
    """An answer is begun, and the connection closed before it says anything."""


class Canned(Interruption):
    """An answer of somebody on the way: a proxy's page, a body that nobody expects."""

    def __init__(self, status: int, body: str | dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def invalid(message: str) -> Refusal:
    """The refusal of a bad key or value."""
    return Refusal(1201, message)


def forbid(wrong: bool, message: str) -> None:
    """Refuse what is wrong with 1201."""
    if wrong:
        raise invalid(message)
