"""The stand-in as a whole: `app` serves the Bot API and the page; the methods are what people do, for tests."""

import io
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from bot.demo.telegram.acting import Acting, Place
from bot.demo.telegram.bot_api import BotApi
from bot.demo.telegram.bot_settings import BotSettings
from bot.demo.telegram.faults import ConnectionDropped, Fault, Garbled, Limits
from bot.demo.telegram.files import FileStore
from bot.demo.telegram.media import MediaMaker
from bot.demo.telegram.page_api import PageApi
from bot.demo.telegram.people import ADMIN_ID, BOT, GROUP_ID, default_chats, default_users
from bot.demo.telegram.reading import Reading
from bot.demo.telegram.stars import Stars
from bot.demo.telegram.state import Json, TelegramState
from bot.demo.telegram.webhook import WebhookSender
from bot.demo.telegram.wire import BotApiError, Call, Upload


class TelegramStandIn:
    """Telegram for one bot on loopback: three people, their private chats, and one group.

    Files are kept in `directory`; `now` gives Unix seconds. `check` is shown each call before it is answered.
    """

    def __init__(
        self,
        directory: Path,
        *,
        token: str,
        now: Callable[[], float] = time.time,
        check: Callable[[Call], None] | None = None,
    ) -> None:
        users, ids = default_users(), random.Random()
        self.state = TelegramState(
            token=token,
            bot=BOT,
            users=users,
            chats=default_chats(users, BOT),
            files=FileStore(directory, ids),
            now=now,
            random=ids,
            limits=Limits(now),
        )
        media = MediaMaker(self.state.files)
        self.settings = BotSettings(self.state)
        self._webhook = WebhookSender(self.state)
        self.acting = Acting(self.state, media)
        self.stars = Stars(self.state)
        api = BotApi(
            self.state, media, Reading(self.state, self._webhook), self.settings, self.stars, check=check
        )
        page = PageApi(self.state, self.acting, self.settings, self.stars)
        self.app = Starlette(routes=[*api.routes(), *page.routes()])

    async def close(self) -> None:
        """End every long poll, so that the server can stop."""
        self.state.updates.close()
        self.state.events.close()
        await self._webhook.close()

    @property
    def calls(self) -> list[tuple[str, Json]]:
        """Every call of the bot but getUpdates: the method, and its parameters without files."""
        return self.state.calls

    def refuse_next(
        self,
        method: str,
        error: BotApiError | ConnectionDropped | Garbled,
        *,
        times: int = 1,
        chat: int | None = None,
        done_first: bool = False,
    ) -> None:
        """Let the next calls of a method ("*": of any) fail; with `done_first` only their answers are lost."""
        self.state.faults.plan(Fault(method, error, times, chat, done_first))

    def answer_late(self, seconds: float, *methods: str) -> None:
        """Answer calls of some methods so many seconds after they have taken effect."""
        self.state.faults.late |= {method.lower(): seconds for method in methods}

    def be_older(self) -> None:
        """Put no files into texts and know no buttons that copy, as Bot API servers before 7.11."""
        self.state.faults.is_older = True

    def forbid(self, *kinds: str) -> None:
        """Let nobody but administrators send these kinds of messages to the group (see `RIGHTS`)."""
        self.state.chats[GROUP_ID].forbidden = set(kinds)

    def close_topic(self, thread: int | None = None) -> None:
        """Close a topic of the group; without one the part outside of them."""
        group = self.state.chats[GROUP_ID]
        if thread is None:
            group.is_general_closed = True
        else:
            group.closed_topics.add(thread)

    # -- what people do ------------------------------------------------------------------------------

    async def say(
        self,
        user: int,
        text: str,
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        quote: str = "",
        thread: int | None = None,
        date: int | None = None,
        reply_chat: int | None = None,
    ) -> Json:
        """A person writes a text; `reply_chat` is where the answered message stands, if in another chat."""
        return self.acting.write(user, text, Place(chat, reply_to, quote, thread, date, reply_chat))

    async def send_photo(
        self,
        user: int,
        data: bytes,
        caption: str = "",
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        group: str = "",
    ) -> Json:
        """A person sends a photo, with or without a caption."""
        place = Place(chat, reply_to, thread=thread)
        upload = _upload(data, "photo.jpg", "image/jpeg")
        return await self.acting.send_file(user, "photo", upload, caption, place, group)

    async def send_album(
        self, user: int, pictures: Sequence[bytes], caption: str = "", *, chat: int | None = None
    ) -> list[Json]:
        """A person sends several photos at once; the caption stands on the first."""
        group = self.state.opaque(7)
        return [
            await self.send_photo(user, data, caption if number == 0 else "", chat=chat, group=group)
            for number, data in enumerate(pictures)
        ]

    async def send_film(
        self, user: int, data: bytes, kind: str = "video", caption: str = "", *, chat: int | None = None
    ) -> Json:
        """A person sends a film as a `video`, an `animation`, a `video_note` or a `document`."""
        upload = _upload(data, "mine.mp4", "video/mp4")
        return await self.acting.send_file(user, kind, upload, caption, Place(chat))

    async def send_again(
        self, user: int, source: Json, caption: str = "", *, chat: int | None = None
    ) -> Json:
        """A person sends the file of a message as their own."""
        return self.acting.send_again(user, source["chat"]["id"], source["message_id"], caption, Place(chat))

    async def choose_inline(self, user: int, query: str, result: str, *, chat: int | None = None) -> Json:
        """A person sends a result of an inline query into a chat."""
        return await self.acting.choose_inline(user, query, result, Place(chat))

    async def forward(self, user: int, source: Json, *, chat: int | None = None) -> Json:
        """A person forwards a message, by default to their private chat with the bot."""
        return self.acting.forward(user, source["chat"]["id"], source["message_id"], Place(chat))

    async def send_document(
        self, user: int, data: bytes, name: str, mime: str, caption: str = "", *, chat: int | None = None
    ) -> Json:
        """A person sends a file."""
        upload = _upload(data, name, mime)
        return await self.acting.send_file(user, "document", upload, caption, Place(chat))

    async def send_voice(
        self, user: int, data: bytes, *, chat: int | None = None, reply_to: int | None = None
    ) -> Json:
        """A person sends a voice message."""
        upload = _upload(data, "voice.ogg", "audio/ogg")
        return await self.acting.send_file(user, "voice", upload, "", Place(chat, reply_to))

    async def press(self, user: int, chat: int, message_id: int, data: str) -> str:
        """A person presses a button; the id of the query that it makes."""
        return self.acting.press(user, chat, message_id, data)

    async def press_labelled(self, user: int, label: str, *, chat: int | None = None) -> str:
        """Press the newest button whose text begins with `label`."""
        place = chat if chat is not None else user
        for message in reversed(self.messages(place)):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["text"].startswith(label) and "callback_data" in button:
                        return await self.press(user, place, message["message_id"], button["callback_data"])
        raise ValueError(f"there is no button {label!r}")

    def open_topic(self, name: str) -> int:
        """The admin opens a topic in the group; its thread id."""
        return self.acting.open_topic(self.state.users[ADMIN_ID], self.state.chats[GROUP_ID], name)

    # -- what can be seen ----------------------------------------------------------------------------

    def messages(self, chat: int) -> list[Json]:
        """What stands in a chat, oldest first."""
        return [self.state.shown(message) for message in self.state.messages.get(chat, {}).values()]

    def replies(self, chat: int) -> list[Json]:
        """What the bot wrote in a chat."""
        return [message for message in self.messages(chat) if message["from"]["id"] == BOT.id]

    async def wait_for(self, predicate: Callable[[], Any], timeout_seconds: float = 20) -> Any:
        """Wait until something is so, looking at every change; its value.

        Raises:
            TimeoutError: it did not come to be so.

        """
        value = await self.state.events.until(predicate, seconds=timeout_seconds)
        if not value:
            raise TimeoutError
        return value

    async def wait_video(self, chat: int, count: int = 1, timeout_seconds: float = 40) -> list[Json]:
        """Wait until the bot has sent so many videos to a chat."""

        def videos() -> list[Json]:
            found = [message for message in self.replies(chat) if "video" in message]
            return found if len(found) >= count else []

        result: list[Json] = await self.wait_for(videos, timeout_seconds)
        return result

    async def wait_text(self, chat: int, words: str, timeout_seconds: float = 20) -> Json:
        """Wait for a message of the bot that holds these words."""

        def matching() -> Json | None:
            for message in reversed(self.replies(chat)):
                if words.lower() in (message.get("text") or message.get("caption") or "").lower():
                    return message
            return None

        result: Json = await self.wait_for(matching, timeout_seconds)
        return result

    async def wait_answer(self, query: str, timeout_seconds: float = 20) -> Json:
        """Wait until the bot answers a press: `text`, `show_alert` and `url`."""
        result: Json = await self.wait_for(lambda: self.state.callbacks[query].answer, timeout_seconds)
        return result


def _upload(data: bytes, name: str, mime: str) -> Upload:
    return Upload(name, mime, len(data), io.BytesIO(data))
