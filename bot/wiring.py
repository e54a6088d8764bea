"""The settings as the parts take them: every translation from a section to what a service is built with. Pure."""

from zoneinfo import ZoneInfo

from bot.domain.credits.shop import Package
from bot.domain.credits.spending import Caps
from bot.domain.credits.subscription import MonthlyPlan
from bot.domain.library.idea import Idea, slug_of
from bot.domain.people.moderation import Filter, Rules, StrikePolicy
from bot.domain.requests.model import ChangedPrices
from bot.domain.requests.options import Options
from bot.domain.tasks.schedule import PollingPolicy
from bot.domain.units import HOUR, MINUTE, SECOND, ChatId, Credits, Millis, ProviderName, UserId
from bot.kling import callback
from bot.services.compose import Defaults
from bot.services.operations.alerts import Thresholds
from bot.services.people.access import AllowList
from bot.services.people.limits import Rates
from bot.services.people.moderation import Hook
from bot.settings.config import Settings

# -- people and money --------------------------------------------------------------------------------


def owners(settings: Settings) -> frozenset[UserId]:
    """Who may do everything."""
    return frozenset(UserId(admin) for admin in settings.telegram.admins)


def zone(settings: Settings) -> ZoneInfo:
    """Where days and months begin."""
    return ZoneInfo(settings.quota.timezone)


def allow_list(settings: Settings) -> AllowList:
    """Who is let in whatever anybody decides."""
    return AllowList(
        frozenset(UserId(user) for user in settings.access.users),
        frozenset(ChatId(group) for group in settings.access.groups),
    )


def rates(settings: Settings) -> Rates:
    """How fast a person and a group may ask."""
    return Rates(settings.limits.requests_per_minute, settings.groups.requests_per_minute)


def packages(settings: Settings) -> list[Package]:
    """What is sold once."""
    return [Package(package.name, Credits(package.credits), package.stars) for package in settings.packages]


def monthly_plans(settings: Settings) -> list[MonthlyPlan]:
    """What is sold by the month."""
    return [
        MonthlyPlan(monthly.name, monthly.plan, Credits(monthly.credits), monthly.stars)
        for monthly in settings.subscriptions
    ]


def prices_of_providers(settings: Settings) -> dict[ProviderName, ChangedPrices]:
    """What costs otherwise where a provider is the first that can do it."""
    return {ProviderName(provider.name): provider.prices.columns() for provider in settings.providers}


def caps(settings: Settings) -> Caps:
    """What everybody together may spend at Kling."""
    return Caps(settings.spending.daily_units, settings.spending.monthly_units)


def caps_of_providers(settings: Settings) -> dict[ProviderName, Caps]:
    """What everybody together may spend at each provider."""
    return {
        ProviderName(provider.name): Caps(provider.daily_units, provider.monthly_units)
        for provider in settings.providers
    }


# -- requests ----------------------------------------------------------------------------------------


def defaults(settings: Settings) -> Defaults:
    """What a request gets where the person said nothing."""
    models = settings.models
    return Defaults(
        model=models.default,
        mode=models.default_mode,
        duration=models.default_duration,
        aspect_ratio=models.default_aspect_ratio,
    )


def ideas(settings: Settings) -> list[Idea]:
    """The operator's ideas; what they leave open is what each person prefers."""
    return [
        Idea(
            slug=slug_of(idea.name),
            name=idea.name,
            words=idea.prompt,
            options=Options(
                model=idea.model or None,
                mode=idea.mode or None,
                duration=idea.duration or None,
                aspect_ratio=idea.aspect_ratio or None,
            ),
            photo=idea.photo,
            sample=idea.sample,
        )
        for idea in settings.ideas
    ]


def content_filter(settings: Settings) -> Filter:
    """What may not be asked for."""
    return Filter(Rules(settings.moderation.words, settings.moderation.patterns))


def strike_policy(settings: Settings) -> StrikePolicy:
    """When several refusals bring a break."""
    return StrikePolicy(
        settings.moderation.strikes,
        Millis(settings.moderation.window_hours * HOUR),
        Millis(settings.moderation.pause_minutes * MINUTE),
    )


def hook(settings: Settings) -> Hook | None:
    """The operator's own judge of requests; None: there is none."""
    moderation = settings.moderation
    if not moderation.hook_url:
        return None
    key = moderation.hook_key.get_secret_value()
    return Hook(moderation.hook_url, key, moderation.hook_timeout, moderation.hook_fail == "closed")


# -- tasks -------------------------------------------------------------------------------------------


def polling_policy(settings: Settings) -> PollingPolicy:
    """How often, and for how long, tasks are looked at."""
    return PollingPolicy(
        min_interval=Millis(round(settings.polling.min_interval * SECOND)),
        max_interval=Millis(round(settings.polling.max_interval * SECOND)),
        deadline=Millis(round(settings.polling.timeout * SECOND)),
        retries=settings.polling.retries,
    )


def callback_urls(settings: Settings) -> dict[ProviderName, str]:
    """Where each provider may tell of its tasks: nowhere, unless the server has a public address."""
    public_url, token = settings.web.public_url, settings.telegram.token.get_secret_value()
    return {
        ProviderName(provider.name): callback.address(public_url, token, provider.name)
        for provider in settings.providers
        if public_url
    }


def thresholds(settings: Settings) -> Thresholds:
    """From where on the admins are told."""
    alerts = settings.alerts
    return Thresholds(
        failure_share=alerts.failure_percent / 100,
        failure_tasks=alerts.failure_tasks,
        queue_minutes=alerts.queue_minutes,
        disk_free_share=alerts.disk_free_percent / 100,
        summary_hour=alerts.summary_hour if alerts.summary else None,
    )
