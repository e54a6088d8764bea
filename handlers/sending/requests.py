"""One request to Telegram: its turn, its answer, and what Telegram's errors mean to the services."""

from collections.abc import Awaitable, Callable, Mapping
from errno import EINVAL, EOVERFLOW
from typing import TypeVar

import httpx
import structlog
from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.domain.types import MINUTE, SECOND, ChatId, Millis
from bot.metrics import TELEGRAM_REQUESTS, UNMEASURED, Meter
from bot.network import why_insecure
from bot.services.ports import (
    ChatBusy,
    ChatError,
    ChatForgot,
    ChatGone,
    ChatLost,
    ChatMoved,
    ChatRefused,
    ChatTooLarge,
    ChatUnsure,
)
from bot.services.slots import waiting
from handlers import objects
from handlers.sending import refusals
from handlers.sending.pacing import LONGEST_WAIT, Pacing, Urgency
from handlers.sending.refusals import Refusal

log = structlog.get_logger(__name__)

T = TypeVar("T")

BUSY_PAUSE = Millis(5 * SECOND)
LONG_PAUSE = Millis(MINUTE)
"""Where Telegram itself is not well, or refuses the token: the operator may be at it."""
REPEAT_PAUSES = (1.0, 3.0)
LONGEST_REPEAT_PAUSE = 5.0
"""Seconds between the tries of what may be repeated: whoever sent a file waits for an answer."""

PAUSES: Mapping[Refusal, Millis] = {
    Refusal.MIGRATED: LONG_PAUSE,
    Refusal.LOGGED_OUT: LONG_PAUSE,
    Refusal.TOO_MANY: BUSY_PAUSE,
    Refusal.SUPERSEDED: BUSY_PAUSE,
}
"""Refusals that pass: of a group that moved, the new id comes with the next update from it."""

ERRORS: Mapping[Refusal, type[ChatRefused | ChatGone]] = {
    Refusal.MESSAGE_GONE: ChatLost,
    Refusal.NOT_EDITABLE: ChatLost,
    Refusal.NO_MEDIA_TO_EDIT: ChatLost,
    Refusal.NO_TEXT_TO_EDIT: ChatLost,
    Refusal.BLOCKED: ChatGone,
    Refusal.KICKED: ChatGone,
    Refusal.CHAT_GONE: ChatGone,
    Refusal.NO_RIGHT_TO_WRITE: ChatGone,
    Refusal.TOO_LARGE: ChatTooLarge,
    Refusal.WRONG_FILE_ID: ChatForgot,
}
"""What the services know of the others; of those that are not named, that the chat refuses."""


class Requests:
    """Makes requests, each within the slot of whoever asks given up: a slow or throttled chat holds up no other."""

    def __init__(self, pacing: Pacing, meter: Meter = UNMEASURED) -> None:
        self._pacing = pacing
        self._meter = meter

    async def make(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a request at once that is not about what a chat gets to read. Raises a `ChatError`."""
        async with waiting():
            return await self._last(call)

    async def make_patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a request at once that may be repeated at will; what fails is tried three times within seconds.

        Raises:
            ChatBusy: it may work later.
            ChatError: as it was told the last time.

        """
        async with waiting():
            for pause in REPEAT_PAUSES:
                try:
                    return await self._answer(call)
                except RetryAfter as error:
                    asked = _pause(error) / SECOND
                    if asked > LONGEST_REPEAT_PAUSE:
                        raise ChatBusy(_pause(error)) from None
                    await self._pacing.sleep(asked)
                except (ChatTooLarge, ChatGone, ChatMoved):
                    raise
                except (ChatBusy, ChatRefused):
                    await self._pacing.sleep(pause)
            return await self._last(call)

    async def _last(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._answer(call)
        except RetryAfter as error:
            raise ChatBusy(_pause(error)) from None

    async def make_in(self, chat_id: ChatId, urgency: Urgency, call: Callable[[], Awaitable[T]]) -> T:
        """Make a request when it is its chat's turn; an answer once more after a pause that Telegram asks for.

        Raises:
            ChatBusy: also where it would have to wait for longer than its urgency allows.
            ChatError: Telegram does not do it.

        """
        async with waiting():
            try:
                return await self._once(chat_id, urgency, call)
            except RetryAfter as error:
                pause = _pause(error)
                if urgency is not Urgency.ANSWER or pause > LONGEST_WAIT * SECOND:
                    raise ChatBusy(pause) from None
            try:
                return await self._once(chat_id, urgency, call)
            except RetryAfter as error:
                raise ChatBusy(_pause(error)) from None

    def check_in(self, chat_id: ChatId, urgency: Urgency) -> None:
        """Refuse what its chat would not take soon enough. Raises `ChatBusy`."""
        self._pacing.check(chat_id, urgency)

    async def attempt(self, call: Callable[[], Awaitable[object]]) -> bool:
        """Make a request at once that may fail; False where it did."""
        try:
            await self.make(call)
        except ChatError:
            return False
        return True

    async def attempt_in(
        self, chat_id: ChatId, urgency: Urgency, call: Callable[[], Awaitable[object]]
    ) -> bool:
        """Make a request when it is its chat's turn; False where it failed, or would have to wait too long."""
        try:
            await self.make_in(chat_id, urgency, call)
        except ChatError:
            return False
        return True

    async def _once(self, chat_id: ChatId, urgency: Urgency, call: Callable[[], Awaitable[T]]) -> T:
        await self._pacing.turn(chat_id, urgency)
        try:
            answer = await self._answer(call)
        except RetryAfter as error:
            self._pacing.pause(chat_id, _pause(error) / SECOND)
            raise
        except (ChatGone, ChatMoved, ChatRefused):
            self._pacing.note_success()
            raise
        self._pacing.note_success()
        return answer

    async def _answer(self, call: Callable[[], Awaitable[T]]) -> T:
        """As `_answer`, measured."""
        outcome = "ok"
        try:
            return await _answer(call)
        except RetryAfter:
            outcome = "throttled"
            raise
        except ChatError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._meter.count(TELEGRAM_REQUESTS, outcome=outcome)


async def _answer(call: Callable[[], Awaitable[T]]) -> T:
    """Return what Telegram answers. Raises a `ChatError`, or `RetryAfter` for a pause."""
    try:
        answer = await call()
        objects.check(answer)
        return answer
    except RetryAfter:
        raise
    except TelegramError as error:
        raise _chat_error(error) from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        # It was answered, but not as the Bot API answers.
        log.warning("an answer of Telegram could not be read", kind=type(error).__name__)
        raise ChatUnsure(BUSY_PAUSE) from None
    except OSError as error:
        # How the C library refuses a moment that its calendar cannot hold.
        if error.errno not in {EOVERFLOW, EINVAL}:
            raise
        log.warning("an answer of Telegram could not be read", kind=type(error).__name__)
        raise ChatUnsure(BUSY_PAUSE) from None


def _chat_error(error: TelegramError) -> ChatError:
    """Return what the services know of an error of Telegram's other than a pause."""
    if isinstance(error, ChatMigrated):
        return ChatMoved(ChatId(error.new_chat_id))
    if isinstance(error, (BadRequest, Forbidden)):
        return _refusal(error)
    if isinstance(error, NetworkError):
        # The message of a network error may hold the address, and so the token.
        if refusals.read(error) is Refusal.TOO_LARGE:
            return ChatTooLarge(Refusal.TOO_LARGE)
        if (insecure := why_insecure(error)) is not None:
            log.warning("Telegram is not reached", reason=str(insecure))
        return ChatBusy(BUSY_PAUSE) if _was_not_sent(error) else ChatUnsure(BUSY_PAUSE)
    if type(error) is TelegramError:
        # An answer that is no JSON, such as the page of a proxy.
        log.warning("telegram answers what is no JSON")
        return ChatUnsure(BUSY_PAUSE)
    log.warning("telegram does not take messages", kind=type(error).__name__)
    return ChatBusy(LONG_PAUSE)


def _refusal(error: BadRequest | Forbidden) -> ChatError:
    """Return what the services know of a refusal; the same words mean the same with every code."""
    refusal = refusals.read(error)
    if refusal is None:
        log.warning("telegram refuses a request", words=error.message[:200])
        return ChatGone(error.message) if isinstance(error, Forbidden) else ChatRefused(error.message)
    if (pause := PAUSES.get(refusal)) is not None:
        return ChatBusy(pause)
    return ERRORS.get(refusal, ChatRefused)(error.message)


_NEVER_SENT = (
    ClientConnectorError,
    ConnectionTimeoutError,
    httpx.PoolTimeout,
    httpx.ProxyError,
)


def _was_not_sent(error: NetworkError) -> bool:
    """Whether a request surely never left: httpx's names do not say it, its causes do."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _NEVER_SENT):
            return True
        # Of aiohttp's errors httpx's names say nothing; of those of its own connections, through proxies, they do.
        behind = cause.__cause__
        if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout)) and behind is not None:
            return not isinstance(behind, (ClientError, TimeoutError)) or isinstance(behind, _NEVER_SENT)
        cause = behind
    return False


def seconds_of(error: RetryAfter) -> float:
    """Return how long a pause is that Telegram asks for, in seconds."""
    value = error.retry_after
    return float(value) if isinstance(value, (int, float)) else value.total_seconds()


def _pause(error: RetryAfter) -> Millis:
    return Millis(round(seconds_of(error) * SECOND))
