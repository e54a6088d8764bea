"""What people read who buy credits for Stars. Pure."""

from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

from bot.domain.credits.shop import Package, Payment
from bot.domain.credits.subscription import MonthlyPlan, Subscription
from bot.domain.units import Millis, UserId
from bot.i18n import Texts
from bot.services.ports import Balance
from bot.settings import sections
from handlers.chat import views
from handlers.chat.keyboards import Button
from handlers.chat.views import View, cut

INVOICE_TITLE, INVOICE_DESCRIPTION = 32, 255
"""Characters that Telegram takes (Bot API, createInvoiceLink)."""


def offers(
    t: Texts,
    sold: Sequence[Package],
    monthly: Sequence[MonthlyPlan],
    current: Subscription | None,
    owner: UserId,
    zone: ZoneInfo,
    now: Millis,
    *,
    allowed: bool = False,
) -> View:
    """What can be bought and subscribed to, a button each, or how one's own subscription stands.

    `allowed` says that a renewal may be switched on again.
    """
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
    lines = [t("buy.choose")] if sold or current is None else []
    if current is None:
        rows += [
            [Button(t("buy.monthly_button", plan=each.plan, stars=each.stars), "subscribe", each.name, owner)]
            for each in monthly
        ]
    else:
        until = t.moment(current.paid_until or now, zone, now)
        state = "renews" if current.renews else "may_renew" if allowed else "ends"
        lines.append(
            t(
                f"buy.subscription.{state}",
                plan=escape(current.monthly.plan),
                stars=current.monthly.stars,
                until=until,
            )
        )
        change = ("buy.end_renewal", "off") if current.renews else ("buy.allow_renewal", "on")
        if not allowed:
            rows.append([Button(t(change[0]), "renewal", change[1], owner)])
    return View("\n\n".join(lines), rows)


def monthly_words(t: Texts, monthly: MonthlyPlan) -> tuple[str, str]:
    """The title and the description of an invoice for a month."""
    if monthly.credits:
        described = t("buy.monthly_description", plan=monthly.plan, credits=views.credits(t, monthly.credits))
    else:
        described = t("buy.monthly_plan_only", plan=monthly.plan)
    return cut(t("buy.monthly_title", plan=monthly.plan), INVOICE_TITLE), cut(described, INVOICE_DESCRIPTION)


def subscribe(t: Texts, monthly: MonthlyPlan, link: str) -> View:
    """The way to pay for the first month."""
    _, description = monthly_words(t, monthly)
    button = Button(t("buy.subscribe", stars=monthly.stars), url=link)
    return View(f"{escape(description)}\n{t('buy.how_it_ends')}", [[button]])


def thanks(t: Texts, payment: Payment, balance: Balance, zone: ZoneInfo, now: Millis) -> View:
    """What a payment brought, with the id that a question about it needs."""
    charge = escape(payment.charge_id)
    if not payment.is_understood:
        return View(t("buy.unclear", charge=charge))
    available = views.credits(t, balance.available)
    if payment.paid_until is not None:
        until = t.moment(payment.paid_until, zone, now)
        return View(
            t("buy.subscribed", plan=escape(balance.plan), until=until, available=available, charge=charge)
        )
    return View(
        t("buy.thanks", credits=views.credits(t, payment.credits), available=available, charge=charge)
    )


def renewal_failed(t: Texts, subscription: Subscription, until: str) -> View:
    """What a person reads whose Stars were not enough for the next month."""
    monthly = subscription.monthly
    return View(t("buy.renewal_failed", plan=escape(monthly.plan), stars=monthly.stars, until=escape(until)))


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


def terms(t: Texts, own: sections.Payments) -> View:
    """Under what terms credits are sold: the operator's words, or the usual ones."""
    return View(escape(own.terms) if own.terms else t("buy.terms"))


def support(t: Texts, own: sections.Payments) -> View:
    """Whom to ask about a payment."""
    if own.support:
        return View(t("buy.support_by", support=escape(own.support)))
    return View(t("buy.support"))
