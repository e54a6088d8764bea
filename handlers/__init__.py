"""Telegram: every handler in one place, in order, with the reason for the order."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from telegram import CallbackQuery, Update
from telegram.ext import (
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    PreCheckoutQueryHandler,
    TypeHandler,
    filters,
)

from bot.errors import UserError
from handlers.account import (
    groups,
    privacy,
    settings,
    stats,
)
from handlers.account import (
    quota as account,
)
from handlers.admin import (
    access,
    plans,
    providers,
    strikes,
)
from handlers.admin import (
    grants as admin,
)
from handlers.admin import (
    panel as admin_panel,
)
from handlers.asked import PHOTOS, SOUNDS, WORDS, asked_or
from handlers.chat import errors
from handlers.chat.context import Context, KlingApplication, acknowledge, answer, user_id_of
from handlers.chat.files import HAS_IMAGE, HAS_SOUND
from handlers.chat.inputs import command_in, text_of
from handlers.chat.views import View
from handlers.guide import (
    catalog,
    help,  # noqa: A004  the command is /help
    prices,
    tips,
)
from handlers.guide import (
    start as onboarding,
)
from handlers.library import (
    assets,
    ideas,
    recipes,
)
from handlers.making import (
    card,
    improving,
    replies,
    try_on,
    video,
    words,
)
from handlers.making import (
    commands as making,
)
from handlers.results import (
    history,
    inline,
    results,
    tasks,
)
from handlers.shop import (
    buy,
    subscriptions,
)

PressHandler = Callable[[Update, Context, CallbackQuery, str], Awaitable[str | None]]
"""Does what a button asks for; what it returns is shown for a moment."""

COMMANDS: dict[str, Callable[[Update, Context], Coroutine[Any, Any, None]]] = {
    "start": onboarding.start,
    "help": help.help_,
    "video": video.video,
    "new": card.new,
    "image": making.image,
    "extend": making.extend,
    "edit": making.edit,
    "lipsync": making.lip_sync,
    "effect": making.effect,
    "tryon": making.try_on,
    "avatar": making.avatar,
    "motion": making.motion,
    "expand": making.expand,
    "sound": making.sound,
    "element": assets.element,
    "elements": assets.elements,
    "voice": assets.voice,
    "myvoices": assets.my_voices,
    "models": catalog.models,
    "voices": catalog.voices,
    "effects": catalog.effects,
    "tasks": tasks.tasks,
    "history": history.history,
    "favourites": history.favourites,
    "show": history.show,
    "cancel": tasks.cancel,
    "quota": account.quota,
    "prices": prices.prices,
    "buy": buy.buy,
    "terms": buy.terms,
    "paysupport": buy.pay_support,
    "language": settings.language,
    "settings": settings.settings,
    "invite": onboarding.invite,
    "privacy": privacy.privacy,
    "export": privacy.export,
    "forget": privacy.forget,
    "tips": tips.tips,
    "ideas": ideas.ideas,
    "save": recipes.save,
    "recipes": recipes.recipes,
    "grant": admin.grant,
    "user": admin.user,
    "plan": plans.plan,
    "refund": buy.refund,
    "providers": providers.providers,
    "usage": stats.usage,
    "stats": stats.stats,
    "strikes": strikes.strikes,
    "admin": admin_panel.admin,
    "audit": admin_panel.audit,
    "unsubscribe": admin_panel.unsubscribe,
    "invitecode": access.invite_code,
    "ban": access.ban,
    "unban": access.unban,
    "role": access.role,
    "maintenance": access.maintenance,
}
PRESSES: dict[str, PressHandler] = {
    "cancel": tasks.press_cancel,
    "drop": tasks.press_cancel_listed,
    "again": results.press_again,
    "change": results.press_change,
    "extend": results.press_extend,
    "longer": results.press_longer,
    "speak": results.press_speak,
    "effects": results.press_effects,
    "effect": results.press_effect,
    "dismiss": results.press_dismiss,
    "original": results.press_original,
    "about": results.press_about,
    "take": results.press_take,
    "star": results.press_star,
    "delete": results.press_delete,
    "keep": results.press_keep,
    "erase": results.press_erase,
    "history": history.press_history,
    "open": history.press_open,
    "animate": making.press_animate,
    "card": card.press_card,
    "pick": card.press_pick,
    "use": card.press_use,
    "generate": card.press_generate,
    "discard": card.press_discard,
    "try": onboarding.press_try,
    "export": privacy.press_export,
    "forget": privacy.press_forget,
    "language": settings.press_language,
    "settings": settings.press_settings,
    "prefer": settings.press_prefer,
    "tips": tips.press_tips,
    "wear": try_on.press_wear,
    "improve": improving.press_improve,
    "improve_use": improving.press_use,
    "ideas": ideas.press_start,
    "idea": ideas.press_idea,
    "idea_make": ideas.press_make,
    "recipes": recipes.press_list,
    "recipe": recipes.press_recipe,
    "recipe_save": recipes.press_save,
    "recipe_run": recipes.press_run,
    "recipe_name": recipes.press_rename,
    "recipe_stop": recipes.press_stop,
    "recipe_share": recipes.press_share,
    "recipe_keep": recipes.press_adopt,
    "recipe_delete": recipes.press_delete,
    "recipe_gone": recipes.press_delete_sure,
    "assets": assets.press_list,
    "asset_drop": assets.press_delete,
    "asset_gone": assets.press_delete_sure,
    "buy": buy.press_buy,
    "subscribe": subscriptions.press_subscribe,
    "renewal": subscriptions.press_renewal,
    "pause": providers.press_pause,
    "resume": providers.press_resume,
    "refresh": providers.press_refresh,
    "stats": stats.press_stats,
    "forgive": strikes.press_forgive,
    "panel": admin_panel.press_panel,
    "admit": access.press_admit,
    "deny": access.press_deny,
    "revoke": access.press_revoke,
    "maintenance": access.press_maintenance,
    "mode": access.press_mode,
}
HAS_MEDIA = HAS_IMAGE | HAS_SOUND
UNSUPPORTED = (
    filters.VIDEO
    | filters.ANIMATION
    | filters.AUDIO
    | filters.VOICE
    | filters.VIDEO_NOTE
    | filters.Document.ALL
    | filters.Sticker.ALL
    | filters.LOCATION
    | filters.CONTACT
    | filters.POLL
    | filters.STORY
)


async def _meet(update: Update, context: Context) -> None:
    await context.meet(update)


async def _press(update: Update, context: Context) -> None:
    """Read a button's data and do what it asks; every press is answered, also a stale or a forged one."""
    query = update.callback_query
    if query is None:
        return
    press = context.signer.read(query.data)
    handler = PRESSES.get(press.action) if press is not None else None
    if press is None or handler is None or query.message is None:
        raise UserError("error.button.stale")
    if press.owner is not None and press.owner != user_id_of(update):
        raise UserError("error.button.not_yours")
    await acknowledge(context, query, await handler(update, context, query, press.argument))


async def _anonymous(update: Update, context: Context) -> None:
    """Somebody writes in the name of a group or channel: there is no account to book on."""
    await answer(update, context, View(context.t("error.user.anonymous")))


async def _captioned(update: Update, context: Context) -> None:
    """A photo or sound whose caption is a command; one that calls another bot is none of our business."""
    name = command_in(text_of(update, context), context.bot.username)
    if name is None:
        return
    handler = COMMANDS.get(name)
    await (handler or words.unknown_command)(update, context)


def register(application: KlingApplication) -> None:
    """Add every handler."""
    # An edited message is not a new order: whoever edits a prompt must not pay twice.
    new = filters.UpdateType.MESSAGE
    # Telegram shows one and the same user for everybody who writes in the name of a chat.
    # What a person shared by inline mode is for the others in the chat.
    named = new & ~filters.SenderChat.ALL & ~inline.SENT_INLINE

    # Before everything else: who is it, and in which language is the answer.
    application.add_handler(TypeHandler(Update, _meet), group=-2)
    # Then: may they. Whom this stops reaches nothing below.
    application.add_handler(TypeHandler(Update, access.gate), group=-1)
    application.add_handler(CallbackQueryHandler(_press))
    application.add_handler(PreCheckoutQueryHandler(buy.pre_checkout))
    # A payment that arrived is credited wherever it was made.
    application.add_handler(MessageHandler(new & filters.SUCCESSFUL_PAYMENT, buy.paid))
    application.add_handler(subscriptions.SubscriptionHandler())
    application.add_handler(InlineQueryHandler(inline.answer_query))
    application.add_handler(ChatMemberHandler(groups.joined, ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(CommandHandler(list(COMMANDS), _anonymous, filters=new & filters.SenderChat.ALL))
    for name, handler in COMMANDS.items():
        application.add_handler(CommandHandler(name, handler, filters=named))
    # A photo whose caption is a command is no CommandHandler's business, and must come before the photos
    # of private chats, whose captions are prompts.
    application.add_handler(MessageHandler(named & HAS_MEDIA & filters.CaptionRegex(r"^/\w"), _captioned))
    # In groups only commands count, and replies to what is ours: other words and photos are people's conversation.
    grouped = named & filters.ChatType.GROUPS & filters.REPLY & ~filters.COMMAND
    in_group = replies.reply_or(words.reply_in_group)
    application.add_handler(MessageHandler(grouped & (HAS_IMAGE | filters.TEXT), in_group))
    application.add_handler(MessageHandler(grouped & HAS_SOUND, replies.spoken))
    private = named & filters.ChatType.PRIVATE
    application.add_handler(MessageHandler(private & HAS_IMAGE, asked_or(PHOTOS, video.video)))
    spoken = asked_or(SOUNDS, making.spoken)
    application.add_handler(MessageHandler(private & HAS_SOUND & filters.REPLY, spoken))
    application.add_handler(MessageHandler(private & HAS_SOUND, asked_or(SOUNDS, words.unsupported)))
    application.add_handler(MessageHandler(private & filters.COMMAND, words.unknown_command))
    said = asked_or(WORDS, words.words)
    # Words in reply to a result, or to a question about one, before words of their own.
    application.add_handler(MessageHandler(private & filters.TEXT & filters.REPLY, replies.reply_or(said)))
    application.add_handler(MessageHandler(private & filters.TEXT, said))
    edited = filters.UpdateType.EDITED_MESSAGE & ~filters.SenderChat.ALL
    application.add_handler(MessageHandler(edited & (filters.TEXT | filters.CAPTION), replies.edited))
    # After pictures, which are files and stickers too.
    application.add_handler(MessageHandler(private & UNSUPPORTED, words.unsupported))
    application.add_error_handler(errors.on_error)
