"""What an account can use now: the one place where it is decided, for chats, cards, admins and the shell. Pure.

It follows from the settings, the catalog, what Kling has ended, what the account's answers taught and what it tells of
its packs, for each model within what it is sold by.
"""

from collections.abc import Iterator

from bot.domain.requests import retirement
from bot.domain.requests.catalog import list_samples
from bot.domain.requests.model import Model
from bot.domain.requests.operations import LIBRARY_OPERATIONS, VIDEO_MODEL_OPERATIONS, Operation, Pack
from bot.domain.requests.request import Resource
from bot.domain.tasks.availability import Availability, State
from bot.domain.types import Millis
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.health import Healths

_FAULTS: tuple[tuple[type[errors.ProviderError], State], ...] = (
    (errors.PackEmpty, State.EMPTY),
    (errors.OutOfBalance, State.ARREARS),
    (errors.NotEnabled, State.NOT_ENABLED),
    (errors.NoSuchModel, State.MISSING),
    (errors.Unauthorized, State.KEY),
)
"""What a fault says, the more precise kinds first."""


def list_availability(client: KlingClient, health: Healths, now: Millis) -> tuple[Availability, ...]:
    """What an account can do with each model of its settings, what stands in for these, and each image model and service."""
    return tuple(availability(client, health, about, row, now) for about, row in _offered(client))


def availability(
    client: KlingClient, health: Healths, about: Resource, row: Model, now: Millis
) -> Availability:
    """What an account can do with one model of a pack, whose row of its catalog is given."""
    state, until = _state(client, health, about, now)
    units = health.units(about.pack, now)
    offered = client.models
    others = retirement.replacements(client.catalog.model, row.id) if about.pack is Pack.VIDEO else ()
    return Availability(
        provider=client.name,
        pack=about.pack,
        model=about.model,
        row=row,
        operations=client.operations & frozenset(row.operations),
        state=state,
        until=until,
        ended=row.retired if client.config.replaces_retired else None,
        others=tuple(other for other in others if other in offered),
        units=units,
        most=health.limits.most(about, now),
        is_verified=state is not State.USABLE or health.has_proven(about) or units is not None,
    )


def _offered(client: KlingClient) -> Iterator[tuple[Resource, Model]]:
    """Everything that is sold by itself, in the order of the settings and the catalog."""
    for model in dict.fromkeys((*client.config.models, *client.models)):
        yield Resource(Pack.VIDEO, model), client.catalog.model(model)
    beside = client.operations - VIDEO_MODEL_OPERATIONS - LIBRARY_OPERATIONS
    rows = (
        (Resource(operation.pack, row.id), row)
        for operation in Operation
        if operation in beside
        for row in client.catalog.without_choice(operation)
    )
    seen: set[Resource] = set()
    for about, row in rows:
        if about not in seen and _can_be_asked_for(client, row):
            seen.add(about)
            yield about, row


def _can_be_asked_for(client: KlingClient, row: Model) -> bool:
    """Whether an image model can do something here, as not every dialect can write a request for it; services can."""
    samples = list_samples(row)
    return not samples or any(client.lacks(sample) == () for sample in samples)


def _state(client: KlingClient, health: Healths, about: Resource, now: Millis) -> tuple[State, Millis | None]:
    """How it is, and until when that is believed."""
    if about.pack is Pack.VIDEO and about.model in client.config.models:
        if about.model in client.unnamed():
            return State.UNNAMED, None
        if about.model in client.retired():
            return State.RETIRED, None
    units = health.units(about.pack, now)
    # What ends last decides, as it does of what is sent; what has ended is believed until an answer says otherwise,
    # or the account that there are units again.
    faults = [known for known in health.of(about) if known.was_at_fault]
    if units is not None and not units.are_gone:
        faults = [
            known
            for known in faults
            if known.is_at_fault(now) or not issubclass(known.closed_for or Exception, errors.PackEmpty)
        ]
    if faults:
        last = max(faults, key=lambda known: known.open_until)
        kind = last.closed_for or errors.Unauthorized
        state = next((state for fault, state in _FAULTS if issubclass(kind, fault)), State.KEY)
        return state, Millis(last.open_until) if last.is_at_fault(now) else None
    if units is not None and units.are_gone:
        return State.EMPTY, None
    return State.USABLE, None
