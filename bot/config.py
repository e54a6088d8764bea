"""Settings from a TOML file, the environment and secret files; every mistake is reported at once.

    config.toml < KLINGBOT_SECTION__KEY < KLINGBOT_SECTION__KEY_FILE

Unknown keys are mistakes. Secrets print as `***` and never stand in an error.
"""

import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
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
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import ConfigError

PREFIX = "KLINGBOT_"

Dialect = Literal["auto", "official", "generic", "prefixed", "omnimaas", "flat"]
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
    enabled: bool = True

    @field_validator("base_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _safe_url(value).rstrip("/")

    @field_validator("key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not key or not key.isascii() or any(letter.isspace() for letter in key):
            raise ValueError("must be access_key|secret_key or an API key, without spaces")
        return SecretStr(key)


class Polling(Section):
    """How often running tasks are looked at (seconds)."""

    min_interval: Annotated[float, Field(ge=0.1, le=300)] = 5
    max_interval: Annotated[float, Field(ge=0.1, le=600)] = 10
    timeout: Annotated[float, Field(ge=10, le=86_400)] = 1200
    retries: Annotated[int, Field(ge=0, le=20)] = 4

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_interval < self.min_interval:
            raise ValueError("max_interval must not be smaller than min_interval")
        return self


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
    """What users of a plan may spend without being granted anything; absent: no such allowance."""

    daily_credits: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    monthly_credits: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    max_running: Annotated[int, Field(ge=1, le=1000)] = 3


class Models(Section):
    """What a request gets where the person said nothing."""

    default: str = ""
    default_mode: Literal["std", "pro", "4k"] = "std"
    default_duration: Annotated[int, Field(ge=1, le=60)] = 5
    default_aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"


class Logging(Section):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["console", "json"] = "console"


class Web(Section):
    """The web server for callbacks and webhooks; not needed for polling."""

    listen: str = "127.0.0.1:8080"
    public_url: str = ""


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
    models: Models = Models()
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [provider.name for provider in self.providers]
        if len(set(names)) < len(names):
            raise ValueError("providers: every name may stand once only")
        if self.quota.default_plan not in self.plans:
            raise ValueError(f"quota.default_plan: must be one of the plans: {', '.join(self.plans)}")
        return self

    @property
    def max_upload_bytes(self) -> int:
        """The largest video that is uploaded: Telegram's own limit unless the operator sets one."""
        megabytes = self.delivery.max_upload_mb or (2000 if self.telegram.local_mode else 50)
        return megabytes * 1_000_000

    def secrets(self) -> tuple[str, ...]:
        """Everything that must never be written anywhere."""
        token = self.telegram.token.get_secret_value()
        found = {token, token.split(":", 1)[1]}
        for provider in self.providers:
            key = provider.key.get_secret_value()
            found |= {key, *key.split("|"), provider.webhook_secret.get_secret_value()}
        return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: with every problem, each naming its key, where its value stands, and what is allowed.

    """
    origins: dict[tuple[str, ...], str] = {}
    data = _read_toml(path, origins)
    problems = _overlay_environment(data, environ, origins)
    problems += _read_secret_files(data, origins, path.parent if path is not None else Path.cwd())
    try:
        settings = Settings(**data)
    except ValidationError as error:
        problems += [_line(dict(mistake), origins, path) for mistake in error.errors(include_url=False)]
    if problems:
        raise ConfigError(problems)
    return settings


def _read_toml(path: Path | None, origins: dict[tuple[str, ...], str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file; `klingbot init` writes one"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from None
    origins[()] = str(path)
    return data


def _overlay_environment(
    data: dict[str, Any], environ: Mapping[str, str], origins: dict[tuple[str, ...], str]
) -> list[str]:
    """Put KLINGBOT_SECTION__KEY over the file; lists and tables are JSON, providers are counted from 0."""
    problems: list[str] = []
    for variable in sorted(name for name in environ if name.upper().startswith(PREFIX)):
        place = tuple(part.lower() for part in variable[len(PREFIX) :].split("__"))
        value: Any = environ[variable]
        if value[:1] in {"[", "{"}:
            try:
                value = json.loads(value)
            except ValueError:
                problems.append(f"{variable}: begins like JSON and is not")
                continue
        target: Any = data
        for depth, part in enumerate(place[:-1]):
            if isinstance(target, list):
                if not part.isdigit() or int(part) > len(target):
                    problems.append(f"{variable}: {'.'.join(place[: depth + 1])} is not a place in the list")
                    break
                if int(part) == len(target):
                    target.append({})
                target = target[int(part)]
            else:
                following = place[depth + 1]
                target = target.setdefault(part, [] if following.isdigit() else {})
        else:
            if isinstance(target, dict):
                target[place[-1]] = value
                origins[place] = f"environment variable {variable}"
            else:
                problems.append(f"{variable}: is not a key of the settings")
    return problems


_FILE_KEYS = (("telegram", "token"), ("providers", "key"), ("providers", "webhook_secret"))


def _read_secret_files(data: dict[str, Any], origins: dict[tuple[str, ...], str], base: Path) -> list[str]:
    """Replace `token_file`, `key_file` and `webhook_secret_file` by what the files hold."""
    problems: list[str] = []
    for section, key in _FILE_KEYS:
        tables = data.get(section)
        places: list[tuple[tuple[str, ...], Any]] = [((section,), tables)]
        if isinstance(tables, list):
            places = [((section, str(index)), table) for index, table in enumerate(tables)]
        for place, table in places:
            if not isinstance(table, dict) or f"{key}_file" not in table:
                continue
            name = table.pop(f"{key}_file")
            file = base / str(name)
            try:
                table[key] = file.read_text("utf-8").strip()
                origins[*place, key] = f"secret file {file}"
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not text"
                problems.append(f"{_dotted((*place, f'{key}_file'))}: {file} cannot be read: {reason}")
                # One problem is enough for one key.
                table.setdefault(key, "0:unreadable" if key == "token" else "unreadable")
    return problems


def _line(mistake: dict[str, Any], origins: Mapping[tuple[str, ...], str], path: Path | None) -> str:
    place = tuple(str(part) for part in mistake["loc"])
    origin = next(
        (origins[place[:length]] for length in range(len(place), -1, -1) if place[:length] in origins), None
    )
    if mistake["type"] == "missing":
        where = f"{path}" if path is not None else "the environment"
        text = f"is missing in {where}"
        variable = PREFIX + "__".join(part.upper() for part in place)
        return f"{_dotted(place)}: {text} (or set {variable})"
    if mistake["type"] == "extra_forbidden":
        return f"{_dotted(place)} ({origin}): there is no such key"
    message = mistake["msg"].removeprefix("Value error, ")
    if not place:
        return f"{message} ({origin})" if origin else message
    return f"{_dotted(place)} ({origin}): {message[:1].lower()}{message[1:]}"


def _dotted(place: tuple[str, ...]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if part.isdigit() else f".{part}" if text else part
    return text


def _safe_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password")
    if parts.scheme == "http" and not _is_private(parts.hostname):
        raise ValueError("must begin with https:// (plain http is for this machine and private networks)")
    return value


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
