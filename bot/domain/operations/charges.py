"""What Kling's accounting says that it took, and how that stands to our tasks and the catalog. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import NamedTuple, Self

from bot.domain.requests.catalog import SECTIONS, Catalog, seconds_of
from bot.domain.requests.model import DEAREST, PriceColumns
from bot.domain.requests.operations import ChargedFor, Operation
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import Credits, Millis, ProviderName, TaskId
from bot.errors import UserError

VIDEO, IMAGE = "video", "image"
CREDITS_OF_UNIT: Mapping[str, float] = {VIDEO: 10, IMAGE: 0.25}
"""Credits that a unit of a pack is worth, by its product: a unit of video is 0.14 USD, one of images 0.0035 USD
(kling.ai/document-api, pricing of videos and images, 2026). For the packs of try-on no price is published."""

CREDITS_OF_MONEY: Mapping[str, float] = {"USD": 1 / 0.014}
"""Credits that a unit of a currency is worth; for yuan no price list is known."""

CALLS = ("face", "speech", "tts", "recogni")
"""What is in the names of functions that are answered at once, without a task (Kling API, "Lip sync", "Pricing", 2026-09)."""

DRIFTED = 0.02
"""The part by which a price may differ: less comes of lengths like 5.04 seconds."""


class Book(StrEnum):
    """What Kling takes: units of packs, or money of a balance; each has an accounting of its own."""

    UNITS = "units"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Charge:
    """A deduction as Kling's accounting has it, and the task that it is for (None: no task of ours is known).

    `charge_key` is the same whenever the row is read, and another for every other row. `remote_id` is Kling's id of
    the task. `product` names the pack (video, image, try-on), and is empty for money. `amount` is in units of the
    pack, or in `currency`. `seconds` is the length of a video.
    """

    charge_key: str
    provider: ProviderName
    remote_id: str
    book: Book
    product: str
    function: str
    model: str
    resolution: str
    seconds: float | None
    amount: float
    currency: str
    charged_at: Millis
    task_id: TaskId | None = None

    @property
    def is_call(self) -> bool:
        """Whether it is for a call that is no task, as those are that find faces and make speech."""
        return any(word in self.function.lower() for word in CALLS)


@dataclass(frozen=True, slots=True)
class ChargedTask:
    """A task of ours, and what was charged for it in one kind of unit (`product`) or money (`currency`)."""

    id: TaskId
    provider: ProviderName
    request: GenerationRequest
    price: Credits
    state: TaskState
    failure: FailureKind | None
    product: str
    currency: str
    amount: float
    charged_at: Millis

    @property
    def credits(self) -> float | None:
        """What was charged, in credits; None where nobody knows what the unit is worth."""
        worth = CREDITS_OF_MONEY.get(self.currency) if self.currency else CREDITS_OF_UNIT.get(self.product)
        return None if worth is None else self.amount * worth


@dataclass(frozen=True, slots=True)
class ChargeSum:
    """What a provider charged of one kind: how much, by how many rows, and how many of these have no task of ours."""

    provider: ProviderName
    product: str
    currency: str
    amount: float
    number: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class PricePlace:
    """Where the catalog has the price of a request: a key of a column of a row. `base` and `slope` in credits.

    A request costs `base`, and `slope` for each credit of the price.
    """

    section: str
    row: str
    column: str
    key: str
    price: float
    base: float
    slope: float


@dataclass(frozen=True, slots=True)
class Drift:
    """What some tasks of one kind were charged, where the catalog has another price. Both prices are in credits.

    With a `place` they are that price (a second, or a result); without one they are for a whole task.
    """

    provider: ProviderName
    operation: Operation
    model: str
    variant: str
    listed: float
    charged: float
    tasks: int
    place: PricePlace | None


def price_place(catalog: Catalog, request: GenerationRequest) -> PricePlace | None:
    """Find the price that decides what a request costs: the one whose change changes it.

    None where there is no single one.
    """
    row = catalog.row(request)
    sections = SECTIONS[:1] if request.operation.row.on_video_model else SECTIONS[1:]
    section = next((name for name in sections if row in catalog.section(name)), sections[0])
    for column in PriceColumns.model_fields:
        listed = getattr(row, column)
        if not isinstance(listed, Mapping):
            continue
        for key in {**listed, request.mode: 0} if column == "rate" else listed:

            def cost(price: float, column: str = column, key: str = key) -> float:
                columns = PriceColumns.model_validate({column: {key: price}})
                return catalog.repriced({section: {row.id: columns}}).price(request) / request.results

            free, dear = cost(0), cost(DEAREST)
            if free != dear:
                slope = (dear - free) / DEAREST
                price = listed.get(key, (catalog.price(request) / request.results - free) / slope)
                return PricePlace(section, row.id, column, key, price, free, slope)
    return None


def drifts(tasks: Iterable[ChargedTask], catalogs: Mapping[ProviderName, Catalog]) -> list[Drift]:
    """Compare what tasks that came to a result were charged with the catalog; the furthest apart first."""
    prices = {name: _Prices(catalog) for name, catalog in catalogs.items()}
    kinds: dict[tuple[ProviderName, Operation, str, str, _Where | None], list[_Compared]] = defaultdict(list)
    for task in tasks:
        if task.state is not TaskState.SUCCEEDED or task.credits is None or task.provider not in prices:
            continue
        if _is_estimated(task.request):
            continue
        try:
            one = prices[task.provider].compare(task.request, task.credits)
        except UserError:
            continue  # the catalog has no such model any more
        request, where = task.request, None if one.place is None else _Where.of(one.place)
        kinds[task.provider, request.operation, request.model, _variant(request), where].append(one)
    found = []
    for (provider, operation, model, variant, _), group in kinds.items():
        listed = median(one.listed for one in group)
        charged = round(median(one.charged for one in group), 3)
        if abs(charged - listed) > DRIFTED * max(listed, charged):
            place = group[0].place
            found.append(Drift(provider, operation, model, variant, listed, charged, len(group), place))
    return sorted(found, key=lambda drift: -abs(math.log((drift.charged + 1e-3) / (drift.listed + 1e-3))))


class _Where(NamedTuple):
    """A price of the catalog, whatever it comes to for a request."""

    section: str
    row: str
    column: str
    key: str

    @classmethod
    def of(cls, place: PricePlace) -> Self:
        return cls(place.section, place.row, place.column, place.key)


class _Compared(NamedTuple):
    place: PricePlace | None
    listed: float
    charged: float


class _Prices:
    """A catalog that remembers where it found a price: many tasks ask for the same."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._places: dict[object, PricePlace | None] = {}

    def compare(self, request: GenerationRequest, credits: float) -> _Compared:
        """The price in the catalog, and the one that would have come to what was charged."""
        key = (
            *(
                request.operation,
                request.model,
                request.mode,
                request.resolution,
                request.sound,
                request.results,
            ),
            *(bool(request.voices), bool(request.references), request.source is not None, request.effect),
            seconds_of(request),
        )
        if key not in self._places:
            self._places[key] = price_place(self._catalog, request)
        place = self._places[key]
        if place is None:
            return _Compared(None, self._catalog.price(request), credits)
        return _Compared(place, place.price, max(0.0, (credits / request.results - place.base) / place.slope))


def _is_estimated(request: GenerationRequest) -> bool:
    """Whether nobody knows how much was made: as many images as Kling chose, or as long as a voice took to say a text."""
    speech = request.speech if request.operation.row.charged_for is ChargedFor.SPEECH else None
    return request.series == "auto" or (speech is not None and speech.audio is None)


def _variant(request: GenerationRequest) -> str:
    """What of a request its price depends on, beside the model."""
    parts: list[str] = [request.mode if request.operation.row.on_video_model else request.resolution]
    parts += ["sound"] * request.sound + ["voice"] * bool(request.voices)
    return " + ".join(parts + ["video"] * (request.source is not None))


def suggestion(found: Iterable[Drift], catalogs: Mapping[ProviderName, Catalog]) -> str:
    """Settings that make the catalog right, as TOML; empty where there is nothing to change."""
    changes: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for drift in found:
        if (place := drift.place) is not None:
            row = next(
                (each for each in catalogs[drift.provider].section(place.section) if each.id == place.row),
                None,
            )
            columns = changes.setdefault((place.section, place.row), {})
            # What is given under [catalog] stands in for the whole column.
            column = columns.setdefault(place.column, {} if row is None else dict(getattr(row, place.column)))
            column[place.key] = drift.charged
    blocks = []
    for (section, name), columns in sorted(changes.items()):
        lines = [f"[catalog.{section}.{_bare(name)}]"]
        for column_name, prices in columns.items():
            told = ", ".join(f"{_bare(key)} = {_number(price)}" for key, price in prices.items())
            lines.append(f"{column_name} = {{ {told} }}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _bare(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else f'"{key}"'


def _number(price: float) -> str:
    return f"{price:.2f}".rstrip("0").rstrip(".")
