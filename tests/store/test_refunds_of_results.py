"""Whatever a provider returns and whatever of it is lost, in any order: no more goes back than was paid."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.tasks.lifecycle import Finished, transition
from bot.domain.tasks.task import LedgerKind, TaskState
from bot.domain.types import Credits
from bot.store import Store
from tests.builders import ADA, NOW, a_request, a_video, stored

REFUNDS = st.lists(
    st.tuples(st.sampled_from(["0", "1", "2", "9", "admin"]), st.one_of(st.none(), st.integers(-3, 60))),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(price=st.integers(0, 60), count=st.integers(1, 4), results=st.integers(0, 9), refunds=REFUNDS)
def test_refunds_never_exceed_the_charge(tmp_path_factory, price, count, results, refunds):
    path = tmp_path_factory.mktemp("refunds") / "bot.db"
    asyncio.run(_refund(str(path), price, count, results, refunds))


async def _refund(
    path: str, price: int, count: int, results: int, refunds: list[tuple[str, int | None]]
) -> None:
    store = await Store.open(path)
    try:
        task = await stored(
            store, TaskState.IN_PROGRESS, price=Credits(price), request=a_request(count=count)
        )
        videos = tuple(a_video(number) for number in range(results))
        await store.tasks.apply(transition(task, Finished(videos), NOW), NOW)
        assert len(await store.outbox.list_of(task.id)) == min(count, results)
        booked: dict[str, int] = {}
        for key, amount in refunds:
            row = await store.credits.refund(task.id, None if amount is None else Credits(amount), key, NOW)
            told = 0 if row is None else row.amount
            # The same refund again is answered as it was booked.
            assert booked.setdefault(key, told) in {told, 0}
            booked[key] = told
        rows = await store.credits.list_ledger(ADA, 99)
        given_back = sum(row.amount for row in rows if row.kind is LedgerKind.REFUND)
        assert given_back == sum(booked.values()) <= price
    finally:
        await store.close()
