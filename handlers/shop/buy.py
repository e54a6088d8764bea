"""`/buy`, `/refund`, `/terms` and `/paysupport`: credits for Telegram Stars."""

from datetime import datetime

import structlog
from telegram import CallbackQuery, Update

from bot.domain.credits.shop import Payment
from bot.domain.units import Millis, UserId
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.ports import ChatError, ChatRefused
from handlers.chat import views
from handlers.chat.context import Context, answer, message_of, place_of, tell, user_id_of
from handlers.shop import (
    buy_views,
    subscriptions,
)

log = structlog.get_logger(__name__)

LONGEST_CHARGE = 200
"""Characters; Telegram's ids are shorter."""

GIVEN_BACK = "charge_already_refunded"
"""Telegram's word, in lower case, for a refund that an earlier try has made."""


async def buy(update: Update, context: Context) -> None:
    """What can be bought; only in private, for whoever sees an invoice can pay it."""
    services, me = context.services, user_id_of(update)
    sold = services.payments.packages()
    if not place_of(update).is_private:
        raise UserError("error.buy.private", username=context.bot.username)
    monthly = services.payments.subscriptions
    current, now = await monthly.current(me), services.clock.now()
    view = buy_views.offers(context.t, sold, monthly.offered, current, me, services.accounts.zone, now)
    await answer(update, context, view)


async def press_buy(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Send the invoice of a package."""
    del query
    offer = await context.services.payments.offer(user_id_of(update), argument)
    credits = views.credits(context.t, offer.package.credits)
    description = context.t("buy.description", credits=credits)
    await context.chat.send_star_invoice(
        place_of(update).chat_id, credits, description, offer.token, offer.package.stars
    )


async def pre_checkout(update: Update, context: Context) -> None:
    """Somebody is about to pay: say within ten seconds whether they may."""
    query = update.pre_checkout_query
    if query is None:
        return
    reason = None
    try:
        await context.services.payments.check(
            query.invoice_payload, UserId(query.from_user.id), query.currency, query.total_amount
        )
    except UserError as error:
        reason = views.plain(context.t(error.key))
    if not await context.chat.answer_checkout(query.id, reason):
        # Too late, or out of reach: nothing is paid, and they can press again.
        log.warning("a checkout could not be answered", user=query.from_user.id)


async def paid(update: Update, context: Context) -> None:
    """Stars arrived: credit them."""
    payment = message_of(update).successful_payment
    if payment is None:
        return
    services = context.services
    person = user_id_of(update)
    known = await services.payments.paid(
        person,
        payment.invoice_payload,
        payment.telegram_payment_charge_id,
        payment.currency,
        payment.total_amount,
        _millis(payment.subscription_expiration_date),
    )
    balance, now = await services.accounts.balance(person), services.clock.now()
    await answer(update, context, buy_views.thanks(context.t, known, balance, services.accounts.zone, now))


def _millis(moment: datetime | None) -> Millis | None:
    return None if moment is None else Millis(int(moment.timestamp() * 1000))


async def refund(update: Update, context: Context) -> None:
    """`/refund <charge id>`, for admins: the Stars go back, and the credits with them."""
    services = context.services
    admin = user_id_of(update)
    services.accounts.require_admin(admin)
    arguments = context.args or []
    if len(arguments) != 1 or len(arguments[0]) > LONGEST_CHARGE:
        raise UserError("error.refund.usage")
    payment = await services.payments.begin_refund(admin, arguments[0])
    try:
        await context.chat.refund_stars(payment.user_id, payment.charge_id)
    except ChatRefused as error:
        if GIVEN_BACK not in str(error).lower():
            await services.payments.end_refund(admin, payment.charge_id, done=False)
            raise UserError("error.refund.refused", reason=str(error)) from error
    except ChatError as error:
        # Perhaps it was done: the credits stay taken until somebody asks again.
        raise UserError("error.refund.unclear") from error
    await services.payments.end_refund(admin, payment.charge_id, done=True)
    await _end_renewal(context, payment)
    await answer(update, context, buy_views.refunded(context.t, payment))
    theirs = for_language(services.accounts.language_of(await services.accounts.find(str(payment.user_id))))
    await tell(context, payment.user_id, buy_views.gave_back(theirs, payment))


async def _end_renewal(context: Context, payment: Payment) -> None:
    """Whoever got a month back pays for no other one. Best effort: they can end it themselves as well."""
    subscription = await context.services.payments.subscriptions.of_payment(payment)
    if subscription is None:
        return
    try:
        await subscriptions.set_renewal(context, subscription, renews=False)
    except UserError:
        log.warning("the renewal of a refunded subscription goes on", user=payment.user_id)


async def terms(update: Update, context: Context) -> None:
    """`/terms`."""
    await answer(update, context, buy_views.terms(context.t, context.services.payments.terms))


async def pay_support(update: Update, context: Context) -> None:
    """`/paysupport`."""
    await answer(update, context, buy_views.support(context.t, context.services.payments.terms))
