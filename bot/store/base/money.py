"""Credits: the ledger and its sums, lots, the pools of groups, and what is bought for Stars."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.credits.quota import Lot, Usage, Windows
from bot.domain.credits.shop import Offer, Payment
from bot.domain.credits.spending import Spent
from bot.domain.credits.subscription import Subscription
from bot.domain.tasks.task import LedgerKind, LedgerRow
from bot.domain.units import ChatId, Credits, Millis, ProviderName, TaskId, UserId


class NotEnough(Exception):
    """More would be taken from a balance than there is; `granted` is what there is."""

    def __init__(self, granted: Credits) -> None:
        super().__init__(f"{granted} are left")
        self.granted = granted


@dataclass(frozen=True, slots=True)
class Spender:
    """Somebody who spent of a group's pool; no `name`: the bot has forgotten them."""

    name: str | None
    spent: Credits


class Money(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    # -- ledger --------------------------------------------------------------------------------------

    async def book(self, row: LedgerRow) -> bool:
        """Add a row that is not a hold, charge or release; False if its operation is booked already.

        Raises:
            NotEnough: it takes more of the granted balance than there is.

        """
        ...

    async def refund(
        self,
        task_id: TaskId,
        amount: Credits | None,
        key: str,
        now: Millis,
        *,
        actor: UserId | None = None,
        note: str = "",
    ) -> LedgerRow | None:
        """Refund a charged task to who paid; the row booked, or None: nothing is left.

        `amount` None is all that is left of the charge; more than that is cut down to it, so that all refunds
        of a task never exceed what was charged. `key` names the refund within the task
        (`task:<id>:refund:<key>`): one that is booked already is returned as it was booked, and nothing happens.
        None: the task was never charged, or all of it is refunded.
        """
        ...

    async def ledger(self, user_id: UserId, limit: int = 20) -> list[LedgerRow]:
        """A user's newest rows, newest first."""
        ...

    async def ledger_totals(self) -> Mapping[LedgerKind, tuple[int, Credits]]:
        """How many rows there are of each kind, and the sum of their amounts."""
        ...

    async def lots(self, account: UserId, since: Millis) -> list[Lot]:
        """Granted and bought credits with something left that end after `since`, those that end first in front."""
        ...

    # -- sums ----------------------------------------------------------------------------------------

    async def usage(self, user_id: UserId, window: Windows) -> Usage:
        """A user's standing."""
        ...

    async def spent_in(self, chat_id: ChatId, since: Millis) -> Credits:
        """The price of everything that was accepted in a chat since then and did not give its credits back."""
        ...

    async def spent_units(self, window: Windows) -> Mapping[ProviderName | None, Spent]:
        """What was spent in the window's day and month at each provider, in Kling's units; None: not yet sent."""
        ...

    # -- pools ---------------------------------------------------------------------------------------

    async def pool_account(self, chat_id: ChatId) -> UserId:
        """The account of a group's pool: the id that the chat had first."""
        ...

    async def pool_spenders(self, account: UserId, since: Millis, limit: int) -> list[Spender]:
        """Who spent most of a pool since then, what was given back not counted."""
        ...

    # -- purchases -----------------------------------------------------------------------------------

    async def keep_offer(self, offer: Offer) -> None:
        """Keep what was offered to somebody for Stars."""
        ...

    async def offer(self, token: str) -> Offer | None:
        """What was offered under a token, if it is not cleaned yet."""
        ...

    async def keep_subscription(self, subscription: Subscription) -> None:
        """Keep what was offered to somebody for Stars every month."""
        ...

    async def subscription(self, token: str) -> Subscription | None:
        """What was offered, or is paid for, under a token, if it is not cleaned yet."""
        ...

    async def subscription_of(self, user_id: UserId, now: Millis) -> Subscription | None:
        """A person's active subscription."""
        ...

    async def set_renewal(self, token: str, *, renews: bool) -> bool:
        """Note whether a subscription renews; False: that was known, or there is none."""
        ...

    async def pay(self, payment: Payment) -> bool:
        """Keep a payment, book its credits and let its subscription go on, once for its charge; False: it is known."""
        ...

    async def payment(self, charge_id: str) -> Payment | None:
        """A payment."""
        ...

    async def begin_refund(self, charge_id: str, actor: UserId, now: Millis) -> Payment | None:
        """Take the credits of a payment back, as many as are left; one that was begun already goes on."""
        ...

    async def end_refund(self, charge_id: str, actor: UserId, now: Millis, *, done: bool) -> Payment | None:
        """The Stars are given back, and their subscription ends; or they will not be: the credits are the person's again."""
        ...
