"""Telegram: every handler in one place, in order, with the reason for the order."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from telegram import CallbackQuery, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from handlers import account, admin, errors, photo, tasks, video
from handlers.context import Context, acknowledge

log = structlog.get_logger(__name__)

AnyApplication = Application[Any, Context, Any, Any, Any, Any]
PressHandler = Callable[[Update, Context, CallbackQuery, str], Awaitable[None]]

IMAGES = filters.PHOTO | filters.Document.IMAGE | filters.Sticker.STATIC
COMMANDS: dict[str, Callable[[Update, Context], Coroutine[Any, Any, None]]] = {
    "start": account.start,
    "help": account.help_,
    "video": video.video,
    "tasks": tasks.tasks,
    "cancel": tasks.cancel,
    "quota": account.quota,
    "language": account.language,
    "grant": admin.grant,
    "user": admin.user,
}
PRESSES: dict[str, PressHandler] = {
    "cancel": tasks.press_cancel,
    "again": tasks.press_again,
    "generate": tasks.press_generate,
    "discard": tasks.press_discard,
    "try": tasks.press_try,
    "language": account.press_language,
}


async def _meet(update: Update, context: Context) -> None:
    await context.meet(update)


async def _press(update: Update, context: Context) -> None:
    """Read a button's data and do what it asks; a stale or forged one is answered politely."""
    query = update.callback_query
    if query is None:
        return
    press = context.signer.read(query.data)
    handler = PRESSES.get(press.action) if press is not None else None
    if press is None or handler is None or query.message is None:
        await acknowledge(query, context.t("error.button.stale"), alert=True)
        return
    await handler(update, context, query, press.argument)


def register(application: AnyApplication) -> None:
    """Add every handler."""
    # Before everything else: who is it, and in which language is the answer. An edited message is not
    # a new order: whoever edits a prompt must not pay twice.
    new = filters.UpdateType.MESSAGE
    application.add_handler(TypeHandler(Update, _meet), group=-1)
    application.add_handler(CallbackQueryHandler(_press))
    for name, handler in COMMANDS.items():
        application.add_handler(CommandHandler(name, handler, filters=new))
    # A photo whose caption is the command is no CommandHandler's business, and must come before the
    # photos of private chats, whose captions are prompts.
    application.add_handler(
        MessageHandler(new & IMAGES & filters.CaptionRegex(r"^/video(?:@\w+)?(?:\s|$)"), video.video)
    )
    # In groups only commands count: plain words and photos are other people's conversation.
    private = new & filters.ChatType.PRIVATE
    application.add_handler(MessageHandler(private & IMAGES, photo.photo))
    application.add_handler(MessageHandler(private & filters.COMMAND, photo.unknown_command))
    application.add_handler(MessageHandler(private & filters.TEXT, photo.words))
    application.add_error_handler(errors.on_error)
