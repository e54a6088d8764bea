"""By which clock the times in the store are told, and how they are moved when it is replaced by another.

When the machine's clock is set, what was to happen in ten seconds must happen in ten seconds still, and what is a
minute old must be a minute old: the times of open work are timers, and move. What people and accounts know as a
date stays what it was.
"""

import json
import re
from collections.abc import Mapping

from bot.domain.types import Millis
from bot.store.engine import Subject, Transaction

KEY = "clock"
"""The setting that says by which clock the times are told, and the last moment that is known."""

MOVES = {
    # Of open work the last three say how old it is: how often it is looked at, how long a delivery is tried. Whoever
    # has read a row must read it anew, in a shell as well: that is what the version is for.
    "tasks": """
        UPDATE tasks SET
            due_at = due_at + :step, hastened_at = hastened_at + :step, deadline_at = deadline_at + :step,
            waits_until = waits_until + :step, answer_by = answer_by + :step,
            created_at = created_at + :step, submitted_at = submitted_at + :step,
            finished_at = finished_at + :step, version = version + 1
        WHERE id IN (
            SELECT id FROM tasks INDEXED BY tasks_by_state
            WHERE state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
            UNION SELECT id FROM tasks INDEXED BY tasks_due WHERE due_at IS NOT NULL
            UNION SELECT task_id FROM outbox INDEXED BY outbox_due WHERE state IN ('pending', 'sending')
        )
    """,
    "outbox": """
        UPDATE outbox INDEXED BY outbox_due SET
            due_at = due_at + :step, failing_since = failing_since + :step, renewed_at = renewed_at + :step,
            first_tried_at = first_tried_at + :step
        WHERE state IN ('pending', 'sending')
    """,
    "assets": """
        UPDATE assets INDEXED BY assets_due SET
            due_at = due_at + :step
        WHERE due_at IS NOT NULL
    """,
    # How long a card and a question are good for.
    "drafts": "UPDATE drafts SET updated_at = updated_at + :step",
    "questions": "UPDATE questions SET expires_at = expires_at + :step",
    "notices": "UPDATE notices SET due_at = due_at + :step",
    "learned": "UPDATE learned SET believed_until = believed_until + :step",
}
"""What moves, table by table."""

NOT_AHEAD = {
    # The update that came last gives the next offset, so that none may be later than those to come. It is not moved
    # forward: a week of silence, after which Telegram numbers anew, is a week there.
    "inbox": "UPDATE inbox SET received_at = :now WHERE received_at > :now",
}
"""What counts from something at Telegram, which knows nothing of our clock: it is only never later than now."""

TIMERS: Mapping[str, frozenset[str]] = {
    table: frozenset(re.findall(r"(\w+) = (?:\1 \+ :step|:now)", statement))
    for table, statement in (MOVES | NOT_AHEAD).items()
}
"""The columns of each table that move."""

DATES: Mapping[str, frozenset[str]] = {
    "assets": frozenset({"made_at"}),
    "attachments": frozenset({"used_at"}),
    "audit": frozenset({"at"}),
    "broadcasts": frozenset({"created_at", "starts_at"}),
    "charges": frozenset({"charged_at"}),
    "chats": frozenset({"changed_at"}),
    "inbox": frozenset({"sent_at", "processed_at"}),
    "invite_codes": frozenset({"created_at", "ends_at"}),
    "invite_uses": frozenset({"at"}),
    "kept_words": frozenset({"used_at"}),
    "ledger": frozenset({"at", "counted_at", "expires_at"}),
    "ledger_parts": frozenset({"expires_at"}),
    "lost_answers": frozenset({"at"}),
    # An offer that ended too early is made again when it is asked for.
    "offers": frozenset({"offered_at"}),
    "outbox": frozenset({"finished_at"}),
    "overrides": frozenset({"changed_at"}),
    "payments": frozenset({"paid_at", "paid_until", "refunded_at"}),
    "promo_codes": frozenset({"created_at", "ends_at"}),
    "promo_uses": frozenset({"at"}),
    "quarantine": frozenset({"received_at"}),
    "retirements": frozenset({"told_at"}),
    "templates": frozenset({"created_at"}),
    "standings": frozenset({"changed_at", "paused_until"}),
    "strikes": frozenset({"at"}),
    "subscriptions": frozenset({"offered_at", "paid_until"}),
    "videos": frozenset({"used_at"}),
    "users": frozenset({"created_at", "seen_at", "plan_until", "subscribed_until"}),
}
"""What stays: when something was, for people, accounts and retention, and until when somebody was promised it."""


class Times(Subject):
    """The clock of the store. Its times are moved before anything else reads them."""

    async def take_up(self, now: Millis, run: str, lead: int, tolerated: Millis) -> int:
        """Tell the times from now on by a clock of the process `run` that is ahead of its monotonic one by `lead`.

        The times are moved, in the same transaction, by how far this clock differs from the one before: exactly
        where both are of one process. Otherwise (`run` empty: always) only a clock that was set back can be told
        from a pause: the last known moment is then later than `now`, by more than is `tolerated`.

        Returns by how many milliseconds they were moved.
        """

        def work(tx: Transaction) -> int:
            kept = _kept(tx)
            if run and kept.get("run") == run:
                step = lead - int(kept["lead"])
            else:
                step = min(0, now - _last_known(tx, kept))
                step = step if step < -tolerated else 0
            if step:
                for statement in MOVES.values():
                    tx.run(statement, step=step)
            for statement in NOT_AHEAD.values():
                tx.run(statement, now=now)
            _keep(tx, {"run": run, "lead": lead, "last": now})
            return step

        return await self._write(work)

    async def record(self, now: Millis) -> None:
        """Note a moment, so that the next process can tell whether the clock was set back meanwhile."""
        await self._write(lambda tx: _keep(tx, _kept(tx) | {"last": now}))


def _kept(tx: Transaction) -> dict[str, str | int]:
    value = tx.value("SELECT value FROM settings WHERE key = :key", key=KEY)
    return {} if value is None else dict(json.loads(value))


def _keep(tx: Transaction, kept: Mapping[str, str | int]) -> None:
    tx.insert("settings", {"key": KEY, "value": json.dumps(kept)}, replace=("key",))


def _last_known(tx: Transaction, kept: Mapping[str, str | int]) -> int:
    """The latest moment that the store knows of; only of what moves, so that no step is found twice."""
    last_update = tx.value("SELECT max(received_at) FROM inbox")
    last_task = tx.value("""
        SELECT max(created_at) FROM tasks INDEXED BY tasks_by_state
        WHERE state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
    """)
    return max(int(kept.get("last", 0)), last_update or 0, last_task or 0)
