"""An engine may run work again, as databases do that give up one of two transactions: it has no second effect."""

import sqlite3
from contextlib import closing, suppress

from bot.domain.credits.promos import PromoCode
from bot.domain.credits.shop import Payment
from bot.domain.library.template import Template
from bot.domain.operations.records import AuditRow, BroadcastContent, PersonNotice
from bot.domain.people.access import InviteCode
from bot.domain.tasks.task import TaskState
from bot.domain.types import DAY, Credits, Millis, UserId
from bot.store import SentRecord, Store
from bot.store.engine.sqlite import SqliteEngine
from bot.store.people import add_invite
from bot.store.promos import add_promo
from tests.builders import (
    ADA,
    ADAS_ACCOUNT,
    LEASE,
    NOW,
    XIAOLIN,
    a_draft,
    a_grant,
    a_request,
    a_task_id,
    an_asset_request,
    an_image,
    an_update,
    stored,
)
from tests.store.steps import after
from tests.stored import book


class Repeating(SqliteEngine):
    """Takes everything back that work did, and runs it once more."""

    async def write(self, work):
        class Again(Exception):
            pass

        def given_up(tx):
            work(tx)
            raise Again

        with suppress(Again):
            await super().write(given_up)
        return await super().write(work)


async def a_life(store, task_ids) -> None:
    """Something of every subject."""
    for person in (ADA, XIAOLIN):
        await store.people.save_user(person, "Name", "name", "en", NOW)
    invite = InviteCode("abc", 3, 0, Millis(NOW + DAY), "pro", None, NOW)

    def inviting(tx) -> tuple[str, str]:
        add_invite(tx, invite)
        return "", "3"

    notice = PersonNotice(XIAOLIN, "door.admitted", {})
    await store.notices.commit(AuditRow("update:1", NOW, ADA, "invite", "abc"), inviting, notice)
    (due,) = await store.notices.claim(NOW, LEASE, 10)
    await store.notices.postpone(due.id, after(DAY))
    await store.people.redeem_invite("abc", XIAOLIN, NOW)
    promo = PromoCode("spring", Credits(50), 3, 0, Millis(NOW + DAY), 30, NOW)
    await store.engine.write(lambda tx: add_promo(tx, promo))
    await store.promos.redeem("spring", XIAOLIN, NOW, "update:9")
    await store.inbox.receive([an_update(1), an_update(2)])
    await store.inbox.mark_processed(1, NOW)
    await book(store, a_grant(20, idempotency_key="grant"))
    await store.payments.save_payment(Payment("stx-1", ADAS_ACCOUNT, Credits(100), 150, NOW))
    await store.payments.begin_refund("stx-1", UserId(7), NOW)
    await store.payments.end_refund("stx-1", UserId(7), NOW, done=True)
    image = an_image()
    for state, task_id in zip(TaskState, task_ids, strict=True):
        names = {"id": task_id, "external_task_id": f"klingbot-{task_id}"}
        await stored(store, state, images=[image], request=a_request(image), **names)
    for delivery in await store.outbox.claim(NOW, LEASE, 10):
        await store.outbox.mark_delivered(delivery.id, SentRecord(9, f"file-{delivery.id}"), NOW)
    for task in await store.tasks.list_in([TaskState.SUCCEEDED]):
        await store.credits.refund(task.id, Credits(4), "0", NOW)
    await store.tasks.claim_due(after(DAY), LEASE, [TaskState.IN_PROGRESS], 10)
    await store.drafts.save(a_draft())
    await store.library.save_template(Template("token", ADA, "Fox", {}, 0, 0, NOW), 10)
    names = {"id": "ASSET1", "external_task_id": "klingbot-ASSET1"}
    await stored(store, TaskState.SUCCEEDED, request=an_asset_request(name="Fox"), **names)
    broadcast_id = await store.operations.add_broadcast(BroadcastContent(text="news"), None, NOW)
    assert broadcast_id == 1


def rows_of(path) -> dict[str, list[tuple]]:
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        kept = [name for name in tables if name not in {"settings", "_sqlite_migrations"}]
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in kept}


async def test_work_that_is_run_again_has_no_second_effect(tmp_path):
    task_ids = [a_task_id() for _ in TaskState]
    for engine, name in ((SqliteEngine, "once.db"), (Repeating, "twice.db")):
        store = Store.on(await engine.open(str(tmp_path / name)))
        await a_life(store, task_ids)
        await store.close()
    once, twice = rows_of(tmp_path / "once.db"), rows_of(tmp_path / "twice.db")
    assert twice == once
    assert not [
        name
        for name in ("tasks", "ledger", "outbox", "invite_uses", "promo_uses", "assets")
        if not once[name]
    ]
