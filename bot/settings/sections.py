"""The sections of the settings as types: what there is, what is allowed, what holds where nothing is said."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from bot.archives import check_recipient
from bot.domain.credits.caps import Capped
from bot.domain.credits.quota import PoolUse
from bot.domain.operations.overrides import Overridable
from bot.domain.people.access import AccessMode
from bot.domain.requests.options import Options
from bot.domain.requests.request import Mode, Resolution, VideoRatio
from bot.domain.tasks.schedule import PollingPolicy
from bot.domain.types import SECOND, Millis, UserId
from bot.kling.provider import Rows
from bot.network import is_loopback, safe_url, split
from bot.proxies import Proxies, ProxySetting


class Section(BaseModel):
    """A part of the settings: closed, and unchangeable once it is read."""

    # Only the settings as a whole are ever read: building each section by itself would double the time.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _host_and_port(value: str) -> str:
    parts = split(f"//{value}")
    if parts is None or not parts.hostname or parts.port is None or parts.netloc != value or "@" in value:
        raise ValueError("must be host:port, such as 127.0.0.1:8080 or 0.0.0.0:8080")
    return value


Listen = Annotated[str, AfterValidator(_host_and_port)]
"""Where a server listens, as `host:port`; port 0: a free one."""


class NetworkSettings(Section):
    """What everything goes through that names no proxy of its own; `http_proxy` is for plain http, where it differs."""

    proxy: ProxySetting = SecretStr("")
    http_proxy: ProxySetting = SecretStr("")
    no_proxy: tuple[str, ...] = ()

    @property
    def proxies(self) -> Proxies:
        """The same, read."""
        own = Proxies.of(self.proxy.get_secret_value())
        plain = Proxies.of(self.http_proxy.get_secret_value(), own)
        return Proxies(own.https, plain.http, self.no_proxy)


class Telegram(Section):
    """The bot's side of Telegram."""

    token: SecretStr
    mode: Literal["polling"] = "polling"
    base_url: str = "https://api.telegram.org/bot"
    base_file_url: str = "https://api.telegram.org/file/bot"
    local_mode: bool = False
    admins: tuple[UserId, ...] = ()
    language: Literal["en", "zh_Hans"] = "en"
    stale_after_minutes: Annotated[int, Field(ge=1, le=1440)] = 60
    proxy: ProxySetting = SecretStr("")

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"\d+:[A-Za-z0-9_-]{5,}", value.get_secret_value().strip()):
            raise ValueError("a bot token looks like 123456789:AA…; @BotFather gives one out")
        return SecretStr(value.get_secret_value().strip())

    @field_validator("base_url", "base_file_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return safe_url(value)


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


Days = Annotated[int, Field(ge=1, le=3650)]


class Retention(Section):
    """How many days each kind of data stays; None: as long as `storage.retention_days`, but `tasks` for good."""

    updates: Days | None = None
    drafts: Days | None = None
    photos: Days | None = None
    videos: Days | None = None
    charges: Days | None = None
    strikes: Days | None = None
    tasks: Days | None = None

    def longest(self, usual: int) -> int:
        """The most days that something of a person's own stays beside their history."""
        return max(days or usual for days in (self.updates, self.drafts, self.photos, self.videos))


class Backup(Section):
    """Copies of the database that are made by themselves: how often, where, and how many stay."""

    every_hours: Annotated[int, Field(ge=0, le=720)] = 24
    at: Annotated[str, Field(pattern=r"^$|^([01][0-9]|2[0-3]):[0-5][0-9]$")] = ""
    keep: Annotated[int, Field(ge=1, le=1000)] = 7
    directory: Path | None = None
    send_to: int = 0
    recipient: str = ""

    @field_validator("recipient")
    @classmethod
    def _recipient(cls, value: str) -> str:
        if value:
            check_recipient(value)
        return value

    @model_validator(mode="after")
    def _sealed(self) -> "Backup":
        if self.send_to and not self.recipient:
            raise ValueError("recipient: must be a public key where copies are sent to a chat")
        return self


class Polling(Section):
    """How often running tasks are looked at (seconds)."""

    min_interval: Annotated[float, Field(ge=0.1, le=300)] = 5
    max_interval: Annotated[float, Field(ge=0.1, le=600)] = 10
    timeout: Annotated[float, Field(ge=10, le=86_400)] = 1200
    waiting: Annotated[float, Field(ge=10, le=604_800)] = 21_600
    answering: Annotated[float, Field(ge=10, le=604_800)] = 3600
    retries: Annotated[int, Field(ge=0, le=20)] = 4

    @property
    def policy(self) -> PollingPolicy:
        """The same in milliseconds."""
        return PollingPolicy(
            min_interval=Millis(round(self.min_interval * SECOND)),
            max_interval=Millis(round(self.max_interval * SECOND)),
            deadline=Millis(round(self.timeout * SECOND)),
            waiting=Millis(round(self.waiting * SECOND)),
            answering=Millis(round(self.answering * SECOND)),
            retries=self.retries,
        )


class Delivery(Section):
    """How videos are fetched and sent."""

    max_upload_mb: Annotated[int, Field(ge=1, le=2000)] | None = None
    min_speed_kb: Annotated[int, Field(ge=0, le=100_000)] = 20
    download_timeout: Annotated[float, Field(ge=1, le=3600)] = 600
    copy_source_mb: Annotated[int, Field(ge=0, le=2000)] = 500
    copy_timeout: Annotated[float, Field(ge=10, le=1800)] = 600
    allow_loopback: bool = False
    proxy: ProxySetting = SecretStr("")


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

    @property
    def zone(self) -> ZoneInfo:
        """Where days and months begin."""
        return ZoneInfo(self.timezone)


class SpendingSettings(Section, Capped):
    """What everybody together may spend at Kling."""

    warn_percent: Annotated[int, Field(ge=1, le=100)] = 80


class Payments(Section):
    """The operator's own words on sales (empty: the usual ones), and what a Star is worth in money (0: not known)."""

    terms: Annotated[str, Field(max_length=4000)] = ""
    support: Annotated[str, Field(max_length=500)] = ""
    star_value: Annotated[float, Field(ge=0, le=1000)] = 0
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"


class Limits(Section):
    """How fast one person may ask, and from which price on they are asked first; 0: never for that reason."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1000)] = 6
    confirm_credits: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    confirm_percent: Annotated[int, Field(ge=0, le=100)] = 20
    images_per_minute: Annotated[int, Field(ge=1, le=1000)] = 60


class Groups(Section):
    """How fast everybody in a group may ask together, and what they may spend in a day; absent: no limit."""

    requests_per_minute: Annotated[int, Field(ge=1, le=1000)] = 6
    daily_credits: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    pool: PoolUse = PoolUse.FIRST


class Access(Section):
    """Who may use the bot, and how it receives them. `users` and `groups` are always let in, others by admins.

    Whoever finds a bot spends its operator's balance: it is public only where the settings say so.
    """

    mode: Annotated[AccessMode, Overridable()] = AccessMode.REQUEST
    maintenance: Annotated[bool, Overridable()] = False
    notice: Annotated[str, Field(max_length=500), Overridable()] = ""
    users: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()


class Alerts(Section):
    """What the admins are told by itself: each kind at most once an hour."""

    failure_percent: Annotated[float, Field(gt=0, le=100)] = 30
    failure_tasks: Annotated[int, Field(ge=1, le=10_000)] = 10
    queue_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    silence_minutes: Annotated[float, Field(gt=0, le=1440)] = 2
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
    hook_proxy: ProxySetting = SecretStr("")

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
        return safe_url(value) if value else value


class Models(Section):
    """What a request gets where the person said nothing."""

    default: str = ""
    default_mode: Mode = "std"
    default_duration: Annotated[int, Field(ge=1, le=60)] = 5
    default_aspect_ratio: VideoRatio = "16:9"
    default_image: str = ""
    default_image_resolution: Resolution = "1k"


class Catalog(Rows, Section):
    """What differs from the catalog of the program with every provider."""


class Assistant(Section):
    """A language model that improves prompts; without `base_url` nobody is offered that."""

    base_url: str = ""
    key: SecretStr = SecretStr("")
    model: str = ""
    per_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    proxy: ProxySetting = SecretStr("")

    @field_validator("base_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return safe_url(value).rstrip("/") if value else value

    @model_validator(mode="after")
    def _model_named(self) -> "Assistant":
        if self.base_url and not self.model:
            raise ValueError("model: must name a model of the server at base_url")
        return self


class IdeaSettings(Section):
    """A ready-made request that the operator shows; the prompt may hold options, as in the chat."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    prompt: Annotated[str, Field(max_length=2500)] = ""
    model: str = ""
    mode: Mode | Literal[""] = ""
    duration: Annotated[int, Field(ge=0, le=60)] = 0
    aspect_ratio: VideoRatio | Literal[""] = ""
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

    @property
    def options(self) -> Options:
        """What it decides on; what it leaves open is what each person prefers."""
        fields = ("model", "mode", "duration", "aspect_ratio")
        return {name: value for name in fields if (value := getattr(self, name))}


class Logging(Section):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["console", "json"] = "console"


class Monitoring(Section):
    """Where the operator's own tools ask how the bot is."""

    listen: Listen = "127.0.0.1:8081"
    sentry_dsn: SecretStr = SecretStr("")
    otel_endpoint: str = ""

    @field_validator("sentry_dsn")
    @classmethod
    def _dsn(cls, value: SecretStr) -> SecretStr:
        """Raises ValueError, which quotes nothing of it."""
        dsn = value.get_secret_value().strip()
        parts = split(dsn)
        if dsn and (parts is None or not parts.username or not parts.path.strip("/").isalnum()):
            raise ValueError("must be as Sentry shows it, such as https://key@sentry.example.org/1")
        if dsn and parts is not None:
            safe_url(f"{parts.scheme}://{parts.hostname}")
        return SecretStr(dsn)

    @field_validator("otel_endpoint")
    @classmethod
    def _endpoint(cls, value: str) -> str:
        return safe_url(value) if value else value


class Web(Section):
    """The public server; without `public_url` there is none: results come a bit later, and no voices of recordings."""

    listen: Listen = "127.0.0.1:8080"
    public_url: str = ""

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(safe_url(value))
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("must begin with https:// (plain http is for this machine only)")
        if parts.query or parts.fragment:
            raise ValueError("must end with the host or a path")
        return value.rstrip("/")
