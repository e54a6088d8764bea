"""The methods that put something into a chat: texts, files, albums, invoices, copies, and chat actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.keyboards import check_markup
from bot.demo.telegram.media import RIGHT_TO_SEND, MediaFields, MediaMaker, media_of
from bot.demo.telegram.people import Chat, User
from bot.demo.telegram.stars import invoice_amount
from bot.demo.telegram.state import Message, TelegramState
from bot.demo.telegram.text import CAPTION_LIMIT, TEXT_LIMIT, formatted, utf16_length
from bot.demo.telegram.wire import ATTACHED, Call, Upload, bad_request

CHAT_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
_CAPTIONED = frozenset({"photo", "video", "document", "audio", "animation", "voice"})


@dataclass(frozen=True)
class _Place:
    """Where a message goes: chat, topic, and the message that it answers."""

    chat: Chat
    thread_id: int | None
    reply_to: int | None
    quote: dict[str, Any] | None


EFFECTS = frozenset(
    {
        "5104841245755180586",
        "5107584321108051014",
        "5104858069142078462",
        "5159385139981059251",
        "5046509860389126442",
        "5046589136895476101",
    }
)
"""The animations that every bot may add to a message in a private chat; the last but one is confetti."""


def caption_of(call: Call | Mapping[str, Any], *, limit: int = CAPTION_LIMIT) -> dict[str, Any]:
    """Give the caption fields of a call or of one part of an album."""
    given = call if isinstance(call, Call) else Call("", dict(call))
    text, entities = formatted(
        given.text("caption"), given.text("parse_mode"), given.json("caption_entities"), limit=limit
    )
    content: dict[str, Any] = {"caption": text} if text else {}
    if text and entities:
        content["caption_entities"] = entities
    if text and given.boolean("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return content


def media_fields(call: Call, part: Mapping[str, Any] | None = None) -> MediaFields:
    """Read what a call, or one part of an album, says about its file."""
    own = Call(call.method, dict(part), call.uploads) if part is not None else call
    pictures: dict[str, Upload | None] = {}
    for name in ("thumbnail", "cover"):
        value = own.parameters.get(name)
        source = own.file(name, value) if part is None or value is not None else None
        pictures[name] = source if isinstance(source, Upload) else None
    return MediaFields(
        width=own.integer("width"),
        height=own.integer("height"),
        duration=own.integer("duration"),
        title=own.text("title"),
        performer=own.text("performer"),
        thumbnail=pictures["thumbnail"],
        cover=pictures["cover"],
        start_timestamp=own.integer("start_timestamp"),
        has_spoiler=own.boolean("has_spoiler"),
    )


def part_of(call: Call, part: object, *, album: bool) -> tuple[str, Upload | str]:
    """Give the kind and the file of one part of an album, or of what a message becomes.

    Raises:
        BotApiError: it is no description of a file, or names none that there is.

    """
    if not isinstance(part, Mapping):
        raise bad_request("can't parse InputMedia: expected an Object")
    for name in ("type", "media", "thumbnail", "cover", "caption"):
        if part.get(name) is not None and not isinstance(part[name], str):
            raise bad_request(f'can\'t parse InputMedia: field "{name}" must be of type String')
    kind, media = part.get("type"), part.get("media") or ""
    if not kind:
        raise bad_request("can't parse InputMedia: can't find field \"type\"")
    # A file goes by the name of its part: one that is only called "media" is not found.
    if not media or (media.startswith(ATTACHED) and media.removeprefix(ATTACHED) not in call.uploads):
        raise bad_request("can't parse InputMedia: media not found")
    if album and kind == "animation":
        raise bad_request(f"can't parse InputMedia: type \"{kind}\" can't be used in sendMediaGroup")
    if kind not in {"photo", "video", "document", "audio", "animation"}:
        raise bad_request(f'can\'t parse InputMedia: type "{kind}" is unsupported')
    source = call.file("media", media)
    assert source is not None  # noqa: S101  it was named
    return str(kind), source


def check_named(call: Call, parts: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a file that no part of an album, and nothing of an edit, names.

    Telegram takes it, and nobody sees it: the stand-in is stricter, since it is always a mistake.
    """
    named = {
        str(part[name]).removeprefix(ATTACHED)
        for part in parts
        for name in ("media", "thumbnail", "cover")
        if str(part.get(name)).startswith(ATTACHED)
    }
    # An old way: one thumbnail for all parts that have none of their own.
    if any(not part.get("thumbnail") for part in parts):
        named.add("thumbnail")
    for name in call.uploads:
        if name not in named:
            raise bad_request(f'nothing names the uploaded file "{name}"')


def quote_of(body: Mapping[str, Any], words: str) -> dict[str, Any]:
    """Give the quote of a message's words, or refuse words that do not stand there."""
    position = str(body.get("text") or body.get("caption") or "").find(words)
    if position < 0:
        raise bad_request("QUOTE_TEXT_INVALID")
    before = str(body.get("text") or body.get("caption"))[:position]
    return {"text": words, "position": utf16_length(before), "is_manual": True}


class Sending:
    """Implements the send methods over the state."""

    def __init__(self, state: TelegramState, media: MediaMaker) -> None:
        self.state = state
        self.media = media

    def _place(self, call: Call) -> _Place:
        """Check where a message is to go, in the order in which Telegram does."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        thread_id = call.integer("message_thread_id") or None
        if thread_id is not None and thread_id not in chat.topics:
            raise bad_request("message thread not found")
        reply = call.json("reply_parameters") or {}
        reply_to = int(reply.get("message_id") or 0) or call.integer("reply_to_message_id") or None
        answered = self.state.message(chat.id, reply_to) if reply_to is not None else None
        if reply_to is not None and answered is None:
            if not (reply.get("allow_sending_without_reply") or call.boolean("allow_sending_without_reply")):
                raise bad_request("message to be replied not found")
            reply_to = None
        # A reply stands in the topic of what it replies to.
        topic = thread_id or (answered.body.get("message_thread_id") if answered is not None else None)
        if topic in chat.closed_topics or (topic is None and chat.is_general_closed):
            raise bad_request("TOPIC_CLOSED")
        quote = quote_of(answered.body, str(reply["quote"])) if answered and reply.get("quote") else None
        return _Place(chat, thread_id, reply_to, quote)

    def _send(self, call: Call, place: _Place, content: Mapping[str, Any], *, spend: bool = True) -> Message:
        markup = check_markup(call.json("reply_markup"), is_older=self.state.faults.is_older)
        effect = call.text("message_effect_id")
        if effect and (place.chat.type != "private" or effect not in EFFECTS):
            raise bad_request("EFFECT_ID_INVALID")
        if spend:
            self.state.limits.spend(place.chat.id)
        message = self.state.add_message(
            place.chat,
            self.state.bot,
            {**content, "effect_id": effect} if effect else content,
            reply_to=place.reply_to,
            thread_id=place.thread_id,
            quote=place.quote,
            inline_keyboard=markup if markup is not None and "inline_keyboard" in markup else None,
        )
        message.has_reply_keyboard = markup is not None and "inline_keyboard" not in markup
        if markup is not None and markup.get("force_reply"):
            self.state.events.add("force_reply", chat_id=place.chat.id, message=self.state.shown(message))
        return message

    async def send_message(self, call: Call) -> Any:
        """SendMessage."""
        place = self._place(call)
        self.state.check_right(place.chat, "text messages")
        text, entities = formatted(
            call.text("text"), call.text("parse_mode"), call.json("entities"), limit=TEXT_LIMIT
        )
        if not text:
            raise bad_request("message text is empty")
        content: dict[str, Any] = {"text": text}
        if entities:
            content["entities"] = entities
        options = call.json("link_preview_options")
        if options:
            content["link_preview_options"] = options
        return self.state.bot_json(self._send(call, place, content))

    async def send_media(self, call: Call) -> Any:
        """sendPhoto, sendVideo, sendDocument, sendAudio, sendAnimation, sendVoice, sendSticker."""
        kind = call.method.lower().removeprefix("send")
        place = self._place(call)
        self.state.check_right(place.chat, RIGHT_TO_SEND[kind])
        check_markup(call.json("reply_markup"), is_older=self.state.faults.is_older)
        caption = caption_of(call) if kind in _CAPTIONED else {}
        content = await self.media.make(kind, call.file(kind), media_fields(call))
        return self.state.bot_json(self._send(call, place, content | caption))

    async def send_media_group(self, call: Call) -> Any:
        """sendMediaGroup: two to ten parts that share a media_group_id."""
        place = self._place(call)
        parts = call.json("media")
        if not isinstance(parts, list):
            raise bad_request("expected an Array of InputMedia")
        if not 2 <= len(parts) <= 10:
            raise bad_request(
                "media group must include 2-10 items" if parts else "there are no media in the request"
            )
        found = [part_of(call, part, album=True) for part in parts]
        check_named(call, parts)
        kinds = {kind for kind, _ in found}
        if len(kinds) > 1 and not kinds <= {"photo", "video"}:
            raise bad_request("documents and audios can't be mixed with other media types")
        contents = []
        captions = [caption_of(part) for part in parts]
        for part, (kind, source), caption in zip(parts, found, captions, strict=True):
            self.state.check_right(place.chat, RIGHT_TO_SEND[kind])
            contents.append(await self.media.make(kind, source, media_fields(call, part)) | caption)
        for _ in parts:
            self.state.limits.spend(place.chat.id)
        group = self.state.opaque(7)
        return [
            self.state.bot_json(self._send(call, place, content | {"media_group_id": group}, spend=False))
            for content in contents
        ]

    async def send_chat_action(self, call: Call) -> Any:
        """sendChatAction: shown to the people of a chat for five seconds or until the next message."""
        place = self._place(call)
        action = call.text("action")
        if action not in CHAT_ACTIONS:
            raise bad_request("wrong parameter action in request")
        self.state.events.add("action", chat_id=place.chat.id, action=action, thread_id=place.thread_id)
        return True

    async def send_invoice(self, call: Call) -> Any:
        """SendInvoice in Stars."""
        place = self._place(call)
        amount = invoice_amount(call)
        content = {
            "invoice": {
                "title": call.text("title"),
                "description": call.text("description"),
                "start_parameter": call.text("start_parameter"),
                "currency": "XTR",
                "total_amount": amount,
            }
        }
        markup = check_markup(call.json("reply_markup"), is_older=self.state.faults.is_older)
        if markup is None:
            pay = {"inline_keyboard": [[{"text": f"Pay ⭐{amount}", "pay": True}]]}
            call = Call(call.method, call.parameters | {"reply_markup": pay})
        message = self._send(call, place, content)
        message.invoice_payload = call.text("payload")
        return self.state.bot_json(message)

    def _source(self, call: Call) -> Message:
        origin = self.state.chat_for_bot(call.text("from_chat_id"))
        found = self.state.message(origin.id, call.integer("message_id"))
        if found is None:
            raise bad_request(f"message to {call.method.lower().removesuffix('message')} not found")
        return found

    async def forward_message(self, call: Call) -> Any:
        """forwardMessage: the content goes along with the name of its first sender."""
        place = self._place(call)
        source = self._source(call)
        author = self.state.sender(source.sender_id)
        content = forwarded(source.body, author)
        return self.state.bot_json(self._send(call, place, content))

    async def copy_message(self, call: Call) -> Any:
        """copyMessage: the content without a trace of its sender, with another caption where one is given."""
        place = self._place(call)
        content = _content_of(self._source(call).body)
        if call.has("caption") and media_of(content) is not None:
            content = {name: value for name, value in content.items() if not name.startswith("caption")}
            content |= caption_of(call)
        return {"message_id": self._send(call, place, content).message_id}


_ABOUT_THE_MESSAGE = frozenset(
    {
        "message_id",
        "from",
        "chat",
        "date",
        "edit_date",
        "reply_markup",
        "message_thread_id",
        "is_topic_message",
        "media_group_id",
        "forward_origin",
    }
)


def forwarded(body: Mapping[str, Any], author: User) -> dict[str, Any]:
    """What goes along when a message is forwarded: its content, and who wrote it first and when."""
    origin = {"type": "user", "sender_user": author.as_json(), "date": body["date"]}
    return _content_of(body) | {"forward_origin": body.get("forward_origin", origin)}


def _content_of(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _ABOUT_THE_MESSAGE}
