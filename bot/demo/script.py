"""Scripted conversations for terminals and tests: who says what, and what has to come back.

One line each; `#` begins a comment:

    ada: /video a fox in the snow          somebody writes (ada, xiaolin, admin)
    ada photo sample: let it wink          somebody sends a photo, `sample` or a file, perhaps with a caption
    press Generate                         the last speaker presses a button that begins so
    wait video                             until a video has come to the last speaker
    wait text credits are back             until the bot says so
"""

import asyncio
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from PIL import Image, ImageDraw

from bot.demo.telegram import TelegramStandIn
from bot.demo.telegram.people import BOT

_POLL_SECONDS = 60.0
PEOPLE = {"ada": 1001, "xiaolin": 1002, "admin": 1000}
_LINE = re.compile(
    r"(?P<who>ada|xiaolin|admin)(?: photo (?P<photo>[^:]+?)(?:: ?(?P<caption>.*))?|: ?(?P<text>.*))",
    re.DOTALL,
)


class ScriptError(Exception):
    """A line cannot be read, or what it waits for did not come."""


def sample_picture() -> bytes:
    """A picture for scripts that bring none: a boat on the sea."""
    picture = Image.new("RGB", (960, 640), (132, 182, 221))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((690, 70, 800, 180), fill=(255, 236, 170))
    draw.rectangle((0, 400, 960, 640), fill=(38, 99, 143))
    draw.polygon([(330, 400), (630, 400), (570, 470), (390, 470)], fill=(122, 62, 42))
    draw.polygon([(480, 150), (480, 390), (350, 390)], fill=(250, 250, 245))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG")
    return buffer.getvalue()


async def run_script(
    lines: Sequence[str], telegram: TelegramStandIn, out: TextIO, step_seconds: float
) -> int:
    """Run a script and print the conversation; 0, or 1 where something did not come back."""
    printer = asyncio.create_task(_print_events(telegram, out))
    player = _Player(telegram, step_seconds)
    try:
        for number, line in enumerate(lines, 1):
            words = line.split("#", 1)[0].strip()
            if words:
                try:
                    await player.do(words)
                except (ScriptError, TimeoutError, OSError, ValueError) as error:
                    await asyncio.sleep(0)
                    out.write(
                        f"line {number}: {words}\n  failed: {str(error) or 'it did not come in time'}\n"
                    )
                    return 1
        return 0
    finally:
        await asyncio.sleep(0)
        printer.cancel()
        await asyncio.gather(printer, return_exceptions=True)
        out.flush()


class _Player:
    def __init__(self, telegram: TelegramStandIn, step_seconds: float) -> None:
        self._telegram = telegram
        self._seconds = step_seconds
        self._who = PEOPLE["ada"]
        self._videos: dict[int, int] = {}

    async def do(self, words: str) -> None:
        """Do what one line says."""
        if match := _LINE.fullmatch(words):
            self._who = PEOPLE[match["who"]]
            if match["photo"]:
                name = match["photo"].strip()
                data = (
                    sample_picture() if name == "sample" else await asyncio.to_thread(Path(name).read_bytes)
                )
                await self._telegram.send_photo(self._who, data, match["caption"] or "")
            else:
                await self._telegram.say(self._who, match["text"].replace("\\n", "\n"))
        elif words.startswith("press "):
            label = words.removeprefix("press ").strip()
            await self._telegram.wait_for(lambda: self._has_button(label), self._seconds)
            await self._telegram.press_labelled(self._who, label)
        elif words == "wait video":
            count = self._videos.get(self._who, 0) + 1
            await self._telegram.wait_video(self._who, count, self._seconds)
            self._videos[self._who] = count
        elif words.startswith("wait text "):
            await self._telegram.wait_text(self._who, words.removeprefix("wait text ").strip(), self._seconds)
        else:
            raise ScriptError("this line cannot be read")

    def _has_button(self, label: str) -> bool:
        return any(
            button["text"].startswith(label)
            for message in self._telegram.messages(self._who)
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
        )


async def _print_events(telegram: TelegramStandIn, out: TextIO) -> None:
    printed = 0
    while True:
        for event in await telegram.state.events.after(printed, seconds=_POLL_SECONDS):
            printed = event["number"]
            if event["kind"] in {"message", "edit"}:
                out.write(_transcript(event))
        out.flush()


def _transcript(event: dict[str, Any]) -> str:
    message = event["message"]
    who = "bot" if message["from"]["id"] == BOT.id else message["from"]["first_name"]
    parts = []
    if "photo" in message:
        largest = message["photo"][-1]
        parts.append(f"[photo {largest['width']}×{largest['height']}]")
    if "video" in message:
        video = message["video"]
        parts.append(
            f"[video {video['width']}×{video['height']}, {video['duration']} s, {video['file_size']} bytes]"
        )
    parts.append(message.get("text") or message.get("caption") or "")
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    parts += [f"[{button['text']}]" for row in rows for button in row]
    body = "\n    ".join(" ".join(part for part in parts if part).splitlines())
    return f"{who}{' (edited)' if event['kind'] == 'edit' else ''}: {body}\n"
