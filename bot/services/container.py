"""The services that handlers may call, in one typed place."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.services.compose import Compose
from bot.services.credits.payments import Payments
from bot.services.credits.pools import Pools
from bot.services.credits.pricing import Pricing
from bot.services.library.assets import Assets
from bot.services.library.recipes import Ideas, Recipes
from bot.services.operations.broadcast import Broadcasts
from bot.services.operations.panel import AdminPanel
from bot.services.operations.privacy import Privacy
from bot.services.operations.providers import Providers
from bot.services.operations.reports import Reports
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts
from bot.services.people.moderation import Moderation
from bot.services.requests.assistant import Assistant
from bot.services.requests.attachments import Attachments, Links
from bot.services.requests.cards import Cards
from bot.services.requests.questions import Questions
from bot.services.requests.submit import Submit
from bot.services.tasks.admin import TaskAdmin
from bot.services.tasks.lifecycle import Tasks
from bot.services.tasks.results import History, Results
from bot.services.tasks.status import Status


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
    recipes: Recipes
    assets: Assets
    ideas: Ideas
    assistant: Assistant
    accounts: Accounts
    payments: Payments
    pools: Pools
    pricing: Pricing
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
