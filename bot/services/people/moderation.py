"""What people may not ask for: the operator's words, an optional service of theirs, and what providers refused.

Every refusal is kept with its reason, so that people can appeal; several within a day bring a break.
"""

import asyncio

import httpx
import structlog

from bot.clock import Clock
from bot.domain.outside import decoded, text_of, word_of
from bot.domain.people.access import Permission, Person
from bot.domain.people.moderation import Filter, Strike, StrikeSource
from bot.domain.requests.request import GenerationRequest
from bot.domain.tasks.task import FailureKind, TaskState
from bot.domain.types import HOUR, MINUTE, Millis, UserId
from bot.errors import UserError
from bot.services.people.access import Access
from bot.services.slots import waiting
from bot.settings import sections
from bot.store import Store

log = structlog.get_logger(__name__)

LOOKED_BACK = 2 * HOUR
"""Milliseconds of ended tasks that are looked through for refusals of providers."""

MOST_ENDED = 1_000
PROMPT_KEPT = 500
"""Characters of a refused prompt that are kept."""

REASON_KEPT = 200
"""Characters of what it was refused for."""

LARGEST_ANSWER = 100_000
LISTED = 10


class Moderation:
    """Looks at requests before anything is held, and at what providers refused afterwards."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        clock: Clock,
        settings: sections.Moderation,
        http: httpx.AsyncClient,
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._settings = settings
        self._filter = Filter(settings.words, settings.patterns)
        self._http = http

    async def check(self, user_id: UserId, request: GenerationRequest, operation: str) -> None:
        """Let pass what may be asked for; `operation` names the request, so that a replay is one refusal.

        Raises:
            UserError: it holds what is not allowed, or the service that should look at it gives no answer.

        """
        await self.check_words(user_id, _words(request), operation)

    async def check_words(self, user_id: UserId, words: str, operation: str) -> None:
        """The same for words that belong to no request: names and descriptions.

        Raises:
            UserError: see `check`.

        """
        rule = self._filter.find(words)
        if rule is not None:
            await self._refuse(user_id, StrikeSource.WORDS, rule, words, operation)
        if not self._settings.hook_url or not words:
            return
        try:
            async with waiting(), asyncio.timeout(self._settings.hook_timeout):
                reason = await self._ask(words)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # Neither the address nor the prompt is logged: the one is the operator's, the other a person's.
            log.warning("the moderation service gave no answer", kind=type(error).__name__)
            if self._settings.hook_fail == "closed":
                raise UserError("error.moderation.unavailable") from None
            return
        if reason is not None:
            await self._refuse(user_id, StrikeSource.HOOK, reason, words, operation)

    async def tick(self) -> None:
        """Count what providers have refused since the last look; a task counts once."""
        since = Millis(self._clock.now() - LOOKED_BACK)
        for task in await self._store.tasks.list_ended(since, [TaskState.FAILED], MOST_ENDED):
            if task.failure is FailureKind.CONTENT:
                words = _words(task.request)
                rule = task.provider or ""
                await self._strike(task.user_id, StrikeSource.PROVIDER, rule, words, f"task:{task.id}")

    async def strikes(self, actor: UserId, user_id: UserId | None) -> list[tuple[Strike, Person]]:
        """The newest refusals, of a person or (None) of all."""
        await self._access.require(actor, Permission.VIEW)
        found = await self._store.people.list_strikes(user_id, LISTED)
        return [(strike, await self._access.person(strike.user_id)) for strike in found]

    # -- in common -----------------------------------------------------------------------------------

    async def _refuse(
        self, user_id: UserId, source: StrikeSource, rule: str, words: str, operation: str
    ) -> None:
        await self._strike(user_id, source, rule, words, operation)
        raise UserError("error.moderation.refused")

    async def _strike(
        self, user_id: UserId, source: StrikeSource, rule: str, words: str, operation: str
    ) -> None:
        now = self._clock.now()
        strike = Strike(
            user_id, now, source, rule[:REASON_KEPT], words[:PROMPT_KEPT], f"{source}:{operation}"
        )
        if not await self._store.people.save_strike(strike):
            return
        log.info("refused for what it holds", user=user_id, source=source)
        window, pause = self._settings.window_hours * HOUR, self._settings.pause_minutes * MINUTE
        lately = await self._store.people.count_strikes(user_id, Millis(now - window))
        if lately >= self._settings.strikes:
            await self._access.set_timeout(user_id, Millis(now + pause))

    async def _ask(self, words: str) -> str | None:
        """The reason that the service gives against a text; None where it has nothing against it."""
        key = self._settings.hook_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        read = bytearray()
        asked = {"input": words}
        async with self._http.stream("POST", self._settings.hook_url, json=asked, headers=headers) as answer:
            answer.raise_for_status()
            async for chunk in answer.aiter_bytes():
                read += chunk
                if len(read) > LARGEST_ANSWER:
                    raise ValueError("the answer is too long")
        return read_verdict(bytes(read))


def read_verdict(answer: bytes) -> str | None:
    """Read `{"allowed": false, "reason": …}`, or what OpenAI's moderation endpoint answers; None: it is allowed.

    Raises:
        ValueError: the answer is of no known form.

    """
    body = decoded(answer)
    if isinstance(body, dict) and isinstance(body.get("allowed"), bool):
        return None if body["allowed"] else text_of(body.get("reason"))[:REASON_KEPT] or "refused"
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or not all(isinstance(entry, dict) for entry in results):
        raise ValueError("the answer is of no known form")
    for entry in results:
        if entry.get("flagged"):
            categories = entry.get("categories")
            named = categories.items() if isinstance(categories, dict) else ()
            return ", ".join(word_of(name) for name, flagged in named if flagged)[:REASON_KEPT] or "flagged"
    return None


def _words(request: GenerationRequest) -> str:
    """Everything in a request that a person wrote to be seen or heard."""
    speech = "" if request.speech is None else request.speech.text
    return "\n".join(
        part
        for part in (request.name, request.prompt, speech, *(shot.prompt for shot in request.shots))
        if part
    )
