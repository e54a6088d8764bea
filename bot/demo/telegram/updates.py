"""The queue of updates with Telegram's rules of long polling: an offset confirms, what is not confirmed comes again."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from bot.demo.telegram.wire import BotApiError, bad_request

UPDATE_KINDS = (
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "chosen_inline_result",
    "pre_checkout_query",
    "my_chat_member",
    "chat_member",
    "message_reaction",
    "subscription",
)
_ONLY_ON_REQUEST = frozenset({"chat_member", "message_reaction", "subscription"})
_MOST_AT_ONCE = 100
_CONFLICT = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)


@dataclass
class UpdateQueue:
    """Updates in order of their ids; `handed_out` remembers every id that a poller was given."""

    next_id: int = 100_000_001
    waiting: list[dict[str, Any]] = field(default_factory=list)
    allowed: frozenset[str] = frozenset(UPDATE_KINDS) - _ONLY_ON_REQUEST
    handed_out: list[int] = field(default_factory=list)
    closed: bool = False
    _poller: object = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, kind: str, body: dict[str, Any]) -> int | None:
        """Queue an update and give its id; None where the bot did not ask for this kind."""
        if kind not in self.allowed:
            return None
        update_id = self.next_id
        self.next_id += 1
        self.waiting.append({"update_id": update_id, kind: body})
        self._wake()
        return update_id

    def allow(self, kinds: Any) -> None:
        """Set which kinds are queued from now on; None keeps what was set, an empty list means the usual ones."""
        if kinds is None:
            return
        if not isinstance(kinds, list):
            raise bad_request("can't parse allowed updates: expected an Array of String")
        self.allowed = frozenset(kinds) or frozenset(UPDATE_KINDS) - _ONLY_ON_REQUEST

    def confirm(self, offset: int) -> None:
        """Forget every update before `offset`; a negative one keeps that many from the end."""
        if offset < 0:
            self.waiting = self.waiting[offset:]
        else:
            self.waiting = [update for update in self.waiting if update["update_id"] >= offset]

    def close(self) -> None:
        """Let a waiting poller go with what there is."""
        self.closed = True
        self._wake()

    def end_poll(self, error: BotApiError) -> None:
        """Let whoever polls now go with an error."""
        if self._poller is not None:
            self._poller = error
            self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def touch(self) -> None:
        """Wake whoever waits on the queue: its settings have changed."""
        self._wake()

    async def changed(self) -> None:
        """Wait for the next change of the queue."""
        await self._changed.wait()

    async def poll(self, *, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """Answer getUpdates: wait up to `seconds` for the first update.

        Raises:
            BotApiError: 409 where a later poller took over meanwhile; what `end_poll` says.
        """
        poller = object()
        self._poller = poller
        self._wake()
        self.confirm(offset)
        try:
            async with asyncio.timeout(seconds):
                while not self.waiting and not self.closed and self._poller is poller:
                    await self._changed.wait()
        except TimeoutError:
            pass
        if isinstance(self._poller, BotApiError):
            error, self._poller = self._poller, None
            raise error
        if self._poller is not poller:
            raise BotApiError(409, _CONFLICT)
        self._poller = None
        given = self.waiting[: min(max(limit, 1), _MOST_AT_ONCE)]
        self.handed_out += [update["update_id"] for update in given]
        return given
