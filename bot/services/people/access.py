"""Who is let in, who runs the bot, and how it receives people: all of access but the texts.

What is decided here holds at once and after a restart; no file is edited. Every decision is in the audit log.
Whoever decides is the `actor`; None is a shell, which may do what an owner may.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from bot.clock import Clock
from bot.domain.people.access import (
    AccessDecision,
    AccessLevel,
    AccessMode,
    AccessPolicy,
    Admission,
    InviteCode,
    Membership,
    Permission,
    Person,
    Role,
    decide_access,
    readable_name,
)
from bot.domain.types import HOUR, ChatId, Millis, UserId
from bot.errors import UserError
from bot.services.live_settings import LiveSettings
from bot.services.people.accounts import Accounts
from bot.services.people.limits import Rate
from bot.store import InviteRefused, StandingChanged, Store, User

log = structlog.get_logger(__name__)

WRONG_CODES = 5
"""So many codes that let nobody in, and a person waits for an hour: codes cannot be guessed."""


class Access:
    """Decides who may go on, and changes how people stand."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        clock: Clock,
        live: LiveSettings,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
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
                {membership.user_id: membership.role for membership in await self._store.people.list_staff()}
            )

    # -- the policy ----------------------------------------------------------------------------------

    @property
    def policy(self) -> AccessPolicy:
        """How people are received now."""
        access = self._live.now.access
        return AccessPolicy(access.mode, access.maintenance)

    @property
    def roles(self) -> Mapping[UserId, Role]:
        """Everybody who runs the bot, owners first."""
        owners = dict.fromkeys(sorted(self._accounts.owners), Role.OWNER)
        return owners | {user: role for user, role in self._roles.items() if user not in owners}

    async def membership(self, user_id: UserId) -> Membership:
        """How a person stands, with what the settings say of them."""
        kept = await self._store.people.get_standing(user_id)
        if self._roles.get(user_id) is not kept.role:
            self._know({**self._roles, user_id: kept.role})
        return self.complete(kept)

    def complete(self, kept: Membership) -> Membership:
        """A standing of the store, with what the settings say of the person."""
        if kept.user_id in self._accounts.owners:
            return replace(kept, role=Role.OWNER)
        if kept.user_id in self._live.now.access.users and kept.admission is not Admission.DENIED:
            return replace(kept, admission=Admission.ALLOWED)
        return kept

    async def decide(
        self, user_id: UserId, chat_id: ChatId | None, level: AccessLevel
    ) -> tuple[AccessDecision, Membership]:
        """What the gate says to a person in a chat, and how they stand."""
        membership = await self.membership(user_id)
        if chat_id is not None and await self._is_open_group(chat_id):
            return decide_access(
                replace(self.policy, mode=AccessMode.PUBLIC), membership, level, self._clock.now()
            ), membership
        return decide_access(self.policy, membership, level, self._clock.now()), membership

    async def _is_open_group(self, chat_id: ChatId) -> bool:
        """Whether the settings let everybody in in a group, under its present id or one that it had."""
        groups = self._live.now.access.groups
        if not groups or chat_id in groups:
            return bool(groups)
        return not set(groups).isdisjoint(await self._store.chats.list_former_ids(chat_id))

    # -- strangers -----------------------------------------------------------------------------------

    async def mark_requested(self, user_id: UserId) -> None:
        """The admins have been asked about a stranger."""
        await self._change(user_id, lambda membership: replace(membership, admission=Admission.ASKED))

    async def list_join_requests(self, limit: int = 20) -> list[Person]:
        """Who has asked to be let in."""
        return [self._person(user) for user in await self._store.people.list_join_requests(limit)]

    async def person(self, user_id: UserId) -> Person:
        """Somebody by id; of whom nothing is known there is but the id."""
        user = await self._store.people.get(user_id)
        return self._unknown(user_id) if user is None else self._person(user)

    async def approvers(self) -> list[UserId]:
        """Whom a stranger's request is shown."""
        staff = [
            membership.user_id
            for membership in await self._store.people.list_staff()
            if membership.may(Permission.ADMIT)
        ]
        return sorted(self._accounts.owners | set(staff))

    # -- invite codes --------------------------------------------------------------------------------

    async def invites(self, limit: int = 20) -> list[InviteCode]:
        """The codes that have not ended."""
        return await self._store.people.list_invites(self._clock.now(), limit)

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

    # -- standings -----------------------------------------------------------------------------------

    async def set_timeout(self, user_id: UserId, until: Millis) -> None:
        """Let a person begin nothing until then."""
        await self._change(user_id, lambda now: replace(now, paused_until=until))
        log.info("a person has a break", user=user_id, until=until)

    async def staff(self) -> list[tuple[Person, Membership]]:
        """Everybody who runs the bot, owners first."""
        owners = [Membership(owner, role=Role.OWNER) for owner in sorted(self._accounts.owners)]
        standings = [*owners, *await self._store.people.list_staff()]
        return [(await self.person(membership.user_id), membership) for membership in standings]

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
        membership = await self.membership(actor)
        if membership.role is None:
            raise UserError("error.admin.only")
        if membership.ban is not None or not membership.may(permission):
            raise UserError("error.access.not_your_role", role=membership.role)

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

    async def _change(self, user_id: UserId, change: Callable[[Membership], Membership]) -> Membership:
        """Change a standing, again where somebody else was faster."""
        while True:
            before = await self._store.people.get_standing(user_id)
            try:
                return await self._store.people.set_standing(change(before), self._clock.now())
            except StandingChanged:
                continue

    def _know(self, roles: Mapping[UserId, Role | None]) -> None:
        self._roles = {user_id: role for user_id, role in roles.items() if role is not None}
        admins = {user_id for user_id, role in self._roles.items() if role is Role.ADMIN}
        self._accounts.cache_roles(frozenset(admins))
