"""Updates as they come from Telegram: taken as JSON, each looked at by itself.

`Bot.get_updates` would make objects of a whole batch: one update that it cannot read would keep all others from
coming, for ever.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from telegram import Message, Update
from telegram.constants import ChatType
from telegram.error import TelegramError
from telegram.request import HTTPXRequest, RequestData
from telegram.request._requestparameter import RequestParameter

from bot.domain.types import ChatId, Millis, UserId
from bot.services.floods import body_of
from bot.services.ports import StoredUpdate, UnreadUpdate
from handlers import objects
from handlers.chat.routes import SUBSCRIPTION

LARGEST_UPDATE_ID = 2**52
LONGEST_PAUSE = 2**31
"""Seconds; what Telegram asks for is less than a day."""

LARGEST_NUMBER = 2**63
LONGEST_ERROR = 300
DEEPEST = 100
"""Levels of objects within objects."""

_NO_SUBSCRIPTION = {"invoice_payload": "", "state": ""}
"""What the update of a subscription holds; the library does not know it."""

_LATER_OF_A_CHAT = {"accent_color_id": 0, "max_reaction_count": 0}
"""What `telegram.ChatFullInfo` requires, and Bot API servers before 7.3 do not send."""

_RIGHTS = {"can_edit_tag": False} | dict.fromkeys(
    ("can_post_stories", "can_edit_stories", "can_delete_stories"), False
)
LATER: Mapping[str, Mapping[str, object]] = {
    "poll": {"allows_revoting": False, "members_only": False},
    "options": {"persistent_id": ""},
    "old_chat_member": _RIGHTS,
    "new_chat_member": _RIGHTS,
}
"""What the library requires of objects in an update, by their field, and older servers do not send. Nobody here reads it."""
_RENEWED = ('"forward_date"', *(f'"{field}"' for field in LATER))

_CHAT_TYPES = tuple(ChatType)
_READ_OF_A_CHAT = frozenset({"id", "type", "title", "username", "permissions", *_LATER_OF_A_CHAT})

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_RESULT = re.compile(r'"result"\s*:\s*\[')
_LONG_NUMBER = re.compile(r"\d{19}")
_UPDATE_ID = re.compile(r'"update_id"\s*:\s*(\d{1,16})\b')


class SendingRequest(HTTPXRequest):
    """Asks for everything else. What is no answer of the Bot API is an error, and is not written to the log."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; see `BaseRequest.parse_json_payload`."""
        try:
            answer = json.loads(payload.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            answer = None
        answer = _answer(answer)
        result = answer.get("result")
        if isinstance(result, dict) and result.get("type") in _CHAT_TYPES and "id" in result:
            # Of a chat, the library requires what older servers do not send, and reads what nobody here asks for.
            answer["result"] = _LATER_OF_A_CHAT | {
                name: result[name] for name in _READ_OF_A_CHAT & result.keys()
            }
        return answer


def _answer(answer: Any) -> dict[str, Any]:
    """An answer that the library can make an error of: it does not look at what it takes for one."""
    if not isinstance(answer, dict):
        raise TelegramError("Invalid server response")
    if not isinstance(answer.get("description", ""), str):
        del answer["description"]
    parameters = answer.get("parameters")
    if parameters is not None and not (
        isinstance(parameters, dict) and all(map(_is_parameter, parameters.items()))
    ):
        del answer["parameters"]
    return answer


def _is_parameter(item: tuple[str, object]) -> bool:
    name, value = item
    least, most = (1, LONGEST_PAUSE) if name == "retry_after" else (-LARGEST_UPDATE_ID, LARGEST_UPDATE_ID)
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


class PollingRequest(HTTPXRequest):
    """Asks for updates. In `result` stands a string where an update is no JSON that can be read."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; see `BaseRequest.parse_json_payload`."""
        text = payload.decode("utf-8", "replace")
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            batch = _RESULT.search(text)
            if batch is None:
                raise TelegramError("Invalid server response") from None
            return {"ok": True, "result": [_loaded(part) for part in _parts(text, batch.end())]}
        return _answer(answer)


async def fetch(
    request: HTTPXRequest, url: str, offset: int | None, timeout_seconds: int, kinds: Sequence[str]
) -> list[StoredUpdate | UnreadUpdate]:
    """Wait for updates at the bot's address; see `bot.services.ports.UpdateSource`. Raises what Telegram answers."""
    asked = {"offset": offset, "timeout": timeout_seconds, "allowed_updates": list(kinds)}
    parameters = [
        RequestParameter.from_input(name, value) for name, value in asked.items() if value is not None
    ]
    result: Any = await request.post(
        f"{url}/getUpdates",
        request_data=RequestData(parameters),
        read_timeout=(request.read_timeout or 0) + timeout_seconds,
    )
    if not isinstance(result, list):
        raise ValueError("Telegram's answer holds no list of updates")  # noqa: TRY004  the wire's mistake
    return [read(update) for update in result]


def read(update: object) -> StoredUpdate | UnreadUpdate:
    """Read an update as the Bot API writes it in JSON; a string is one that is no JSON."""
    if isinstance(update, dict):
        try:
            return _read(update)
        except ValueError as error:
            return _unread(_ascii(update), str(error), update)
    content = update if isinstance(update, str) else _ascii(update)
    content = content.encode("ascii", "backslashreplace").decode()
    number = _UPDATE_ID.search(content)
    known = {} if number is None else {"update_id": int(number[1])}
    return _unread(content, "no-json", known)


def check(update: Update, *album: Message) -> None:
    """Look into an update, and the other photos of its album, before it is acted on.

    Raises:
        ValueError: it holds something else than the Bot API says, or nobody did it.

    """
    objects.check((update, *album), whole=True)
    for message in (update.message, update.edited_message, *album):
        if message is None or message.from_user is not None:
            continue
        # Only what is written in the name of a chat may come without its author; a payment is somebody's.
        if message.sender_chat is None or message.successful_payment is not None:
            raise ValueError("a message has no author")
    subscription = update.api_kwargs.get(SUBSCRIPTION, _NO_SUBSCRIPTION)
    if not isinstance(subscription, dict) or not all(
        isinstance(subscription.get(name), str) for name in _NO_SUBSCRIPTION
    ):
        raise ValueError(f"{SUBSCRIPTION} is none")


def error_text(error: Exception) -> str:
    """What an exception says, short and in ASCII."""
    text = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    return text.encode("ascii", "backslashreplace").decode()


def _read(update: dict[str, Any]) -> StoredUpdate:
    text = _check(update)
    if any(name in text for name in _RENEWED):
        _renew(update)
    update_id = _number(update, "update_id", "update")
    if not 0 <= update_id < LARGEST_UPDATE_ID:
        raise ValueError(f"update_id is out of range: {update_id}")
    body = body_of(update)
    message = body.get("message") if "callback_query" in update else body
    chat = message.get("chat") if isinstance(message, dict) else None
    if isinstance(chat, dict):
        _number(chat, "id", "chat")
    sent_at = None
    for kind in ("message", "edited_message"):
        if kind in update:
            if not isinstance(chat, dict):
                raise ValueError(f"{kind} has no chat")
            _number(body, "message_id", kind)
            sent_at = Millis(_number(body, "date", kind) * 1000)
            if not 0 <= sent_at < LARGEST_NUMBER:
                raise ValueError(f"{kind} has no date")
    if "from" in body:
        if not isinstance(body["from"], dict):
            raise ValueError("from is no user")
        _number(body["from"], "id", "from")
    for name in ("text", "caption"):
        if not isinstance(body.get(name, ""), str):
            raise ValueError(f"{name} is no text")  # noqa: TRY004  the wire's mistake
    chat_id = ChatId(chat["id"]) if isinstance(chat, dict) else None
    return StoredUpdate(update_id, chat_id, update, sent_at if "message" in update else None)


def _renew(part: object) -> None:
    """Write what servers say that are older than the library as newer ones do."""
    if isinstance(part, list):
        for each in part:
            _renew(each)
    elif isinstance(part, dict):
        if "forward_date" in part:
            # Who wrote it is of no interest here, only that it was not its sender.
            origin = {"type": "hidden_user", "date": part["forward_date"], "sender_user_name": ""}
            part.setdefault("forward_origin", origin)
        for name, value in part.items():
            for held in value if isinstance(value, list) else [value]:
                if name in LATER and isinstance(held, dict):
                    for later, value_of_old in LATER[name].items():
                        held.setdefault(later, value_of_old)
            _renew(value)


def _number(parent: Mapping[str, Any], name: str, of: str) -> int:
    value = parent.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{of} has no number {name}")  # noqa: TRY004  it is the wire's mistake, not the caller's
    return value


def _check(update: Mapping[str, Any]) -> str:
    """Return an update as text. Raises ValueError where the store could not keep something."""
    try:
        text = json.dumps(update, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(error_text(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    # Nearly every update is short of both: looking into each would take most of the time of a flood.
    if text.count("[") + text.count("{") > DEEPEST or _LONG_NUMBER.search(text):
        _check_parts(update, 0)
    return text


def _check_parts(value: object, depth: int) -> None:
    if isinstance(value, int):
        if not -LARGEST_NUMBER <= value < LARGEST_NUMBER:
            raise ValueError("a number is out of range")
    elif isinstance(value, (dict, list)):
        if depth == DEEPEST:
            raise ValueError("it is nested too deeply")
        for part in value.values() if isinstance(value, dict) else value:
            _check_parts(part, depth + 1)


def _unread(content: str, error: str, update: Mapping[str, Any]) -> UnreadUpdate:
    body = body_of(update)
    update_id = _id(update, "update_id")
    chat, person = (_id(body.get(name), "id") for name in ("chat", "from"))
    return UnreadUpdate(
        content,
        error[:LONGEST_ERROR],
        None if update_id is None or update_id < 0 else update_id,
        None if chat is None else ChatId(chat),
        None if person is None else UserId(person),
    )


def _id(parent: object, name: str) -> int | None:
    value = parent.get(name) if isinstance(parent, dict) else None
    usable = isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_UPDATE_ID
    return value if usable else None


def _ascii(value: object) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return ""


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _parts(text: str, start: int) -> Iterator[str]:
    """The objects of an array that begins at `start`, as they are written."""
    depth, begin = 0, start
    for token in _TOKENS.finditer(text, start):
        if token[0] in "[{":
            if depth == 0:
                begin = token.start()
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth < 0:
                return
            if depth == 0:
                yield text[begin : token.end()]
