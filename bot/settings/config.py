"""The settings as a whole: read, checked against each other, every mistake told.

`load` reports every mistake at once, each with its key, the place of its value, and what is allowed.
Unknown keys are mistakes. Secrets print as `***` and never stand in an error.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from bot.domain.credits.quota import PlanConfig
from bot.domain.credits.shop import MonthlyPlan, Package
from bot.domain.operations.overrides import Overridable
from bot.domain.people.access import AccessMode
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.model import Model
from bot.errors import ConfigError
from bot.kling import callback
from bot.kling.provider import PriceTables, Provider, RowMistakes
from bot.proxies import Proxies, login_secrets
from bot.settings.places import KeyPath, did_you_mean, keys_at, secrets_of
from bot.settings.sections import (
    Access,
    Alerts,
    Assistant,
    Backup,
    Catalog,
    Delivery,
    Groups,
    IdeaSettings,
    Limits,
    Logging,
    Models,
    Moderation,
    Monitoring,
    NetworkSettings,
    Payments,
    Polling,
    Quota,
    Retention,
    Section,
    SpendingSettings,
    Storage,
    Store,
    Telegram,
    Web,
)
from bot.settings.sources import PREFIX, Gathered, dotted, gather, in_one_line


class Settings(BaseModel):
    """Everything that an operator can choose. `config.example.toml` explains every key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    telegram: Telegram
    store: Store = Field(default_factory=Store)
    storage: Storage = Field(default_factory=Storage)
    retention: Retention = Field(default_factory=Retention)
    backup: Backup = Field(default_factory=Backup)
    providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    polling: Polling = Field(default_factory=Polling)
    delivery: Delivery = Field(default_factory=Delivery)
    quota: Quota = Field(default_factory=Quota)
    plans: Annotated[
        dict[str, PlanConfig],
        Field(min_length=1, max_length=100),
        Overridable(names="[a-z0-9][a-z0-9_-]{0,31}"),
    ] = {"free": PlanConfig(daily_credits=100, monthly_credits=1000)}
    spending: SpendingSettings = Field(default_factory=SpendingSettings)
    subscriptions: Annotated[tuple[MonthlyPlan, ...], Field(max_length=20)] = ()
    packages: Annotated[tuple[Package, ...], Field(max_length=20)] = ()
    payments: Payments = Field(default_factory=Payments)
    limits: Limits = Field(default_factory=Limits)
    groups: Groups = Field(default_factory=Groups)
    access: Access = Field(default_factory=Access)
    alerts: Alerts = Field(default_factory=Alerts)
    moderation: Moderation = Field(default_factory=Moderation)
    models: Models = Field(default_factory=Models)
    catalog: Catalog = Field(default_factory=Catalog)
    prices: Annotated[PriceTables, Overridable()] = PriceTables()
    assistant: Assistant = Field(default_factory=Assistant)
    ideas: Annotated[tuple[IdeaSettings, ...], Field(max_length=50)] = ()
    logging: Logging = Field(default_factory=Logging)
    web: Web = Field(default_factory=Web)
    monitoring: Monitoring = Field(default_factory=Monitoring)
    network: NetworkSettings = Field(default_factory=NetworkSettings)

    @property
    def max_upload_bytes(self) -> int:
        """The largest video that is uploaded: Telegram's own limit unless the operator sets one."""
        megabytes = self.delivery.max_upload_mb or (2000 if self.telegram.local_mode else 50)
        return megabytes * 1_000_000

    @property
    def max_source_bytes(self) -> int:
        """The largest video of which a smaller copy is made."""
        return self.delivery.copy_source_mb * 1_000_000

    @property
    def is_public_without_cap(self) -> bool:
        """Whether everyone may spend, and nothing limits what they spend together."""
        enabled = [provider for provider in self.providers if provider.enabled]
        are_capped = bool(self.spending.caps) or all(provider.caps for provider in enabled)
        return self.access.mode is AccessMode.PUBLIC and not are_capped

    @property
    def proxy_settings(self) -> Mapping[str, SecretStr]:
        """What each part of the settings says of its proxy, by its key."""
        named = {
            "network.proxy": self.network.proxy,
            "network.http_proxy": self.network.http_proxy,
            "telegram.proxy": self.telegram.proxy,
            "delivery.proxy": self.delivery.proxy,
            "assistant.proxy": self.assistant.proxy,
            "moderation.hook_proxy": self.moderation.hook_proxy,
        }
        return named | {f"providers.{provider.name}.proxy": provider.proxy for provider in self.providers}

    def proxies_in_use(self) -> Mapping[str, str]:
        """What is said of proxies, by key, without logins; nothing where nothing is said."""
        usual = self.network.proxies
        found = {
            key: str(Proxies.of(text, usual))
            for key, setting in self.proxy_settings.items()
            if not key.startswith("network.") and (text := setting.get_secret_value())
        }
        return found if usual == Proxies() else {"network.proxy": str(usual), **found}

    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be written anywhere."""
        found = {
            *self.told_secrets(),
            *(secret for each in self.proxy_settings.values() for secret in login_secrets(each)),
        }
        return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))

    def told_secrets(self) -> tuple[str, ...]:
        """The secrets that a server is told, and may quote: of proxies they hear nothing."""
        token = self.telegram.token.get_secret_value()
        found = {self.moderation.hook_key.get_secret_value(), token, token.split(":", 1)[1]}
        found.add(self.assistant.key.get_secret_value())
        found.add(urlsplit(self.monitoring.sentry_dsn.get_secret_value()).username or "")
        for provider in self.providers:
            found |= provider.secrets()
            if self.web.public_url:
                found.add(callback.path_secret(token, provider.name))
        return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: with every problem, each naming its key, where its value stands, and what is allowed.

    """
    gathered = gather(path, environ, secrets_of(Settings))
    # What is missing in a section is told key by key, also where the whole section is.
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            gathered.data.setdefault(name, {})
    try:
        settings = Settings.model_validate(gathered.data)
    except ValidationError as error:
        found = [
            each
            for mistake in error.errors(include_url=False, include_input=False)
            for each in _single(mistake)
        ]
        deeper = {place[:length] for place, _ in found for length in range(len(place))}
        # A list whose only entry is wrong also counts as too short.
        problems = [_line(place, mistake, gathered, path) for place, mistake in found if place not in deeper]
        raise ConfigError([*gathered.problems, *problems, *contradictions(gathered)]) from None
    if problems := [*gathered.problems, *contradictions(gathered)]:
        raise ConfigError(problems)
    return settings


def _single(mistake: ErrorDetails) -> Iterator[tuple[KeyPath, ErrorDetails]]:
    """A mistake with its place; of rows of the catalog, whose check stops at none, each one."""
    place = tuple(str(part) for part in mistake["loc"])
    error = mistake.get("ctx", {}).get("error")
    if isinstance(error, RowMistakes):
        yield from (((*place, *below), each) for below, each in error.found)
    else:
        yield place, mistake


def contradictions(gathered: Gathered) -> list[str]:
    """What does not fit together, a line each. It looks at the values as found, so that other mistakes hide none."""
    problems: list[str] = []

    def problem(message: str, *place: str) -> None:
        problems.append(f"{dotted(place)}{gathered.origin(place)}: {message}")

    data = gathered.data
    providers = [_dict(entry) for entry in _list(data.get("providers"))]
    names = [entry.get("name") for entry in providers]
    for index, entry in enumerate(providers):
        if names[index] is not None and names[index] in names[:index]:
            problem("every name may stand once only", "providers", str(index), "name")
        parts = str(entry.get("key", "a|b")).strip().split("|")
        if entry.get("dialect") == "unified" and "key" in entry and len(parts) > 1:
            problem(
                "the newer standard takes an API key, no access_key|secret_key",
                "providers",
                str(index),
                "key",
            )
        if entry.get("auth") == "jwt" and (len(parts) != 2 or not all(parts)):
            problem("jwt needs a key of the form access_key|secret_key", "providers", str(index), "auth")

    for index, number, asked in _undeclared(data):
        place = ("providers", str(index), "models", str(number))
        if asked in catalogs.list_names("images"):
            problem(f"{asked} is an image model: these are offered without being named here", *place)
        else:
            suggestion = did_you_mean(asked, catalogs.list_names())
            problem(
                f"{in_one_line(asked)} is no model that is known{suggestion} (a new one needs [catalog.models.{asked}])",
                *place,
            )

    polling = _dict(data.get("polling"))
    shortest, longest = (
        _number(polling.get(key, Polling.model_fields[key].default))
        for key in ("min_interval", "max_interval")
    )
    if shortest is not None and longest is not None and longest < shortest:
        problem("must not be smaller than min_interval", "polling", "max_interval")

    plans = list(_dict(data.get("plans", Settings.model_fields["plans"].default)))
    if _dict(data.get("quota")).get("default_plan", Quota.model_fields["default_plan"].default) not in plans:
        problem(f"must be one of the plans: {', '.join(plans)}", "quota", "default_plan")

    offered = [name for entry in providers for name in _list(entry.get("models")) if isinstance(name, str)]
    for section in ("packages", "subscriptions"):
        sold = [_dict(entry).get("name") for entry in _list(data.get(section))]
        for index, name in enumerate(sold):
            if name is not None and name in sold[:index]:
                problem("every name may stand once only", section, str(index), "name")
    for index, entry in enumerate(_list(data.get("subscriptions"))):
        if _dict(entry).get("plan", plans[0] if plans else "") not in plans:
            problem(f"must be one of the plans: {', '.join(plans)}", "subscriptions", str(index), "plan")
    for name, entry in _dict(data.get("plans")).items():
        for model in _list(_dict(entry).get("models")):
            if offered and model not in offered:
                allowed = ", ".join(dict.fromkeys(offered))
                problem(f"{model} is no model of a provider: {allowed}", "plans", str(name), "models")
    model = _dict(data.get("models")).get("default", "")
    if model and offered and model not in offered:
        problem(f"must be a model of a provider: {', '.join(dict.fromkeys(offered))}", "models", "default")
    return problems


def _undeclared(data: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """The models of providers that have a row in no catalog, with the numbers of both; `"*"` is a row for all."""
    ours = _dict(_dict(data.get("catalog")).get("models"))
    for index, entry in enumerate(_list(data.get("providers"))):
        declared = {**ours, **_dict(_dict(_dict(entry).get("catalog")).get("models"))}
        for number, name in enumerate(_list(_dict(entry).get("models"))):
            if not isinstance(name, str) or catalogs.EVERY in declared:
                continue
            if name not in catalogs.list_names() and name not in declared:
                yield index, number, name


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


_ALLOWED: Mapping[str, str] = {
    "extra_forbidden": "there is no such key",
    "unexpected_keyword_argument": "there is no such key",
    "tuple_type": "must be a list, such as [1, 2]",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "dataclass_type": "must be a table",
    "string_type": "must be a text in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "path_type": "must be the name of a file or directory",
    "too_short": "must name at least one",
}


def _line(place: KeyPath, mistake: ErrorDetails, gathered: Gathered, path: Path | None) -> str:
    """One line for one mistake: its key, where the value stands, and what is allowed."""
    kind = mistake["type"]
    if kind == "missing":
        where = path if path is not None else "the environment"
        if place == ("providers",):
            return f"providers: is missing in {where}; at least one is needed (or set {PREFIX}PROVIDERS__0__NAME …)"
        variable = PREFIX + "__".join(part.upper() for part in place)
        return f"{dotted(place)}: is missing in {where} (or set {variable})"
    if kind == "string_pattern_mismatch":
        message = f"must match {mistake['ctx']['pattern']}"
    else:
        message = _ALLOWED.get(kind) or mistake["msg"].removeprefix("Value error, ")
        message = re.sub(r"^Input should be", "must be", message)
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        in_a_row = len(place) > 3 and place[-4] == "catalog"
        message += did_you_mean(place[-1], Model.model_fields if in_a_row else keys_at(Settings, place[:-1]))
    elif kind in {"literal_error", "enum"}:
        # No secret is one of a few words.
        message += did_you_mean(gathered.value(place), re.findall(r"'([^']+)'", mistake["ctx"]["expected"]))
    return f"{dotted(place)}{gathered.origin(place)}: {message[:1].lower()}{message[1:]}"
