"""`/video`: words, a reply to a photo, or a photo with the command in its caption."""

import re

from telegram import Message, Update

from handlers import views
from handlers.context import Context, answer, message_of
from handlers.files import fetch_image, image_file_of
from handlers.submitting import submit_or_ask

_COMMAND = re.compile(r"^/\w+(?:@\w+)?\s*", re.ASCII)


def words_after_command(message: Message) -> str:
    """What stands after the command in a text or caption; line breaks stay."""
    return _COMMAND.sub("", message.text or message.caption or "", count=1).strip()


async def video(update: Update, context: Context) -> None:
    """Make a video of words, of the photo that carries the command, or of the photo that is replied to."""
    message = message_of(update)
    words = words_after_command(message)
    source = message if image_file_of(message) is not None else message.reply_to_message
    file = image_file_of(source) if source is not None else None
    if file is None and not words and source is not None:
        # A reply to somebody's words: make a video of them.
        words = (source.text or "").strip()
    parsed = context.services.submit.parse(words)
    if file is None and not parsed.prompt:
        await answer(update, context, views.how_to(context.t))
        return
    image = None
    if file is not None:
        image = await context.services.submit.keep_image(await fetch_image(context.bot, file))
    await submit_or_ask(update, context, parsed, image)
