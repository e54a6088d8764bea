"""What admins type about grants and plans of people: how much, for whom, and until when. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.domain.units import DAY, Millis
from bot.errors import UserError

_AMOUNT = re.compile(r"[+-]?\d{1,9}", re.ASCII)
LONGEST_DAYS = 36_500

_CHAT = re.compile(r"-\d{2,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class GrantOrder:
    """Credits for a person by id or @name, for a group by its chat id, or (no target) for the group here.

    `until` is the day as it was typed. Negative credits take away.
    """

    target: str | None
    credits: int
    until: str | None = None
    note: str = ""

    @property
    def chat_id(self) -> int | None:
        """The chat that is meant; None: a person, or the chat that it was typed in."""
        return int(self.target) if self.target is not None and _CHAT.fullmatch(self.target) else None


def read_grant(words: Sequence[str], *, in_group: bool) -> GrantOrder:
    """Read `@name 50 until 2027-01-31 a note`; in a group `50 …` is for the group.

    Raises:
        UserError: it is not written like that.

    """
    rest = list(words)
    target = None
    if not (in_group and rest and _AMOUNT.fullmatch(rest[0]) and not _is_amount_at(rest, 1)):
        target = rest.pop(0) if rest else None
    if not _is_amount_at(rest, 0):
        raise UserError("error.admin.grant_usage")
    credits = int(rest.pop(0))
    until = None
    if rest and rest[0].lower() == "until":
        if len(rest) < 2 or credits < 0:
            raise UserError("error.admin.grant_usage")
        until = rest[1]
        rest = rest[2:]
    return GrantOrder(target, credits, until, " ".join(rest))


def _is_amount_at(words: Sequence[str], place: int) -> bool:
    return len(words) > place and _AMOUNT.fullmatch(words[place]) is not None


def read_until(text: str, now: Millis, zone: ZoneInfo) -> Millis:
    """Read until when something holds: `30d` from now, or `2027-01-31`, the beginning of that day in `zone`.

    Raises:
        UserError: it is neither, or not in the future.

    """
    moment = _moment(text, now, zone)
    if moment is None or moment <= now:
        raise UserError("error.admin.until", text=text)
    return moment


def _moment(text: str, now: Millis, zone: ZoneInfo) -> Millis | None:
    days = re.fullmatch(r"(\d{1,5})d", text, re.ASCII)
    if days is not None:
        return Millis(now + min(int(days[1]), LONGEST_DAYS) * DAY)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        return None
    return Millis(int(local.astimezone(UTC).timestamp() * 1000))
