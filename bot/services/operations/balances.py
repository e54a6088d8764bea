"""Asks the accounts that tell of it for what is left of their packs, seldom, and lets the pool learn from it.

An account answers one such question a second (kling.ai/document-api, "Account Usage"), whoever asks with its key: what
was told a moment ago is not asked for again.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import structlog

from bot.clock import Clock
from bot.domain.tasks.availability import State
from bot.domain.tasks.resource_packs import AccountState
from bot.domain.types import HOUR, MINUTE, SECOND, Millis
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.pool import ProviderPool
from bot.services.learning import Learning

log = structlog.get_logger(__name__)

FRESH = Millis(2 * SECOND)
"""So long what was told is good for the next one who asks."""

EVERY, WHILE_EMPTY = Millis(HOUR), Millis(10 * MINUTE)
"""Between two questions that nobody asks for, and while a pack is closed for having no units."""


@dataclass(slots=True)
class _Account:
    """One account, which several entries of the settings may share. Times in UTC milliseconds, 0: never."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: int = 0
    told_at: int = 0
    told: AccountState | None = None


class Balances:
    """What each account was last found to have."""

    def __init__(self, *, pool: ProviderPool, learning: Learning, clock: Clock) -> None:
        self._pool = pool
        self._learning = learning
        self._clock = clock
        self._accounts: dict[tuple[str, str], _Account] = defaultdict(_Account)

    async def ask(self, client: KlingClient) -> AccountState:
        """What an account tells now, or told a moment ago.

        Raises:
            ProviderError: it does not tell.

        """
        account = self._account(client)
        async with account.lock:
            now = self._clock.now()
            told = account.told
            if (
                told is None
                or not client.has_accounting
                or not account.told_at <= now < account.told_at + FRESH
            ):
                account.asked_at = now
                told = await client.probe()
                account.told, account.told_at = told, self._clock.now()
        if told.packs is not None:
            await self._learning.note_packs(client.name, told.packs)
        return told

    async def tick(self) -> None:
        """Ask each account whose answer is old."""
        for client in self._pool.clients():
            if client.has_accounting and self._is_due(client):
                try:
                    await self.ask(client)
                except errors.ProviderError as error:
                    # How the provider is, submissions tell; this is only asked again later.
                    log.info("no balance told", provider=client.name, code=error.code)

    def _is_due(self, client: KlingClient) -> bool:
        asked_at, now = self._account(client).asked_at, self._clock.now()
        is_empty = any(each.state is State.EMPTY for each in self._pool.availabilities(client.name))
        # A clock that was set back must not make a pause of a year.
        return not asked_at <= now < asked_at + (WHILE_EMPTY if is_empty else EVERY)

    def _account(self, client: KlingClient) -> _Account:
        return self._accounts[client.config.base_url, client.config.key.get_secret_value()]
