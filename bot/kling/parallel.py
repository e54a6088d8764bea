"""How many tasks of each model a provider was found to run at a time. Pure.

Kling counts what runs by account, model and kind of pack, and tells the number nowhere: only a submission too many
says that it is reached (1303). The number is learned from that, and one more is tried from time to time: packs with
another limit may have been bought.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.domain.requests.request import Resource
from bot.domain.types import HOUR, MINUTE, Millis

FIRST_TRIAL = 10 * MINUTE
"""After so long one more than was found is tried; after each refusal twice as long, up to `LAST_TRIAL`."""

LAST_TRIAL = 6 * HOUR

TRIAL = MINUTE
"""How long one more has to show whether it is taken, before another may."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tasks run at a time; one more may be tried from `until` on (UTC milliseconds)."""

    most: int
    until: Millis
    refusals: int = 0


class ParallelLimits:
    """What was found at one provider. Numbers of running tasks are of those that it has taken."""

    def __init__(self, configured: int) -> None:
        self._configured = configured
        self._known: dict[Resource, Limit] = {}

    def knows(self, about: Resource) -> bool:
        """Whether anything was found for a model."""
        return about in self._known

    def most(self, about: Resource, now: Millis) -> int:
        """How many tasks of a model may run now: as configured, or as was found, or one more to try."""
        limit = self._known.get(about)
        if limit is None:
            return self._configured
        return min(self._configured, limit.most + (now >= limit.until))

    def try_more(self, about: Resource, running: int, now: Millis) -> None:
        """Note that a task is sent while so many run: if it is one more, no other is sent before it is answered."""
        limit = self._known.get(about)
        if limit is not None and running >= limit.most:
            self._known[about] = replace(limit, until=Millis(now + TRIAL))

    def refused(self, about: Resource, running: int, now: Millis) -> None:
        """Note that a task was refused while so many others ran.

        Where none of ours runs, somebody else uses the account: that says nothing of how many it may.
        """
        if not running:
            return
        most, limit = running, self._known.get(about)
        again = limit is not None and limit.most <= most
        refusals = limit.refusals + 1 if again and limit is not None else 0
        pause = min(FIRST_TRIAL * 2**refusals, LAST_TRIAL)
        if most < self._configured:
            self._known[about] = Limit(
                min(most, limit.most) if limit is not None else most, Millis(now + pause), refusals
            )

    def accepted(self, about: Resource, running: int, now: Millis) -> None:
        """Note that a task was taken, so that so many run."""
        limit = self._known.get(about)
        if limit is None or running <= limit.most:
            return
        if running >= self._configured:
            del self._known[about]
        else:
            self._known[about] = Limit(running, Millis(now + FIRST_TRIAL))

    def restore(self, about: Resource, limit: Limit) -> None:
        """Take up what an earlier process had found."""
        if limit.most < self._configured:
            self._known[about] = limit

    def found(self) -> Iterator[tuple[Resource, Limit]]:
        """Everything that was found."""
        yield from self._known.items()
