"""Let a row happen to the bot in this process, and see what came of it."""

import io
import json
import re
from collections.abc import Iterator
from functools import cache, partial
from itertools import chain, repeat
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from bot.i18n import read_catalogue
from tests.answers.rows import CHARGED, FILE, FREE, NOTHING, OURS, TASK, VIDEO, Outcome, Row
from tests.world.bot import BotInProcess
from tests.world.kling import a_film
from tests.world.telegram import ADA

PRICE = 15
PLACE = "/files/of-an-answer.mp4"
ADVICE = "notice.advice."
"""How the keys of the texts begin that say what a refusal was about."""

SURE = 10
"""Characters without a value in them by which a text is known."""


class Answers:
    """What the front before the provider answers, one after the other."""

    def __init__(self, bot: BotInProcess, row: Row) -> None:
        self._bot = bot
        first = [(row.status, row.body)]
        self._left: Iterator[tuple[int, Any]] = chain(first * row.times if row.times else repeat(first[0]))
        if row.times is not None:
            self._left = chain(self._left, row.then)
        elif row.then:
            raise ValueError("what is always answered has nothing after it")

    def plan(self, row: Row) -> None:
        """Let the front answer so."""
        front = self._bot.to_kling
        if row.times is None:
            front.always(row.moment, self.answer)
        else:
            front.answer(row.moment, *([self.answer] * (row.times + len(row.then))))
        if row.looks is not None:
            front.always("query", partial(self.say, 200, row.looks))

    async def answer(self, request: Request) -> Response:
        return await self.say(*next(self._left), request)

    async def say(self, status: int, body: Any, request: Request) -> Response:
        """Answer a request so."""
        kind = "application/json" if isinstance(body, (dict, list)) else "text/html"
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        if isinstance(text, str):
            text = self._filled(text, request).encode()
        return Response(text, status, media_type=kind)

    def _filled(self, text: str, request: Request) -> str:
        rows = self._bot.rows("SELECT external_task_id FROM tasks ORDER BY created_at DESC LIMIT 1")
        task = request.query_params.get("task_ids") or request.url.path.rpartition("/")[2]
        return (
            text.replace(TASK, task if request.method == "GET" else "task_1")
            .replace(FILE, self._bot.kling_url + PLACE)
            .replace(OURS, rows[0][0] if rows else "")
        )


async def try_out(bot: BotInProcess, row: Row) -> Outcome:
    """Let a person ask for a video and the provider answer as the row says; what came of it.

    Raises:
        TimeoutError: the task did not end in time.

    """
    key = "sk-demo-generic" if row.dialect in {"generic", "prefixed", "omnimaas", "flat"} else None
    bot.configure(**{"dialect": row.dialect, **({"key": key} if key else {}), **dict(row.settings)})
    bot.kling.behaviour.render_seconds = 2
    if row.moment != "file":
        bot.to_kling.always("file", _film_or_own(bot))
    Answers(bot, row).plan(row)
    await bot.start()
    if row.photo:
        await bot.telegram.send_photo(ADA, _large_photo(), "/video a fox")
    else:
        await bot.telegram.say(ADA, "/video a fox")
    await bot.wait_for(lambda: bot.rows("SELECT 1 FROM tasks"), 10)
    await bot.telegram.wait_for(lambda: _is_over(bot), row.seconds)
    if row.lasts:
        await bot.until(lambda: None, row.lasts)
    return _outcome(bot)


@cache
def _large_photo() -> bytes:
    """A photo with so much noise that a smaller one takes far fewer bytes."""
    buffer = io.BytesIO()
    Image.effect_noise((1500, 1000), 40).convert("RGB").save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _film_or_own(bot: BotInProcess) -> Any:
    async def answer(request: Request) -> Response:
        if request.url.path == PLACE:
            return Response(a_film(1280, 720, 5), media_type="video/mp4")
        file = bot.directory / "kling" / request.url.path.rpartition("/")[2]
        return Response(file.read_bytes() if file.is_file() else a_film(1280, 720, 5), media_type="video/mp4")

    return answer


def _is_over(bot: BotInProcess) -> bool:
    waiting = """
        SELECT 1 FROM tasks WHERE state NOT IN ('succeeded', 'failed', 'cancelled', 'expired')
        UNION ALL SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')
    """
    return not bot.rows(waiting)


def _outcome(bot: BotInProcess) -> Outcome:
    replies = bot.telegram.replies(ADA)
    videos = sum("video" in reply for reply in replies)
    said = next((key for reply in reversed(replies) if (key := _key(str(reply.get("text"))))), NOTHING)
    person = said if not videos else VIDEO if videos == 1 else f"gets {videos} videos"
    told = dict.fromkeys(str(event["alert"]) for event in bot.events("operators are told"))
    booked = bot.balance(ADA)
    ledger = {(-PRICE, 0): CHARGED, (0, 0): FREE}.get(booked, f"{-booked[0]} charged, {booked[1]} held")
    return Outcome(person, ", ".join(told) or NOTHING, ledger)


def _key(text: str) -> str | None:
    """The key of the text about an end that a message begins with, or of the advice in it."""
    begins: list[tuple[int, str]] = []
    for key, forms in read_catalogue("en").texts.items():
        for fixed in [form.partition("{")[0].strip() for form in forms if key.startswith("notice.")]:
            if key.startswith(ADVICE) and fixed and fixed in text:
                return key
            if len(fixed) > SURE and text.startswith(fixed):
                begins.append((len(fixed), key))
        begins += [
            (len(form), key) for form in forms if key.startswith("notice.delivery.") and _fits(form, text)
        ]
    return max(begins)[1] if begins else None


def _fits(form: str, text: str) -> bool:
    """Whether a message is a text with something in place of its parameters."""
    return re.fullmatch(".*".join(map(re.escape, re.split(r"\{\w+\}", form))), text, re.DOTALL) is not None
