"""Stars that go back to a person: `/refund` of an admin, and what Telegram itself reports."""

from html import escape

import structlog

from bot.domain.credits.shop import Payment, PaymentState
from bot.domain.people.access import AccessLevel, Permission
from bot.domain.types import AccountId
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.ports import ChatError, ChatRefused
from handlers.chat import html
from handlers.chat.html import View
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Event, UpdateKind, Words
from handlers.chat.turn import Turn
from handlers.sending import refusals
from handlers.sending.refusals import Refusal
from handlers.shop.subscriptions import set_renewal

log = structlog.get_logger(__name__)

LONGEST_CHARGE = 200
"""Characters; Telegram's ids are shorter."""


async def refund(turn: Turn, words: Words) -> None:
    """`/refund <charge id>`: the Stars go back, and the credits with them."""
    services, admin = turn.services, turn.user_id
    if len(words) != 1 or len(words[0]) > LONGEST_CHARGE:
        raise UserError("error.refund.usage")
    payment = await services.payments.begin_refund(admin, words[0])
    try:
        await turn.chat.stars.refund(payment.account.number, payment.charge_id)
    except ChatRefused as error:
        if refusals.read(error) is not Refusal.ALREADY_REFUNDED:
            await services.payments.end_refund(admin, payment.charge_id, done=False)
            raise UserError("error.refund.refused", reason=str(error)) from error
    except ChatError as error:
        # Perhaps it was done: the credits stay taken until somebody asks again, or Telegram reports it.
        raise UserError("error.refund.unclear") from error
    is_news = await services.payments.end_refund(admin, payment.charge_id, done=True)
    await _end_renewal(turn, payment)
    await turn.answer(_refunded(turn.t, payment))
    if is_news:
        await _tell_person(turn, payment)


async def on_refunded(turn: Turn) -> None:
    """Take the credits of a payment back that Telegram refunded, whoever asked for it; tell it once."""
    told = None if turn.message is None else turn.message.refunded_payment
    if told is None:
        return
    charge_id, stars = told.telegram_payment_charge_id, told.total_amount
    refund = await turn.services.payments.refunded(charge_id, AccountId.read(turn.chat_id), stars)
    if not refund.is_news:
        return
    payment = refund.payment
    if refund.before is None:
        await _tell_admins(turn, payment, "buy.refund_unknown")
        return
    await _end_renewal(turn, payment)
    await _tell_person(turn, payment)
    # An admin's own `/refund` is answered where it was given.
    if refund.before is PaymentState.PAID:
        spent = payment.taken < payment.credits
        await _tell_admins(turn, payment, "buy.refund_told_in_part" if spent else "buy.refund_told")


async def _tell_person(turn: Turn, payment: Payment) -> None:
    user_id = payment.account.user_id
    if user_id is not None:
        person = await turn.services.access.person(user_id)
        await turn.tell(user_id, _gave_back(for_language(person.language), payment))


async def _tell_admins(turn: Turn, payment: Payment, key: str) -> None:
    access = turn.services.access
    user_id = payment.account.user_id
    name = str(payment.account) if user_id is None else (await access.person(user_id)).name
    for admin in sorted(turn.services.accounts.admins):
        t = for_language((await access.person(admin)).language)
        await turn.tell(admin, _told(t, key, payment, name))


async def _end_renewal(turn: Turn, payment: Payment) -> None:
    """End the subscription of a month that was refunded. Best effort: the person can end it as well."""
    subscription = await turn.services.payments.subscriptions.of_payment(payment)
    if subscription is None:
        return
    try:
        await set_renewal(turn, subscription, renews=False)
    except UserError:
        log.warning("the renewal of a refunded subscription goes on", account=str(payment.account))


# -- views -------------------------------------------------------------------------------------------


def _refunded(t: Texts, payment: Payment) -> View:
    """What a refund did, for the admin who asked for it."""
    taken = html.credits(t, payment.taken)
    if payment.taken < payment.credits:
        missing = html.credits(t, payment.credits - payment.taken)
        return View(t("buy.refunded_in_part", stars=payment.stars, credits=taken, missing=missing))
    return View(t("buy.refunded", stars=payment.stars, credits=taken))


def _gave_back(t: Texts, payment: Payment) -> View:
    """The same, for the person."""
    return View(t("buy.gave_back", stars=payment.stars, credits=html.credits(t, payment.taken)))


def _told(t: Texts, key: str, payment: Payment, name: str) -> View:
    """What all admins read of a refund that none of them asked for."""
    return View(
        t(
            key,
            stars=payment.stars,
            name=html.snippet(name, 100),
            user=payment.account,
            charge=escape(payment.charge_id),
            credits=html.credits(t, payment.taken),
            missing=html.credits(t, payment.credits - payment.taken),
        )
    )


COMMANDS = (Command("refund", refund, permission=Permission.CREDITS, section=Section.STAFF, for_sale=True),)
EVENTS = (Event(UpdateKind.STARS_REFUNDED, on_refunded, AccessLevel.OPEN),)
