"""How the stand-in misbehaves: the knobs of the demo's control panel and of the fault tests."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

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
    connection is closed without an answer. `refuse` holds business codes for the next submissions, and
    `vanish` counts submissions whose connection is closed before they are accepted.
    """

    render_seconds: float = 6.0
    failure_rate: float = 0.0
    throttle: bool = False
    lose_answers: bool = False
    lose_next: int = 0
    vanish_next: int = 0
    refuse: deque[int] = field(default_factory=deque)

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
