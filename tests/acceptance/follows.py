"""What follows from each kind of refusal of a request, where there is another provider and where there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.tasks.task import TaskState
from tests.acceptance.faults import CONTENT, SETTINGS


@dataclass(frozen=True, slots=True)
class Follows:
    """What the page says, one of Kling's codes that means so, and where a task is a few tries later.

    `with_another` is its state where a second provider has the same model; it is there then, unless it is as `alone`.
    `alert` is what the admins are told.
    """

    said: str
    code: int
    alone: TaskState
    with_another: TaskState
    alert: str = ""


def _ends(code: int) -> Follows:
    said = "The task fails for this reason, its credits are released, and no other provider is asked."
    return Follows(said, code, TaskState.FAILED, TaskState.FAILED)


def _waits(code: int) -> Follows:
    return Follows("The task waits, and is sent again.", code, TaskState.QUEUED, TaskState.QUEUED)


def _next(code: int, alert: str) -> Follows:
    said = f"Another provider takes it; without one the task fails and its credits are released. Admins get `{alert}`."
    return Follows(said, code, TaskState.FAILED, TaskState.IN_PROGRESS, alert)


FOLLOWS: Mapping[str, Follows] = {
    CONTENT: _ends(1301),
    SETTINGS: _ends(1201),
    "Throttled": _waits(1302),
    "TooManyAtOnce": _waits(1303),
    "Unavailable": Follows(
        "Another provider takes it; without one it is tried `polling.retries` times, then fails, and its credits are "
        "released.",
        5001,
        TaskState.FAILED,
        TaskState.IN_PROGRESS,
    ),
    "Unauthorized": _next(1002, "alert.provider.unauthorized"),
    "NotEnabled": _next(1103, "alert.provider.not_enabled"),
    "AddressRefused": _next(1304, "alert.provider.address"),
    "OutOfBalance": _next(1101, "alert.provider.balance"),
    "PackEmpty": _next(1102, "alert.provider.pack_video"),
    "NoSuchModel": _next(1203, "alert.provider.no_such_model"),
    "WrongPath": _next(1202, "alert.provider.wrong_path"),
    "TooLarge": _next(413, "alert.provider.too_large"),
    "Ambiguous": Follows(
        "Nothing is sent again before it is proven that the provider has no such task; where it can't be asked, "
        "`lost_answers` decides.",
        5000,
        TaskState.UNCONFIRMED,
        TaskState.UNCONFIRMED,
    ),
}
"""By what a refusal means."""
