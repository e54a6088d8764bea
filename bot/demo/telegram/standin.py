"""The stand-in as a whole: people who act, the Bot API for the bot, and the page's own API."""

import asyncio
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.demo.telegram.markup import command_entities
from bot.demo.telegram.methods import Methods, Refused
from bot.demo.telegram.state import BOT, GROUP, PEOPLE, Json, State

PAGE = Path(__file__).parent.parent / "page"
PAGE_FILES = {"": "index.html", "app.js": "app.js", "style.css": "style.css"}


class TelegramStandIn:
    """`app` serves everything; the coroutines are what people do, for tests and scripts."""

    def __init__(self, directory: Path, *, token: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.state = State(directory)
        self.calls: list[tuple[str, Json]] = []
        self.refuse_next: list[tuple[str, Refused]] = []
        self._token = token
        self._methods = Methods(self.state)
        self.app = Starlette(
            routes=[
                Route("/bot{token}/{method}", self._bot_api, methods=["GET", "POST"]),
                Route("/file/bot{token}/files/{file_id}", self._bot_file),
                Route("/demo/api/world", self._world),
                Route("/demo/api/messages", self._messages),
                Route("/demo/api/events", self._events),
                Route("/demo/api/menu", self._menu),
                Route("/demo/api/send", self._send, methods=["POST"]),
                Route("/demo/api/press", self._press, methods=["POST"]),
                Route("/demo/api/edit", self._edit, methods=["POST"]),
                Route("/demo/api/block", self._block, methods=["POST"]),
                Route("/demo/file/{file_id}", self._page_file),
                Route("/{name:path}", self._page),
            ]
        )

    async def close(self) -> None:
        """End every long poll, so that the server can stop."""
        await self.state.close()

    # -- what people do ------------------------------------------------------------------------------

    async def say(
        self,
        user: int,
        text: str,
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        date: int | None = None,
    ) -> Json:
        """A person writes a text."""
        content: Json = {"text": text, "entities": command_entities(text)}
        return await self._from_person(user, chat, content, reply_to, thread, date)

    async def send_photo(
        self,
        user: int,
        data: bytes,
        caption: str = "",
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        group: str | None = None,
    ) -> Json:
        """A person sends a photo, with or without a caption."""
        content: Json = {"photo": self.state.photo(data)}
        if caption:
            content |= {"caption": caption, "caption_entities": command_entities(caption)}
        if group is not None:
            content["media_group_id"] = group
        return await self._from_person(user, chat, content, reply_to)

    async def send_album(
        self, user: int, pictures: Sequence[bytes], caption: str = "", *, chat: int | None = None
    ) -> list[Json]:
        """A person sends several photos at once; the caption stands on the first."""
        group = secrets.token_hex(6)
        return [
            await self.send_photo(user, data, caption if number == 0 else "", chat=chat, group=group)
            for number, data in enumerate(pictures)
        ]

    async def send_document(
        self, user: int, data: bytes, name: str, mime: str, caption: str = "", *, chat: int | None = None
    ) -> Json:
        """A person sends a file."""
        stored = self.state.keep(data, mime, name)
        content: Json = {"document": self.state.file_json(stored, file_name=name, mime_type=mime)}
        if caption:
            content |= {"caption": caption, "caption_entities": command_entities(caption)}
        return await self._from_person(user, chat, content)

    async def press(self, user: int, chat: int, message_id: int, data: str) -> str:
        """A person presses a button; the id of the query that it makes."""
        message = self.state.messages.get((chat, message_id))
        if message is None:
            raise ValueError("the message is gone")
        query = secrets.token_hex(8)
        content = {
            "id": query,
            "from": PEOPLE[user],
            "message": message,
            "chat_instance": str(chat),
            "data": data,
        }
        await self.state.update("callback_query", content)
        return query

    async def press_labelled(self, user: int, label: str, *, chat: int | None = None) -> str:
        """Press the newest button whose text begins with `label`."""
        place = chat if chat is not None else user
        for message in reversed(self.messages(place)):
            for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                for button in row:
                    if button["text"].startswith(label) and "callback_data" in button:
                        return await self.press(user, place, message["message_id"], button["callback_data"])
        raise ValueError(f"there is no button {label!r}")

    def messages(self, chat: int) -> list[Json]:
        """What stands in a chat, oldest first."""
        return [message for (place, _), message in sorted(self.state.messages.items()) if place == chat]

    def replies(self, chat: int) -> list[Json]:
        """What the bot wrote in a chat."""
        return [message for message in self.messages(chat) if message["from"]["id"] == BOT["id"]]

    async def wait_for(self, predicate: Callable[[], Any], timeout_seconds: float = 20) -> Any:
        """Wait until something is so, looking at every change; its value.

        Raises:
            TimeoutError: it did not come to be so.

        """
        async with asyncio.timeout(timeout_seconds), self.state.changed:
            return await self.state.changed.wait_for(predicate)

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
        """Wait until the bot answers a press."""

        def answer() -> Json | None:
            return next(
                (
                    event
                    for event in self.state.events
                    if event["kind"] == "answer" and event["query"] == query
                ),
                None,
            )

        result: Json = await self.wait_for(answer, timeout_seconds)
        return result

    async def _from_person(
        self,
        user: int,
        chat: int | None,
        content: Json,
        reply_to: int | None = None,
        thread: int | None = None,
        date: int | None = None,
    ) -> Json:
        place = chat if chat is not None else user
        if reply_to is not None and (replied := self.state.messages.get((place, reply_to))) is not None:
            content["reply_to_message"] = {
                name: value for name, value in replied.items() if name != "reply_to_message"
            }
        if thread is not None:
            content |= {"message_thread_id": thread, "is_topic_message": True}
        if date is not None:
            content["date"] = date
        if not content.get("entities", True):
            del content["entities"]
        if not content.get("caption_entities", True):
            del content["caption_entities"]
        message = await self.state.add(place, PEOPLE[user], content)
        if place != GROUP["id"] or self._reaches_bot(message):
            await self.state.update("message", message)
        return message

    @staticmethod
    def _reaches_bot(message: Json) -> bool:
        """In a group with privacy mode a bot sees commands, replies to it, and mentions."""
        text = message.get("text") or message.get("caption") or ""
        replied = message.get("reply_to_message", {}).get("from", {}).get("id")
        return text.startswith("/") or replied == BOT["id"] or f"@{BOT['username']}" in text

    # -- the Bot API ---------------------------------------------------------------------------------

    async def _bot_api(self, request: Request) -> Response:
        if request.path_params["token"] != self._token:
            return _error(Refused(401, "Unauthorized"))
        method = request.path_params["method"]
        params = await _params(request)
        if method.lower() != "getupdates":
            shown = {name: value for name, value in params.items() if not isinstance(value, UploadFile)}
            self.calls.append((method, shown))
        for number, (name, refusal) in enumerate(self.refuse_next):
            if name.lower() == method.lower():
                del self.refuse_next[number]
                return _error(refusal)
        try:
            return JSONResponse({"ok": True, "result": await self._methods.call(method, params)})
        except Refused as refusal:
            return _error(refusal)
        finally:
            await request.close()

    async def _bot_file(self, request: Request) -> Response:
        if request.path_params["token"] != self._token:
            return _error(Refused(401, "Unauthorized"))
        return self._stored(request)

    def _stored(self, request: Request) -> Response:
        stored = self.state.files.get(request.path_params["file_id"])
        return (
            FileResponse(stored.path, media_type=stored.mime)
            if stored is not None
            else _error(Refused(404, "Not Found"))
        )

    # -- the page's API ------------------------------------------------------------------------------

    async def _world(self, _: Request) -> Response:
        return JSONResponse({"bot": BOT, "people": list(PEOPLE.values()), "group": GROUP, "admin": 1000})

    async def _messages(self, request: Request) -> Response:
        return JSONResponse(
            {"messages": self.messages(int(request.query_params["chat"])), "since": len(self.state.events)}
        )

    async def _events(self, request: Request) -> Response:
        since = int(request.query_params.get("since", "0"))
        try:
            async with asyncio.timeout(20), self.state.changed:
                await self.state.changed.wait_for(
                    lambda: self.state.closing or len(self.state.events) > since
                )
        except TimeoutError:
            return JSONResponse([])
        return JSONResponse(self.state.events[since:])

    async def _menu(self, request: Request) -> Response:
        user = PEOPLE[int(request.query_params["user"])]
        chat = int(request.query_params["chat"])
        scope = "all_private_chats" if chat > 0 else "all_group_chats"
        code = user["language_code"].split("-")[0]
        menus = self.state.menus
        keys = [f"chat:{chat}:{code}", f"chat:{chat}:", f"{scope}::{code}", f"{scope}::", "default::"]
        return JSONResponse(next((menus[key] for key in keys if key in menus), []))

    async def _send(self, request: Request) -> Response:
        form = await request.form()
        user, chat = int(str(form["user"])), int(str(form["chat"]))
        text = str(form.get("text") or "")
        reply = str(form.get("reply_to") or "")
        reply_to = int(reply) if reply.isdigit() else None
        pictures = [await part.read() for part in form.getlist("photo") if isinstance(part, UploadFile)]
        await request.close()
        if user not in PEOPLE or self.state.chat(chat) is None or chat not in {user, GROUP["id"]}:
            return JSONResponse({"error": "no such chat"}, 400)
        try:
            if len(pictures) > 1:
                await self.send_album(user, pictures[:10], text, chat=chat)
            elif pictures:
                await self.send_photo(user, pictures[0], text, chat=chat, reply_to=reply_to)
            elif text.strip():
                await self.say(user, text, chat=chat, reply_to=reply_to)
        except OSError:
            return JSONResponse({"error": "this is no picture"}, 400)
        return JSONResponse({"ok": True})

    async def _press(self, request: Request) -> Response:
        wanted = await request.json()
        try:
            query = await self.press(
                int(wanted["user"]), int(wanted["chat"]), int(wanted["message_id"]), str(wanted["data"])
            )
        except (KeyError, ValueError):
            return JSONResponse({"error": "the button is gone"}, 400)
        return JSONResponse({"query": query})

    async def _edit(self, request: Request) -> Response:
        wanted = await request.json()
        message = self.state.messages.get((int(wanted["chat"]), int(wanted["message_id"])))
        if message is None or message["from"]["id"] != int(wanted["user"]):
            return JSONResponse({"error": "not your message"}, 400)
        field = "text" if "text" in message else "caption"
        message[field] = str(wanted["text"])
        message["edit_date"] = int(self.state.now())
        await self.state.tell({"kind": "edit", "chat_id": int(wanted["chat"]), "message": message})
        await self.state.update("edited_message", message)
        return JSONResponse({"ok": True})

    async def _block(self, request: Request) -> Response:
        wanted = await request.json()
        (self.state.blocked.add if wanted.get("blocked") else self.state.blocked.discard)(int(wanted["user"]))
        return JSONResponse({"blocked": sorted(self.state.blocked)})

    async def _page_file(self, request: Request) -> Response:
        return self._stored(request)

    async def _page(self, request: Request) -> Response:
        name = PAGE_FILES.get(request.path_params["name"])
        if name is None:
            return Response("Not found", 404, media_type="text/plain")
        policy = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'"
        return FileResponse(
            PAGE / name, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        )


async def _params(request: Request) -> dict[str, Any]:
    params: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if re.match(r"multipart/form-data|application/x-www-form-urlencoded", kind):
        params.update(await request.form())
    elif kind.startswith("application/json"):
        params.update(await request.json())
    return params


def _error(refusal: Refused) -> Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return JSONResponse(body, refusal.code)
