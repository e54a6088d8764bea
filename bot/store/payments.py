"""Purchases for Telegram Stars: offers, subscriptions, payments, refunds."""

from bot.domain.credits.shop import GRACE, Offer, Payment, PaymentState, Refund, Subscription
from bot.domain.tasks.task import LedgerKind, LedgerRow
from bot.domain.types import AccountId, Credits, Millis, UserId
from bot.store.engine import Subject, Transaction
from bot.store.lots import book, list_lots_of, take


class Payments(Subject):
    """Offers and subscriptions by token, payments by Telegram's charge id."""

    # -- offers --------------------------------------------------------------------------------------

    async def save_offer(self, offer: Offer) -> None:
        """Save what was offered to a user for Stars."""
        await self._write(lambda tx: tx.insert("offers", offer))

    async def get_offer(self, token: str) -> Offer | None:
        """The offer of a token, if it is not cleaned yet."""
        statement = "SELECT * FROM offers WHERE token = :token"
        return await self._read(lambda tx: tx.one(Offer, statement, token=token))

    # -- subscriptions -------------------------------------------------------------------------------

    async def save_subscription(self, subscription: Subscription) -> None:
        """Save what was offered to a user for Stars every month."""
        await self._write(lambda tx: tx.insert("subscriptions", subscription))

    async def get_subscription(self, token: str) -> Subscription | None:
        """The subscription of a token, offered or paid, if it is not cleaned yet."""
        statement = "SELECT * FROM subscriptions WHERE token = :token"
        return await self._read(lambda tx: tx.one(Subscription, statement, token=token))

    async def get_active_subscription(self, user_id: UserId, now: Millis) -> Subscription | None:
        """A user's active subscription."""
        statement = """
            SELECT * FROM subscriptions INDEXED BY subscriptions_of_user
            WHERE user_id = :user AND paid_until > :ended
            ORDER BY paid_until DESC LIMIT 1
        """
        return await self._read(lambda tx: tx.one(Subscription, statement, user=user_id, ended=now - GRACE))

    async def set_renewal(self, token: str, *, renews: bool) -> bool:
        """Save whether a subscription renews; False: no change, or there is none."""
        statement = "UPDATE subscriptions SET renews = :renews WHERE token = :token AND renews != :renews"
        return await self._write(lambda tx: tx.run(statement, token=token, renews=int(renews)) == 1)

    # -- payments ------------------------------------------------------------------------------------

    async def save_payment(self, payment: Payment) -> bool:
        """Save a payment with its credits and subscription; False: it is known."""

        def work(tx: Transaction) -> bool:
            if not tx.insert("payments", payment, ignore=True):
                return False
            if payment.credits:
                operation, at = payment.idempotency_key, payment.paid_at
                book(tx, _ledger_row(payment, LedgerKind.PURCHASE, payment.credits, operation, at))
            if payment.subscription is not None:
                _extend_subscription(tx, payment)
            return True

        return await self._write(work)

    async def get_payment(self, charge_id: str) -> Payment | None:
        """A payment."""
        return await self._read(lambda tx: _get_payment(tx, charge_id))

    async def begin_refund(self, charge_id: str, actor: UserId, now: Millis) -> Payment | None:
        """Take back what is left of a payment's credits, unless already begun."""

        def work(tx: Transaction) -> Payment | None:
            payment = _get_payment(tx, charge_id)
            if payment is None or payment.state is not PaymentState.PAID:
                return payment
            return _begin_refund(tx, payment, actor, now)

        return await self._write(work)

    async def take_back(self, charge_id: str, account: AccountId, stars: int, now: Millis) -> Refund:
        """Refund a payment that Telegram has refunded: take back what is left of its credits, end its subscription.

        An unknown one is saved as refunded, with no credits, under the account. `Refund.before` says what it was.
        """

        def work(tx: Transaction) -> Refund:
            payment = _get_payment(tx, charge_id)
            if payment is None:
                unknown = Payment(
                    charge_id, account, Credits(0), max(stars, 1), now, PaymentState.REFUNDED, refunded_at=now
                )
                tx.insert("payments", unknown)
                return Refund(unknown, None)
            before, actor = payment.state, None
            if before is PaymentState.REFUNDED:
                return Refund(payment, before)
            if before is PaymentState.REFUNDING:
                operation = f"{payment.idempotency_key}:refund:{payment.refunds - 1}"
                actor = tx.value("SELECT actor_id FROM ledger WHERE idempotency_key = :id", id=operation)
            else:
                payment = _begin_refund(tx, payment, None, now)
            return Refund(_finish_refund(tx, payment, now), before, actor)

        return await self._write(work)

    async def end_refund(self, charge_id: str, actor: UserId, now: Millis, *, done: bool) -> Payment | None:
        """Finish a refund: end the subscription (`done`), or return the credits; None: it is not under way."""

        def work(tx: Transaction) -> Payment | None:
            payment = _get_payment(tx, charge_id)
            if payment is None or payment.state is not PaymentState.REFUNDING:
                return None
            if done:
                return _finish_refund(tx, payment, now)
            if payment.taken:
                operation = payment.lots[-1]
                # Of credits that end, only a grant or a purchase says when.
                kind = LedgerKind.ADJUST if payment.paid_until is None else LedgerKind.PURCHASE
                book(tx, _ledger_row(payment, kind, payment.taken, operation, now, actor))
            return _set_payment(tx, charge_id, PaymentState.PAID, 0, payment.refunds)

        return await self._write(work)


def _begin_refund(tx: Transaction, payment: Payment, actor: UserId | None, now: Millis) -> Payment:
    """Take back what is left of a payment; what its owner has from elsewhere stays theirs.

    What tasks hold of it is taken back when it returns (see `bot.store.lots.return_parts`).
    """
    lots = list_lots_of(tx, payment, now)
    taken = min(payment.credits, sum(lot.left for lot in lots))
    operation = f"{payment.idempotency_key}:refund:{payment.refunds}"
    take(tx, _ledger_row(payment, LedgerKind.REFUND, -taken, operation, now, actor), lots)
    return _set_payment(tx, payment.charge_id, PaymentState.REFUNDING, taken, payment.refunds + 1)


def _finish_refund(tx: Transaction, payment: Payment, now: Millis) -> Payment:
    if payment.subscription is not None:
        _end_subscription(tx, payment, now)
    statement = "UPDATE payments SET refunded_at = :now WHERE charge_id = :charge"
    tx.run(statement, charge=payment.charge_id, now=now)
    return _set_payment(tx, payment.charge_id, PaymentState.REFUNDED, payment.taken, payment.refunds)


def _get_payment(tx: Transaction, charge_id: str) -> Payment | None:
    return tx.one(Payment, "SELECT * FROM payments WHERE charge_id = :charge", charge=charge_id)


def _set_payment(tx: Transaction, charge_id: str, state: PaymentState, taken: int, refunds: int) -> Payment:
    statement = """
        UPDATE payments SET state = :state, taken = :taken, refunds = :refunds WHERE charge_id = :charge
        RETURNING *
    """
    (payment,) = tx.all(Payment, statement, charge=charge_id, state=str(state), taken=taken, refunds=refunds)
    return payment


def _ledger_row(
    payment: Payment,
    kind: LedgerKind,
    amount: int,
    idempotency_key: str,
    at: Millis,
    actor: UserId | None = None,
) -> LedgerRow:
    # What a subscription brings lasts as long as it does.
    ends = payment.paid_until + GRACE if payment.paid_until is not None and amount > 0 else None
    return LedgerRow.change(
        payment.account,
        kind,
        amount,
        at,
        idempotency_key,
        actor_id=actor,
        expires_at=None if ends is None else Millis(ends),
        note=f"⭐ {payment.stars}",
    )


def _extend_subscription(tx: Transaction, payment: Payment) -> None:
    """Extend a subscription by a payment; a late message never shortens it."""
    statement = """
        UPDATE subscriptions SET charge_id = coalesce(charge_id, :charge), renews = 1,
            paid_until = greatest(coalesce(paid_until, 0), :until)
        WHERE token = :token
    """
    tx.run(statement, token=payment.subscription, charge=payment.charge_id, until=payment.paid_until)
    _set_subscribed_plan(tx, payment.account)


def _end_subscription(tx: Transaction, payment: Payment, now: Millis) -> None:
    """End a subscription whose current month is refunded."""
    statement = """
        UPDATE subscriptions SET paid_until = :ended, renews = 0 WHERE token = :token AND paid_until = :until
    """
    tx.run(statement, token=payment.subscription, until=payment.paid_until, ended=now - GRACE)
    _set_subscribed_plan(tx, payment.account)


def _set_subscribed_plan(tx: Transaction, account: AccountId) -> None:
    """Copy the plan of a user's last subscription to the user's row."""
    statement = """
        UPDATE users SET (subscribed_plan, subscribed_until) = (
            SELECT plan, paid_until + :grace FROM subscriptions INDEXED BY subscriptions_of_user
            WHERE user_id = :user AND paid_until IS NOT NULL ORDER BY paid_until DESC LIMIT 1
        ) WHERE id = :user
    """
    tx.run(statement, user=account.number, grace=GRACE)
