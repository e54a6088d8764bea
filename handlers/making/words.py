"""Plain words and other messages in private chats: words are offered as a prompt, or complete what waits."""

from telegram import Update

from bot.domain.requests.links import split_links
from handlers.chat import html
from handlers.chat.context import Context, answer, message_of, place_of, user_id_of
from handlers.chat.files import image_file_of
from handlers.chat.inputs import is_forwarded, read_words
from handlers.making import card
from handlers.making.draft import ask
from handlers.making.video import how_to, video


async def words(update: Update, context: Context) -> None:
    """Words change the card that is open; other words are offered as a prompt."""
    message = message_of(update)
    text = message.text or ""
    if image_file_of(message.reply_to_message) is not None and not await _began_card(update, context):
        # A photo that is pointed at counts more than the card that waits.
        await video(update, context)
        return
    if split_links(text).links and not is_forwarded(context.turn):
        # A link with words is a picture with a caption.
        await video(update, context)
        return
    if await card.took_words(update, context, text):
        return
    parsed = await read_words(context.turn, text)
    if parsed.prompt:
        request = context.services.compose.video(parsed, None, context.preferences)
        await ask(context.turn, request, "draft.words")
    else:
        await answer(update, context, how_to(context.t))


async def _began_card(update: Update, context: Context) -> bool:
    """Whether the message that is replied to is the one that the open card began with."""
    replied = message_of(update).reply_to_message
    open_card = await context.services.cards.card(user_id_of(update), place_of(update).chat_id)
    return open_card is not None and replied is not None and open_card.source_message_id == replied.message_id


async def reply_in_group(update: Update, context: Context) -> None:
    """In a group, words and photos count only where they answer something of ours."""
    await card.replied(update, context)


async def unknown_command(update: Update, context: Context) -> None:
    """Name what there is where somebody types a command that there is not."""
    command = context.turn.text.split(maxsplit=1)[0]
    await answer(
        update, context, html.View(context.t("error.command.unknown", command=html.inline(command, 40)))
    )


async def anonymous(update: Update, context: Context) -> None:
    """Refuse a command in the name of a group or channel: there is no account to book on."""
    await answer(update, context, html.View(context.t("error.user.anonymous")))


async def unsupported(update: Update, context: Context) -> None:
    """Say what can be sent where somebody sends something else."""
    await answer(update, context, html.View(context.t("error.message.unsupported")))
