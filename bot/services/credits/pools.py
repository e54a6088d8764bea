"""The credits that a group has of its own: admins grant them, everybody's videos there are paid from them.

A pool is an account of the ledger under the id that the chat had first, so it stays the group's when Telegram
gives the chat another id.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.domain.credits.quota import Lot, PoolUse, windows
from bot.domain.types import ChatId, Credits
from bot.services.people.accounts import Accounts
from bot.settings import sections
from bot.store import Spender, Store

SHOWN_SPENDERS = 5


@dataclass(frozen=True, slots=True)
class WalletBalance:
    """What a group has, and who spent most of it this month."""

    left: Credits
    lots: Sequence[Lot]
    spenders: Sequence[Spender]
    use: PoolUse


class GroupWallets:
    """Tells how a group's pool stands and what is spent in a group."""

    def __init__(self, *, store: Store, accounts: Accounts, clock: Clock, groups: sections.Groups) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._use = groups.pool
        self._daily_credits = groups.daily_credits

    async def membership(self, chat_id: ChatId) -> WalletBalance | None:
        """How a group's pool stands; None where there is nothing to tell."""
        if self._use is PoolUse.OFF:
            return None
        now = self._clock.now()
        account = await self._store.credits.get_pool_account(chat_id)
        lots = await self._store.credits.list_lots(account, now)
        since = windows(now, self._accounts.zone).month_start
        spenders = await self._store.credits.list_pool_spenders(account, since, SHOWN_SPENDERS)
        if not (lots or spenders or self._use is PoolUse.ONLY):
            return None
        return WalletBalance(Credits(sum(lot.left for lot in lots)), lots, spenders, self._use)

    async def budget(self, chat_id: ChatId) -> tuple[Credits, int] | None:
        """What everybody in a group has spent today, and the limit; None where there is no such limit."""
        if self._daily_credits is None:
            return None
        today = windows(self._clock.now(), self._accounts.zone)
        return await self._store.credits.sum_spent_in_chat(chat_id, today.day_start), self._daily_credits
