"""A row of the table of answers: what a provider answers, when, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.world.bot import BotInProcess

VIDEO = "gets the video"
NOTHING = "nothing"
CHARGED, FREE = "charged", "not charged"

TASK, FILE, OURS = "{task}", "{file}", "{ours}"
"""In an answer: the provider's id of the task, the address of a video that is there, and our own id of the task."""


@dataclass(frozen=True)
class Outcome:
    """What came of a request: for its person, for the admins, and in the ledger.

    `person` is `VIDEO`, or the key of the text that was said; `admins` the keys of the alerts, in order.
    """

    person: str = VIDEO
    admins: str = NOTHING
    ledger: str = CHARGED


@dataclass(frozen=True)
class Row:
    """An answer and its outcome.

    `said` names the answer for readers. `moment` is "submit" (the request for a video), "query" (a look at it) or
    "file" (the download of its result). `body` is JSON, or a text or bytes as they are. It is answered `times` times, always where that is None,
    and what follows is the stand-in's own answer. `then`, where it is given, is what is answered after that, as
    status and body. `looks` is the body of the answer to every look, after a submission that is answered so. `settings` go to `World.configure`. `seconds` is how long the clock may run until the task has
    ended; `lasts` how long it runs on afterwards. `also` is asked of the bot at the end, beside the outcome.
    With `photo` the video is asked for with a large one.
    """

    said: str
    moment: str
    body: Any
    outcome: Outcome = Outcome()
    status: int = 200
    times: int | None = None
    then: Sequence[tuple[int, Any]] = ()
    looks: Any = None
    dialect: str = "generic"
    settings: tuple[tuple[str, Any], ...] = ()
    seconds: int = 120
    lasts: int = 0
    photo: bool = False
    also: Callable[[BotInProcess], object] | None = None
