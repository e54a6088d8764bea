"""What those who run the bot see of people, and what they do about them. Every deed is checked and noted.

Whoever does it is the `actor`; None is a shell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.operations.records import AuditRow
from bot.domain.people.access import Permission, Person, Standing
from bot.domain.tasks.task import ACTIVE_STATES, LedgerRow, Task
from bot.domain.units import AccountId, UserId
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts, Audit
from bot.services.ports import Balance
from bot.store import Store

PEOPLE_ON_A_PAGE = 8
AUDIT_ON_A_PAGE = 10
RECENT = 5


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Everything about one person."""

    person: Person
    standing: Standing
    balance: Balance
    running: Sequence[Task]
    ledger: Sequence[LedgerRow]


class AdminPanel:
    """The panel's service; `/admin` and the shell ask the same one."""

    def __init__(self, *, store: Store, access: Access, accounts: Accounts, audit: Audit) -> None:
        self._store = store
        self._access = access
        self._accounts = accounts
        self._audit = audit

    # -- people --------------------------------------------------------------------------------------

    async def people(
        self, actor: UserId | None, words: str, page: int, limit: int = PEOPLE_ON_A_PAGE
    ) -> list[Person]:
        """People by id, @name or words of their names, those seen last first; one more than a page holds.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.VIEW)
        if words.strip().lstrip("@").isdigit():
            found = await self._store.people.find(words)
            return [] if found is None or page else [await self._access.person(found.id)]
        users = await self._store.people.search(words, page * limit, limit + 1)
        return [await self._access.person(user.id) for user in users]

    async def card(self, actor: UserId | None, user_id: UserId) -> PersonCard:
        """One person.

        Raises:
            UserError: the actor may not look.

        """
        await self._access.require(actor, Permission.VIEW)
        return PersonCard(
            await self._access.person(user_id),
            await self._access.standing(user_id),
            await self._accounts.balance(user_id),
            await self._store.tasks.list_of(user_id, sorted(ACTIVE_STATES)),
            await self._accounts.ledger(user_id, RECENT),
        )

    async def grant(
        self,
        actor: UserId | None,
        user_id: UserId,
        credits: int,
        operation: str,
        note: str = "",
        until: str | None = None,
    ) -> bool:
        """Give a person credits, or take some of those that were given; False: the operation was booked before.

        Raises:
            UserError: the actor may not, nobody knows the person, the number is out of range, or `until` is no day.

        """
        await self._access.require(actor, Permission.CREDITS)
        user = await self._accounts.find(str(user_id))
        before = await self._accounts.balance(user.id)
        booked = await self._accounts.give(
            actor, AccountId.of_person(user.id), credits, operation, note, until
        )
        await self.granted(actor, user.id, before.granted, credits, operation)
        return booked

    async def granted(
        self, actor: UserId | None, user_id: UserId, before: int, credits: int, operation: str
    ) -> None:
        """Note a grant that has been booked."""
        after = f"{before + credits} ({credits:+d})"
        await self._audit.note(operation, actor, "grant", str(user_id), str(before), after)

    async def wrote(self, actor: UserId | None, user_id: UserId, text: str, operation: str) -> None:
        """Note that a message is written to a person; to be called before it is sent.

        Raises:
            UserError: the actor may not.

        """
        await self._access.require(actor, Permission.MESSAGE)
        await self._audit.note(operation, actor, "message", str(user_id), "", text[:200])

    # -- the log -------------------------------------------------------------------------------------

    async def audit(self, actor: UserId | None, subject: str | None, page: int) -> list[AuditRow]:
        """What was done, newest first, of one person or task or of all; one row more than a page holds.

        Raises:
            UserError: the actor may not read it.

        """
        await self._access.require(actor, Permission.AUDIT)
        return await self._audit.rows(subject, page * AUDIT_ON_A_PAGE, AUDIT_ON_A_PAGE + 1)
