"""The gate before every handler: whoever may not go on is told why, and no handler runs."""

import structlog

from bot.domain.people.access import AccessDecision, AccessLevel, Membership, Permission
from bot.domain.types import ChatId, UserId
from bot.i18n import for_language
from handlers.admin.access import refusal, request_card
from handlers.chat import people
from handlers.chat.html import ALERT_LIMIT, cut, strip_tags
from handlers.chat.turn import Turn
from handlers.sending.pacing import Urgency

log = structlog.get_logger(__name__)


async def admits(
    turn: Turn, access: AccessLevel, permission: Permission | None = None, *, addressed: bool = True
) -> bool:
    """Whether the person may go on; if not, they have been told.

    In groups a message that is not `addressed` to the bot gets no answer: it is other people's conversation.

    Raises:
        UserError: the person's role lacks the permission.

    """
    person = turn.update.effective_user
    if person is None:
        return True
    if access is not AccessLevel.OPEN:
        chat = turn.update.effective_chat
        decision, membership = await turn.services.access.decide(
            UserId(person.id), None if chat is None else ChatId(chat.id), access
        )
        if decision is not AccessDecision.PASS:
            log.info("turned away", user=membership.user_id, decision=decision)
            await _refuse(turn, decision, membership, addressed=addressed)
            return False
    if permission is not None:
        # Refused before a handler explains how the command is used.
        await turn.services.access.require(turn.user_id, permission)
    if people.is_use(turn.update, addressed=addressed):
        await turn.record_user()
    return True


async def _refuse(turn: Turn, decision: AccessDecision, membership: Membership, *, addressed: bool) -> None:
    until = turn.t.moment(membership.paused_until, turn.local_now())
    view = refusal(turn.t, decision, membership, until)
    update = turn.update
    if update.inline_query is not None:
        await turn.chat.answer_inline(update.inline_query.id)
    elif update.pre_checkout_query is not None:
        await turn.chat.answer_checkout(update.pre_checkout_query.id, strip_tags(view.html))
    elif update.callback_query is not None:
        await turn.notify(cut(strip_tags(view.html), ALERT_LIMIT), alert=True)
    elif addressed or turn.is_private:
        # Whoever asks to be let in, or writes in private, can be found by admins; a group's talk names nobody.
        if decision is AccessDecision.ASK or turn.is_private:
            await turn.record_user()
        if decision is AccessDecision.ASK:
            await _ask_admins(turn, membership.user_id)
        await turn.chat.send(turn.reply_target, view, urgency=Urgency.ANSWER)


async def _ask_admins(turn: Turn, stranger: UserId) -> None:
    """Bring everybody who may decide a card. Only then it counts as asked, so that a crash loses no request."""
    access = turn.services.access
    person = await access.person(stranger)
    for admin in await access.approvers():
        t = for_language((await access.person(admin)).language)
        await turn.tell(admin, request_card(t, person, turn.services.accounts.plans))
    await access.mark_requested(stranger)
