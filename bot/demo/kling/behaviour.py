"""How the stand-in misbehaves: the knobs of the demo's control panel and of the fault tests."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.demo.kling.refusals import Canned, HungUp, Refusal
from bot.demo.media.stills import CUTS

KNOBS = {
    "render_seconds": (float, 0.0, 600.0),
    "failure_rate": (float, 0.0, 1.0),
    "throttle": (bool, False, True),
    "lose_answers": (bool, False, True),
}


@dataclass
class Behaviour:
    """What can be turned while it runs.

    `render_seconds` is how long a video takes; `failure_rate` the share that ends as failed. With
    `throttle` every submission is told to come back later; with `lose_answers` it is accepted and the
    connection is closed without an answer. `slow_answer` is how many seconds pass between the acceptance
    and the answer.

    The others plan what the next requests meet, one each: `refuse` and `refuse_queries` hold business
    codes for submissions and queries, `answer_instead` and `answer_queries_instead` answers of somebody on
    the way (a proxy's page); `vanish_next` counts submissions whose connection is closed before they are
    accepted, `lose_next` those that are accepted first, and `time_out_next` those that are accepted and
    answered with a timeout (504/5002).

    `faces` is how many are found in a video; `faces_seen`, where it has any, when each is seen (from, to: milliseconds).
    `recognised` are the parts that are in every picture, by the types of the answer.
    `charge_failures`: tasks that fail cost as much as others; whether the real service does so is not documented.

    `lists_tasks` and `keeps_keys` are about gateways that are asked at `/v1/video/generations`: whether they
    tell of all tasks there, and whether a second submission with the same Idempotency-Key is answered with the
    task of the first.
    """

    render_seconds: float = 6.0
    failure_rate: float = 0.0
    throttle: bool = False
    lose_answers: bool = False
    slow_answer: float = 0.0
    lose_next: int = 0
    vanish_next: int = 0
    time_out_next: int = 0
    faces: int = 1
    faces_seen: Sequence[tuple[int, int]] = ()
    recognised: Collection[str] = tuple(CUTS)
    lists_tasks: bool = False
    keeps_keys: bool = False
    charge_failures: bool = False
    refuse: deque[int] = field(default_factory=deque)
    refuse_queries: deque[int] = field(default_factory=deque)
    answer_instead: deque[Canned] = field(default_factory=deque)
    answer_queries_instead: deque[Canned] = field(default_factory=deque)

    # -- asked by the stand-in -------------------------------------------------------------------------

    def before_submission(self) -> None:
        """Raise what was planned for this submission.

        Raises:
            Refusal: it is refused.
            Interruption: it gets no answer of ours.

        """
        if self.vanish_next > 0:
            self.vanish_next -= 1
            raise HungUp
        if self.answer_instead:
            raise self.answer_instead.popleft()
        if self.refuse:
            raise Refusal(self.refuse.popleft())
        if self.throttle:
            raise Refusal(1303)

    def before_query(self) -> None:
        """Raise what was planned for this query.

        Raises:
            Refusal: it is refused.
            Interruption: it gets no answer of ours.

        """
        if self.answer_queries_instead:
            raise self.answer_queries_instead.popleft()
        if self.refuse_queries:
            raise Refusal(self.refuse_queries.popleft())

    def after_submission(self) -> None:
        """Raise what was planned instead of the answer to a submission that was accepted.

        Raises:
            Refusal: a timeout is answered.
            Interruption: nothing is answered.

        """
        if self.time_out_next > 0:
            self.time_out_next -= 1
            raise Refusal(5002)
        if self.lose_answers or self.lose_next > 0:
            self.lose_next = max(0, self.lose_next - 1)
            raise HungUp

    # -- the control panel -----------------------------------------------------------------------------

    def knobs(self) -> dict[str, Any]:
        """The control panel's state."""
        return {name: getattr(self, name) for name in KNOBS}

    def turn(self, changes: dict[str, Any]) -> str | None:
        """Turn knobs; what is wrong with the changes, or None."""
        for name, value in changes.items():
            if name not in KNOBS:
                return f"there is no knob {name}"
            kind, low, high = KNOBS[name]
            if isinstance(value, bool) is not (kind is bool) or not isinstance(value, (bool, int, float)):
                return f"{name} must be a {kind.__name__}"
            if not low <= value <= high:
                return f"{name} must be between {low} and {high}"
        for name, value in changes.items():
            setattr(self, name, KNOBS[name][0](value))
        return None
