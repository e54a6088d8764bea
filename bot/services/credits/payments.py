"""Sell credits for Telegram Stars, once or every month: offer, let pay, credit exactly once, give back.

Off where the settings name no package. A payment is known by Telegram's own id of it, so one that is told
twice, or again after a crash, is credited once. A refund takes the credits back before the Stars go, so that
nobody has both; what Telegram refuses is undone, and what was interrupted can be asked for again.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.credits.shop import (
    CURRENCY,
    PERIOD,
    MonthlyPlan,
    Offer,
    Package,
    Payment,
    PaymentState,
    Refund,
    Subscription,
    check_payment,
    check_subscribing,
    new_token,
)
from bot.domain.types import AccountId, Credits, Millis, UserId
from bot.errors import UserError
from bot.services.people.accounts import Accounts, Audit
from bot.settings import sections
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


class Payments:
    """Everything about Stars but the talk with Telegram; what is paid every month is the part of `subscriptions`."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        runtime: Runtime,
        packages: Sequence[Package],
        subscriptions: Subscriptions,
        terms: sections.Payments,
        audit: Audit,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = runtime.clock
        self._rng = runtime.rng
        self._packages = {package.name: package for package in packages}
        self.subscriptions = subscriptions
        self.terms = terms
        self._audit = audit

    @property
    def is_open(self) -> bool:
        """Whether anything is sold here."""
        return bool(self._packages or self.subscriptions.offered)

    def packages(self) -> tuple[Package, ...]:
        """What can be bought once, beside what can be subscribed to.

        Raises:
            UserError: nothing is sold here.

        """
        if not self.is_open:
            raise UserError("error.buy.off")
        return tuple(self._packages.values())

    async def offer(self, user_id: UserId, name: str) -> Offer:
        """Note what somebody wants to buy, for the invoice that goes to them.

        Raises:
            UserError: it is not sold any more.

        """
        package = self._packages.get(name)
        if package is None:
            raise UserError("error.buy.old")
        offer = Offer(new_token(self._rng), user_id, package, self._clock.now())
        await self._store.payments.save_offer(offer)
        return offer

    async def check(self, token: str, user_id: UserId, currency: str, stars: int) -> None:
        """Let somebody pay; Telegram waits ten seconds for this, and it asks nothing but the store.

        Raises:
            UserError: this cannot be paid (see `check_payment`), or nothing is sold any more.

        """
        self.packages()
        if not await self.subscriptions.check(token, user_id, currency, stars):
            check_payment(
                await self._store.payments.get_offer(token), user_id, currency, stars, self._clock.now()
            )

    async def paid(
        self,
        user_id: UserId,
        token: str,
        charge_id: str,
        currency: str,
        stars: int,
        paid_until: Millis | None = None,
    ) -> Payment:
        """Credit a payment, once however often it is told; with no credits where nobody knows what it was for.

        A month of a subscription is `paid_until` then. The Stars are here already, so whatever is odd about
        it is no reason to refuse: an admin can give them back by the id of the charge.
        """
        payment = Payment(charge_id, AccountId.of_person(user_id), Credits(0), stars, self._clock.now())
        offer = await self._store.payments.get_offer(token)
        if offer is not None and currency == CURRENCY and stars == offer.package.stars:
            payment = replace(payment, credits=offer.package.credits)
        elif offer is None and currency == CURRENCY:
            payment = await self.subscriptions.understood(payment, token, paid_until)
        new = await self._store.payments.save_payment(payment)
        credits = payment.credits
        log.info("stars were paid", user=user_id, stars=stars, credits=credits, charge=charge_id, new=new)
        if not new:
            # What became of it since then; a refund may even be told first.
            return await self._store.payments.get_payment(charge_id) or payment
        if not payment.is_understood:
            log.error("the paid stars fit no offer", user=user_id, stars=stars, charge=charge_id)
        return payment

    async def begin_refund(self, admin: UserId, charge_id: str) -> Payment:
        """Take the credits of a payment back, as many as are left, before the Stars are given back.

        Raises:
            UserError: there is no such payment, or it was given back already.

        """
        payment = await self._store.payments.begin_refund(charge_id, admin, self._clock.now())
        if payment is None:
            raise UserError("error.refund.unknown")
        if payment.state is PaymentState.REFUNDED:
            raise UserError("error.refund.done")
        log.info("a refund begins", admin=admin, charge=charge_id, taken=payment.taken)
        return payment

    async def end_refund(self, admin: UserId, charge_id: str, *, done: bool) -> bool:
        """Note that Telegram gave the Stars back, or that it will not: the credits are the person's again.

        Whether this is news; False where Telegram's own report of the refund was faster.
        """
        payment = await self._store.payments.end_refund(charge_id, admin, self._clock.now(), done=done)
        if payment is None:
            return False
        if done:
            await self._note_refund(payment, admin)
        log.info("a refund ended", admin=admin, charge=charge_id, done=done)
        return True

    async def refunded(self, charge_id: str, account: AccountId, stars: int) -> Refund:
        """Take back what is left of a payment whose Stars Telegram gave back, whoever asked for it, and end its plan.

        It may be told before the payment itself, or of one that is not known here: then it is kept under the
        `account` in whose chat it was told, and credits nothing when it is told later.
        """
        refund = await self._store.payments.take_back(charge_id, account, stars, self._clock.now())
        payment = refund.payment
        if refund.is_news and refund.before is not None:
            await self._note_refund(payment, refund.actor)
        log.info(
            "stars were refunded",
            account=str(payment.account),
            charge=charge_id,
            taken=payment.taken,
            new=refund.is_news,
        )
        return refund

    async def _note_refund(self, payment: Payment, actor: UserId | None) -> None:
        after = f"-{payment.taken}, ⭐ {payment.stars}"
        await self._audit.record(payment.idempotency_key, actor, "refund", str(payment.account), "", after)
