"""Who is let in, who runs the bot, and how it receives people: all of access but the texts.

What is decided here holds at once and after a restart; no file is edited. Every decision is in the audit log.
Whoever decides is the `actor`; None is a shell, which may do what an owner may.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from bot.clock import Runtime
from bot.domain.operations.records import AuditRow
from bot.domain.people.access import (
    AccessDecision,
    AccessLevel,
    AccessMode,
    AccessPolicy,
    Admission,
    InviteCode,
    Permission,
    Person,
    Role,
    Standing,
    decide_access,
    outranks,
    readable_name,
)
from bot.domain.units import DAY, HOUR, ChatId, Millis, UserId
from bot.errors import UserError
from bot.services.live_settings import LiveSettings
from bot.services.people.accounts import Accounts, Audit
from bot.services.people.limits import Rate
from bot.store import InviteRefused, StandingChanged, Store, User

log = structlog.get_logger(__name__)

MOST_USES = 10_000
LONGEST_DAYS = 365
LONGEST_REASON = 200
"""Characters of the reason for a ban."""

_CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE_LENGTH = 10

WRONG_CODES = 5
"""So many codes that let nobody in, and a person waits for an hour: codes cannot be guessed."""


class Access:
    """Decides who may go on, and changes how people stand."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        audit: Audit,
        runtime: Runtime,
        live: LiveSettings,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._audit = audit
        self._clock = runtime.clock
        self._rng = runtime.rng
        self._live = live
        self._roles: dict[UserId, Role] = {}
        self._reading = asyncio.Lock()
        self._wrong_codes: Rate[UserId] = Rate(self._clock, HOUR)

    async def refresh(self) -> None:
        """Take up whom the owners appointed before the program ended, or from a shell meanwhile.

        To be called before the first update, and again and again.
        """
        # Of two readings, the one that began first must not have the last word.
        async with self._reading:
            self._know(
                {standing.user_id: standing.role for standing in await self._store.people.list_staff()}
            )

    # -- the policy ----------------------------------------------------------------------------------

    @property
    def policy(self) -> AccessPolicy:
        """How people are received now."""
        access = self._live.now.access
        return AccessPolicy(access.mode, access.maintenance)

    @property
    def plans(self) -> tuple[str, ...]:
        """The plans that a newcomer can get."""
        return tuple(self._live.plans)

    @property
    def roles(self) -> Mapping[UserId, Role]:
        """Everybody who runs the bot, owners first."""
        owners = dict.fromkeys(sorted(self._accounts.owners), Role.OWNER)
        return owners | {user: role for user, role in self._roles.items() if user not in owners}

    async def standing(self, user_id: UserId) -> Standing:
        """How a person stands, with what the settings say of them."""
        kept = await self._store.people.get_standing(user_id)
        if self._roles.get(user_id) is not kept.role:
            self._know({**self._roles, user_id: kept.role})
        if user_id in self._accounts.owners:
            return replace(kept, role=Role.OWNER)
        if user_id in self._live.now.access.users and kept.admission is not Admission.DENIED:
            return replace(kept, admission=Admission.ALLOWED)
        return kept

    async def decide(
        self, user_id: UserId, chat_id: ChatId | None, level: AccessLevel
    ) -> tuple[AccessDecision, Standing]:
        """What the gate says to a person in a chat, and how they stand."""
        standing = await self.standing(user_id)
        if chat_id is not None and await self._is_open_group(chat_id):
            return decide_access(
                replace(self.policy, mode=AccessMode.PUBLIC), standing, level, self._clock.now()
            ), standing
        return decide_access(self.policy, standing, level, self._clock.now()), standing

    async def _is_open_group(self, chat_id: ChatId) -> bool:
        """Whether the settings let everybody in in a group, under its present id or one that it had."""
        groups = self._live.now.access.groups
        if not groups or chat_id in groups:
            return bool(groups)
        return not set(groups).isdisjoint(await self._store.chats.list_former_ids(chat_id))

    # -- strangers -----------------------------------------------------------------------------------

    async def asked(self, user_id: UserId) -> None:
        """The admins have been asked about a stranger."""
        await self._change(user_id, lambda standing: replace(standing, admission=Admission.ASKED))

    async def waiting(self, limit: int = 20) -> list[Person]:
        """Who has asked to be let in."""
        return [self._person(user) for user in await self._store.people.list_join_requests(limit)]

    async def person(self, user_id: UserId) -> Person:
        """Somebody by id; of whom nothing is known there is but the id."""
        user = await self._store.people.get(user_id)
        return self._unknown(user_id) if user is None else self._person(user)

    async def deciders(self) -> list[UserId]:
        """Whom a stranger's request is shown."""
        staff = [
            standing.user_id
            for standing in await self._store.people.list_staff()
            if standing.may(Permission.ADMIT)
        ]
        return sorted(self._accounts.owners | set(staff))

    async def admit(
        self, actor: UserId | None, user_id: UserId, plan: str | None, operation: str
    ) -> Person | None:
        """Let a person in, on a plan where one is named; None: they were in already.

        Raises:
            UserError: the actor may not, or nobody knows the person.

        """
        await self.require(actor, Permission.ADMIT)
        self._require_plan(plan)
        user = await self._accounts.find(str(user_id))
        before = await self._store.people.get_standing(user_id)
        if before.admission is Admission.ALLOWED:
            return None
        after = f"{Admission.ALLOWED} {plan or ''}".strip()
        audit = self._audit.row(operation, actor, "admit", str(user_id), before.admission, after)
        if plan is not None and plan != self._accounts.plan_of(user).name:
            await self._store.people.set_plan(user_id, plan, None)
        await self._change(user_id, lambda now: replace(now, admission=Admission.ALLOWED), audit)
        return await self.person(user_id)

    async def deny(self, actor: UserId | None, user_id: UserId, operation: str) -> bool:
        """Turn a person away for good, until somebody admits them; False: they were turned away already.

        Raises:
            UserError: the actor may not.

        """
        await self.require(actor, Permission.ADMIT)
        before = await self._store.people.get_standing(user_id)
        if before.admission is Admission.DENIED:
            return False
        audit = self._audit.row(operation, actor, "deny", str(user_id), before.admission, Admission.DENIED)
        await self._change(user_id, lambda now: replace(now, admission=Admission.DENIED), audit)
        return True

    async def move(self, actor: UserId | None, user_id: UserId, plan: str, operation: str) -> None:
        """Move a person to a plan for good.

        Raises:
            UserError: the actor may not, or there is no such plan.

        """
        await self.require(actor, Permission.CREDITS)
        self._require_plan(plan)
        before = await self.person(user_id)
        await self._store.people.set_plan(user_id, plan, None)
        await self._audit.note(operation, actor, "plan", str(user_id), before.plan, plan)

    # -- invite codes --------------------------------------------------------------------------------

    async def invite(
        self, actor: UserId | None, uses: int, days: int, plan: str | None, operation: str
    ) -> InviteCode:
        """Make a code that lets in `uses` people within `days`; the same operation makes one, however often it comes.

        Raises:
            UserError: the actor may not, a number is out of range, or there is no such plan.

        """
        await self.require(actor, Permission.ADMIT)
        if not 1 <= uses <= MOST_USES or not 1 <= days <= LONGEST_DAYS:
            raise UserError("error.invite.range", uses=MOST_USES, days=LONGEST_DAYS)
        self._require_plan(plan)
        now = self._clock.now()
        code = "".join(self._rng.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
        made = InviteCode(code, uses, 0, Millis(now + days * DAY), plan, actor, now)
        after = f"{uses} × {days} d {plan or ''}".strip()
        return await self._store.people.save_invite(
            made, self._audit.row(operation, actor, "invite", code, "", after)
        )

    async def invites(self, actor: UserId | None, limit: int = 20) -> list[InviteCode]:
        """The codes that have not ended.

        Raises:
            UserError: the actor may not see them.

        """
        await self.require(actor, Permission.ADMIT)
        return await self._store.people.list_invites(self._clock.now(), limit)

    async def revoke(self, actor: UserId | None, code: str, operation: str) -> bool:
        """End a code now; False: there is none that has not ended.

        Raises:
            UserError: the actor may not.

        """
        await self.require(actor, Permission.ADMIT)
        audit = self._audit.row(operation, actor, "revoke", code)
        return await self._store.people.revoke_invite(code, self._clock.now(), audit)

    async def redeem(self, user_id: UserId, code: str) -> InviteCode | None:
        """Let a person in by a code; None where it had let them in before.

        Raises:
            UserError: the code lets nobody in, or too many did not.

        """
        if seconds := self._wrong_codes.wait(user_id, WRONG_CODES):
            raise UserError("error.invite.too_many", minutes=-(-seconds // 60))
        try:
            return await self._store.people.redeem_invite(code.casefold()[:64], user_id, self._clock.now())
        except InviteRefused as refused:
            self._wrong_codes.count(user_id)
            raise UserError(f"error.invite.{refused.problem}") from None

    # -- bans and roles ------------------------------------------------------------------------------

    async def ban(self, actor: UserId | None, text: str, reason: str, operation: str) -> Person:
        """Let a person begin nothing any more; they are told the reason.

        Raises:
            UserError: the actor may not, nobody knows the person, or the person's role is not below the actor's.

        """
        return await self._set_ban(actor, text, reason.strip()[:LONGEST_REASON] or "–", "ban", operation)

    async def unban(self, actor: UserId | None, text: str, operation: str) -> Person:
        """Take a ban back.

        Raises:
            UserError: as `ban`.

        """
        return await self._set_ban(actor, text, None, "unban", operation)

    async def _set_ban(
        self, actor: UserId | None, text: str, reason: str | None, action: str, operation: str
    ) -> Person:
        user = await self._accounts.find(text)
        before = await self.standing(user.id)
        await self.require(actor, Permission.BAN)
        await self._require_rank(actor, before, user)
        audit = self._audit.row(operation, actor, action, str(user.id), before.ban or "", reason or "")
        await self._change(user.id, lambda now: replace(now, ban=reason), audit)
        return self._person(user)

    async def appoint(self, actor: UserId | None, text: str, role: Role | None, operation: str) -> Person:
        """Give a person a role, or (None) take it.

        Raises:
            UserError: the actor is no owner, nobody knows the person, or the person is an owner.

        """
        await self.require(actor, Permission.APPOINT)
        user = await self._accounts.find(text)
        before = await self.standing(user.id)
        await self._require_rank(actor, before, user)
        audit = self._audit.row(operation, actor, "role", str(user.id), before.role or "", role or "")
        await self._change(user.id, lambda now: replace(now, role=role), audit)
        await self.standing(user.id)
        return self._person(user)

    async def pause(self, user_id: UserId, until: Millis) -> None:
        """Let a person begin nothing until then."""
        await self._change(user_id, lambda now: replace(now, paused_until=until))
        log.info("a person has a break", user=user_id, until=until)

    async def forgive(self, actor: UserId | None, user_id: UserId, operation: str) -> None:
        """End a person's break.

        Raises:
            UserError: the actor may not.

        """
        await self.require(actor, Permission.BAN)
        before = await self._store.people.get_standing(user_id)
        audit = self._audit.row(operation, actor, "forgive", str(user_id), str(before.paused_until), "")
        await self._change(user_id, lambda now: replace(now, paused_until=Millis(0)), audit)
        log.info("a break was ended", user=user_id, by=actor)

    async def staff(self, actor: UserId | None) -> list[tuple[Person, Standing]]:
        """Everybody who runs the bot, owners first.

        Raises:
            UserError: the actor is not among them.

        """
        await self.require(actor, Permission.VIEW)
        owners = [Standing(owner, role=Role.OWNER) for owner in sorted(self._accounts.owners)]
        standings = [*owners, *await self._store.people.list_staff()]
        return [(await self.person(standing.user_id), standing) for standing in standings]

    async def set_reachable(self, user_id: UserId, reachable: bool) -> None:
        """Whether a person gets broadcasts."""
        await self._change(user_id, lambda now: replace(now, reachable=reachable))

    async def require(self, actor: UserId | None, permission: Permission) -> None:
        """Let only those pass whose role allows something, and a shell (None): its rights are those of the files.

        Raises:
            UserError: the person has no role, or one that does not allow it.

        """
        if actor is None:
            return
        standing = await self.standing(actor)
        if standing.role is None:
            raise UserError("error.admin.only")
        if standing.ban is not None or not standing.may(permission):
            raise UserError("error.access.not_your_role", role=standing.role)

    # -- in common -----------------------------------------------------------------------------------

    def _person(self, user: User) -> Person:
        accounts = self._accounts
        language, plan = accounts.language_of(user), accounts.plan_of(user).name
        return Person(
            user.id, readable_name(user.name, user.username, user.id), user.username, language, plan
        )

    def _unknown(self, user_id: UserId) -> Person:
        accounts = self._accounts
        return Person(user_id, str(user_id), None, accounts.language_of(None), accounts.plan_of(None).name)

    async def _change(
        self, user_id: UserId, change: Callable[[Standing], Standing], audit: AuditRow | None = None
    ) -> Standing:
        """Change a standing, again where somebody else was faster."""
        while True:
            before = await self._store.people.get_standing(user_id)
            try:
                return await self._store.people.set_standing(change(before), self._clock.now(), audit)
            except StandingChanged:
                continue

    async def _require_rank(self, actor: UserId | None, subject: Standing, user: User) -> None:
        if not outranks(None if actor is None else await self.standing(actor), subject):
            raise UserError("error.access.outranked", name=self._person(user).name)

    def _require_plan(self, plan: str | None) -> None:
        if plan is not None and plan not in self._live.plans:
            raise UserError("error.access.no_plan", plan=plan, plans=", ".join(self._live.plans))

    def _know(self, roles: Mapping[UserId, Role | None]) -> None:
        self._roles = {user_id: role for user_id, role in roles.items() if role is not None}
        admins = {user_id for user_id, role in self._roles.items() if role is Role.ADMIN}
        self._accounts.appoint(frozenset(admins))
