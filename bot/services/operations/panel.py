"""What admins see of people, and the audit log; who may look is declared with the commands and buttons that ask."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.operations.records import AuditRow
from bot.domain.people.access import Membership, Person
from bot.domain.tasks.task import ACTIVE_STATES, LedgerRow, Task
from bot.domain.types import UserId
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
    membership: Membership
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

    async def people(self, words: str, page: int, limit: int = PEOPLE_ON_A_PAGE) -> list[Person]:
        """People by id, @name or words of their names, those seen last first; one more than a page holds."""
        if words.strip().lstrip("@").isdigit():
            found = await self._store.people.find(words)
            return [] if found is None or page else [await self._access.person(found.id)]
        users = await self._store.people.search(words, page * limit, limit + 1)
        return [await self._access.person(user.id) for user in users]

    async def card(self, user_id: UserId) -> PersonCard:
        """One person."""
        return PersonCard(
            await self._access.person(user_id),
            await self._access.membership(user_id),
            await self._accounts.balance(user_id),
            await self._store.tasks.list_of(user_id, sorted(ACTIVE_STATES)),
            await self._accounts.ledger(user_id, RECENT),
        )

    # -- the log -------------------------------------------------------------------------------------

    async def audit(self, subject: str | None, page: int) -> list[AuditRow]:
        """What was done, newest first, of one person or task or of all; one row more than a page holds."""
        return await self._audit.rows(subject, page * AUDIT_ON_A_PAGE, AUDIT_ON_A_PAGE + 1)
