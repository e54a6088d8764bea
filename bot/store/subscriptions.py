"""Subscriptions in SQLite. Each function is part of one transaction of the store."""

import sqlite3

from bot.domain.credits.shop import Payment
from bot.domain.credits.subscription import GRACE, MonthlyPlan, Subscription
from bot.domain.units import Credits, Millis, UserId
from bot.store import sql_money as sql
from bot.store.rows import insert


def keep(db: sqlite3.Connection, subscription: Subscription) -> None:
    """Keep what was offered to whom."""
    values = {
        "token": subscription.token,
        "user_id": subscription.user_id,
        "name": subscription.monthly.name,
        "plan": subscription.monthly.plan,
        "credits": subscription.monthly.credits,
        "stars": subscription.monthly.stars,
        "offered_at": subscription.offered_at,
        "charge_id": None,
        "paid_until": None,
        "renews": 0,
    }
    insert(db, "subscriptions", values)


def find(db: sqlite3.Connection, token: str) -> Subscription | None:
    """What was offered, or is paid for, under a token."""
    row = db.execute(sql.SUBSCRIPTION, (token,)).fetchone()
    return None if row is None else _subscription_of(row)


def of_user(db: sqlite3.Connection, user_id: UserId, now: Millis) -> Subscription | None:
    """The active subscription of a person."""
    row = db.execute(sql.SUBSCRIPTION_OF_USER, (user_id, now - GRACE)).fetchone()
    return None if row is None else _subscription_of(row)


def extend(db: sqlite3.Connection, payment: Payment) -> None:
    """Let a subscription hold as long as a payment says; one that is told late takes nothing back."""
    values = {"token": payment.subscription, "charge": payment.charge_id, "until": payment.paid_until}
    db.execute(sql.EXTEND_SUBSCRIPTION, values)
    _pass_on(db, payment.user_id)


def end(db: sqlite3.Connection, payment: Payment, now: Millis) -> None:
    """End the subscription of a payment that was given back; an earlier month's has no part in it any more."""
    values = {"token": payment.subscription, "until": payment.paid_until, "ended": now - GRACE}
    db.execute(sql.END_SUBSCRIPTION, values)
    _pass_on(db, payment.user_id)


def set_renewal(db: sqlite3.Connection, token: str, *, renews: bool) -> bool:
    """Note whether a subscription renews; False: that was known."""
    return db.execute(sql.SET_RENEWAL, {"token": token, "renews": int(renews)}).rowcount == 1


def _pass_on(db: sqlite3.Connection, user_id: UserId) -> None:
    """Write the plan of a person's last subscription to the person, where everything else about them is read."""
    db.execute(sql.SUBSCRIBED, {"user": user_id, "grace": GRACE})


def _subscription_of(row: sqlite3.Row) -> Subscription:
    return Subscription(
        token=row["token"],
        user_id=UserId(row["user_id"]),
        monthly=MonthlyPlan(row["name"], row["plan"], Credits(row["credits"]), row["stars"]),
        offered_at=Millis(row["offered_at"]),
        charge_id=row["charge_id"],
        paid_until=None if row["paid_until"] is None else Millis(row["paid_until"]),
        renews=bool(row["renews"]),
    )
