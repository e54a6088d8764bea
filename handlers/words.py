"""Plain words and other messages in private chats: words are offered as a prompt, or complete what waits."""

from telegram import Update

from bot.domain.links import split_links
from bot.domain.prompt import ParsedPrompt
from bot.domain.request import VideoRequest
from handlers import views
from handlers.context import Context, answer, message_of, place_of, user_id_of
from handlers.draft import ask, put_away_question
from handlers.files import image_file_of
from handlers.given import is_forwarded, text_of
from handlers.submitting import is_stale, submit
from handlers.video import video


async def words(update: Update, context: Context) -> None:
    """Words complete a photo that waits for them; other words are offered as a prompt."""
    message = message_of(update)
    services = context.services
    waiting = await services.submit.draft(user_id_of(update), place_of(update).chat_id)
    draft = waiting if waiting is not None and waiting[0].images else None
    replied = message.reply_to_message
    if (
        replied is not None
        and image_file_of(replied) is not None
        and (draft is None or draft[1] != replied.message_id)
    ):
        # A photo that is pointed at counts more than the one that waits.
        await video(update, context)
        return
    if split_links(message.text or "").links and not is_forwarded(update):
        # A link with words is a picture with a caption.
        await video(update, context)
        return
    parsed = services.compose.parse(message.text or "")
    if draft is not None:
        await _complete(update, context, draft[0], parsed)
    elif parsed.prompt:
        await ask(update, context, services.compose.video(parsed, None, context.preferences), "draft.words")
    else:
        await answer(update, context, views.how_to(context.t))


async def _complete(update: Update, context: Context, waiting: VideoRequest, parsed: ParsedPrompt) -> None:
    """Give photos that wait their words; options alone change the draft and leave it waiting."""
    services = context.services
    if not parsed.prompt:
        changed = services.compose.completed(waiting, ParsedPrompt(waiting.prompt, parsed.options))
        await ask(update, context, changed, "draft.photo")
        return
    completed = services.compose.completed(waiting, parsed)
    if is_stale(update, context):
        await ask(update, context, completed, "draft.stale")
        return
    await submit(update, context, completed)
    await services.submit.delete_draft(user_id_of(update), place_of(update).chat_id)
    await put_away_question(update, context)


async def unknown_command(update: Update, context: Context) -> None:
    """Name what there is where somebody types a command that there is not."""
    command = text_of(update, context).split(maxsplit=1)[0]
    await answer(
        update, context, views.View(context.t("error.command.unknown", command=views.inline(command, 40)))
    )


async def unsupported(update: Update, context: Context) -> None:
    """Say what can be sent where somebody sends something else."""
    await answer(update, context, views.View(context.t("error.message.unsupported")))
