"""A provider as operators describe it: where it is, how it is spoken to, what it offers and may cost."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from bot.domain.credits.caps import Capped
from bot.domain.operations.overrides import Overridable
from bot.domain.requests import catalog as catalogs
from bot.domain.requests.model import ChangedPrices, PriceColumns
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import AUTO_SERIES
from bot.domain.types import ProviderName, short_hash
from bot.kling import dialects
from bot.kling.callback import signing_key
from bot.network import safe_url
from bot.proxies import ProxySetting

DialectName = Literal["auto", "official", "unified", "generic", "prefixed", "omnimaas", "flat"]
LostAnswers = Literal["refund", "ask"]
"""What becomes of a task whose answer was lost and that cannot be found: its owner is refunded, or asked first."""

AuthName = Literal["auto", "jwt", "bearer", "raw"]

RetiredModels = Literal["auto", "replace", "keep"]
"""What becomes of models that Kling has ended: others stand in for them, or they are offered; auto: replaced on Kling's hosts."""


def _place(name: str) -> str:
    """The name of a path: an operation, or `model/operation`."""
    if name.rpartition("/")[2] not in set(Operation):
        raise ValueError(f"must be {', '.join(Operation)}, or a model, a slash and one of these")
    return name


class PriceTables(BaseModel):
    """What costs otherwise than the catalog says, by row and in its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    models: dict[str, PriceColumns] = {}
    images: dict[str, PriceColumns] = {}
    services: dict[str, PriceColumns] = {}

    def columns(self) -> ChangedPrices:
        """The prices by section and row."""
        return {section: getattr(self, section) for section in PriceTables.model_fields}


class RowMistakes(ValueError):
    """Rows of the catalog are not what they must be: `found` has the place of each mistake, and pydantic's words."""

    def __init__(self, found: tuple[tuple[tuple[str, ...], ErrorDetails], ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(place)}: {mistake['msg']}" for place, mistake in found))
        self.found = found


class Rows(BaseModel):
    """Rows of the catalog that are added, or single columns of rows that differ; `"*"` stands for every row."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    models: dict[str, dict[str, Any]] = {}
    images: dict[str, dict[str, Any]] = {}
    services: dict[str, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _rows(self) -> Self:
        try:
            catalogs.load(self.model_dump())
        except ValidationError:
            raise RowMistakes(tuple(self._mistakes())) from None
        return self

    def _mistakes(self) -> Iterator[tuple[tuple[str, ...], ErrorDetails]]:
        """The first mistake of each row that is wrong, and where it is below this."""
        for section, named in self.model_dump().items():
            for name, row in named.items():
                try:
                    catalogs.load({section: {name: row}})
                except ValidationError as error:
                    mistake = error.errors(include_url=False, include_input=False)[0]
                    yield (section, name, *(str(part) for part in mistake["loc"])), mistake


class Provider(Capped, BaseModel):
    """One account at one endpoint, as the settings describe it. `rate` in requests a second, `timeout` in seconds.

    `idempotency_key`: a second submission with the same Idempotency-Key is surely answered with the first one's task.
    `paths` are by operation or `model/operation`; those of the newer standard hold `{model}`, in whose place the model's name
    goes. `without_ids` are models whose requests bear neither our own id nor an address to call back.
    `max_images` is how many images one submission asks for: each takes a place in its package (Kling API, concurrency
    rules), so that an order of more is split, and a longer series is not made there. No `operations`: what is usual in its dialect. `catalog` has rows, or columns of
    rows, that differ here only. `cost` is what a credit costs there, compared with the others; `unit_cost` what
    a unit of video costs, in `payments.currency` (0: not known).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: Annotated[ProviderName, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
    dialect: DialectName = "auto"
    base_url: str
    key: SecretStr
    auth: AuthName = "auto"
    webhook_secret: SecretStr = SecretStr("")
    proxy: ProxySetting = SecretStr("")
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 5
    max_images: Annotated[int, Field(ge=1, le=AUTO_SERIES)] = AUTO_SERIES
    priority: Annotated[int, Field(ge=0, le=1000)] = 1
    timeout: Annotated[float, Field(ge=1, le=170)] = 60
    rate: Annotated[float, Field(gt=0, le=1000)] = 5
    cost: Annotated[float, Field(gt=0, le=1000)] = 1
    unit_cost: Annotated[float, Field(ge=0, le=1000)] = 0
    prices: Annotated[PriceTables, Overridable()] = PriceTables()
    catalog: Rows = Rows()
    operations: tuple[Operation, ...] = ()
    model_names: dict[str, str] = {}
    paths: dict[Annotated[str, AfterValidator(_place)], Annotated[str, Field(pattern=r"^/\S*$")]] = {}
    without_ids: tuple[str, ...] = ("kling-4.0", "kling-4.0-flash", "kling-image-4.0")
    idempotency_key: bool = False
    lost_answers: LostAnswers = "refund"
    retired_models: RetiredModels = "auto"
    enabled: bool = True
    paused: Annotated[bool, Overridable()] = False

    @property
    def replaces_retired(self) -> bool:
        """Whether models that Kling has ended are not offered here."""
        return self.retired_models == "replace" or (
            self.retired_models == "auto" and dialects.is_kling_host(self.base_url)
        )

    @property
    def spoken(self) -> str:
        """The name of the dialect that it is spoken to in."""
        if self.dialect != "auto":
            return self.dialect
        return dialects.detect(self.base_url, self.key.get_secret_value())

    @field_validator("base_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return safe_url(value).rstrip("/")

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
                signing_key(secret)
        except ValueError:
            raise ValueError("must be whsec_ and Base64, as Kling's console shows it, or empty") from None
        return SecretStr(secret)

    @property
    def fingerprint(self) -> str:
        """What stands for everything that decides what an account may do, in 16 characters; it tells no secret."""
        told = {name: self.model_dump(mode="json", include={name})[name] for name in sorted(DECIDING)}
        return short_hash(json.dumps([told, self.key.get_secret_value()], sort_keys=True), 16)

    def secrets(self) -> frozenset[str]:
        """What a server is told or signs with, and the parts of it, that must not be written anywhere."""
        key, signs = self.key.get_secret_value(), self.webhook_secret.get_secret_value()
        return frozenset({key, *key.split("|"), signs, signs.removeprefix("whsec_")} - {""})


def is_same_account(one: Provider, other: Provider) -> bool:
    """Whether both reach the same tasks: at one address, with one key, spoken to alike."""
    return all(getattr(one, name) == getattr(other, name) for name in ("base_url", "key", "auth", "spoken"))


DECIDING = frozenset(
    {
        "base_url",
        "dialect",
        "auth",
        "catalog",
        "models",
        "operations",
        "model_names",
        "paths",
        "max_concurrent",
    }
)
"""When one of these, or the key, changes, what the answers of a provider taught is forgotten."""
