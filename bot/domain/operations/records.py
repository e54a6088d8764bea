"""What admins see: figures by day, model, person and provider, audited actions, and broadcasts. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from bot.domain.tasks.task import TaskState
from bot.domain.types import Credits, Millis, TaskId, UserId, to_millis


@dataclass(frozen=True, slots=True)
class StatRow:
    """One task that came to its end, as far as statistics go. `real_cost` is in units of video."""

    id: TaskId
    user_id: UserId
    model: str
    state: TaskState
    price: Credits
    provider: str | None
    real_cost: str | None
    created_at: Millis
    submitted_at: Millis | None
    finished_at: Millis
    failure: str | None

    @property
    def took(self) -> int | None:
        """Milliseconds from the request to the video; None where there is no video."""
        return self.finished_at - self.created_at if self.state is TaskState.SUCCEEDED else None


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of some days, the oldest first. `tasks` and `credits` hold a number a day for each model.

    Shares are between 0 and 1, None where a day has no tasks. Times are in milliseconds; `times` are by model:
    the median and the 95th percentile. Only what was charged counts as credits.
    """

    days: Sequence[date]
    tasks: Mapping[str, Sequence[int]]
    credits: Mapping[str, Sequence[int]]
    success: Sequence[float | None]
    times: Mapping[str, tuple[int, int]]
    people: Sequence[tuple[UserId, int]]
    spend: Mapping[str, Decimal]
    asked: int
    succeeded: int


def days_before(now: Millis, count: int, zone: ZoneInfo) -> list[date]:
    """Today and the days before it, `count` in all, the oldest first."""
    today = datetime.fromtimestamp(now / 1000, zone).date()
    return [today - timedelta(days=back) for back in reversed(range(count))]


def start_of(day: date, zone: ZoneInfo) -> Millis:
    """The first moment of a day."""
    return to_millis(datetime(day.year, day.month, day.day, tzinfo=zone))


def percentile(values: Sequence[int], share: float) -> int:
    """The nearest-rank percentile of some values that are not empty."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[rank - 1]


def report(figures: Sequence[StatRow], days: Sequence[date], zone: ZoneInfo, top: int = 8) -> Report:
    """Put the figures of some days together; what was cancelled was nobody's success or failure."""
    place = {day: index for index, day in enumerate(days)}
    tasks: dict[str, list[int]] = defaultdict(lambda: [0] * len(days))
    credits: dict[str, list[int]] = defaultdict(lambda: [0] * len(days))
    good, all_ = [0] * len(days), [0] * len(days)
    took: dict[str, list[int]] = defaultdict(list)
    people: Counter[UserId] = Counter()
    spend: dict[str, Decimal] = defaultdict(Decimal)
    for figure in figures:
        index = place.get(datetime.fromtimestamp(figure.finished_at / 1000, zone).date())
        if index is None or figure.state is TaskState.CANCELLED:
            continue
        tasks[figure.model][index] += 1
        all_[index] += 1
        spend[figure.provider or "–"] += _decimal(figure.real_cost)
        if figure.took is not None:
            good[index] += 1
            credits[figure.model][index] += figure.price
            took[figure.model].append(figure.took)
            people[figure.user_id] += figure.price
    return Report(
        days=days,
        tasks=_busiest_first(tasks),
        credits=_busiest_first(credits),
        success=[good[index] / number if number else None for index, number in enumerate(all_)],
        times={
            model: (percentile(times, 0.5), percentile(times, 0.95)) for model, times in sorted(took.items())
        },
        people=people.most_common(top),
        spend={name: cost for name, cost in sorted(spend.items()) if cost},
        asked=sum(all_),
        succeeded=sum(good),
    )


def _busiest_first(by_model: Mapping[str, list[int]]) -> dict[str, list[int]]:
    return dict(sorted(by_model.items(), key=lambda item: (-sum(item[1]), item[0])))


def _decimal(text: str | None) -> Decimal:
    """What the provider said it took; nothing where it said nothing that is a number."""
    try:
        cost = Decimal(text or "0")
    except InvalidOperation:
        return Decimal()
    return cost if cost.is_finite() else Decimal()


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that somebody who runs the bot did. `actor` is None where it was done from a shell.

    `idempotency_key` is unique: a replayed update is noted once. `subject` is whom or what it was done to.
    """

    idempotency_key: str
    at: Millis
    actor: UserId | None
    action: str
    subject: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class PersonNotice:
    """A text of the locale files for one person, with its parameters: `moment` is UTC milliseconds.

    `sender` is told if it cannot be delivered; None: nobody is.
    """

    user_id: UserId
    key: str
    params: Mapping[str, int | str]
    sender: UserId | None = None


class BroadcastMedia(StrEnum):
    """What a broadcast shows above its text."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"


class BroadcastLink(BaseModel):
    """A button of a broadcast, which opens an address."""

    model_config = ConfigDict(frozen=True)

    title: str
    url: str


class BroadcastContent(BaseModel):
    """What a broadcast says. `html` is its text with its formatting; empty: it has none.

    `file_id` is the file that Telegram knows by this id, shown as `media`; both None: there is a text alone.
    `language` is whom this version is for; None: everybody who has no version of their own.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    html: str = ""
    links: tuple[BroadcastLink, ...] = ()
    media: BroadcastMedia | None = None
    file_id: str | None = None
    language: str | None = None


class BroadcastState(StrEnum):
    """The life of a broadcast."""

    DRAFT = "draft"
    SENDING = "sending"
    DONE = "done"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A message to many. `reached` is the id of the last person that it was sent to, in order of ids.

    `plan` and `language` narrow the audience; None: everybody. `message_id` shows its author how far it is.
    One from a shell has neither author (`created_by`) nor message. `versions` are what it says, the first for whoever
    has none of their own; those that were written before there were versions have only their `text`. `tested`
    says that its author has seen all of it. It is not sent before `starts_at`.
    """

    id: int
    text: str
    plan: str | None
    language: str | None
    state: BroadcastState
    created_by: UserId | None
    created_at: Millis
    reached: UserId = UserId(0)
    sent: int = 0
    failed: int = 0
    total: int = 0
    message_id: int | None = None
    versions: tuple[BroadcastContent, ...] = ()
    tested: bool = False
    starts_at: Millis = Millis(0)

    @property
    def contents(self) -> tuple[BroadcastContent, ...]:
        """What it says, at least one version."""
        return self.versions or (BroadcastContent(text=self.text),)

    def content_for(self, language: str) -> BroadcastContent:
        """What it says to whoever reads a language."""
        first, *others = self.contents
        return next((version for version in others if version.language == language), first)
