"""`/video`: words, a reply to a photo, or a photo with the command in its caption."""

import re

from telegram import Message, Update

from handlers import views
from handlers.context import Context, answer, message_of
from handlers.draft import submit_or_ask
from handlers.files import fetch_image, image_file_of

_COMMAND = re.compile(r"/(\w+)(?:@(\w+))?\s*", re.ASCII)


def words_after_command(text: str) -> str:
    """What stands after the command in a text or caption; line breaks stay."""
    match = _COMMAND.match(text)
    return text[match.end() if match else 0 :].strip()


def is_for(text: str, username: str) -> bool:
    """Whether a text is a `/video` command, for this bot where it names one."""
    match = _COMMAND.match(text)
    if match is None or match[1].casefold() != "video":
        return False
    return match[2] is None or match[2].casefold() == username.casefold()


async def captioned(update: Update, context: Context) -> None:
    """A photo whose caption is the command; one that calls another bot is none of our business."""
    message = message_of(update)
    if not is_for(message.caption or "", context.bot.username):
        return
    if context.bot_data.albums.number_of(message.chat_id, message.media_group_id) == 1:
        await video(update, context)


async def video(update: Update, context: Context) -> None:
    """Make a video of words, of the photo that carries the command, or of the message that is replied to."""
    message = message_of(update)
    words = words_after_command(message.text or message.caption or "")
    source = message if image_file_of(message) is not None else _replied(message, context)
    file = image_file_of(source)
    if file is None and not words and source is not None:
        words = words_after_command(source.text or "")
    parsed = context.services.compose.parse(words)
    if file is None and not parsed.prompt:
        await answer(update, context, views.how_to(context.t))
        return
    image = None
    if file is not None:
        image = await context.services.submit.keep_image(await fetch_image(context.bot, file))
    await submit_or_ask(update, context, parsed, image)


def _replied(message: Message, context: Context) -> Message | None:
    """The message that is replied to, unless it is one of ours: our words are no prompt."""
    replied = message.reply_to_message
    if replied is None or (replied.from_user is not None and replied.from_user.id == context.bot.id):
        return None
    return replied
