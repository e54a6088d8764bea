"""The services that handlers may call, and those of them that the bot and the shell share."""

from dataclasses import dataclass

from bot.clock import Clock, Runtime
from bot.services.compose import Compose
from bot.services.credits.payments import Payments
from bot.services.credits.pools import Pools
from bot.services.library.assets import Assets
from bot.services.library.templates import Templates
from bot.services.live_settings import LiveSettings
from bot.services.operations.broadcast import Broadcasts
from bot.services.operations.overrides import Offer, Overrides
from bot.services.operations.panel import AdminPanel
from bot.services.operations.privacy import Privacy
from bot.services.operations.providers import Providers
from bot.services.operations.reports import Reports
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts, Audit
from bot.services.people.moderation import Moderation
from bot.services.ports import Wake
from bot.services.requests.assistant import Assistant
from bot.services.requests.attachments import Attachments, Links
from bot.services.requests.cards import Cards
from bot.services.requests.questions import Questions
from bot.services.requests.submit import Submit
from bot.services.tasks.admin import TaskAdmin
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.results import History, Results
from bot.services.tasks.status import Status
from bot.settings import sections
from bot.settings.config import Settings
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler can ask for. `stale_after` is in milliseconds: older commands are asked about first."""

    compose: Compose
    cards: Cards
    submit: Submit
    attachments: Attachments
    questions: Questions
    results: Results
    history: History
    links: Links
    templates: Templates
    assets: Assets
    assistant: Assistant
    accounts: Accounts
    payments: Payments
    pools: Pools
    live: LiveSettings
    overrides: Overrides
    access: Access
    admin: AdminPanel
    tasks: Tasks
    task_admin: TaskAdmin
    broadcasts: Broadcasts
    reports: Reports
    moderation: Moderation
    status: Status
    privacy: Privacy
    providers: Providers
    clock: Clock
    stale_after: int
    limits: sections.Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """What admins work with, from the chat and from a shell."""

    audit: Audit
    live: LiveSettings
    overrides: Overrides
    accounts: Accounts
    access: Access
    admin: AdminPanel
    broadcasts: Broadcasts
    reports: Reports


def administration(
    settings: Settings, *, store: Store, offer: Offer, runtime: Runtime, wake: Wake
) -> Administration:
    """Put it together on an open store; `offer` knows what the providers make."""
    clock = runtime.clock
    audit = Audit(store=store, clock=clock)
    live = LiveSettings(store=store, configured=settings)
    quota, owners = settings.quota, settings.telegram.admins
    accounts = Accounts(store=store, clock=clock, plans=live.plans, quota=quota, owners=owners, audit=audit)
    access = Access(store=store, accounts=accounts, audit=audit, runtime=runtime, live=live)
    return Administration(
        audit=audit,
        live=live,
        overrides=Overrides(live=live, offer=offer, store=store, access=access, audit=audit, clock=clock),
        accounts=accounts,
        access=access,
        admin=AdminPanel(store=store, access=access, accounts=accounts, audit=audit),
        broadcasts=Broadcasts(
            store=store, access=access, accounts=accounts, audit=audit, clock=clock, wake=wake
        ),
        reports=Reports(store=store, access=access, accounts=accounts, clock=clock),
    )
