"""Slots for what acts on updates: so much runs at once, and whoever waits for others makes room.

Code that waits for something outside the process (an answer of Telegram, a pause that it asks for) does so inside
`waiting()`: for so long its slot is another's. Without that a few slow chats would hold every slot.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

Watch = Callable[[bool], Awaitable[None]]
"""Is told when the code in a slot begins to wait (True), and before it goes on (False)."""


class Slots:
    """So many may be taken at once, in the order of asking."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._line: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self, watch: Watch | None = None) -> AsyncIterator[None]:
        """Hold a slot, but for what is done inside `waiting()`."""
        await self._take()
        holder = _Holder(self, watch)
        token = _holder.set(holder)
        try:
            yield
        finally:
            _holder.reset(token)
            holder.end()

    async def _take(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Let go of a slot."""
        self._free += 1
        while self._free > 0 and self._line:
            turn = self._line.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    def retake(self) -> None:
        """Take a slot at once, if need be one too many.

        Whoever comes back may hold what those with a slot wait for: to wait for one of theirs could last for ever.
        """
        self._free -= 1


class _Holder:
    """A slot as it is held: by the code of one update, with everything that it runs side by side."""

    def __init__(self, slots: Slots, watch: Watch | None) -> None:
        self._slots = slots
        self._watch = watch
        self._waits = 0
        self._ended = False

    async def leave(self) -> None:
        self._waits += 1
        if self._waits == 1 and not self._ended:
            self._slots.give()
            if self._watch is not None:
                await self._watch(True)

    def retake(self) -> bool:
        self._waits -= 1
        is_back = self._waits == 0 and not self._ended
        if is_back:
            self._slots.retake()
        return is_back

    async def come_back(self) -> None:
        if self.retake() and self._watch is not None:
            await self._watch(False)

    def end(self) -> None:
        self._ended = True
        if self._waits == 0:
            self._slots.give()


_holder: ContextVar[_Holder | None] = ContextVar("holder", default=None)


@asynccontextmanager
async def waiting() -> AsyncIterator[None]:
    """Make room while something outside is waited for; without a slot it changes nothing."""
    holder = _holder.get()
    if holder is None:
        yield
        return
    await holder.leave()
    try:
        yield
    except asyncio.CancelledError:
        holder.retake()
        raise
    except BaseException:
        await holder.come_back()
        raise
    await holder.come_back()
