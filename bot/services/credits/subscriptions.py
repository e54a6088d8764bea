"""Plans that people pay for every month in Stars: offered, begun, renewed by Telegram, and ended.

Telegram renews by itself and tells of each payment; a subscription that it does not renew ends by its date,
so that nothing has to be done about it, and nothing is lost if nobody tells.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.credits.shop import PERIOD, MonthlyPlan, Payment, Subscription, check_subscribing, new_token
from bot.domain.units import Millis, UserId
from bot.errors import UserError
from bot.services.people.accounts import Accounts
from bot.store import Store

log = structlog.get_logger(__name__)


class Subscriptions:
    """What is `offered`, and who has subscribed to what."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        runtime: Runtime,
        offered: Sequence[MonthlyPlan],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = runtime.clock
        self._rng = runtime.rng
        self.offered = tuple(offered)

    async def current(self, user_id: UserId) -> Subscription | None:
        """What a person has subscribed to, as long as it is paid for."""
        return await self._store.payments.get_active_subscription(user_id, self._clock.now())

    async def offer(self, user_id: UserId, name: str) -> Subscription:
        """Note what somebody wants to subscribe to, for the invoice that goes to them.

        Raises:
            UserError: it is not offered any more, they have a subscription already, or admins gave them a
                plan of their own.

        """
        monthly = next((each for each in self.offered if each.name == name), None)
        if monthly is None:
            raise UserError("error.buy.old")
        if await self.current(user_id) is not None:
            raise UserError("error.buy.subscribed")
        plan = (await self._accounts.plan(user_id)).name
        if plan != self._accounts.default_plan:
            raise UserError("error.buy.other_plan", plan=plan)
        subscription = Subscription(new_token(self._rng), user_id, monthly, self._clock.now())
        await self._store.payments.save_subscription(subscription)
        return subscription

    async def check(self, token: str, user_id: UserId, currency: str, stars: int) -> bool:
        """Let somebody pay; False: the token is no subscription's. It asks nothing but the store.

        Raises:
            UserError: see `check_subscribing`.

        """
        subscription = await self._store.payments.get_subscription(token)
        if subscription is None:
            return False
        current = await self.current(user_id)
        check_subscribing(subscription, current, user_id, currency, stars, self._clock.now())
        return True

    async def understood(self, payment: Payment, token: str, paid_until: Millis | None) -> Payment:
        """What a payment is, if it is one of a subscription: its credits, and until when it is paid."""
        subscription = await self._store.payments.get_subscription(token)
        if subscription is None or payment.stars != subscription.monthly.stars:
            return payment
        return replace(
            payment,
            credits=subscription.monthly.credits,
            subscription=token,
            paid_until=paid_until or Millis(payment.paid_at + PERIOD),
        )

    async def of_payment(self, payment: Payment) -> Subscription | None:
        """The subscription that a payment was for."""
        return (
            None
            if payment.subscription is None
            else await self._store.payments.get_subscription(payment.subscription)
        )

    async def renewal(self, token: str, *, renews: bool) -> Subscription | None:
        """Note that a subscription renews from now on, or does not; None: it is nobody's."""
        changed = await self._store.payments.set_renewal(token, renews=renews)
        subscription = await self._store.payments.get_subscription(token)
        if changed and subscription is not None:
            log.info("the renewal of a subscription changed", user=subscription.user_id, renews=renews)
        return subscription
