"""`/start` and `/invite`: one screen for newcomers, and what a link to the bot brings with it.

A link `t.me/<bot>?start=<payload>` arrives as `/start <payload>`. The beginning of the payload says which
function of `START_LINKS` goes on with the rest; anybody may type such a payload, so each function checks it.
"""

from collections.abc import Awaitable, Callable

import structlog
from telegram import CallbackQuery, Update

from bot.domain.people.access import invite_code, read_invite_code
from bot.errors import UserError
from bot.services.requests.cards import PROMPT
from handlers.admin import access
from handlers.chat.context import Context, answer, place_of, user_id_of
from handlers.guide import start_views as onboarding_views
from handlers.library import recipes
from handlers.making.submit import open_card
from handlers.results import (
    history,
    inline,
)

log = structlog.get_logger(__name__)

StartLink = Callable[[Update, Context, str], Awaitable[None]]
"""Acts on what stands behind the prefix of a payload."""

INVITE_PREFIX = "ref_"
TASK_PREFIX = "task_"


async def start(update: Update, context: Context) -> None:
    """Go on where a link leads; without one, show what the bot does."""
    payload = context.args[0] if context.args else ""
    for prefix, follow in START_LINKS.items():
        if payload.startswith(prefix):
            await follow(update, context, payload.removeprefix(prefix))
            return
    await welcome(update, context)


async def welcome(update: Update, context: Context) -> None:
    """One screen: what the bot does, what one may spend, and something to try."""
    user_id = user_id_of(update)
    name = update.effective_user.first_name if update.effective_user is not None else ""
    balance = await context.services.accounts.balance(user_id)
    notice = await context.services.admin.notice()
    await answer(update, context, onboarding_views.start(context.t, name, balance, user_id, notice))
    role = context.services.access.roles.get(user_id)
    if role is not None and place_of(update).is_private:
        # Before these first words there was no chat that a menu could be set for.
        await context.turn.menus.set_for(user_id, role)


async def invited(update: Update, context: Context, code: str) -> None:
    """Note who invited a newcomer, and welcome them; a code that is none welcomes them as well."""
    inviter = read_invite_code(code)
    if inviter is not None:
        await context.services.accounts.note_inviter(user_id_of(update), inviter)
    await welcome(update, context)


async def admitted(update: Update, context: Context, code: str) -> None:
    """Let somebody in by a code of the admins.

    Raises:
        UserError: the code lets nobody in.

    """
    await access.redeem(update, context, code)
    await welcome(update, context)


async def invite(update: Update, context: Context) -> None:
    """`/invite`: a link for others, which says who gave it to them."""
    link = f"https://t.me/{context.bot.username}?start={INVITE_PREFIX}{invite_code(user_id_of(update))}"
    await answer(update, context, onboarding_views.invitation(context.t, link))


async def press_try(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """An example of /start: shown as a draft, so that nothing is spent by a careless tap.

    Raises:
        UserError: the example is one of another version.

    """
    del update, query
    if argument not in onboarding_views.EXAMPLES:
        raise UserError("error.button.stale")
    compose = context.services.compose
    words = compose.parse(context.t(f"start.example_{argument}"))
    request = compose.video(words, None, context.preferences)
    await open_card(context.turn, request, None, PROMPT, context.turn.reply_target.below)


async def _template(update: Update, context: Context, token: str) -> None:
    del update
    await recipes.follow_link(context.turn, token)


async def _task(update: Update, context: Context, text: str) -> None:
    del update
    await history.open_task(context.turn, text)


START_LINKS: dict[str, StartLink] = {
    INVITE_PREFIX: invited,
    access.INVITE_PREFIX: admitted,
    recipes.LINK_PREFIX: _template,
    TASK_PREFIX: _task,
    inline.LINK_PREFIX: inline.follow_link,
}
"""What each kind of link does, by how its payload begins."""
