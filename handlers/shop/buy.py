"""`/buy`, `/terms` and `/paysupport`: credits for Telegram Stars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

import structlog

from bot.domain.credits.shop import MonthlyPlan, Package, Payment, PaymentState, Subscription
from bot.domain.people.access import AccessLevel
from bot.domain.types import Millis, UserId, to_millis
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.ports import Balance
from handlers.chat import html
from handlers.chat.html import View
from handlers.chat.keyboards import Button, Payload
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Event, Press, UpdateKind
from handlers.chat.turn import Turn
from handlers.shop import subscriptions
from handlers.shop.subscriptions import SetRenewal, Subscribe, set_renewal

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BuyPackage(Payload, action="buy"):
    """Send the invoice of a package."""

    name: str


# -- buying ------------------------------------------------------------------------------------------


async def buy(turn: Turn) -> None:
    """`/buy`: what can be bought; only in private, for whoever sees an invoice can pay it."""
    sold = turn.services.payments.packages()
    if not turn.is_private:
        raise UserError("error.buy.private", username=turn.username)
    await turn.answer(await _offers(turn, sold))


async def on_buy(turn: Turn, button: BuyPackage) -> None:
    """Send the invoice of a package."""
    offer = await turn.services.payments.offer(turn.user_id, button.name)
    credits = html.credits(turn.t, offer.package.credits)
    description = turn.t("buy.description", credits=credits)
    await turn.chat.stars.request_payment(
        turn.chat_id, credits, description, offer.token, offer.package.stars
    )


async def on_set_renewal(turn: Turn, button: SetRenewal) -> None:
    """End the renewal of one's subscription, or allow it again.

    Raises:
        UserError: there is none any more, or Telegram cannot be reached.

    """
    subscription = await turn.services.payments.subscriptions.current(turn.user_id)
    if subscription is None:
        raise UserError("error.buy.no_subscription")
    await set_renewal(turn, subscription, renews=button.renews)
    await turn.edit(await _offers(turn, turn.services.payments.packages(), allowed=button.renews))


async def _offers(turn: Turn, sold: Sequence[Package], *, allowed: bool = False) -> View:
    monthly = turn.services.payments.subscriptions
    current = await monthly.current(turn.user_id)
    return offers(turn.t, sold, monthly.offered, current, turn.user_id, turn.local_now(), allowed=allowed)


async def on_pre_checkout(turn: Turn) -> None:
    """Say within ten seconds whether somebody may pay."""
    query = turn.update.pre_checkout_query
    if query is None:
        return
    refusal = None
    try:
        await turn.services.payments.check(
            query.invoice_payload, UserId(query.from_user.id), query.currency, query.total_amount
        )
    except UserError as error:
        refusal = html.strip_tags(turn.t(error.key))
    if not await turn.chat.answer_checkout(query.id, refusal):
        # Too late, or out of reach: nothing is paid, and they can press again.
        log.warning("a checkout could not be answered", user=query.from_user.id)


async def on_payment(turn: Turn) -> None:
    """Credit Stars that arrived."""
    payment = None if turn.message is None else turn.message.successful_payment
    if payment is None:
        return
    known = await turn.services.payments.paid(
        turn.user_id,
        payment.invoice_payload,
        payment.telegram_payment_charge_id,
        payment.currency,
        payment.total_amount,
        _millis(payment.subscription_expiration_date),
    )
    if known.state is PaymentState.REFUNDED:
        # It is told late, or once more: there is nothing to be thankful for any more.
        return
    balance = await turn.services.accounts.balance(turn.user_id)
    await turn.answer(thanks(turn.t, known, balance, turn.local_now()))


def _millis(moment: datetime | None) -> Millis | None:
    return None if moment is None else to_millis(moment)


async def terms(turn: Turn) -> None:
    """`/terms`: the operator's terms of sale, or the usual ones."""
    own = turn.services.payments.terms
    await turn.answer(View(escape(own.terms) if own.terms else turn.t("buy.terms")))


async def pay_support(turn: Turn) -> None:
    """`/paysupport`: whom to ask about a payment."""
    support = turn.services.payments.terms.support
    text = turn.t("buy.support_by", support=escape(support)) if support else turn.t("buy.support")
    await turn.answer(View(text))


# -- views -------------------------------------------------------------------------------------------


def offers(
    t: Texts,
    sold: Sequence[Package],
    monthly: Sequence[MonthlyPlan],
    current: Subscription | None,
    owner: UserId,
    now: datetime,
    *,
    allowed: bool = False,
) -> View:
    """Return what can be bought and subscribed to, a button each, or how one's own subscription stands.

    `allowed` says that a renewal may be switched on again.
    """
    rows = []
    for package in sold:
        text = t("buy.button", credits=html.credits(t, package.credits), stars=package.stars)
        rows.append([Button(text, BuyPackage(package.name), owner=owner)])
    lines = [t("buy.choose")] if sold or current is None else []
    if current is None:
        for each in monthly:
            text = t("buy.monthly_button", plan=each.plan, stars=each.stars)
            rows.append([Button(text, Subscribe(each.name), owner=owner)])
    else:
        until = t.moment(current.paid_until or to_millis(now), now)
        state = "renews" if current.renews else "may_renew" if allowed else "ends"
        plan, stars = escape(current.monthly.plan), current.monthly.stars
        lines.append(t(f"buy.subscription.{state}", plan=plan, stars=stars, until=until))
        if not allowed:
            text = t("buy.end_renewal" if current.renews else "buy.allow_renewal")
            rows.append([Button(text, SetRenewal(not current.renews), owner=owner)])
    return View("\n\n".join(lines), rows)


def thanks(t: Texts, payment: Payment, balance: Balance, now: datetime) -> View:
    """Return what a payment brought, with the id that a question about it needs."""
    charge = escape(payment.charge_id)
    if not payment.is_understood:
        return View(t("buy.unclear", charge=charge))
    available = html.credits(t, balance.available)
    if payment.paid_until is not None:
        until = t.moment(payment.paid_until, now)
        return View(
            t("buy.subscribed", plan=escape(balance.plan), until=until, available=available, charge=charge)
        )
    return View(
        t.plural(
            "buy.thanks",
            payment.credits,
            credits=html.credits(t, payment.credits),
            available=available,
            charge=charge,
        )
    )


COMMANDS = (
    Command("buy", buy, section=Section.SHOP, for_sale=True),
    Command("terms", terms, access=AccessLevel.OPEN, section=Section.SHOP, for_sale=True),
    Command("paysupport", pay_support, access=AccessLevel.OPEN, section=Section.SHOP, for_sale=True),
)
BUTTONS = (
    Press(BuyPackage, on_buy),
    Press(Subscribe, subscriptions.on_subscribe),
    Press(SetRenewal, on_set_renewal),
)
EVENTS = (
    Event(UpdateKind.PRE_CHECKOUT, on_pre_checkout),
    Event(UpdateKind.PAYMENT, on_payment, AccessLevel.OPEN),
    Event(UpdateKind.SUBSCRIPTION, subscriptions.on_changed, AccessLevel.OPEN),
)
