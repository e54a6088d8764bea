"""What people read who buy credits for Stars. Pure."""

from collections.abc import Sequence
from html import escape

from bot.domain.shop import Package, Payment
from bot.domain.units import UserId
from bot.i18n import Texts
from bot.services.payments import Terms
from bot.services.ports import Balance
from handlers import views
from handlers.keyboards import Button
from handlers.views import View


def packages(t: Texts, sold: Sequence[Package], owner: UserId) -> View:
    """What can be bought, a button each."""
    rows = [
        [
            Button(
                t("buy.button", credits=views.credits(t, package.credits), stars=package.stars),
                "buy",
                package.name,
                owner,
            )
        ]
        for package in sold
    ]
    return View(t("buy.choose"), rows)


def thanks(t: Texts, payment: Payment, balance: Balance) -> View:
    """What a payment brought, with the id that a question about it needs."""
    charge = escape(payment.charge_id)
    if not payment.credits:
        return View(t("buy.unclear", charge=charge))
    got, available = views.credits(t, payment.credits), views.credits(t, balance.available)
    return View(t("buy.thanks", credits=got, available=available, charge=charge))


def refunded(t: Texts, payment: Payment) -> View:
    """What a refund did, to the admin."""
    taken = views.credits(t, payment.taken)
    if payment.taken < payment.credits:
        missing = views.credits(t, payment.credits - payment.taken)
        return View(t("buy.refunded_in_part", stars=payment.stars, credits=taken, missing=missing))
    return View(t("buy.refunded", stars=payment.stars, credits=taken))


def gave_back(t: Texts, payment: Payment) -> View:
    """The same, to the person."""
    return View(t("buy.gave_back", stars=payment.stars, credits=views.credits(t, payment.taken)))


def terms(t: Texts, own: Terms) -> View:
    """Under what terms credits are sold: the operator's words, or the usual ones."""
    return View(escape(own.terms) if own.terms else t("buy.terms"))


def support(t: Texts, own: Terms) -> View:
    """Whom to ask about a payment."""
    if own.support:
        return View(t("buy.support_by", support=escape(own.support)))
    return View(t("buy.support"))
