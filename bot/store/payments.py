"""Offers and payments in SQLite. Each function is part of one transaction of the store."""

import sqlite3

from bot.domain.credits.shop import Offer, Package, Payment, PaymentState
from bot.domain.credits.subscription import GRACE
from bot.domain.tasks.task import LedgerKind, LedgerRow
from bot.domain.units import Credits, Millis, UserId
from bot.store import lots, subscriptions
from bot.store import sql_money as sql
from bot.store.rows import insert


def keep_offer(db: sqlite3.Connection, offer: Offer) -> None:
    """Keep what was offered to whom."""
    values = {
        "token": offer.token,
        "user_id": offer.user_id,
        "package": offer.package.name,
        "credits": offer.package.credits,
        "stars": offer.package.stars,
        "offered_at": offer.offered_at,
    }
    insert(db, "offers", values)


def offer(db: sqlite3.Connection, token: str) -> Offer | None:
    """What was offered under a token."""
    row = db.execute(sql.OFFER, (token,)).fetchone()
    if row is None:
        return None
    package = Package(row["package"], Credits(row["credits"]), row["stars"])
    return Offer(row["token"], UserId(row["user_id"]), package, Millis(row["offered_at"]))


def pay(db: sqlite3.Connection, payment: Payment) -> bool:
    """Keep a payment and book its credits, once for its charge; False: it is known."""
    values = {
        "charge_id": payment.charge_id,
        "user_id": payment.user_id,
        "credits": payment.credits,
        "stars": payment.stars,
        "paid_at": payment.paid_at,
        "state": str(payment.state),
        "taken": 0,
        "refunds": 0,
        "subscription": payment.subscription,
        "paid_until": payment.paid_until,
    }
    if not insert(db, "payments", values, conflict="IGNORE"):
        return False
    if payment.credits:
        row = _row(payment, LedgerKind.PURCHASE, payment.credits, payment.operation_id, payment.paid_at)
        lots.book(db, row)
    if payment.subscription is not None:
        subscriptions.extend(db, payment)
    return True


def payment(db: sqlite3.Connection, charge_id: str) -> Payment | None:
    """A payment by Telegram's id of it."""
    row = db.execute(sql.PAYMENT, (charge_id,)).fetchone()
    return None if row is None else _payment_of(row)


def begin_refund(db: sqlite3.Connection, charge_id: str, actor: UserId, now: Millis) -> Payment | None:
    """Take the credits of a payment back, as many as are left; one that was begun already goes on."""
    known = payment(db, charge_id)
    if known is None or known.state is not PaymentState.PAID:
        return known
    taken = min(known.credits, lots.balance(db, known.user_id, now))
    operation_id = f"{known.operation_id}:refund:{known.refunds}"
    row = _row(known, LedgerKind.REFUND, -taken, operation_id, now, actor)
    # What was bought goes first: with credits that end, a person keeps what was given to them.
    lots.book(db, row, first=known.operation_id)
    values = {
        "id": charge_id,
        "state": str(PaymentState.REFUNDING),
        "taken": taken,
        "refunds": known.refunds + 1,
    }
    db.execute(sql.SET_PAYMENT, values)
    return payment(db, charge_id)


def end_refund(
    db: sqlite3.Connection, charge_id: str, actor: UserId, now: Millis, *, done: bool
) -> Payment | None:
    """Telegram gave the Stars back, or did not and will not: then the credits are the person's again."""
    known = payment(db, charge_id)
    if known is None or known.state is not PaymentState.REFUNDING:
        return known
    if not done and known.taken:
        operation_id = f"{known.operation_id}:undone:{known.refunds}"
        # Of credits that end, only a grant or a purchase says when.
        kind = LedgerKind.ADJUST if known.paid_until is None else LedgerKind.PURCHASE
        lots.book(db, _row(known, kind, known.taken, operation_id, now, actor))
    state = PaymentState.REFUNDED if done else PaymentState.PAID
    taken = known.taken if done else 0
    if done and known.subscription is not None:
        subscriptions.end(db, known, now)
    db.execute(
        sql.SET_PAYMENT, {"id": charge_id, "state": str(state), "taken": taken, "refunds": known.refunds}
    )
    return payment(db, charge_id)


def _row(
    paid: Payment, kind: LedgerKind, amount: int, operation_id: str, at: Millis, actor: UserId | None = None
) -> LedgerRow:
    # What a subscription brings lasts as long as it does.
    ends = paid.paid_until + GRACE if paid.paid_until is not None and amount > 0 else None
    return LedgerRow.change(
        paid.user_id,
        kind,
        amount,
        at,
        operation_id,
        actor_id=actor,
        expires_at=None if ends is None else Millis(ends),
        note=f"⭐ {paid.stars}",
    )


def _payment_of(row: sqlite3.Row) -> Payment:
    return Payment(
        charge_id=row["charge_id"],
        user_id=UserId(row["user_id"]),
        credits=Credits(row["credits"]),
        stars=row["stars"],
        paid_at=Millis(row["paid_at"]),
        state=PaymentState(row["state"]),
        taken=Credits(row["taken"]),
        refunds=row["refunds"],
        subscription=row["subscription"],
        paid_until=None if row["paid_until"] is None else Millis(row["paid_until"]),
    )
