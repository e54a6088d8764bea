"""Plans that are paid for every month in Telegram Stars: the invoice, and the end of a renewal."""

from dataclasses import dataclass
from html import escape

import structlog

from bot.domain.credits.shop import PERIOD_SECONDS, MonthlyPlan, Subscription
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.ports import ChatError
from handlers.chat import html
from handlers.chat.html import View, cut
from handlers.chat.keyboards import Button, Payload
from handlers.chat.routes import SUBSCRIPTION
from handlers.chat.turn import Turn

log = structlog.get_logger(__name__)

ACTIVE, FAILED = "active", "failed"

INVOICE_TITLE, INVOICE_DESCRIPTION = 32, 255
"""Characters that Telegram takes (Bot API, createInvoiceLink)."""


@dataclass(frozen=True)
class Subscribe(Payload, action="subscribe"):
    """Make the invoice of a monthly plan."""

    plan: str


@dataclass(frozen=True)
class SetRenewal(Payload, action="renewal"):
    """End the renewal of one's subscription, or allow it again."""

    renews: bool


async def on_subscribe(turn: Turn, button: Subscribe) -> None:
    """Answer with the link of an invoice."""
    offer = await turn.services.payments.subscriptions.offer(turn.user_id, button.plan)
    title, description = _invoice_texts(turn.t, offer.monthly)
    link = await turn.chat.stars.create_subscription_link(
        title, description, offer.token, offer.monthly.stars, PERIOD_SECONDS
    )
    await turn.answer(_subscribe_view(turn.t, offer.monthly, link))


async def set_renewal(turn: Turn, subscription: Subscription, *, renews: bool) -> None:
    """Ask Telegram to end the renewal of a subscription, or to let the person switch it on again.

    Raises:
        UserError: Telegram did not do it.

    """
    try:
        await turn.chat.stars.set_renewal(subscription.user_id, subscription.charge_id or "", renews=renews)
    except ChatError as error:
        log.warning("a renewal could not be changed", user=subscription.user_id, kind=type(error).__name__)
        raise UserError("error.buy.renewal") from error
    if not renews:
        # Only the person can make it renew again, in Telegram's own settings: an update says so.
        await turn.services.payments.subscriptions.renewal(subscription.token, renews=False)


async def on_changed(turn: Turn) -> None:
    """Record that a renewal was ended or resumed; tell the person whose payment failed."""
    about = turn.update.api_kwargs[SUBSCRIPTION]
    token, state = str(about.get("invoice_payload", "")), about.get("state")
    subscription = await turn.services.payments.subscriptions.renewal(token, renews=state == ACTIVE)
    if subscription is None or subscription.paid_until is None or state != FAILED:
        return
    user = await turn.services.access.person(UserId(subscription.user_id))
    t = for_language(user.language)
    until = t.moment(subscription.paid_until, turn.local_now())
    await turn.tell(subscription.user_id, _renewal_failed(t, subscription, until))


# -- views -------------------------------------------------------------------------------------------


def _invoice_texts(t: Texts, monthly: MonthlyPlan) -> tuple[str, str]:
    """Return the title and the description of an invoice for a month."""
    if monthly.credits:
        described = t("buy.monthly_description", plan=monthly.plan, credits=html.credits(t, monthly.credits))
    else:
        described = t("buy.monthly_plan_only", plan=monthly.plan)
    return cut(t("buy.monthly_title", plan=monthly.plan), INVOICE_TITLE), cut(described, INVOICE_DESCRIPTION)


def _subscribe_view(t: Texts, monthly: MonthlyPlan, link: str) -> View:
    """Return the way to pay for the first month."""
    _, description = _invoice_texts(t, monthly)
    button = Button(t("buy.subscribe", stars=monthly.stars), url=link)
    return View(f"{escape(description)}\n{t('buy.how_it_ends')}", [[button]])


def _renewal_failed(t: Texts, subscription: Subscription, until: str) -> View:
    """Return what a person reads whose Stars were not enough for the next month."""
    monthly = subscription.monthly
    return View(t("buy.renewal_failed", plan=escape(monthly.plan), stars=monthly.stars, until=escape(until)))
