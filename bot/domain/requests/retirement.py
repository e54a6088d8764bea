"""Models that the vendor has ended: from when on, and what stands in for them. Pure.

A row says since when (`retired`) and by what (`replaced_by`). Whether that counts is a provider's business: gateways may
go on selling what Kling itself has ended.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime

from bot.domain.requests.model import Model
from bot.domain.requests.operations import Operation
from bot.domain.types import Millis, to_millis

RowOf = Callable[[str], Model]
"""The row of a video model."""


def is_retired(row: Model, now: Millis) -> bool:
    """Whether a model has ended, which it does at the beginning of its day (UTC)."""
    day = row.retired
    return day is not None and now >= to_millis(datetime(day.year, day.month, day.day, tzinfo=UTC))


def stand_in_for(row: Model, operation: Operation) -> Operation | None:
    """What a model is asked for in the place of an operation of a model that has ended; None: it cannot do that.

    A video is extended from its last frame.
    """
    wanted = Operation.IMAGE_TO_VIDEO if operation is Operation.EXTEND else operation
    return next((each for each in (wanted, Operation.OMNI_VIDEO) if each in row.operations), None)


def offer(
    models: Sequence[str], row_of: RowOf, operations: Collection[Operation], now: Millis
) -> tuple[str, ...]:
    """Those of the models that have not ended, in their order.

    In the place of one that has stand others, as far as what it did (of `operations`, those of a provider) is done by
    none of the models that are named anyway.
    """
    living = [model for model in models if not is_retired(row_of(model), now)]
    offered: list[str] = []
    for model in models:
        row = row_of(model)
        if not is_retired(row, now):
            offered.append(model)
            continue
        for operation in (each for each in row.operations if each in operations):
            able = [
                other
                for other in replacements(row_of, model)
                if not is_retired(row_of(other), now) and stand_in_for(row_of(other), operation) in operations
            ]
            if able and not any(other in living for other in able):
                living.append(able[0])
                offered.append(able[0])
    return tuple(dict.fromkeys(offered))


def replacements(row_of: RowOf, model: str) -> Iterator[str]:
    """What stands in for a model, the best first, each before what stands in for itself."""
    waiting, seen = list(row_of(model).replaced_by), {model}
    while waiting:
        other = waiting.pop(0)
        if other not in seen:
            seen.add(other)
            yield other
            waiting = [*row_of(other).replaced_by, *waiting]
