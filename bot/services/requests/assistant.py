"""Better prompts from a language model that the operator named: asked for by a tap, shown beside the old one.

Any server that speaks the OpenAI form of /chat/completions will do. Nothing is ever changed unasked.
"""

import asyncio
from collections import OrderedDict, deque
from typing import Any

import httpx
import structlog

from bot.clock import Clock
from bot.domain.outside import decoded, text_of
from bot.domain.types import HOUR, Millis, UserId
from bot.errors import UserError
from bot.services.slots import waiting
from bot.settings import sections

log = structlog.get_logger(__name__)

TIMEOUT = 20.0
"""Seconds for one suggestion; a person looks at a spinner meanwhile."""

LARGEST_ANSWER = 100_000
"""Bytes that are read of an answer."""

REMEMBERED = 2_000
"""People whose newest requests are counted."""

LONGEST_SUGGESTION = 2_500
"""Characters: as many as every model takes."""

INSTRUCTIONS = (
    "You improve prompts for a text-to-video model. Keep the user's subject and intent, and answer in the "
    "language of the prompt. Add what makes a shot vivid where it is missing: what moves and how, the setting, "
    "the light, one camera move. At most 80 words, one paragraph, no quotation marks, no explanations, no "
    "options. Answer with the new prompt only."
)
OF_A_PHOTO = " The video begins with the user's photo, which you can't see: describe motion, not looks."


class Assistant:
    """Suggests prompts. Without an address it is not offered. The key goes to that address only."""

    def __init__(
        self,
        *,
        http: httpx.AsyncClient,
        settings: sections.Assistant,
        clock: Clock,
        longest_wait: float = TIMEOUT,
    ) -> None:
        self._http = http
        self._settings = settings
        self._clock = clock
        self._longest_wait = longest_wait
        self._asked: OrderedDict[UserId, deque[Millis]] = OrderedDict()

    @property
    def offered(self) -> bool:
        """Whether the operator configured one."""
        return bool(self._settings.base_url)

    async def improve(self, user_id: UserId, prompt: str, *, of_a_photo: bool = False) -> str:
        """Another prompt for the same thing.

        Raises:
            UserError: there is no assistant or nothing to improve, the person asked too often, or no usable
                answer came in time.

        """
        if not self.offered:
            raise UserError("error.assistant.off")
        if not prompt:
            raise UserError("error.request.needs_prompt")
        self._count(user_id)
        asked = {
            "model": self._settings.model,
            "messages": [
                {"role": "system", "content": INSTRUCTIONS + (OF_A_PHOTO if of_a_photo else "")},
                {"role": "user", "content": prompt},
            ],
        }
        try:
            async with waiting(), asyncio.timeout(self._longest_wait):
                suggestion = read_suggestion(await self._post(asked))
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            # Neither the address nor the answer is logged: the one is the operator's, the other a person's.
            log.warning("the assistant gave no answer", kind=type(error).__name__)
            raise UserError("error.assistant.failed") from None
        if suggestion.casefold() == prompt.casefold():
            raise UserError("error.assistant.nothing_better")
        return suggestion

    async def _post(self, body: dict[str, Any]) -> bytes:
        key = self._settings.key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self._settings.base_url}/chat/completions"
        async with self._http.stream("POST", url, json=body, headers=headers) as response:
            response.raise_for_status()
            read = bytearray()
            async for chunk in response.aiter_bytes():
                read += chunk
                if len(read) > LARGEST_ANSWER:
                    raise ValueError("the answer is too long")
        return bytes(read)

    def _count(self, user_id: UserId) -> None:
        """Count a request against the person's hour."""
        now = self._clock.now()
        asked = self._asked.setdefault(user_id, deque())
        self._asked.move_to_end(user_id)
        while len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        while asked and now - asked[0] >= HOUR:
            asked.popleft()
        if len(asked) >= self._settings.per_hour:
            raise UserError("error.assistant.too_often", limit=self._settings.per_hour)
        asked.append(now)


def read_suggestion(body: bytes) -> str:
    """The text of an answer, without the quotation marks that models like to add.

    Raises:
        ValueError: there is none, or it is longer than a prompt may be.

    """
    answer = decoded(body)
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise ValueError("the answer has another form") from None
    if not isinstance(text, str):
        raise ValueError("the answer holds no text")  # noqa: TRY004  a bad value from outside, as any other
    text = text_of(text)
    if len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("“", "”"), ("「", "」")}:
        text = text[1:-1].strip()
    if not 0 < len(text) <= LONGEST_SUGGESTION:
        raise ValueError("the answer is empty or too long")
    return text
