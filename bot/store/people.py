"""Users: preferences, standings, invite codes, broadcast audiences, strikes."""

from dataclasses import dataclass, replace

from bot.domain.operations.records import AuditRow, Broadcast
from bot.domain.people.access import Admission, InviteCode, InviteProblem, Membership, Role, problem_with
from bot.domain.people.moderation import Strike
from bot.domain.requests.choices import Preferences
from bot.domain.tasks.task import CHAT_GONE, KEPT_FOR_RETURN
from bot.domain.types import Millis, UserId
from bot.store.engine import Subject, Transaction, mapper
from bot.store.operations import author_of, save_audit_row


class StandingChanged(Exception):
    """The standing was changed since it was read: read it again."""


class InviteRefused(Exception):
    """The invite code is not valid."""

    def __init__(self, problem: InviteProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class User:
    """A user. `language` is their own choice, `telegram_language` their client's.

    `plan` holds until `plan_until`, or for good; `subscribed_plan` as long as it is paid for. `chat_open` says whether
    the bot can write to them in private; None: it has not been tried.
    """

    id: UserId
    name: str
    username: str | None
    telegram_language: str | None
    language: str | None
    plan: str | None
    created_at: Millis
    seen_at: Millis
    preferences: Preferences = Preferences()
    invited_by: UserId | None = None
    plan_until: Millis | None = None
    subscribed_plan: str | None = None
    subscribed_until: Millis | None = None
    chat_open: bool | None = None


class People(Subject):
    """Everybody who uses the bot."""

    # -- users ---------------------------------------------------------------------------------------

    async def save_user(
        self,
        user_id: UserId,
        name: str,
        username: str | None,
        telegram_language: str | None,
        now: Millis,
        *,
        opens_chat: bool = False,
    ) -> User:
        """Create or refresh a user and return what is known; whoever has never `opens_chat` has no private chat.

        Who opens it again gets what could not be delivered there meanwhile.
        """
        statement = """
            INSERT INTO users (id, name, username, telegram_language, created_at, seen_at, chat_open)
            VALUES (:user, :name, :username, :language, :now, :now, :opens)
            ON CONFLICT (id) DO UPDATE SET
                name = excluded.name,
                username = excluded.username,
                telegram_language = coalesce(excluded.telegram_language, users.telegram_language),
                seen_at = excluded.seen_at,
                chat_open = CASE WHEN :opens = 1 THEN 1 ELSE users.chat_open END
            RETURNING *
        """

        def work(tx: Transaction) -> User:
            if opens_chat:
                _deliver_after_all(tx, user_id, now)
            (user,) = tx.all(
                User,
                statement,
                user=user_id,
                name=name,
                username=username,
                language=telegram_language,
                now=now,
                opens=int(opens_chat),
            )
            return user

        return await self._write(work)

    async def get(self, user_id: UserId) -> User | None:
        """One user."""
        statement = "SELECT * FROM users WHERE id = :user"
        return await self._read(lambda tx: tx.one(User, statement, user=user_id))

    async def find(self, text: str) -> User | None:
        """A user by id or by @name, in any case."""
        wanted = text.strip().removeprefix("@")
        if wanted.isascii() and wanted.isdigit():
            return await self.get(UserId(int(wanted))) if len(wanted) <= 18 else None
        statement = (
            "SELECT * FROM users WHERE lower(username) = lower(:username) ORDER BY seen_at DESC LIMIT 1"
        )
        return await self._read(lambda tx: tx.one(User, statement, username=wanted))

    async def search(self, words: str, skip: int, limit: int) -> list[User]:
        """Users whose name or @name has all the words, last seen first."""
        statement = """
            SELECT * FROM users
            WHERE NOT EXISTS (
                SELECT 1 FROM json_items(:words) AS word
                WHERE strpos(casefold(users.name || ' ' || coalesce('@' || users.username, '')), word.value) = 0
            )
            ORDER BY seen_at DESC LIMIT :limit OFFSET :skip
        """
        wanted = words.casefold().split()
        return await self._read(lambda tx: tx.all(User, statement, words=wanted, skip=skip, limit=limit))

    async def set_chat_open(self, user_id: UserId, is_open: bool, now: Millis) -> None:
        """Save whether a user's private chat is open; what could not be delivered there meanwhile comes then."""
        statement = """
            UPDATE users SET chat_open = :open WHERE id = :user AND (chat_open IS NULL OR chat_open != :open)
        """

        def work(tx: Transaction) -> None:
            if is_open:
                _deliver_after_all(tx, user_id, now)
            tx.run(statement, user=user_id, open=int(is_open))

        await self._write(work)

    async def set_language(self, user_id: UserId, language: str | None) -> None:
        """Save the language that a user chose; None: that of their Telegram client."""
        statement = "UPDATE users SET language = :language WHERE id = :user"
        await self._write(lambda tx: tx.run(statement, user=user_id, language=language))

    async def set_preferences(self, user_id: UserId, preferences: Preferences) -> None:
        """Save a user's defaults for all their videos."""
        statement = "UPDATE users SET preferences = :preferences WHERE id = :user"
        await self._write(lambda tx: tx.run(statement, user=user_id, preferences=preferences.write()))

    async def set_inviter(self, user_id: UserId, inviter: UserId) -> bool:
        """Save who invited a new user, once and before their first task; False: not saved."""
        statement = """
            UPDATE users SET invited_by = :inviter
            WHERE id = :user AND id != :inviter AND invited_by IS NULL
            AND EXISTS (SELECT 1 FROM users AS known WHERE known.id = :inviter)
            AND NOT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_of_user WHERE user_id = :user)
        """
        return await self._write(lambda tx: tx.run(statement, user=user_id, inviter=inviter) > 0)

    # -- standings -----------------------------------------------------------------------------------

    async def get_standing(self, user_id: UserId) -> Membership:
        """A user's standing; an unknown user has that of a stranger."""
        return await self._read(lambda tx: get_standing(tx, user_id))

    async def set_standing(self, membership: Membership, now: Millis) -> Membership:
        """Save a standing by compare and set on its version.

        Raises:
            StandingChanged: it is no longer at that version.

        """
        return await self._write(lambda tx: set_standing(tx, membership, now))

    async def list_staff(self) -> list[Membership]:
        """Everybody with a role."""
        statement = "SELECT * FROM standings INDEXED BY standings_staff WHERE role IS NOT NULL"
        return await self._read(lambda tx: tx.all(Membership, statement))

    async def list_join_requests(self, limit: int) -> list[User]:
        """Users who asked to join, longest waiting first."""
        statement = """
            SELECT users.* FROM standings INDEXED BY standings_waiting JOIN users ON users.id = standings.user_id
            WHERE standings.admission = 'asked' ORDER BY standings.changed_at LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(User, statement, limit=limit))

    # -- invite codes --------------------------------------------------------------------------------

    async def get_invite_of(self, idempotency_key: str) -> InviteCode | None:
        """The code that an audited operation made."""
        statement = """
            SELECT invite_codes.*, nullif(created_by, 0) AS created_by
            FROM audit JOIN invite_codes ON invite_codes.code = audit.subject
            WHERE audit.idempotency_key = :operation
        """
        return await self._read(lambda tx: tx.one(InviteCode, statement, operation=idempotency_key))

    async def list_invites(self, now: Millis, limit: int) -> list[InviteCode]:
        """The valid codes, the soonest to end first."""
        statement = """
            SELECT *, nullif(created_by, 0) AS created_by FROM invite_codes
            WHERE ends_at > :now ORDER BY ends_at LIMIT :limit
        """
        return await self._read(lambda tx: tx.all(InviteCode, statement, now=now, limit=limit))

    async def redeem_invite(self, code: str, user_id: UserId, now: Millis) -> InviteCode | None:
        """Let a user in by a code; None: they have used it before.

        Raises:
            InviteRefused: nobody is let in by it.

        """
        used = "SELECT 1 FROM invite_uses WHERE code = :code AND user_id = :user"
        get = "SELECT *, nullif(created_by, 0) AS created_by FROM invite_codes WHERE code = :code"
        count = "UPDATE invite_codes SET used = used + 1 WHERE code = :code"

        def work(tx: Transaction) -> InviteCode | None:
            if tx.value(used, code=code, user=user_id) is not None:
                return None
            invite = tx.one(InviteCode, get, code=code)
            problem = problem_with(invite, now)
            if invite is None or problem is not None:
                assert problem is not None  # noqa: S101  a code that is none has a problem
                raise InviteRefused(problem)
            tx.run(count, code=code)
            tx.insert("invite_uses", {"code": code, "user_id": user_id, "at": now})
            set_standing(tx, replace(get_standing(tx, user_id), admission=Admission.ALLOWED), now)
            if invite.plan is not None:
                set_plan(tx, user_id, invite.plan, None)
            after = f"{invite.code} {invite.plan or ''}".strip()
            operation = f"invite:{code}:{user_id}"
            save_audit_row(tx, AuditRow(operation, now, user_id, "redeem", str(user_id), "", after))
            return replace(invite, used=invite.used + 1)

        return await self._write(work)

    # -- broadcasts ----------------------------------------------------------------------------------

    async def list_audience(
        self, broadcast: Broadcast, default_plan: str, now: Millis, limit: int
    ) -> list[User]:
        """The next users of a broadcast by id: allowed, reachable, not banned, with no closed private chat."""
        statement = f"SELECT * FROM ({AUDIENCE}) AS audience ORDER BY id LIMIT :limit"  # noqa: S608  a constant
        values = mapper.columns(broadcast) | {"default_plan": default_plan, "now": now}
        return await self._read(lambda tx: tx.all(User, statement, **values, limit=limit))

    async def count_audience(self, broadcast: Broadcast, default_plan: str, now: Millis) -> int:
        """How many users a broadcast still goes to."""
        statement = f"SELECT count(*) FROM ({AUDIENCE}) AS audience"  # noqa: S608  a constant
        values = mapper.columns(broadcast) | {"default_plan": default_plan, "now": now}
        return await self._read(lambda tx: int(tx.value(statement, **values)))

    # -- strikes -------------------------------------------------------------------------------------

    async def save_strike(self, strike: Strike) -> bool:
        """Save a refused request; False: it is known."""
        return await self._write(lambda tx: tx.insert("strikes", strike, ignore=True))

    async def count_strikes(self, user_id: UserId, since: Millis) -> int:
        """How many of a user's requests were refused since then."""
        statement = (
            "SELECT count(*) FROM strikes INDEXED BY strikes_of_user WHERE user_id = :user AND at >= :since"
        )
        return await self._read(lambda tx: int(tx.value(statement, user=user_id, since=since)))

    async def list_strikes(self, user_id: UserId | None, limit: int) -> list[Strike]:
        """The newest refused requests, of a user or (None) of all."""
        of_all = "SELECT * FROM strikes INDEXED BY strikes_since WHERE at > 0 ORDER BY at DESC LIMIT :limit"
        of_user = """
            SELECT * FROM strikes INDEXED BY strikes_of_user WHERE user_id = :user ORDER BY at DESC LIMIT :limit
        """
        statement = of_all if user_id is None else of_user
        return await self._read(lambda tx: tx.all(Strike, statement, user=user_id, limit=limit))


AUDIENCE = """
    SELECT users.* FROM users LEFT JOIN standings ON standings.user_id = users.id
    WHERE users.id > :reached AND coalesce(users.chat_open, 1) = 1
    AND coalesce(standings.reachable, 1) = 1 AND standings.ban IS NULL
    AND coalesce(standings.admission, 'undecided') NOT IN ('asked', 'denied')
    AND (:language IS NULL OR :language = coalesce(
        users.language, CASE WHEN users.telegram_language LIKE 'zh%' THEN 'zh_Hans' ELSE 'en' END
    ))
    AND (:plan IS NULL OR :plan = CASE
        WHEN users.plan != :default_plan AND (users.plan_until IS NULL OR users.plan_until > :now) THEN users.plan
        WHEN users.subscribed_until > :now THEN users.subscribed_plan
        ELSE :default_plan
    END)
"""

_DELIVER_AFTER_ALL = """
    UPDATE outbox SET state = 'pending', due_at = :now, failure = NULL, attempts = 0, sends = 0, place = NULL,
        in_album = 0, failing_since = NULL, first_tried_at = NULL, renewed_at = :now
    WHERE state = 'undeliverable' AND failure LIKE :gone AND finished_at >= :since AND kind != 'notice'
    AND task_id IN (SELECT id FROM tasks WHERE chat_id = :user AND user_id = :user AND hidden = 0)
"""


def _deliver_after_all(tx: Transaction, user_id: UserId, now: Millis) -> None:
    """Make due what could not be delivered to a user's private chat as long as it was closed."""
    if tx.value("SELECT 1 FROM users WHERE id = :user AND chat_open = 0", user=user_id):
        since, gone = now - KEPT_FOR_RETURN, f"{CHAT_GONE}%"
        tx.run(_DELIVER_AFTER_ALL, user=user_id, now=now, since=since, gone=gone)


def set_plan(tx: Transaction, user_id: UserId, plan: str | None, until: Millis | None) -> None:
    """Set a user's plan, until then or for good; None: the default plan."""
    statement = "UPDATE users SET plan = :plan, plan_until = :until WHERE id = :user"
    tx.run(statement, user=user_id, plan=plan, until=until)


def add_invite(tx: Transaction, invite: InviteCode) -> None:
    """Save a new code."""
    tx.insert("invite_codes", mapper.columns(invite) | {"created_by": author_of(invite.created_by)})


def revoke_invite(tx: Transaction, code: str, now: Millis) -> bool:
    """End a code now; False: it is unknown or has ended."""
    statement = "UPDATE invite_codes SET ends_at = :now WHERE code = :code AND ends_at > :now"
    return bool(tx.run(statement, code=code, now=now))


def get_standing(tx: Transaction, user_id: UserId) -> Membership:
    """See `People.get_standing`."""
    statement = "SELECT * FROM standings WHERE user_id = :user"
    return tx.one(Membership, statement, user=user_id) or Membership(user_id)


def set_standing(tx: Transaction, membership: Membership, now: Millis) -> Membership:
    """See `People.set_standing`."""
    # The first change makes the row; from then on the version decides who was first.
    statement = """
        INSERT INTO standings (user_id, admission, role, ban, reachable, paused_until, version, changed_at)
        SELECT :user_id, :admission, :role, :ban, :reachable, :paused_until, :version + 1, :now
        WHERE :version = 0 OR EXISTS (SELECT 1 FROM standings WHERE user_id = :user_id)
        ON CONFLICT (user_id) DO UPDATE SET
            admission = excluded.admission, role = excluded.role, ban = excluded.ban,
            reachable = excluded.reachable, paused_until = excluded.paused_until,
            version = excluded.version, changed_at = excluded.changed_at
        WHERE standings.version = :version
    """
    # Owners stand in the settings, never in the store.
    kept = replace(membership, role=None) if membership.role is Role.OWNER else membership
    if not tx.run(statement, **mapper.columns(kept), now=now):
        raise StandingChanged(
            f"the standing of {membership.user_id} is no longer at version {membership.version}"
        )
    return replace(membership, version=membership.version + 1)
