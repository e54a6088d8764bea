"""`/providers`, for admins only: how every provider does, and the buttons that pause, resume and ask again."""

from telegram import CallbackQuery, Update

from bot.domain.units import ProviderName
from bot.services.operations.providers import ProviderReport
from handlers.admin import provider_views
from handlers.chat.context import Context, answer, operation_of, rewrite, user_id_of
from handlers.chat.html import View


async def providers(update: Update, context: Context) -> None:
    """One message for each provider, so that its buttons stand right beneath it."""
    context.services.accounts.require_admin(user_id_of(update))
    reports = await context.services.providers.reports()
    for report in reports:
        await answer(update, context, _view(update, context, report))
    if not reports:
        await answer(update, context, View(context.t("providers.none")))


async def press_pause(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Nothing new is sent to the provider; what runs there goes on."""
    name = await _steered(update, context, argument, "pause")
    await context.services.providers.pause(name, user_id_of(update))
    await _show(update, context, query, name)
    return context.t("providers.now_paused", name=name)


async def press_resume(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """The provider is sent to again."""
    name = await _steered(update, context, argument, "resume")
    await context.services.providers.resume(name, user_id_of(update))
    await _show(update, context, query, name)
    return context.t("providers.now_resumed", name=name)


async def press_refresh(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Ask the provider for its account once more."""
    name = _chosen(update, context, argument)
    await _show(update, context, query, name, ask=True)
    return context.t("providers.now_refreshed", name=name)


def _chosen(update: Update, context: Context, handle: str) -> ProviderName:
    # Who was an admin when the button was made need not be one now.
    context.services.accounts.require_admin(user_id_of(update))
    return context.services.providers.named(handle)


async def _steered(update: Update, context: Context, handle: str, action: str) -> ProviderName:
    """The provider that a button names, with what is about to be done to it noted in the log of admins."""
    name = _chosen(update, context, handle)
    await context.services.admin.provider_steered(user_id_of(update), name, action, operation_of(update))
    return name


async def _show(
    update: Update, context: Context, query: CallbackQuery, name: ProviderName, *, ask: bool = False
) -> None:
    report = await context.services.providers.report(name, ask=ask)
    await rewrite(context, query, _view(update, context, report))


def _view(update: Update, context: Context, report: ProviderReport) -> View:
    services = context.services
    return provider_views.provider(
        context.t, report, user_id_of(update), services.accounts.zone, services.clock.now()
    )
