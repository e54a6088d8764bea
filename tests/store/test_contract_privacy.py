"""What every engine promises of invitations, exports and forgetting (the Store protocol)."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bot.domain.tasks.lifecycle import Deferred, ProviderFailed, transition
from bot.domain.tasks.task import FailureKind, LedgerKind, TaskState
from bot.domain.types import AccountId, ChatId, Millis, UserId
from bot.store import SentRecord, migrate
from bot.store.privacy import FORGET
from tests.builders import (
    ADA,
    NOW,
    XIAOLIN,
    a_draft,
    a_grant,
    a_request,
    an_asset_request,
    an_image,
    an_update,
    path_to,
    stored,
)
from tests.store.steps import TODAY, step
from tests.stored import book, sum_ledger

BOSS = UserId(1000)
GROUP = ChatId(-100)
SECRET = "a lighthouse that nobody must hear of"
IMAGE = b"the bytes of a secret picture" * 50

KEPT = {
    "standings": "a ban or a role outlives the name; it holds no words of the person",
    "invite_uses": "an invite code works once for one person, also after they were forgotten",
}
"""Tables that keep something of a forgotten person, and why."""


async def everything_of(store, user_id, words=SECRET):
    """One person's row in every table: two tasks, a draft, a picture, kept words, a grant."""
    secret = words == SECRET
    name, username = ("Ada Secretname", "secret_ada") if secret else ("Xiaolin", "xiaolin")
    await store.people.save_user(user_id, name, username, "en", NOW)
    done = await stored(
        store,
        TaskState.SUCCEEDED,
        user_id=user_id,
        chat_id=ChatId(user_id),
        request=a_request(prompt=words),
    )
    (row,) = await store.outbox.list_of(done.id)
    await store.outbox.mark_delivered(row.id, SentRecord(9, "secret-file-id" if secret else "file-id"), NOW)
    await stored(store, user_id=user_id, chat_id=ChatId(user_id), request=a_request(prompt=words))
    await store.drafts.save(
        replace(a_draft(), user_id=user_id, chat_id=ChatId(user_id), data={"words": words})
    )
    image = IMAGE if secret else b"another picture"
    await store.drafts.save_attachment(replace(an_image(image), owner=user_id), NOW)
    await store.drafts.save_text(user_id, f"token-{user_id}", words, NOW)
    name = "secret_fox" if secret else "fox"
    await stored(
        store,
        TaskState.SUCCEEDED,
        user_id=user_id,
        chat_id=ChatId(user_id),
        request=an_asset_request(name=name, prompt=words),
    )
    await book(
        store, a_grant(account=AccountId.of_person(user_id), note="a secret note" if secret else "a note")
    )


async def inviter_of(store, user_id):
    user = await store.people.get(user_id)
    return user.invited_by


# -- invitations --------------------------------------------------------------------------------------


async def test_who_invited_somebody_is_kept_once(store):
    for person in (ADA, XIAOLIN, BOSS):
        await store.people.save_user(person, "Name", None, "en", NOW)
    assert await store.people.set_inviter(ADA, XIAOLIN)
    assert not await store.people.set_inviter(ADA, BOSS)
    assert await inviter_of(store, ADA) == XIAOLIN


async def test_nobody_is_invited_by_themselves_or_by_a_stranger(store):
    await store.people.save_user(ADA, "Ada", None, "en", NOW)
    assert not await store.people.set_inviter(ADA, ADA)
    assert not await store.people.set_inviter(ADA, UserId(99))
    assert await inviter_of(store, ADA) is None


async def test_somebody_who_has_made_videos_already_is_no_newcomer(store):
    for person in (ADA, XIAOLIN):
        await store.people.save_user(person, "Name", None, "en", NOW)
    await stored(store)
    assert not await store.people.set_inviter(ADA, XIAOLIN)


# -- exporting ----------------------------------------------------------------------------------------


async def test_a_person_gets_all_of_their_own_data_and_nobody_elses(store):
    await everything_of(store, ADA)
    await everything_of(store, XIAOLIN, words="another secret")
    exported = await store.privacy.export(ADA)
    assert exported["profile"][0]["name"] == "Ada Secretname"
    assert [task["request"]["prompt"] for task in exported["tasks"]] == [SECRET] * 3
    assert {row["kind"] for row in exported["ledger"]} == {"hold", "charge", "grant"}
    for name in ("results", "drafts", "pictures", "kept_words", "elements_and_voices"):
        assert exported[name], name
    assert "another secret" not in json.dumps(exported)


# -- forgetting ---------------------------------------------------------------------------------------


async def test_of_a_forgotten_person_no_word_is_left_in_the_file(store):
    await everything_of(store, ADA)
    await store.privacy.forget(ADA, NOW)
    files = [store.engine.path, store.engine.path.with_name(f"{store.engine.path.name}-wal")]
    content = b"".join(file.read_bytes() for file in files if file.exists())
    for secret in (
        SECRET,
        "Secretname",
        "secret_ada",
        "secret-file-id",
        "a secret note",
        "secret_fox",
        IMAGE.decode(),
    ):
        assert secret.encode() not in content, secret
    assert await store.people.get(ADA) is None
    assert not any((await store.privacy.export(ADA)).values())


async def test_the_ledger_keeps_its_sums_and_its_rows(store):
    await everything_of(store, ADA)
    before = await sum_ledger(store)
    await store.privacy.forget(ADA, NOW)
    after = await sum_ledger(store)
    cancelled = after.pop(LedgerKind.RELEASE)
    assert cancelled == (1, 10)
    assert after == before


async def test_whoever_comes_back_has_what_they_had_left_no_less_and_no_more(store):
    await everything_of(store, ADA)
    before = await store.credits.get_usage(ADA, TODAY)
    await store.privacy.forget(ADA, NOW)
    after = await store.credits.get_usage(ADA, TODAY)
    # What waited was cancelled, so its credits are refunded.
    assert (after.balance, after.day_spent, after.held) == (before.balance, before.day_spent - 10, 0)
    assert await store.credits.list_ledger(ADA) == []


async def test_what_waits_is_cancelled_and_told_to_nobody(store):
    waiting = await stored(store)
    await store.privacy.forget(ADA, NOW)
    assert (await store.tasks.get(waiting.id)).state is TaskState.CANCELLED
    assert await store.outbox.claim(NOW, Millis(1), 10) == []


@pytest.mark.parametrize("state", [TaskState.SUBMITTING, TaskState.UNCONFIRMED, TaskState.IN_PROGRESS])
async def test_what_runs_ends_without_being_delivered(store, state):
    task = await stored(store, state)
    await store.privacy.forget(ADA, NOW)
    running = await store.tasks.get(task.id)
    assert running.is_forgotten
    events = (
        path_to(TaskState.SUCCEEDED)[1:]
        if state is not TaskState.IN_PROGRESS
        else path_to(TaskState.SUCCEEDED)[2:]
    )
    ended = await step(store, running, *events)
    assert ended.state is TaskState.SUCCEEDED
    assert await store.outbox.list_of(task.id) == []
    assert (await store.credits.get_usage(ADA, TODAY)).held == 0


async def test_what_was_not_taken_after_all_is_not_sent_again(store):
    task = await stored(store, TaskState.SUBMITTING)
    await store.privacy.forget(ADA, NOW)
    # The submission was under way with the task as it was before.
    ended = await store.tasks.apply(transition(task, Deferred(NOW), NOW), NOW)
    assert ended.state is TaskState.CANCELLED
    assert await store.tasks.list_queued() == []
    assert (await store.credits.get_usage(ADA, TODAY)).held == 0


async def test_a_providers_words_about_a_forgotten_prompt_are_not_kept(store):
    task = await stored(store, TaskState.IN_PROGRESS)
    await store.privacy.forget(ADA, NOW)
    failed = await store.tasks.apply(
        transition(task, ProviderFailed(FailureKind.CONTENT, f"refused: {SECRET}"), NOW), NOW
    )
    assert (failed.state, failed.failure_detail) == (TaskState.FAILED, None)


async def test_others_keep_what_is_theirs(store):
    await everything_of(store, XIAOLIN, words="another secret")
    before = await store.privacy.export(XIAOLIN)
    await everything_of(store, ADA)
    await store.privacy.forget(ADA, NOW)
    assert await store.privacy.export(XIAOLIN) == before


async def test_a_picture_that_somebody_else_still_needs_stays(store):
    image = an_image(IMAGE)
    await store.drafts.save_attachment(replace(image, owner=ADA), NOW)
    await stored(store, images=[image], user_id=XIAOLIN, request=a_request(image))
    await store.privacy.forget(ADA, NOW)
    assert list(await store.drafts.get_attachments([image.ref])) == [image.ref.sha256]


async def test_what_a_group_has_spent_is_still_known(store):
    await stored(store, TaskState.SUCCEEDED, chat_id=GROUP)
    await store.privacy.forget(ADA, NOW)
    assert await store.credits.sum_spent_in_chat(GROUP, TODAY.day_start) == 10


async def test_forgetting_somebody_who_is_not_known_does_nothing(store):
    await store.privacy.forget(ADA, NOW)
    await store.privacy.forget(ADA, NOW)
    assert await store.people.get(ADA) is None


async def test_the_words_of_an_update_are_forgotten_once_it_was_acted_on(store):
    await store.inbox.receive([an_update(7, payload={"update_id": 7, "message": {"text": SECRET}})])
    await store.inbox.mark_processed(7, NOW)
    with closing(sqlite3.connect(store.engine.path)) as db:
        ((payload,),) = db.execute("SELECT payload FROM inbox").fetchall()
    assert payload == "{}"
    assert await store.inbox.receive([an_update(7)]) == []


def test_every_table_that_names_people_is_thought_of(tmp_path):
    """A new table with something of a person must be cleared by FORGET, or stand here with the reason."""
    migrate(tmp_path / "bot.db")
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        personal = {
            table
            for table in tables
            if {"user_id", "telegram_language"}
            & {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        }
    cleared = {table for table in personal if any(f" {table} " in step for step in FORGET)}
    assert personal - cleared <= set(KEPT), personal - cleared
