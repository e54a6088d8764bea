"""The services that handlers may call, in one typed place."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.services.access import Access
from bot.services.accounts import Accounts
from bot.services.admin import Admin
from bot.services.all_tasks import AllTasks
from bot.services.assets import Assets
from bot.services.assistant import Assistant
from bot.services.broadcast import Broadcasts
from bot.services.cards import Cards
from bot.services.compose import Compose
from bot.services.history import History
from bot.services.ideas import Ideas
from bot.services.links import Links
from bot.services.moderation import Moderation
from bot.services.payments import Payments
from bot.services.pools import Pools
from bot.services.pricing import Pricing
from bot.services.privacy import Privacy
from bot.services.providers import Providers
from bot.services.recipes import Recipes
from bot.services.reports import Reports
from bot.services.results import Results
from bot.services.retries import Retries
from bot.services.status import Status
from bot.services.submit import Submit


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler can ask for. `stale_after` is in milliseconds: older commands are asked about first."""

    compose: Compose
    cards: Cards
    submit: Submit
    results: Results
    history: History
    links: Links
    recipes: Recipes
    assets: Assets
    ideas: Ideas
    assistant: Assistant
    accounts: Accounts
    payments: Payments
    pools: Pools
    pricing: Pricing
    access: Access
    admin: Admin
    all_tasks: AllTasks
    retries: Retries
    broadcasts: Broadcasts
    reports: Reports
    moderation: Moderation
    status: Status
    privacy: Privacy
    providers: Providers
    clock: Clock
    stale_after: int
