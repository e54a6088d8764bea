"""Sends the notices of admin actions, those of a shell included: a shell has no chat."""

from contextlib import suppress
from datetime import datetime

import structlog

from bot.clock import Clock
from bot.domain.operations.records import PersonNotice
from bot.domain.types import MINUTE, Millis
from bot.i18n import for_language
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts
from bot.services.ports import ChatBusy, ChatError, ChatUnsure, Notices
from bot.store import Store
from bot.store.notices import DueNotice

log = structlog.get_logger(__name__)

AT_A_TIME = 20
MOST_ATTEMPTS = 3
"""So often a notice is sent at most while it is unknown whether it arrived."""

LEASE = Millis(MINUTE)


class NoticeSending:
    """Sends what is due. The person has what the notice tells of even if it does not arrive."""

    def __init__(
        self, *, store: Store, access: Access, accounts: Accounts, notices: Notices, clock: Clock
    ) -> None:
        self._store = store
        self._access = access
        self._accounts = accounts
        self._notices = notices
        self._clock = clock

    async def tick(self) -> None:
        """Send the next few notices."""
        for _ in range(AT_A_TIME):
            # One by one: what fails unexpectedly costs no other notice an attempt.
            claimed = await self._store.notices.claim(self._clock.now(), LEASE, 1)
            if not claimed:
                return
            await self._try(claimed[0])

    async def _try(self, due: DueNotice) -> None:
        notice = due.notice
        try:
            if due.attempts <= MOST_ATTEMPTS:
                await self._send(notice)
        except ChatUnsure:
            # Perhaps it arrived: it is due again when its lease ends.
            return
        except ChatBusy as busy:
            await self._store.notices.postpone(due.id, Millis(self._clock.now() + busy.retry_after))
            return
        except ChatError as error:
            log.info("a person could not be told", user=notice.user_id, kind=type(error).__name__)
            await self._report(notice)
        await self._store.notices.end(due.id)

    async def _report(self, notice: PersonNotice) -> None:
        """Tell the sender that it did not arrive. Best effort."""
        if notice.sender is None:
            return
        language = (await self._access.person(notice.sender)).language
        name = (await self._access.person(notice.user_id)).name
        with suppress(ChatError):
            await self._notices.alert(notice.sender, language, "panel.message_lost", name=name)

    async def _send(self, notice: PersonNotice) -> None:
        person = await self._access.person(notice.user_id)
        texts, params = for_language(person.language), dict[str, object](notice.params)
        if "moment" in notice.params:
            now = datetime.fromtimestamp(self._clock.now() / 1000, self._accounts.zone)
            params["moment"] = texts.moment(int(notice.params["moment"]), now)
        if "role" in notice.params:
            params["role"] = texts(f"role.{notice.params['role']}")
        if "credits" in notice.params:
            params["available"] = (await self._accounts.balance(person.id)).available
        await self._notices.alert(person.id, person.language, notice.key, **params)
