"""The methods that change what is in a chat: edits, deletions and reactions."""

from typing import Any

from bot.demo.telegram.keyboards import check_markup
from bot.demo.telegram.media import KINDS, RIGHT_TO_SEND, MediaMaker, media_of
from bot.demo.telegram.sending import caption_of, check_named, media_fields, part_of
from bot.demo.telegram.state import Message, TelegramState
from bot.demo.telegram.text import TEXT_LIMIT, formatted
from bot.demo.telegram.wire import Call, bad_request

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as "
    "a current content and reply markup of the message"
)
REACTIONS = frozenset(
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 "  # noqa: SIM905  74 lines otherwise
    "🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡".split()
)
_DELETABLE_SECONDS = 48 * 3600


class Editing:
    """Implements the edit methods over the state."""

    def __init__(self, state: TelegramState, media: MediaMaker) -> None:
        self.state = state
        self.media = media
        self._newest: dict[tuple[int, int], object] = {}

    def _own_message(self, call: Call) -> Message:
        if call.has("inline_message_id"):
            raise bad_request("MESSAGE_ID_INVALID")
        chat = self.state.chat_for_bot(call.text("chat_id"))
        message = self.state.message(chat.id, call.integer("message_id"))
        if message is None:
            raise bad_request("message to edit not found")
        if message.sender_id != self.state.bot.id or message.has_reply_keyboard:
            raise bad_request("message can't be edited")
        return message

    def _finish(self, call: Call, message: Message, body: dict[str, Any]) -> Any:
        """Put the keyboard on the new body, compare, and replace."""
        markup = check_markup(call.json("reply_markup"), is_older=self.state.faults.is_older)
        if markup is not None and "inline_keyboard" not in markup:
            raise bad_request("message can't be edited")
        body.pop("reply_markup", None)
        if markup:
            body["reply_markup"] = markup
        before = {name: value for name, value in message.body.items() if name != "edit_date"}
        if {name: value for name, value in body.items() if name != "edit_date"} == before:
            raise bad_request(NOT_MODIFIED)
        self.state.limits.spend(message.chat_id)
        only_markup = call.method.lower() == "editmessagereplymarkup"
        self.state.replace(message, body, marks_edit=not only_markup)
        return self.state.bot_json(message)

    async def edit_text(self, call: Call) -> Any:
        """EditMessageText."""
        message = self._own_message(call)
        if "text" not in message.body:
            raise bad_request("there is no text in the message to edit")
        text, entities = formatted(
            call.text("text"), call.text("parse_mode"), call.json("entities"), limit=TEXT_LIMIT
        )
        if not text:
            raise bad_request("message text is empty")
        body = {name: value for name, value in message.body.items() if name not in {"text", "entities"}}
        body["text"] = text
        if entities:
            body["entities"] = entities
        return self._finish(call, message, body)

    async def edit_caption(self, call: Call) -> Any:
        """EditMessageCaption."""
        message = self._own_message(call)
        if media_of(message.body) in {None, "sticker"}:
            raise bad_request("there is no caption in the message to edit")
        named = {"caption", "caption_entities", "show_caption_above_media"}
        body = {name: value for name, value in message.body.items() if name not in named}
        return self._finish(call, message, body | caption_of(call))

    async def edit_media(self, call: Call) -> Any:
        """editMessageMedia: another file, or a file where there was only text."""
        part = call.json("media")
        if call.has("inline_message_id") and call.uploads:
            # What stands in a chat that the bot may not be in takes only what Telegram has already.
            raise bad_request("invalid message content specified")
        kind, source = part_of(call, part, album=False)
        check_named(call, [part])
        message = self._own_message(call)
        before = media_of(message.body)
        if before is None and self.state.faults.is_older:
            raise bad_request("there is no media in the message to edit")
        if before not in {None, "photo", "video", "document", "audio", "animation"}:
            raise bad_request("message media can't be edited")
        if "media_group_id" in message.body and not {before, kind} <= (
            {"photo", "video"} if before in {"photo", "video"} else {before}
        ):
            raise bad_request("message media can't be edited")
        if "forward_origin" in message.body:
            raise bad_request("message can't be edited")
        self.state.check_right(self.state.chats[message.chat_id], RIGHT_TO_SEND[kind])
        caption = caption_of(part)
        place, edit = (message.chat_id, message.message_id), object()
        self._newest[place] = edit
        try:
            content = await self.media.make(kind, source, media_fields(call, part))
            if self._newest.get(place) is not edit:
                raise bad_request("Canceled by new edit message request")
        finally:
            if self._newest.get(place) is edit:
                del self._newest[place]
        if self.state.message(*place) is not message:
            raise bad_request("message to edit not found")
        replaced = {*KINDS, "text", "entities", "caption", "caption_entities"}
        replaced |= {"has_media_spoiler", "show_caption_above_media", "link_preview_options"}
        body = {name: value for name, value in message.body.items() if name not in replaced}
        return self._finish(call, message, body | content | caption)

    async def edit_reply_markup(self, call: Call) -> Any:
        """editMessageReplyMarkup; without a keyboard the present one is taken away."""
        message = self._own_message(call)
        return self._finish(call, message, dict(message.body))

    def _delete(self, chat_id: int, message_id: int) -> None:
        message = self.state.message(chat_id, message_id)
        if message is None:
            raise bad_request("message to delete not found")
        chat = self.state.chats[chat_id]
        own = message.sender_id == self.state.bot.id
        may = own or chat.type == "private" or chat.status_of.get(self.state.bot.id) == "administrator"
        if not may or self.state.now() - message.body["date"] > _DELETABLE_SECONDS:
            raise bad_request("message can't be deleted for everyone")
        self.state.delete(message)

    async def delete_message(self, call: Call) -> Any:
        """DeleteMessage."""
        self._delete(self.state.chat_for_bot(call.text("chat_id")).id, call.integer("message_id"))
        return True

    async def delete_messages(self, call: Call) -> Any:
        """deleteMessages: those that are gone already are passed over."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        numbers = call.json("message_ids")
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= 100:
            raise bad_request("message identifiers are not specified")
        for number in numbers:
            if self.state.message(chat.id, int(number)) is not None:
                self._delete(chat.id, int(number))
        return True

    async def set_reaction(self, call: Call) -> Any:
        """setMessageReaction: a bot gives at most one, of Telegram's own set."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        message = self.state.message(chat.id, call.integer("message_id"))
        if message is None:
            raise bad_request("message to react not found")
        reactions = call.json("reaction") or []
        if len(reactions) > 1:
            raise bad_request("REACTIONS_TOO_MANY")
        if any(
            r.get("type") != "emoji" or r.get("emoji", "").rstrip("\ufe0f") not in REACTIONS
            for r in reactions
        ):
            raise bad_request("REACTION_INVALID")
        self.state.react(message, self.state.bot.id, reactions)
        return True
