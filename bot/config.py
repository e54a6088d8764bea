"""The settings as types: what there is, what is allowed, what holds where nothing is said.

`load` reports every mistake at once, each with its key, the place of its value, and what is allowed.
Unknown keys are mistakes. Secrets print as `***` and never stand in an error.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.domain import catalog as catalogs
from bot.domain.access import AccessMode
from bot.domain.quota import Plan, PoolUse
from bot.domain.request import Operation
from bot.errors import ConfigError
from bot.kling import callback
from bot.sources import PREFIX, Gathered, Place, dotted, gather

Dialect = Literal["auto", "official", "unified", "generic", "prefixed", "omnimaas", "flat"]
Auth = Literal["auto", "jwt", "bearer", "raw"]


class Section(BaseModel):
    """A part of the settings: closed, and unchangeable once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Telegram(Section):
    """The bot's side of Telegram."""

    token: SecretStr
    mode: Literal["polling"] = "polling"
    base_url: str = "https://api.telegram.org/bot"
    base_file_url: str = "https://api.telegram.org/file/bot"
    local_mode: bool = False
    admins: tuple[int, ...] = ()
    stale_after_minutes: Annotated[int, Field(ge=1, le=1440)] = 60

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"\d+:[A-Za-z0-9_-]{5,}", value.get_secret_value().strip()):
            raise ValueError("a bot token looks like 123456789:AA…; @BotFather gives one out")
        return SecretStr(value.get_secret_value().strip())

    @field_validator("base_url", "base_file_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _safe_url(value)


class Store(Section):
    """Where everything is kept."""

    url: str = "sqlite:///data/klingbot.db"

    @field_validator("url")
    @classmethod
    def _sqlite(cls, value: str) -> str:
        if not value.startswith("sqlite:///") or value == "sqlite:///":
            raise ValueError("must begin with sqlite:/// and name a file, such as sqlite:///data/klingbot.db")
        return value


class Storage(Section):
    """Files in work, and how long things are kept."""

    directory: Path = Path("data/work")
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30


class Provider(Section):
    """One account at one endpoint."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
    dialect: Dialect = "auto"
    base_url: str
    key: SecretStr
    auth: Auth = "auto"
    webhook_secret: SecretStr = SecretStr("")
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 5
    priority: Annotated[int, Field(ge=0, le=1000)] = 1
    timeout: Annotated[float, Field(ge=1, le=170)] = 60
    rate: Annotated[float, Field(gt=0, le=1000)] = 5
    cost: Annotated[float, Field(gt=0, le=1000)] = 1
    operations: tuple[Operation, ...] = ()
    model_names: dict[str, str] = {}
    paths: dict[Operation, Annotated[str, Field(pattern=r"^/\S*$")]] = {}
    enabled: bool = True
    daily_units: Annotated[float, Field(ge=0, le=10_000_000)] | None = None
    monthly_units: Annotated[float, Field(ge=0, le=100_000_000)] | None = None

    @field_validator("base_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _safe_url(value).rstrip("/")

    @field_validator("key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("must be access_key|secret_key or an API key, without spaces")
        return SecretStr(key)

    @field_validator("webhook_secret")
    @classmethod
    def _webhook_secret(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value().strip()
        try:
            if secret:
                callback.signing_key(secret)
        except ValueError:
            raise ValueError("must be whsec_ and Base64, as Kling's console shows it, or empty") from None
        return SecretStr(secret)


class Polling(Section):
    """How often running tasks are looked at (seconds)."""

    min_interval: Annotated[float, Field(ge=0.1, le=300)] = 5
    max_interval: Annotated[float, Field(ge=0.1, le=600)] = 10
    timeout: Annotated[float, Field(ge=10, le=86_400)] = 1200
    retries: Annotated[int, Field(ge=0, le=20)] = 4


class Delivery(Section):
    """How videos are sent."""

    max_upload_mb: Annotated[int, Field(ge=1, le=2000)] | None = None
    allow_loopback: bool = False


class Quota(Section):
    """Whose days and months, and which plan is everybody's."""

    timezone: str = "UTC"
    default_plan: str = "free"

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be the name of a time zone, such as Europe/Berlin or Asia/Shanghai")
        ZoneInfo(value)
        return value


class PlanSettings(Section):
    """What users of a plan may spend without being granted anything, and ask for; absent: no such limit.

    Without both credits there is no allowance: only granted and bought credits can be spent.
    """

    daily_credits: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    monthly_credits: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    carry_over: bool = False
    max_running: Annotated[int, Field(ge=1, le=1000)] = 3
    max_duration: Annotated[int, Field(ge=1, le=60)] = 60
    models: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    priority: Annotated[int, Field(ge=0, le=1000)] = 0
    requests_per_minute: Annotated[int, Field(ge=0, le=1000)] = 0

    def plan(self, name: str) -> Plan:
        """The plan as the program knows it; a rate of 0 is the one of [limits]."""
        rate = self.requests_per_minute or None
        changes = {"operations": frozenset(self.operations), "requests_per_minute": rate}
        return Plan(name, **{**dict(self), **changes})


class SpendingSettings(Section):
    """What everybody together may spend at Kling, in its own units; absent: no limit."""

    daily_units: Annotated[float, Field(ge=0, le=10_000_000)] | None = None
    monthly_units: Annotated[float, Field(ge=0, le=100_000_000)] | None = None
    warn_percent: Annotated[int, Field(ge=1, le=100)] = 80


class Package(Section):
    """Credits that people can buy for Telegram Stars."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,16}$")]
    credits: Annotated[int, Field(ge=1, le=10_000_000)]
    stars: Annotated[int, Field(ge=1, le=10_000)]


class Payments(Section):
    """The operator's own words on sales; empty: the usual ones."""

    terms: Annotated[str, Field(max_length=4000)] = ""
    support: Annotated[str, Field(max_length=500)] = ""


class Limits(Section):
    """How fast one person may ask."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1000)] = 6


class Groups(Section):
    """How fast everybody in a group may ask together, and what they may spend in a day; absent: no limit."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1000)] = 6
    daily_credits: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    pool: PoolUse = PoolUse.FIRST


class Access(Section):
    """Who may use the bot. `users` and `groups` are always let in; admins let in others while it runs."""

    mode: AccessMode = AccessMode.PUBLIC
    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()


class Alerts(Section):
    """What the admins are told by itself: each kind at most once an hour."""

    failure_percent: Annotated[float, Field(gt=0, le=100)] = 30
    failure_tasks: Annotated[int, Field(ge=1, le=10_000)] = 10
    queue_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    disk_free_percent: Annotated[float, Field(ge=0, le=90)] = 5
    summary: bool = True
    summary_hour: Annotated[int, Field(ge=0, le=23)] = 9


class Moderation(Section):
    """What may not be asked for, by language; and the break after several refusals. Without a hook none is asked."""

    words: dict[str, tuple[str, ...]] = {}
    patterns: dict[str, tuple[str, ...]] = {}
    strikes: Annotated[int, Field(ge=1, le=1000)] = 3
    window_hours: Annotated[int, Field(ge=1, le=720)] = 24
    pause_minutes: Annotated[int, Field(ge=1, le=43_200)] = 60
    hook_url: str = ""
    hook_key: SecretStr = SecretStr("")
    hook_timeout: Annotated[float, Field(gt=0, le=30)] = 3
    hook_fail: Literal["open", "closed"] = "open"

    @field_validator("words")
    @classmethod
    def _words(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        if any(not any(letter.isalnum() for letter in word) for words in value.values() for word in words):
            raise ValueError("every word must hold a letter")
        return value

    @field_validator("patterns")
    @classmethod
    def _patterns(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for pattern in (pattern for patterns in value.values() for pattern in patterns):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern} is no regular expression: {error}") from None
        return value

    @field_validator("hook_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _safe_url(value) if value else value


class Models(Section):
    """What a request gets where the person said nothing."""

    default: str = ""
    default_mode: Literal["std", "pro", "4k"] = "std"
    default_duration: Annotated[int, Field(ge=1, le=60)] = 5
    default_aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"


class Catalog(Section):
    """Rows of the catalog that the operator adds, or single columns of rows that differ."""

    models: dict[str, dict[str, Any]] = {}
    images: dict[str, dict[str, Any]] = {}
    services: dict[str, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _rows(self) -> "Catalog":
        try:
            catalogs.load(self.model_dump())
        except ValidationError as error:
            (name, mistake) = next(iter(_mistakes(error)))
            raise ValueError(f"{name}: {mistake}") from None
        return self


def _mistakes(error: ValidationError) -> Iterator[tuple[str, str]]:
    for mistake in error.errors(include_url=False, include_input=False):
        yield ".".join(str(part) for part in mistake["loc"]), mistake["msg"]


class Assistant(Section):
    """A language model that improves prompts; without `base_url` nobody is offered that."""

    base_url: str = ""
    key: SecretStr = SecretStr("")
    model: str = ""
    per_hour: Annotated[int, Field(ge=1, le=1000)] = 20

    @field_validator("base_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _safe_url(value).rstrip("/") if value else value

    @model_validator(mode="after")
    def _model_named(self) -> "Assistant":
        if self.base_url and not self.model:
            raise ValueError("model: must name a model of the server at base_url")
        return self


class Idea(Section):
    """A ready-made request that the operator shows; the prompt may hold options, as in the chat."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    prompt: Annotated[str, Field(max_length=2500)] = ""
    model: str = ""
    mode: Literal["", "std", "pro", "4k"] = ""
    duration: Annotated[int, Field(ge=0, le=60)] = 0
    aspect_ratio: Literal["", "16:9", "9:16", "1:1"] = ""
    photo: bool = False
    sample: str = ""

    @field_validator("sample")
    @classmethod
    def _sample(cls, value: str) -> str:
        if "://" in value:
            if not value.startswith("https://"):
                raise ValueError("must be a file, or an address that begins with https://")
        elif value and not Path(value).is_file():
            raise ValueError("there is no such file")
        return value


class Logging(Section):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["console", "json"] = "console"


class Web(Section):
    """The web server for callbacks; without `public_url` there is none, and nothing but speed is lost."""

    listen: str = "127.0.0.1:8080"
    public_url: str = ""

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        parts = urlsplit(f"//{value}")
        if not parts.hostname or parts.port is None or parts.netloc != value or "@" in value:
            raise ValueError("must be host:port, such as 127.0.0.1:8080 or 0.0.0.0:8080")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(_safe_url(value))
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            raise ValueError("must begin with https:// (plain http is for this machine only)")
        if parts.query or parts.fragment:
            raise ValueError("must end with the host or a path")
        return value.rstrip("/")


class Settings(BaseSettings):
    """Everything that an operator can choose. `config.example.toml` explains every key."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    telegram: Telegram
    store: Store = Store()
    storage: Storage = Storage()
    providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    polling: Polling = Polling()
    delivery: Delivery = Delivery()
    quota: Quota = Quota()
    plans: Annotated[dict[str, PlanSettings], Field(min_length=1)] = {
        "free": PlanSettings(daily_credits=100, monthly_credits=1000)
    }
    spending: SpendingSettings = SpendingSettings()
    packages: Annotated[tuple[Package, ...], Field(max_length=20)] = ()
    payments: Payments = Payments()
    limits: Limits = Limits()
    groups: Groups = Groups()
    access: Access = Access()
    alerts: Alerts = Alerts()
    moderation: Moderation = Moderation()
    models: Models = Models()
    catalog: Catalog = Catalog()
    assistant: Assistant = Assistant()
    ideas: Annotated[tuple[Idea, ...], Field(max_length=50)] = ()
    logging: Logging = Logging()
    web: Web = Web()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` has put together: it knows where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def max_upload_bytes(self) -> int:
        """The largest video that is uploaded: Telegram's own limit unless the operator sets one."""
        megabytes = self.delivery.max_upload_mb or (2000 if self.telegram.local_mode else 50)
        return megabytes * 1_000_000

    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be written anywhere."""
        token = self.telegram.token.get_secret_value()
        found = {self.moderation.hook_key.get_secret_value(), token, token.split(":", 1)[1]}
        found.add(self.assistant.key.get_secret_value())
        for provider in self.providers:
            key = provider.key.get_secret_value()
            found |= {key, *key.split("|"), provider.webhook_secret.get_secret_value()}
            if self.web.public_url:
                found.add(callback.path_secret(token, provider.name))
        return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: with every problem, each naming its key, where its value stands, and what is allowed.

    """
    gathered = gather(path, environ)
    # What is missing in a section is told key by key, also where the whole section is.
    gathered.data.setdefault("telegram", {})
    try:
        settings = Settings(**gathered.data)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False)
        places = [tuple(str(part) for part in mistake["loc"]) for mistake in mistakes]
        deeper = {place[:length] for place in places for length in range(len(place))}
        # A list whose only entry is wrong also counts as too short.
        problems = [
            _line(place, mistake, gathered, path)
            for place, mistake in zip(places, mistakes, strict=True)
            if place not in deeper
        ]
        raise ConfigError([*gathered.problems, *problems, *_contradictions(gathered)]) from None
    if problems := [*gathered.problems, *_contradictions(gathered)]:
        raise ConfigError(problems)
    return settings


def _contradictions(gathered: Gathered) -> list[str]:
    """What does not fit together. This looks at the values as found, so that other mistakes hide none."""
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
    sold = [_dict(entry).get("name") for entry in _list(data.get("packages"))]
    for index, name in enumerate(sold):
        if name is not None and name in sold[:index]:
            problem("every name may stand once only", "packages", str(index), "name")
    for name, entry in _dict(data.get("plans")).items():
        for model in _list(_dict(entry).get("models")):
            if offered and model not in offered:
                allowed = ", ".join(dict.fromkeys(offered))
                problem(f"{model} is no model of a provider: {allowed}", "plans", str(name), "models")
    model = _dict(data.get("models")).get("default", "")
    if model and offered and model not in offered:
        problem(f"must be a model of a provider: {', '.join(dict.fromkeys(offered))}", "models", "default")
    return problems


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


_ALLOWED: Mapping[str, str] = {
    "extra_forbidden": "there is no such key",
    "tuple_type": "must be a list, such as [1, 2]",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
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


def _line(place: Place, mistake: ErrorDetails, gathered: Gathered, path: Path | None) -> str:
    """One line for one mistake: its key, where the value stands, and what is allowed."""
    kind = mistake["type"]
    if kind == "missing":
        where = path if path is not None else "the environment"
        if place == ("providers",):
            return f"providers: is missing in {where}; at least one [[providers]] table is needed"
        variable = PREFIX + "__".join(part.upper() for part in place)
        return f"{dotted(place)}: is missing in {where} (or set {variable})"
    if kind == "string_pattern_mismatch":
        message = f"must match {mistake['ctx']['pattern']}"
    else:
        message = _ALLOWED.get(kind) or mistake["msg"].removeprefix("Value error, ")
        message = re.sub(r"^Input should be", "must be", message)
    return f"{dotted(place)}{gathered.origin(place)}: {message[:1].lower()}{message[1:]}"


def _safe_url(value: str) -> str:
    parts = urlsplit(value)
    _ = parts.port  # raises where it is no port
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password")
    if parts.scheme == "http" and not _is_private(parts.hostname):
        raise ValueError("must begin with https:// (plain http is for this machine and private networks)")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_private(host: str) -> bool:
    if (
        host == "localhost"
        or host.endswith(".localhost")
        or ("." not in host.strip("[]") and ":" not in host)
    ):
        # A name without a dot is one of a container network.
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        return False
