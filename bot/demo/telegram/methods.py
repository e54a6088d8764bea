"""The methods of the Bot API that a bot calls, with Telegram's own complaints."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile

from bot.demo.telegram.markup import BadMarkup, parse_html, units
from bot.demo.telegram.state import BOT, Json, State

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
UPLOAD_LIMIT = 50 * 1024 * 1024
DOWNLOAD_LIMIT = 20 * 1024 * 1024
DATA_LIMIT = 64


class Refused(Exception):
    """An answer with `ok: false`."""

    def __init__(self, code: int, description: str, **parameters: object) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(description: str) -> Refused:
    """A complaint about the request."""
    return Refused(400, f"Bad Request: {description}")


class Methods:
    """One coroutine for each method: `call("sendMessage", params)`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._polling = False

    async def call(self, method: str, params: Mapping[str, Any]) -> object:
        """Do what a method does.

        Raises:
            Refused: with Telegram's words.

        """
        handler = getattr(self, f"_{method.lower()}", None)
        if handler is None:
            raise Refused(404, "Not Found")
        return await handler(params)

    # -- updates -------------------------------------------------------------------------------------

    async def _getupdates(self, params: Mapping[str, Any]) -> list[Json]:
        if self._polling:
            raise Refused(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        self._polling = True
        try:
            return await self._updates(params)
        finally:
            self._polling = False

    async def _updates(self, params: Mapping[str, Any]) -> list[Json]:
        state = self._state
        offset = int(params.get("offset") or 0)
        allowed = _json(params.get("allowed_updates")) or []
        async with state.changed:
            # Asking from an offset on confirms everything before it.
            state.updates[:] = [update for update in state.updates if update["update_id"] >= offset]

            def waiting() -> list[Json]:
                return [update for update in state.updates if not allowed or set(allowed) & set(update)]

            try:
                async with asyncio.timeout(int(params.get("timeout") or 0)):
                    await state.changed.wait_for(lambda: state.closing or waiting())
            except TimeoutError:
                return []
            return waiting()[: int(params.get("limit") or 100)]

    async def _getme(self, _: Mapping[str, Any]) -> Json:
        return BOT

    async def _deletewebhook(self, _: Mapping[str, Any]) -> bool:
        return True

    async def _getwebhookinfo(self, _: Mapping[str, Any]) -> Json:
        return {"url": "", "has_custom_certificate": False, "pending_update_count": len(self._state.updates)}

    # -- sending -------------------------------------------------------------------------------------

    async def _sendmessage(self, params: Mapping[str, Any]) -> Json:
        chat_id = self._writable(params)
        content = _formatted(params, "text", "entities", TEXT_LIMIT)
        if not content.get("text", "").strip():
            raise bad("message text is empty")
        return await self._sent(chat_id, params, content)

    async def _sendvideo(self, params: Mapping[str, Any]) -> Json:
        chat_id = self._writable(params)
        caption = _formatted(params, "caption", "caption_entities", CAPTION_LIMIT)
        file, fresh = await self._file(params, "video")
        thumbnail = None
        if fresh and isinstance(params.get("thumbnail"), UploadFile):
            small = self._state.keep(await params["thumbnail"].read(), "image/jpeg", "thumbnail.jpg")
            thumbnail = self._state.file_json(small, width=320, height=180)
        known: Json = next(
            (
                m["video"]
                for m in self._state.messages.values()
                if m.get("video", {}).get("file_id") == file.id
            ),
            {},
        )
        video = {
            **known,
            **self._state.file_json(
                file,
                width=_whole(params.get("width")) or known.get("width", 0),
                height=_whole(params.get("height")) or known.get("height", 0),
                duration=_whole(params.get("duration")) or known.get("duration", 0),
                mime_type="video/mp4",
                thumbnail=thumbnail or known.get("thumbnail"),
            ),
        }
        return await self._sent(chat_id, params, {"video": video, **caption})

    async def _sendphoto(self, params: Mapping[str, Any]) -> Json:
        chat_id = self._writable(params)
        caption = _formatted(params, "caption", "caption_entities", CAPTION_LIMIT)
        file, _ = await self._file(params, "photo")
        return await self._sent(
            chat_id, params, {"photo": self._state.photo(file.path.read_bytes()), **caption}
        )

    async def _senddocument(self, params: Mapping[str, Any]) -> Json:
        chat_id = self._writable(params)
        caption = _formatted(params, "caption", "caption_entities", CAPTION_LIMIT)
        file, _ = await self._file(params, "document")
        document = self._state.file_json(file, file_name=file.name, mime_type=file.mime)
        return await self._sent(chat_id, params, {"document": document, **caption})

    async def _sendchataction(self, params: Mapping[str, Any]) -> bool:
        chat_id = self._writable(params)
        await self._state.tell({"kind": "action", "chat_id": chat_id, "action": params.get("action")})
        return True

    # -- editing -------------------------------------------------------------------------------------

    async def _editmessagetext(self, params: Mapping[str, Any]) -> Json:
        return await self._edited(params, _formatted(params, "text", "entities", TEXT_LIMIT))

    async def _editmessagecaption(self, params: Mapping[str, Any]) -> Json:
        return await self._edited(params, _formatted(params, "caption", "caption_entities", CAPTION_LIMIT))

    async def _editmessagereplymarkup(self, params: Mapping[str, Any]) -> Json:
        return await self._edited(params, {})

    async def _edited(self, params: Mapping[str, Any], content: Json) -> Json:
        chat_id = self._writable(params)
        message = self._state.messages.get((chat_id, int(params.get("message_id") or 0)))
        if message is None or message["from"]["id"] != BOT["id"]:
            raise bad("message to edit not found")
        keyboard = _keyboard(params)
        if (
            all(message.get(name) == value for name, value in content.items())
            and message.get("reply_markup") == keyboard
        ):
            raise bad(
                "message is not modified: specified new message content and reply markup are exactly the same"
            )
        for name in ("entities", "caption_entities"):
            if name.removesuffix("_entities") in content or (name == "entities" and "text" in content):
                message.pop(name, None)
        message.update(content, edit_date=int(self._state.now()))
        message.pop("reply_markup", None)
        if keyboard is not None:
            message["reply_markup"] = keyboard
        await self._state.tell({"kind": "edit", "chat_id": chat_id, "message": message})
        return message

    async def _deletemessage(self, params: Mapping[str, Any]) -> bool:
        chat_id = self._writable(params)
        message_id = int(params.get("message_id") or 0)
        if self._state.messages.pop((chat_id, message_id), None) is None:
            raise bad("message to delete not found")
        await self._state.tell({"kind": "delete", "chat_id": chat_id, "message_id": message_id})
        return True

    async def _answercallbackquery(self, params: Mapping[str, Any]) -> bool:
        alert = str(params.get("show_alert", "")).lower() == "true"
        await self._state.tell(
            {
                "kind": "answer",
                "query": params.get("callback_query_id"),
                "text": params.get("text", ""),
                "alert": alert,
            }
        )
        return True

    async def _setmessagereaction(self, params: Mapping[str, Any]) -> bool:
        chat_id = self._writable(params)
        reactions = _json(params.get("reaction")) or []
        await self._state.tell(
            {
                "kind": "reaction",
                "chat_id": chat_id,
                "message_id": int(params.get("message_id") or 0),
                "reaction": reactions,
            }
        )
        return True

    # -- files and menus -----------------------------------------------------------------------------

    async def _getfile(self, params: Mapping[str, Any]) -> Json:
        file = self._state.files.get(str(params.get("file_id")))
        if file is None:
            raise bad("invalid file_id")
        if file.size > DOWNLOAD_LIMIT:
            raise bad("file is too big")
        return self._state.file_json(file, file_path=f"files/{file.id}")

    async def _setmycommands(self, params: Mapping[str, Any]) -> bool:
        self._state.menus[self._menu(params)] = _json(params.get("commands")) or []
        return True

    async def _deletemycommands(self, params: Mapping[str, Any]) -> bool:
        self._state.menus.pop(self._menu(params), None)
        return True

    async def _getmycommands(self, params: Mapping[str, Any]) -> list[Json]:
        return self._state.menus.get(self._menu(params), [])

    @staticmethod
    def _menu(params: Mapping[str, Any]) -> str:
        scope = _json(params.get("scope")) or {"type": "default"}
        return f"{scope['type']}:{scope.get('chat_id', '')}:{params.get('language_code') or ''}"

    async def _setmydescription(self, _: Mapping[str, Any]) -> bool:
        return True

    async def _setmyshortdescription(self, _: Mapping[str, Any]) -> bool:
        return True

    async def _getchat(self, params: Mapping[str, Any]) -> Json:
        chat = self._state.chat(self._writable(params))
        return {**(chat or {}), "accent_color_id": 0, "max_reaction_count": 11}

    # -- help ----------------------------------------------------------------------------------------

    def _writable(self, params: Mapping[str, Any]) -> int:
        text = str(params.get("chat_id", ""))
        chat_id = int(text) if text.lstrip("-").isdigit() else 0
        if self._state.chat(chat_id) is None:
            raise bad("chat not found")
        if chat_id in self._state.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat_id

    async def _sent(self, chat_id: int, params: Mapping[str, Any], content: Json) -> Json:
        keyboard = _keyboard(params)
        if keyboard is not None:
            content["reply_markup"] = keyboard
        reply = _json(params.get("reply_parameters"))
        if reply:
            replied = self._state.messages.get((chat_id, int(reply["message_id"])))
            if replied is not None:
                content["reply_to_message"] = {
                    key: value for key, value in replied.items() if key != "reply_to_message"
                }
            elif not reply.get("allow_sending_without_reply"):
                raise bad("message to be replied not found")
        if params.get("message_thread_id"):
            content["message_thread_id"] = int(params["message_thread_id"])
        return await self._state.add(chat_id, BOT, content)

    async def _file(self, params: Mapping[str, Any], name: str) -> tuple[Any, bool]:
        value = params.get(name)
        if isinstance(value, str) and value.startswith("attach://"):
            value = params.get(value.removeprefix("attach://"))
        if isinstance(value, str):
            known = self._state.files.get(value)
            if known is None:
                raise bad("wrong file identifier/HTTP URL specified")
            return known, False
        if not isinstance(value, UploadFile):
            raise bad(f"there is no {name} in the request")
        if (value.size or 0) > UPLOAD_LIMIT:
            raise Refused(413, "Request Entity Too Large")
        data = await value.read()
        return self._state.keep(
            data, value.content_type or "application/octet-stream", value.filename or name
        ), True


def _json(value: object) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise bad("can't parse JSON") from None
    return value


def _whole(value: object) -> int:
    return int(str(value)) if str(value or "").isdigit() else 0


def _formatted(params: Mapping[str, Any], field: str, entities: str, limit: int) -> Json:
    text = str(params.get(field) or "")
    found: list[Json] = _json(params.get(entities)) or []
    if params.get("parse_mode") == "HTML":
        try:
            text, found = parse_html(text)
        except BadMarkup as error:
            raise bad(f"can't parse entities: {error}") from None
    if units(text) > limit:
        raise bad("message is too long" if field == "text" else "message caption is too long")
    content: Json = {field: text} if text else {}
    if found:
        content[entities] = found
    return content


def _keyboard(params: Mapping[str, Any]) -> Json | None:
    markup = _json(params.get("reply_markup"))
    if not markup:
        return None
    for row in markup.get("inline_keyboard", []):
        for button in row:
            data = button.get("callback_data")
            if data is not None and not 1 <= len(data.encode()) <= DATA_LIMIT:
                raise bad("BUTTON_DATA_INVALID")
            if not button.get("text"):
                raise bad("inline keyboard button text is empty")
    return dict(markup)
