"""Groups: a short hello when the bot is added to one."""

from telegram import ChatMember, ChatMemberUpdated, Update
from telegram.constants import ChatType

from bot.domain.units import ChatId
from handlers.account import group_views
from handlers.chat.context import Context, send
from handlers.sending.chat import ReplyTarget

OUTSIDE = frozenset({ChatMember.LEFT, ChatMember.BANNED})
INSIDE = frozenset({ChatMember.MEMBER, ChatMember.ADMINISTRATOR, ChatMember.OWNER})
GROUPS = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})


async def joined(update: Update, context: Context) -> None:
    """Say hello once when somebody adds the bot to a group; everything else that changes is no news."""
    moved = update.my_chat_member
    if moved is None or not _is_new_here(moved):
        return
    place = ReplyTarget(ChatId(moved.chat.id))
    await send(context, place, group_views.hello(context.t, context.bot.username))


def _is_new_here(moved: ChatMemberUpdated) -> bool:
    return (
        moved.chat.type in GROUPS
        and moved.old_chat_member.status in OUTSIDE
        and moved.new_chat_member.status in INSIDE
    )
