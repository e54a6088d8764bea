"""The services that handlers may call, and those of them that the bot and the shell share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.clock import Clock, Runtime
from bot.domain.operations.business import Worth
from bot.domain.types import Millis
from bot.services.added_providers import AddedProviders, Try
from bot.services.compose import Compose
from bot.services.credits.payments import Payments
from bot.services.credits.pools import GroupWallets
from bot.services.credits.promos import Promos
from bot.services.library.assets import Assets
from bot.services.library.ready_made import ReadyMade
from bot.services.library.templates import Templates
from bot.services.live_settings import LiveSettings
from bot.services.operations import (
    actions_on_invites,
    actions_on_people,
    actions_on_promos,
    actions_on_standings,
    actions_on_tasks,
)
from bot.services.operations.accounting import Costs
from bot.services.operations.actions import AcceptRequest, Action, Actions
from bot.services.operations.broadcast import Broadcasts
from bot.services.operations.overrides import Offer, Overrides
from bot.services.operations.panel import AdminPanel
from bot.services.operations.privacy import Privacy
from bot.services.operations.providers import Providers
from bot.services.operations.reports import Business, Reports
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts, Audit
from bot.services.people.moderation import Moderation
from bot.services.ports import Wake
from bot.services.requests.assistant import Assistant
from bot.services.requests.attachments import Attachments, Links
from bot.services.requests.cards import Cards
from bot.services.requests.faces import FaceFinder
from bot.services.requests.markings import Brushings, Markings
from bot.services.requests.questions import Questions
from bot.services.requests.submit import Submit
from bot.services.requests.videos import Videos
from bot.services.tasks.admin import TaskAdmin
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.results import History, Results
from bot.services.tasks.status import Status
from bot.settings import sections
from bot.settings.config import Settings
from bot.store import Store

ACTIONS: Sequence[type[Action]] = (
    *actions_on_people.ACTIONS,
    *actions_on_standings.ACTIONS,
    *actions_on_invites.ACTIONS,
    *actions_on_promos.ACTIONS,
    *actions_on_tasks.ACTIONS,
)
"""All actions of admins."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler can ask for.

    Commands older than `stale_after` milliseconds, or than `restored_at`, when the store was put back from a copy, are
    asked about first.
    """

    compose: Compose
    cards: Cards
    submit: Submit
    attachments: Attachments
    questions: Questions
    markings: Markings
    brushings: Brushings
    results: Results
    videos: Videos
    history: History
    links: Links
    faces: FaceFinder
    templates: Templates
    assets: Assets
    ready_made: ReadyMade
    assistant: Assistant
    accounts: Accounts
    payments: Payments
    pools: GroupWallets
    promos: Promos
    live: LiveSettings
    overrides: Overrides
    access: Access
    admin: AdminPanel
    actions: Actions
    tasks: Tasks
    task_admin: TaskAdmin
    broadcasts: Broadcasts
    reports: Reports
    costs: Costs
    business: Business
    moderation: Moderation
    status: Status
    privacy: Privacy
    providers: Providers
    added_providers: AddedProviders
    clock: Clock
    stale_after: int
    restored_at: Millis
    limits: sections.Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """What admins work with, from the chat and from a shell."""

    audit: Audit
    live: LiveSettings
    overrides: Overrides
    accounts: Accounts
    access: Access
    promos: Promos
    admin: AdminPanel
    broadcasts: Broadcasts
    reports: Reports
    costs: Costs
    business: Business


def administration(
    settings: Settings, *, store: Store, offer: Offer, runtime: Runtime, wake: Wake
) -> Administration:
    """Put it together on an open store; `offer` knows what the providers make."""
    clock = runtime.clock
    audit = Audit(store=store, clock=clock)
    live = LiveSettings(store=store, configured=settings)
    accounts = Accounts(
        store=store,
        clock=clock,
        plans=live.plans,
        quota=settings.quota,
        owners=settings.telegram.admins,
        language=settings.telegram.language,
    )
    access = Access(store=store, accounts=accounts, clock=clock, live=live)
    return Administration(
        audit=audit,
        live=live,
        overrides=Overrides(live=live, offer=offer, store=store, access=access, audit=audit, clock=clock),
        accounts=accounts,
        access=access,
        promos=Promos(store=store, clock=clock),
        admin=AdminPanel(store=store, access=access, accounts=accounts, audit=audit),
        broadcasts=Broadcasts(
            store=store, access=access, accounts=accounts, audit=audit, clock=clock, wake=wake
        ),
        reports=Reports(store=store, access=access, accounts=accounts, clock=clock),
        costs=Costs(
            store=store,
            clock=clock,
            prices=live.catalog,
            providers=tuple(provider.name for provider in settings.providers),
            wake=wake,
            sleep=runtime.sleep,
        ),
        business=Business(store=store, accounts=accounts, clock=clock, worth=_worth(settings)),
    )


def _worth(settings: Settings) -> Worth:
    """What Stars and units are worth, by the settings."""
    costs = {str(provider.name): provider.unit_cost for provider in settings.providers if provider.unit_cost}
    return Worth(settings.payments.currency, settings.payments.star_value, costs)


def shell_tasks(
    office: Administration, *, store: Store, polling: sections.Polling, clock: Clock, wake: Wake
) -> Tasks:
    """The tasks of a shell, which has no chat to show them in."""
    return Tasks(
        store=store, access=office.access, status=None, policy=polling.policy, clock=clock, wake=wake
    )


def admin_actions(
    office: Administration,
    *,
    store: Store,
    tasks: Tasks,
    runtime: Runtime,
    wake: Wake,
    accept: AcceptRequest | None = None,
    declared: Sequence[type[Action]] = ACTIONS,
) -> Actions:
    """Put the actions of admins together; without `accept` nothing is made again: a shell asks for nothing."""
    return Actions(
        declared,
        store=store,
        accounts=office.accounts,
        access=office.access,
        tasks=tasks,
        runtime=runtime,
        wake=wake,
        accept=accept,
    )


def added_providers(
    office: Administration,
    *,
    settings: Settings,
    store: Store,
    try_provider: Try,
    ask_reload: Callable[[], None],
) -> AddedProviders:
    """What adds providers to the settings; `ask_reload` lets the running bot take them up."""
    return AddedProviders(
        store=store,
        access=office.access,
        audit=office.audit,
        overrides=office.overrides,
        settings=settings,
        try_provider=try_provider,
        ask_reload=ask_reload,
    )
