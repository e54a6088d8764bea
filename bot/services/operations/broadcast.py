"""Messages to many: written by an admin, sent slowly enough for Telegram, gone on with after a crash.

How far one is stands in the store after every person, so a crash repeats it to one person at most. Nobody
gets one who is banned, not let in, does not want any, or has no private chat with the bot.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from bot.clock import Clock
from bot.domain.operations.records import Broadcast, BroadcastContent, BroadcastLink, BroadcastState
from bot.domain.people.access import Permission
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis, UserId, to_millis
from bot.errors import UserError
from bot.services.people.access import Access
from bot.services.people.accounts import Accounts, Audit
from bot.services.ports import ChatBusy, ChatGone, ChatRefused, Job, Wake
from bot.store import Store

log = structlog.get_logger(__name__)

AT_A_TIME = 15
"""People in one tick of a second: half of what Telegram allows, for videos must go on."""

SHOWN_EVERY = Millis(3 * SECOND)
LONGEST = 3_500
LONGEST_CAPTION = 900
"""UTF-16 units of a text, as Telegram counts: room is left for the line that says how to get no more."""

MOST_LINKS = 3
LONGEST_TITLE = 40
LONGEST_ADDRESS = 1_024
"""Characters on a button, and of the address behind it."""

LATEST = Millis(366 * DAY)
"""How far ahead a broadcast is scheduled at most."""

_WAIT = re.compile(r"(?:in +)?(?:(\d{1,3}) ?d)? ?(?:(\d{1,3}) ?h)? ?(?:(\d{1,4}) ?m(?:in)?)?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ t]\d\d:\d\d", re.ASCII)
_LINK = re.compile(r"(?P<title>\S.*?)\s+[-–—]+\s+(?P<url>(?:[a-z][a-z+.]*://|t\.me/)\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BroadcastDraft:
    """A broadcast as it is shown to its author."""

    id: int
    contents: tuple[BroadcastContent, ...]
    plan: str | None
    language: str | None
    state: BroadcastState
    sent: int
    failed: int
    total: int
    is_tested: bool
    scheduled: Millis | None
    """When it is to be sent, where that is later than now."""


def read_content(text: str) -> BroadcastContent:
    """A text, whose last lines may be buttons: `Title - https://…`. The text is kept from its first character on.

    Raises:
        UserError: a button leads to no https address, or there are too many.

    """
    lines = text.rstrip().split("\n")
    links: list[BroadcastLink] = []
    while lines and (found := _LINK.fullmatch(lines[-1].strip())) is not None:
        links.insert(0, _read_link(found["title"], found["url"]))
        lines.pop()
    if len(links) > MOST_LINKS:
        raise UserError("error.broadcast.links", limit=MOST_LINKS)
    return BroadcastContent(text="\n".join(lines).rstrip(), links=tuple(links))


def read_start(text: str, now: Millis, zone: ZoneInfo) -> Millis:
    """When a broadcast is to be sent: `2026-12-01 09:00` in a time zone, or `in 2h`.

    Raises:
        UserError: it is neither, is past, or is more than a year ahead.

    """
    typed = unicodedata.normalize("NFKC", text).strip().lower()
    moment = now
    if (wait := _WAIT.fullmatch(typed)) is not None:
        days, hours, minutes = (int(number or 0) for number in wait.groups())
        moment = Millis(now + days * DAY + hours * HOUR + minutes * MINUTE)
    elif _MOMENT.fullmatch(typed):
        try:
            moment = to_millis(datetime.fromisoformat(typed).replace(tzinfo=zone))
        except ValueError:
            moment = now
    if not now < moment <= now + LATEST:
        raise UserError("error.broadcast.when")
    return moment


def _read_link(title: str, address: str) -> BroadcastLink:
    if len(title) > LONGEST_TITLE:
        raise UserError("error.broadcast.title", limit=LONGEST_TITLE)
    url = f"https://{address}" if address.lower().startswith("t.me/") else address
    try:
        parts = urlsplit(url)
        is_web = parts.scheme == "https" and "." in (parts.hostname or "") and parts.username is None
    except ValueError:
        is_web = False
    if not is_web or len(url) > LONGEST_ADDRESS:
        raise UserError("error.broadcast.address", title=title)
    return BroadcastLink(title=title, url=url)


class Letters(Protocol):
    """A chat as broadcasts see it. `write` may raise ChatBusy, ChatGone or ChatRefused."""

    async def write(self, user_id: UserId, language: str, content: BroadcastContent) -> None:
        """Send it to a person in private, with the line that says how to get no more."""
        ...

    async def show(self, author: UserId, message_id: int, language: str, letter: BroadcastDraft) -> None:
        """Show the author how far it is. Best effort."""
        ...


class Broadcasts:
    """Composes broadcasts, and says when one is to be sent. An `actor` of None is a shell."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        accounts: Accounts,
        audit: Audit,
        clock: Clock,
        wake: Wake,
    ) -> None:
        self._store = store
        self._access = access
        self._accounts = accounts
        self._audit = audit
        self._clock = clock
        self._wake = wake

    async def draft(self, actor: UserId | None, content: BroadcastContent) -> BroadcastDraft:
        """Keep what may be sent, to everybody unless it is narrowed.

        Raises:
            UserError: the text is too long, or there is nothing to send.

        """
        await self._access.require(actor, Permission.BROADCAST)
        _check(content)
        broadcast_id = await self._store.operations.add_broadcast(content, actor, self._clock.now())
        return await self._counted(await self._found(broadcast_id))

    async def add_version(
        self, actor: UserId | None, letter: int, language: str, content: BroadcastContent
    ) -> BroadcastDraft:
        """Give those who read a language a version of their own, instead of an earlier one; it is to be tested again.

        Raises:
            UserError: the text is too long, there is nothing to send, or it is no draft any more.

        """
        await self._access.require(actor, Permission.BROADCAST)
        _check(content)
        found = await self._found(letter)
        first, *others = found.contents
        version = content.model_copy(update={"language": language})
        versions = (first, *(other for other in others if other.language != language), version)
        return await self._change_draft(replace(found, versions=versions, tested=False))

    async def note_test(self, actor: UserId | None, tested: BroadcastDraft) -> BroadcastDraft:
        """Note that an admin was sent a draft as they see it, so that it may be sent to the others.

        Raises:
            UserError: it was changed since, or is no draft any more.

        """
        await self._access.require(actor, Permission.BROADCAST)
        found = await self._found(tested.id)
        if found.contents != tested.contents:
            raise UserError("error.button.stale")
        return await self._change_draft(replace(found, tested=True))

    async def narrow(
        self, actor: UserId | None, letter: int, plan: str | None, language: str | None
    ) -> BroadcastDraft:
        """Say to whom a draft goes.

        Raises:
            UserError: it is no draft any more.

        """
        await self._access.require(actor, Permission.BROADCAST)
        return await self._change_draft(replace(await self._found(letter), plan=plan, language=language))

    async def letter(self, actor: UserId | None, letter: int) -> BroadcastDraft:
        """How far a broadcast is; of a draft, how many people it would go to.

        Raises:
            UserError: there is none.

        """
        await self._access.require(actor, Permission.BROADCAST)
        found = await self._found(letter)
        return await self._counted(found) if found.state is BroadcastState.DRAFT else self._letter(found)

    async def scheduled(self, actor: UserId | None) -> Sequence[BroadcastDraft]:
        """What is to be sent later, the next one first."""
        await self._access.require(actor, Permission.BROADCAST)
        letters = [self._letter(found) for found in await self._store.operations.list_sending_broadcasts()]
        return [letter for letter in letters if letter.scheduled is not None]

    async def send(
        self,
        actor: UserId | None,
        letter: int,
        message_id: int | None,
        operation: str,
        starts_at: Millis | None = None,
    ) -> BroadcastDraft:
        """Begin to send a draft, or do so at a later moment.

        `message_id` is the author's message that shows how far it is, if there is one.

        What a chat sends was tested before; a shell has nobody to send a test to.

        Raises:
            UserError: it was not tested, or is no draft any more.

        """
        await self._access.require(actor, Permission.BROADCAST)
        found = await self._found(letter)
        if actor is not None and found.state is BroadcastState.DRAFT and not found.tested:
            raise UserError("error.broadcast.untested")
        total = await self._count(found)
        started = replace(
            found,
            state=BroadcastState.SENDING,
            total=total,
            message_id=message_id,
            created_by=actor,
            starts_at=starts_at or Millis(0),
        )
        if not await self._store.operations.update_broadcast(started, BroadcastState.DRAFT):
            raise UserError("error.button.stale")
        after = f"{total} · {found.plan or '*'} · {found.language or '*'} · {found.text[:200]}"
        await self._audit.record(operation, actor, "broadcast", f"broadcast {letter}", "", after)
        self._wake(Job.BROADCAST)
        return self._letter(started)

    async def stop(self, actor: UserId | None, letter: int, operation: str) -> BroadcastDraft:
        """Send a broadcast to nobody any more.

        Raises:
            UserError: it is not being sent.

        """
        await self._access.require(actor, Permission.BROADCAST)
        while True:
            found = await self._found(letter)
            stopped = replace(found, state=BroadcastState.STOPPED)
            if found.state not in {BroadcastState.DRAFT, BroadcastState.SENDING}:
                raise UserError("error.button.stale")
            if await self._store.operations.update_broadcast(stopped, found.state):
                break
        await self._audit.record(
            operation, actor, "broadcast-stop", f"broadcast {letter}", found.state, str(found.sent)
        )
        return self._letter(stopped)

    # -- in common -----------------------------------------------------------------------------------

    async def _change_draft(self, changed: Broadcast) -> BroadcastDraft:
        if not await self._store.operations.update_broadcast(changed, BroadcastState.DRAFT):
            raise UserError("error.button.stale")
        return await self._counted(changed)

    async def _found(self, broadcast_id: int) -> Broadcast:
        found = await self._store.operations.get_broadcast(broadcast_id)
        if found is None:
            raise UserError("error.button.stale")
        return found

    async def _count(self, broadcast: Broadcast) -> int:
        return await self._store.people.count_audience(
            broadcast, self._accounts.default_plan, self._clock.now()
        )

    async def _counted(self, broadcast: Broadcast) -> BroadcastDraft:
        return replace(self._letter(broadcast), total=await self._count(broadcast))

    def _letter(self, broadcast: Broadcast) -> BroadcastDraft:
        return _letter(broadcast, self._clock.now())


class BroadcastSending:
    """Sends the broadcast whose turn it is, a few people at a time."""

    def __init__(
        self, *, store: Store, access: Access, accounts: Accounts, letters: Letters, clock: Clock
    ) -> None:
        self._store = store
        self._access = access
        self._accounts = accounts
        self._letters = letters
        self._clock = clock
        self._not_before = Millis(0)
        self._shown_at = Millis(0)

    async def tick(self) -> None:
        """Send to the next few people."""
        now = self._clock.now()
        if now < self._not_before:
            return
        broadcast = await self._store.operations.get_due_broadcast(now)
        if broadcast is None:
            return
        plan = self._accounts.default_plan
        if broadcast.starts_at and not broadcast.reached:
            # Others may have come since it was scheduled.
            total = await self._store.people.count_audience(broadcast, plan, now)
            broadcast = replace(broadcast, total=total)
        people = await self._store.people.list_audience(broadcast, plan, now, AT_A_TIME)
        for person in people:
            try:
                language = self._accounts.language_of(person)
                await self._letters.write(person.id, language, broadcast.content_for(language))
                broadcast = replace(broadcast, reached=person.id, sent=broadcast.sent + 1)
                if person.chat_open is None:
                    await self._store.people.set_chat_open(person.id, True, self._clock.now())
            except ChatBusy as busy:
                self._not_before = Millis(now + busy.retry_after)
                return
            except (ChatGone, ChatRefused):
                broadcast = replace(broadcast, reached=person.id, failed=broadcast.failed + 1)
            if not await self._store.operations.update_broadcast(broadcast, BroadcastState.SENDING):
                return
        if len(people) < AT_A_TIME:
            broadcast = replace(broadcast, state=BroadcastState.DONE)
            if not await self._store.operations.update_broadcast(broadcast, BroadcastState.SENDING):
                return
            log.info("broadcast done", broadcast=broadcast.id, sent=broadcast.sent, failed=broadcast.failed)
        await self._show(broadcast, now)

    async def _show(self, broadcast: Broadcast, now: Millis) -> None:
        done = broadcast.state is BroadcastState.DONE
        author_id = broadcast.created_by
        if (
            author_id is None
            or broadcast.message_id is None
            or (not done and now - self._shown_at < SHOWN_EVERY)
        ):
            return
        self._shown_at = now
        author = await self._access.person(author_id)
        await self._letters.show(author.id, broadcast.message_id, author.language, _letter(broadcast, now))


def _letter(broadcast: Broadcast, now: Millis) -> BroadcastDraft:
    is_later = broadcast.state is BroadcastState.SENDING and broadcast.starts_at > now
    return BroadcastDraft(
        broadcast.id,
        broadcast.contents,
        broadcast.plan,
        broadcast.language,
        broadcast.state,
        broadcast.sent,
        broadcast.failed,
        broadcast.total,
        broadcast.tested,
        broadcast.starts_at if is_later else None,
    )


def _check(content: BroadcastContent) -> None:
    """Refuse what Telegram would not take, or what says nothing. Raises UserError."""
    length = len(content.text.encode("utf-16-le", errors="replace")) // 2
    if content.media is not None:
        if length > LONGEST_CAPTION:
            raise UserError("error.broadcast.caption", limit=LONGEST_CAPTION)
    elif not content.text.strip() or length > LONGEST:
        raise UserError("error.broadcast.length", limit=LONGEST)
