"""Slots for what acts on updates: so much runs at once, and whoever waits for others makes room.

Code that waits for something outside the process (an answer of Telegram, a pause that it asks for) does so inside
`waiting()`: for so long its slot is another's. Without that a few slow chats would hold every slot.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

Watchdog = Callable[[bool], Awaitable[None]]
"""Is told when the code in a slot begins to wait (True), and before it goes on (False)."""


class Slots:
    """So many may be taken at once; a free one goes to the owner in line who holds fewest, else in the order of asking.

    So one person in many chats holds up nobody else for longer than one of those takes.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._held: Counter[Hashable] = Counter()
        self._line: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def one(self, watch: Watchdog | None = None, owner: Hashable = None) -> AsyncIterator[None]:
        """Hold a slot, but for what is done inside `waiting()`; without an owner, on one's own account."""
        owner = object() if owner is None else owner
        await self._take(owner)
        holder = _Holder(self, watch=watch, owner=owner)
        token = _holder.set(holder)
        try:
            yield
        finally:
            _holder.reset(token)
            holder.end()

    async def _take(self, owner: Hashable) -> None:
        if self._free > 0:
            self.retake(owner)
            return
        turn = asyncio.get_running_loop().create_future()
        self._line.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.release(owner)
            raise

    def release(self, owner: Hashable) -> None:
        """Let go of a slot."""
        self._free += 1
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        if (others := self._line.pop(owner, None)) is not None:
            # Whoever has had a slot stands behind the others in line.
            self._line[owner] = others
        while self._free > 0 and self._line:
            following = self._next()
            turns = self._line.pop(following)
            turn = turns.popleft()
            if turns:
                self._line[following] = turns
            if not turn.done():
                self.retake(following)
                turn.set_result(None)

    def _next(self) -> Hashable:
        # No more owners are looked at than hold a slot, and one: a long line costs nothing.
        idle = (owner for owner in self._line if owner not in self._held)
        found = next(idle, None)
        return min(self._line, key=lambda owner: self._held[owner]) if found is None else found

    def retake(self, owner: Hashable) -> None:
        """Take a slot at once, if need be one too many.

        Whoever comes back may hold what those with a slot wait for: to wait for one of theirs could last for ever.
        """
        self._free -= 1
        self._held[owner] += 1


class _Holder:
    """A slot as it is held: by the code of one update, with everything that it runs side by side."""

    def __init__(self, slots: Slots, *, watch: Watchdog | None, owner: Hashable) -> None:
        self._slots = slots
        self._owner = owner
        self._watch = watch
        self._waits = 0
        self._ended = False

    async def leave(self) -> None:
        self._waits += 1
        if self._waits == 1 and not self._ended:
            self._slots.release(self._owner)
            if self._watch is not None:
                await self._watch(True)

    def retake(self) -> bool:
        self._waits -= 1
        is_back = self._waits == 0 and not self._ended
        if is_back:
            self._slots.retake(self._owner)
        return is_back

    async def come_back(self) -> None:
        if self.retake() and self._watch is not None:
            await self._watch(False)

    def end(self) -> None:
        self._ended = True
        if self._waits == 0:
            self._slots.release(self._owner)


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
