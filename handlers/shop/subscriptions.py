"""Plans that are paid for every month in Stars: the invoice, the end of a renewal, and what Telegram tells of it."""

import structlog
from telegram import CallbackQuery, Update

from bot.domain.credits.subscription import PERIOD_SECONDS, Subscription
from bot.domain.units import UserId
from bot.errors import UserError
from bot.i18n import for_language
from bot.services.ports import ChatError
from handlers.chat.context import Context, answer, rewrite, tell, user_id_of
from handlers.chat.routes import SUBSCRIPTION
from handlers.shop import buy_views

log = structlog.get_logger(__name__)

ACTIVE, FAILED = "active", "failed"
ON, OFF = "on", "off"


async def press_subscribe(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Make an invoice for a month of a plan; Telegram takes one that renews only as a link."""
    del query
    offer = await context.services.payments.subscriptions.offer(user_id_of(update), argument)
    title, description = buy_views.monthly_words(context.t, offer.monthly)
    link = await context.chat.create_subscription_link(
        title, description, offer.token, offer.monthly.stars, PERIOD_SECONDS
    )
    await answer(update, context, buy_views.subscribe(context.t, offer.monthly, link))


async def press_renewal(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """End the renewal of one's subscription, or allow it again.

    Raises:
        UserError: there is none any more, or Telegram cannot be reached.

    """
    services, me = context.services, user_id_of(update)
    subscription = await services.payments.subscriptions.current(me)
    if subscription is None:
        raise UserError("error.buy.no_subscription")
    await set_renewal(context, subscription, renews=argument == ON)
    current = await services.payments.subscriptions.current(me)
    view = buy_views.offers(
        context.t,
        services.payments.packages(),
        services.payments.subscriptions.offered,
        current,
        me,
        services.accounts.zone,
        services.clock.now(),
        allowed=argument == ON,
    )
    await rewrite(context, query, view)


async def set_renewal(context: Context, subscription: Subscription, *, renews: bool) -> None:
    """Ask Telegram to renew a subscription no more, or to let the person switch it on again.

    Raises:
        UserError: Telegram did not do it.

    """
    try:
        await context.chat.set_renewal(subscription.user_id, subscription.charge_id or "", renews=renews)
    except ChatError as error:
        log.warning("a renewal could not be changed", user=subscription.user_id, kind=type(error).__name__)
        raise UserError("error.buy.renewal") from error
    if not renews:
        # That it renews again is the person's to say, in Telegram's own settings: an update tells.
        await context.services.payments.subscriptions.renewal(subscription.token, renews=False)


async def changed(update: Update, context: Context) -> None:
    """Somebody ended or resumed the renewal of a subscription, or a payment failed; whoever has to act is told."""
    about = update.api_kwargs[SUBSCRIPTION]
    token, state = str(about.get("invoice_payload", "")), about.get("state")
    services = context.services
    subscription = await services.payments.subscriptions.renewal(token, renews=state == ACTIVE)
    if subscription is None or subscription.paid_until is None or state != FAILED:
        return
    user = await services.access.person(UserId(subscription.user_id))
    t = for_language(user.language)
    until = t.moment(subscription.paid_until, services.accounts.zone, services.clock.now())
    await tell(context, subscription.user_id, buy_views.renewal_failed(t, subscription, until))
