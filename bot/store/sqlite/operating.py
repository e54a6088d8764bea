"""The SQLite store with what those who run the bot need: it fulfils `bot.store.operating.OperatingStore`."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from bot.domain.operations.records import AuditRow, Broadcast, BroadcastState, Strike, StrikeSource
from bot.domain.operations.report import Figure
from bot.domain.people.access import Admission, InviteCode, Role, Standing, problem_with
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import Credits, Millis, TaskId, UserId
from bot.store import sql_operating as sql
from bot.store.base import User
from bot.store.operating import InviteRefused, StandingChanged
from bot.store.rows import insert, task_of, user_of
from bot.store.sqlite import SqliteStore


class OperatingSqliteStore(SqliteStore):
    """See `bot.store.operating.OperatingStore`."""

    # -- standings -----------------------------------------------------------------------------------

    async def standing(self, user_id: UserId) -> Standing:
        return await self._read(lambda db: _standing(db, user_id))

    async def set_standing(self, standing: Standing, now: Millis, audit: AuditRow | None = None) -> Standing:
        def work(db: sqlite3.Connection) -> Standing:
            changed = _set_standing(db, standing, now)
            if audit is not None:
                _note(db, audit)
            return changed

        return await self._writer.do(work)

    async def staff(self) -> list[Standing]:
        return [_standing_of(row) for row in await self._rows(sql.STAFF)]

    async def waiting(self, limit: int) -> list[User]:
        return [user_of(row) for row in await self._rows(sql.WAITING, (limit,))]

    async def people(self, words: str, skip: int, limit: int) -> list[User]:
        values = {"words": json.dumps(words.casefold().split()), "skip": skip, "limit": limit}
        return [user_of(row) for row in await self._rows(sql.PEOPLE, values)]

    # -- invite codes --------------------------------------------------------------------------------

    async def keep_invite(self, invite: InviteCode, audit: AuditRow) -> InviteCode:
        values = {
            "code": invite.code,
            "uses": invite.uses,
            "used": invite.used,
            "ends_at": invite.ends_at,
            "plan": invite.plan,
            "created_by": _author(invite.created_by),
            "created_at": invite.created_at,
        }

        def work(db: sqlite3.Connection) -> InviteCode:
            before = db.execute(sql.INVITE_OF_OPERATION, (audit.operation_id,)).fetchone()
            if before is not None:
                return _invite_of(before)
            insert(db, "invite_codes", values)
            _note(db, audit)
            return invite

        return await self._writer.do(work)

    async def invites(self, now: Millis, limit: int) -> list[InviteCode]:
        return [_invite_of(row) for row in await self._rows(sql.INVITES, (now, limit))]

    async def revoke_invite(self, code: str, now: Millis, audit: AuditRow) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            if not db.execute(sql.REVOKE_INVITE, {"code": code, "now": now}).rowcount:
                return False
            _note(db, audit)
            return True

        return await self._writer.do(work)

    async def redeem(self, code: str, user_id: UserId, now: Millis) -> InviteCode | None:
        def work(db: sqlite3.Connection) -> InviteCode | None:
            if db.execute(sql.USED_BEFORE, (code, user_id)).fetchone() is not None:
                return None
            row = db.execute(sql.INVITE, (code,)).fetchone()
            invite = None if row is None else _invite_of(row)
            problem = problem_with(invite, now)
            if invite is None or problem is not None:
                assert problem is not None  # noqa: S101  a code that is none has a problem
                raise InviteRefused(problem)
            db.execute(sql.USE_INVITE, (code,))
            insert(db, "invite_uses", {"code": code, "user_id": user_id, "at": now})
            _set_standing(db, replace(_standing(db, user_id), admission=Admission.ALLOWED), now)
            if invite.plan is not None:
                db.execute(sql.SET_PLAN_BY_INVITE, (invite.plan, user_id))
            after = f"{invite.code} {invite.plan or ''}".strip()
            _note(db, AuditRow(f"invite:{code}:{user_id}", now, user_id, "redeem", str(user_id), "", after))
            return replace(invite, used=invite.used + 1)

        return await self._writer.do(work)

    # -- audit ---------------------------------------------------------------------------------------

    async def note(self, audit: AuditRow) -> None:
        await self._writer.do(lambda db: _note(db, audit))

    async def audit(self, subject: str | None, skip: int, limit: int) -> list[AuditRow]:
        statement = sql.AUDIT if subject is None else sql.AUDIT_OF
        rows = await self._rows(statement, {"subject": subject, "skip": skip, "limit": limit})
        return [_audit_row_of(row) for row in rows]

    # -- settings ------------------------------------------------------------------------------------

    async def swap_setting(self, key: str, before: str | None, after: str, audit: AuditRow) -> bool:
        """See the protocol."""
        statement = sql.ADD_SETTING if before is None else sql.SWAP_SETTING

        def work(db: sqlite3.Connection) -> bool:
            swapped = db.execute(statement, {"key": key, "before": before, "after": after}).rowcount == 1
            if swapped:
                _note(db, audit)
            return swapped

        return await self._writer.do(work)

    # -- tasks ---------------------------------------------------------------------------------------

    async def ended_since(self, since: Millis, states: Sequence[TaskState], limit: int) -> list[Task]:
        values = {"since": since, "states": json.dumps([str(state) for state in states]), "limit": limit}
        return [task_of(row) for row in await self._rows(sql.ENDED_SINCE, values)]

    async def figures(self, since: Millis, user_id: UserId | None, limit: int) -> list[Figure]:
        statement = sql.FIGURES if user_id is None else sql.FIGURES_OF
        values = {"since": since, "user": user_id, "limit": limit}
        return await self._read(lambda db: [_figure_of(row) for row in db.execute(statement, values)])

    # -- broadcasts ----------------------------------------------------------------------------------

    async def add_broadcast(self, text: str, author: UserId | None, now: Millis) -> int:
        values = (text, _author(author), now)
        return await self._writer.do(lambda db: int(db.execute(sql.ADD_BROADCAST, values).fetchone()[0]))

    async def broadcast(self, broadcast_id: int) -> Broadcast | None:
        row = await self._row(sql.BROADCAST, (broadcast_id,))
        return None if row is None else _broadcast_of(row)

    async def sending(self) -> Broadcast | None:
        row = await self._row(sql.SENDING)
        return None if row is None else _broadcast_of(row)

    async def change_broadcast(self, broadcast: Broadcast, before: BroadcastState) -> bool:
        values = {**_broadcast_values(broadcast), "before": str(before)}
        return bool(await self._writer.do(lambda db: db.execute(sql.CHANGE_BROADCAST, values).rowcount))

    async def audience(self, broadcast: Broadcast, default_plan: str, now: Millis, limit: int) -> list[User]:
        values = {**_broadcast_values(broadcast), "default_plan": default_plan, "now": now, "limit": limit}
        return [user_of(row) for row in await self._rows(sql.AUDIENCE, values)]

    async def count_audience(self, broadcast: Broadcast, default_plan: str, now: Millis) -> int:
        values = {**_broadcast_values(broadcast), "default_plan": default_plan, "now": now}
        row = await self._row(sql.COUNT_AUDIENCE, values)
        return 0 if row is None else int(row[0])

    # -- moderation ----------------------------------------------------------------------------------

    async def strike(self, strike: Strike) -> bool:
        values = {**asdict(strike), "source": str(strike.source)}
        return bool(await self._writer.do(lambda db: insert(db, "strikes", values, conflict="IGNORE")))

    async def count_strikes(self, user_id: UserId, since: Millis) -> int:
        row = await self._row(sql.COUNT_STRIKES, (user_id, since))
        return 0 if row is None else int(row[0])

    async def strikes(self, user_id: UserId | None, limit: int) -> list[Strike]:
        statement = sql.STRIKES if user_id is None else sql.STRIKES_OF
        return [_strike_of(row) for row in await self._rows(statement, {"user": user_id, "limit": limit})]


def _strike_of(row: sqlite3.Row) -> Strike:
    return Strike(
        user_id=UserId(row["user_id"]),
        at=Millis(row["at"]),
        source=StrikeSource(row["source"]),
        rule=row["rule"],
        prompt=row["prompt"],
        operation_id=row["operation_id"],
    )


def _broadcast_values(broadcast: Broadcast) -> dict[str, Any]:
    return {
        "id": broadcast.id,
        "plan": broadcast.plan,
        "language": broadcast.language,
        "state": str(broadcast.state),
        "reached": broadcast.reached,
        "sent": broadcast.sent,
        "failed": broadcast.failed,
        "total": broadcast.total,
        "message_id": broadcast.message_id,
    }


def _broadcast_of(row: sqlite3.Row) -> Broadcast:
    return Broadcast(
        id=row["id"],
        text=row["text"],
        plan=row["plan"],
        language=row["language"],
        state=BroadcastState(row["state"]),
        created_by=_author_of(row["created_by"]),
        created_at=Millis(row["created_at"]),
        reached=UserId(row["reached"]),
        sent=row["sent"],
        failed=row["failed"],
        total=row["total"],
        message_id=row["message_id"],
    )


def _standing(db: sqlite3.Connection, user_id: UserId) -> Standing:
    row = db.execute(sql.STANDING, (user_id,)).fetchone()
    return Standing(user_id) if row is None else _standing_of(row)


def _standing_of(row: sqlite3.Row) -> Standing:
    return Standing(
        user_id=UserId(row["user_id"]),
        admission=Admission(row["admission"]),
        role=None if row["role"] is None else Role(row["role"]),
        ban=row["ban"],
        reachable=bool(row["reachable"]),
        paused_until=Millis(row["paused_until"]),
        version=row["version"],
    )


def _set_standing(db: sqlite3.Connection, standing: Standing, now: Millis) -> Standing:
    values: dict[str, Any] = {
        "user_id": standing.user_id,
        "admission": str(standing.admission),
        # Owners stand in the settings, never in the store.
        "role": None if standing.role in {None, Role.OWNER} else str(standing.role),
        "ban": standing.ban,
        "reachable": int(standing.reachable),
        "paused_until": standing.paused_until,
        "version": standing.version,
        "now": now,
    }
    if not db.execute(sql.SET_STANDING, values).rowcount:
        raise StandingChanged(
            f"the standing of {standing.user_id} is no longer at version {standing.version}"
        )
    return replace(standing, version=standing.version + 1)


def _invite_of(row: sqlite3.Row) -> InviteCode:
    return InviteCode(
        code=row["code"],
        uses=row["uses"],
        used=row["used"],
        ends_at=Millis(row["ends_at"]),
        plan=row["plan"],
        created_by=_author_of(row["created_by"]),
        created_at=Millis(row["created_at"]),
    )


NOBODY = 0
"""What stands for a shell in a column of authors, which holds no NULL: nobody at Telegram has this id."""


def _author(user_id: UserId | None) -> int:
    return NOBODY if user_id is None else user_id


def _author_of(value: int) -> UserId | None:
    return None if value == NOBODY else UserId(value)


def _note(db: sqlite3.Connection, audit: AuditRow) -> None:
    values = {
        "operation_id": audit.operation_id,
        "at": audit.at,
        "actor_id": audit.actor,
        "action": audit.action,
        "subject": audit.subject,
        "before": audit.before,
        "after": audit.after,
    }
    insert(db, "audit", values, conflict="IGNORE")


def _figure_of(row: sqlite3.Row) -> Figure:
    return Figure(
        id=TaskId(row["id"]),
        user_id=UserId(row["user_id"]),
        model=row["model"],
        state=TaskState(row["state"]),
        price=Credits(row["price"]),
        provider=row["provider"],
        real_cost=row["real_cost"],
        created_at=Millis(row["created_at"]),
        submitted_at=row["submitted_at"],
        finished_at=Millis(row["finished_at"]),
        failure=row["failure"],
    )


def _audit_row_of(row: sqlite3.Row) -> AuditRow:
    return AuditRow(
        operation_id=row["operation_id"],
        at=Millis(row["at"]),
        actor=None if row["actor_id"] is None else UserId(row["actor_id"]),
        action=row["action"],
        subject=row["subject"],
        before=row["before"],
        after=row["after"],
    )
