"""What people do: write, send files, press buttons, react, ask inline, block the bot, open topics.

Each act changes the chats and queues the update that the bot would get of it. `ValueError` says in a
sentence why somebody cannot do a thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.demo.telegram.media import KINDS, MediaFields, MediaMaker, media_of
from bot.demo.telegram.people import Chat, User, chat_json, member_json
from bot.demo.telegram.sending import caption_of, forwarded, quote_of
from bot.demo.telegram.state import CallbackQuery, Json, Message, TelegramState
from bot.demo.telegram.text import CAPTION_LIMIT, TEXT_LIMIT, find_entities, formatted, utf16_length
from bot.demo.telegram.wire import BotApiError, Upload


@dataclass(frozen=True)
class Place:
    """Where a person writes: a chat (None: the private one), a topic, and what is answered or quoted.

    `reply_chat` is where the answered message stands, if not in the same chat; `date` sends a message as if at
    another time, in Unix seconds.
    """

    chat: int | None = None
    reply_to: int | None = None
    quote: str = ""
    thread: int | None = None
    date: int | None = None
    reply_chat: int | None = None


class Acting:
    """Lets people act on the state."""

    def __init__(self, state: TelegramState, media: MediaMaker) -> None:
        self.state = state
        self.media = media

    # -- messages ------------------------------------------------------------------------------------

    def write(self, user_id: int, text: str, place: Place) -> Json:
        """A person writes a text."""
        text = text.strip()
        if not text:
            raise ValueError("an empty message cannot be sent")
        return self._send(user_id, _text(text, "text", TEXT_LIMIT), place)

    async def send_file(
        self, user_id: int, kind: str, upload: Upload, caption: str, place: Place, group: str = ""
    ) -> Json:
        """A person sends a photo, video, voice message or another file, perhaps as part of an album."""
        self._chat(user_id, place)
        try:
            content = await self.media.make(kind, upload, MediaFields())
        except BotApiError as error:
            raise ValueError(f"this cannot be sent as a {kind}: {error.description}") from None
        if caption.strip():
            content |= _text(caption.strip(), "caption", CAPTION_LIMIT)
        if group:
            content["media_group_id"] = group
        return self._send(user_id, content, place)

    def forward(self, user_id: int, chat_id: int, message_id: int, place: Place) -> Json:
        """A person sends on what stands in one of their chats."""
        source = self._message(chat_id, message_id)
        return self._send(user_id, forwarded(source.body, self.state.sender(source.sender_id)), place)

    def send_again(self, user_id: int, chat_id: int, message_id: int, caption: str, place: Place) -> Json:
        """A person sends the file of a message as their own, without its sender and under another caption."""
        source = self._message(chat_id, message_id)
        content = {name: source.body[name] for name in KINDS if name in source.body}
        return self._send(
            user_id, content | (_text(caption, "caption", CAPTION_LIMIT) if caption else {}), place
        )

    def _send(self, user_id: int, content: Json, place: Place) -> Json:
        chat, user = self._chat(user_id, place), self.state.users[user_id]
        if place.reply_to is not None and place.reply_chat not in {None, chat.id}:
            content = content | self._external(place)
            place = replace(place, reply_to=None)
        answered = self.state.message(chat.id, place.reply_to) if place.reply_to is not None else None
        message = self.state.add_message(
            chat,
            user,
            content | ({"date": place.date} if place.date is not None else {}),
            reply_to=answered.message_id if answered is not None else None,
            quote=quote_of(answered.body, place.quote) if answered is not None and place.quote else None,
            thread_id=place.thread,
        )
        return self._tell(message, "message")

    def _external(self, place: Place) -> Json:
        """What a bot is told of an answered message of another chat: who wrote it, and its file."""
        answered = self._message(place.reply_chat or 0, place.reply_to or 0)
        chat, body = self.state.chats[answered.chat_id], answered.body
        author = self.state.sender(answered.sender_id)
        external: Json = {"origin": forwarded(body, author)["forward_origin"]}
        if chat.type != "private":
            external |= {"chat": chat_json(chat, self.state.users), "message_id": answered.message_id}
        external |= {name: body[name] for name in KINDS if name in body}
        quote = {"quote": quote_of(body, place.quote)} if place.quote else {}
        return {"external_reply": external} | quote

    def _chat(self, user_id: int, place: Place) -> Chat:
        chat = self.state.chats.get(place.chat if place.chat is not None else user_id)
        if user_id not in self.state.users or chat is None or not self.sees(user_id, chat):
            raise ValueError("there is no such chat")
        if place.thread is not None and place.thread not in chat.topics:
            raise ValueError("there is no such topic")
        return chat

    def sees(self, user_id: int, chat: Chat) -> bool:
        """Tell whether a chat is among somebody's chats."""
        return chat.id == user_id if chat.type == "private" else user_id in chat.status_of

    def _tell(self, message: Message, kind: str) -> Json:
        body = self.state.bot_json(message)
        if self._reaches_bot(self.state.chats[message.chat_id], body):
            self.state.updates.add(kind, body)
        return body

    def _reaches_bot(self, chat: Chat, body: Json) -> bool:
        """In a group with privacy mode a bot sees commands, mentions, replies to it, and service messages."""
        if chat.type == "private":
            return chat.id not in self.state.blocked
        status = chat.status_of.get(self.state.bot.id)
        if status not in {"member", "administrator", "restricted"}:
            return False
        if status == "administrator" or not self.state.privacy_mode:
            return True
        text = str(body.get("text") or body.get("caption") or "")
        name = f"@{self.state.bot.username}".lower()
        command, _, addressee = text.split(maxsplit=1)[0].partition("@") if text else ("", "", "")
        if command.startswith("/") and addressee:
            return f"@{addressee}".lower() == name
        answered = body.get("reply_to_message", {}).get("from", {}).get("id")
        service = media_of(body) is None and not text
        return command.startswith("/") or name in text.lower() or answered == self.state.bot.id or service

    def edit(self, user_id: int, chat_id: int, message_id: int, text: str) -> Json:
        """A person changes the text or caption of an own message."""
        message = self._message(chat_id, message_id)
        if message.sender_id != user_id:
            raise ValueError("only own messages can be edited")
        field = "text" if "text" in message.body else "caption"
        entities = "entities" if field == "text" else "caption_entities"
        if field == "text" and not text.strip():
            raise ValueError("an empty message cannot be sent")
        kept = {name: value for name, value in message.body.items() if name not in {field, entities}}
        limit = TEXT_LIMIT if field == "text" else CAPTION_LIMIT
        self.state.replace(message, kept | (_text(text.strip(), field, limit) if text.strip() else {}))
        return self._tell(message, "edited_message")

    def react(self, user_id: int, chat_id: int, message_id: int, emoji: str) -> None:
        """A person reacts to a message with one emoji, or takes the reaction back with an empty one."""
        message = self._message(chat_id, message_id)
        new = [{"type": "emoji", "emoji": emoji}] if emoji else []
        old = message.reactions.get(user_id, [])
        self.state.react(message, user_id, new)
        chat = self.state.chats[chat_id]
        # Bots hear of reactions in groups only as administrators.
        if chat.type == "private" or chat.status_of.get(self.state.bot.id) == "administrator":
            body = self._about(chat, user_id) | {"message_id": message_id}
            body["user"] = body.pop("from")
            self.state.updates.add("message_reaction", body | {"old_reaction": old, "new_reaction": new})

    def _message(self, chat_id: int, message_id: int) -> Message:
        message = self.state.message(chat_id, message_id)
        if message is None:
            raise ValueError("the message is gone")
        return message

    def _about(self, chat: Chat, user_id: int) -> Json:
        return {
            "chat": chat_json(chat, self.state.users),
            "from": self.state.users[user_id].as_json(),
            "date": int(self.state.now()),
        }

    # -- buttons, payments, inline queries -----------------------------------------------------------

    def press(self, user_id: int, chat_id: int, message_id: int, data: str) -> str:
        """A person presses a button; give the id of the query that it makes."""
        message = self._message(chat_id, message_id)
        query = CallbackQuery(self.state.opaque(8), user_id, chat_id, message_id)
        self.state.callbacks[query.id] = query
        self.state.updates.add(
            "callback_query",
            {
                "id": query.id,
                "from": self.state.users[user_id].as_json(),
                "message": self.state.bot_json(message),
                "chat_instance": str(chat_id),
                "data": data,
            },
        )
        return query.id

    def ask_inline(self, user_id: int, words: str) -> str:
        """A person types the bot's name and some words in any chat; give the id of the query."""
        query_id = self.state.opaque(8)
        self.state.inline_answers[query_id] = None
        asked_by = self.state.users[user_id].as_json()
        self.state.updates.add(
            "inline_query", {"id": query_id, "from": asked_by, "query": words, "offset": ""}
        )
        return query_id

    async def choose_inline(self, user_id: int, query_id: str, result_id: str, place: Place) -> Json:
        """A person sends one of the results of an inline query into a chat."""
        results = self.state.inline_answers.get(query_id) or []
        result = next((one for one in results if str(one["id"]) == result_id), None)
        if result is None:
            raise ValueError("there is no such result")
        content = await self._content_of(result)
        sent = self._send(user_id, content | {"via_bot": self.state.bot.as_json()}, place)
        self.state.updates.add(
            "chosen_inline_result",
            {"result_id": result_id, "from": self.state.users[user_id].as_json(), "query": ""},
        )
        return sent

    async def _content_of(self, result: Json) -> Json:
        written = result.get("input_message_content")
        if written is not None:
            text, entities = formatted(
                written["message_text"], written.get("parse_mode"), written.get("entities"), limit=TEXT_LIMIT
            )
            return {"text": text} | ({"entities": entities} if entities else {})
        kind = str(result["type"])
        content = await self.media.make(kind, result.get(f"{kind}_file_id"), MediaFields())
        return content | caption_of(result)

    # -- the bot's place in the chats ----------------------------------------------------------------

    def block(self, user_id: int, blocked: bool = True) -> None:
        """A person blocks the bot, or lets it in again."""
        before, after = ("member", "kicked") if blocked else ("kicked", "member")
        (self.state.blocked.add if blocked else self.state.blocked.discard)(user_id)
        self._bot_moved(self.state.chats[user_id], user_id, before, after)

    def set_bot_status(self, user_id: int, chat_id: int, status: str) -> None:
        """A person adds the bot to a group, makes it an administrator, or throws it out."""
        chat = self.state.chats[chat_id]
        before = chat.status_of.get(self.state.bot.id, "left")
        chat.status_of[self.state.bot.id] = status
        self._bot_moved(chat, user_id, before, status)

    def _bot_moved(self, chat: Chat, user_id: int, before: str, after: str) -> None:
        members = {
            "old_chat_member": member_json(before, self.state.bot),
            "new_chat_member": member_json(after, self.state.bot, chat.forbidden),
        }
        self.state.updates.add("my_chat_member", self._about(chat, user_id) | members)

    def open_group(self, user_id: int, title: str) -> Chat:
        """A person opens a basic group with everybody and the bot in it."""
        members = dict.fromkeys((*self.state.users, self.state.bot.id), "member") | {user_id: "creator"}
        chat = Chat(-(4_000_000_001 + len(self.state.chats)), "group", title, members)
        self.state.chats[chat.id] = chat
        return chat

    def upgrade(self, user_id: int, chat_id: int, *, told: Sequence[str] = ("old", "new")) -> Chat:
        """A group becomes a supergroup; the bot is told in the old chat, the new one, both in either order, or not."""
        old, user = self.state.chats[chat_id], self.state.users[user_id]
        new = Chat(-1_002_100_000_000 + chat_id % 1000, "supergroup", old.title, dict(old.status_of))
        self.state.chats[new.id] = new
        news = {
            "old": self.state.add_message(old, user, {"migrate_to_chat_id": new.id}),
            "new": self.state.add_message(new, user, {"migrate_from_chat_id": old.id}),
        }
        old.migrated_to = new.id
        for where in told:
            self.state.updates.add("message", self.state.bot_json(news[where]))
        return new

    def open_topic(self, user: User, chat: Chat, name: str) -> int:
        """Open a topic, which makes the group a forum; give its thread id."""
        content = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        message = self.state.add_message(chat, user, content)
        chat.topics[message.message_id] = name
        self.state.replace(
            message,
            message.body | {"message_thread_id": message.message_id, "is_topic_message": True},
            marks_edit=False,
        )
        self._tell(message, "message")
        return message.message_id


def _text(text: str, field: str, limit: int) -> Json:
    if utf16_length(text) > limit:
        raise ValueError(f"this is longer than {limit} characters")
    entities = find_entities(text)
    name = "entities" if field == "text" else "caption_entities"
    return {field: text} | ({name: entities} if entities else {})
