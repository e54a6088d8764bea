"""What the bot may send in a group: its admins are told what is missing before somebody pays for what cannot arrive."""

from html import escape

from telegram import ChatMember, ChatMemberRestricted, ChatMemberUpdated

from bot.domain.types import ChatId
from bot.i18n import Texts
from handlers.chat.html import View
from handlers.chat.turn import Turn
from handlers.sending.chat import ReplyTarget

FREE = frozenset({ChatMember.ADMINISTRATOR, ChatMember.OWNER})
NEEDED = ("can_send_messages", "can_send_videos", "can_send_documents")


async def missing(turn: Turn, change: ChatMemberUpdated) -> frozenset[str]:
    """Return which of the needed rights the bot lacks in a group: by itself, or as everybody does there."""
    member = change.new_chat_member
    if member.status in FREE:
        return frozenset()
    denied = _denied(member) if isinstance(member, ChatMemberRestricted) else frozenset()
    permissions = await turn.chat.find_permissions(ChatId(change.chat.id))
    return denied | (frozenset() if permissions is None else _denied(permissions))


def lost(change: ChatMemberUpdated) -> bool:
    """Whether the bot lost a needed right by this change."""
    before, after = change.old_chat_member, change.new_chat_member
    if not isinstance(after, ChatMemberRestricted):
        return False
    had = _denied(before) if isinstance(before, ChatMemberRestricted) else frozenset()
    return bool(_denied(after) - had)


async def tell(turn: Turn, change: ChatMemberUpdated, lacking: frozenset[str]) -> None:
    """Say what is missing: in the group, where its admins read it; else to the one who changed it, in private."""
    if "can_send_messages" in lacking:
        await turn.tell(turn.user_id, cannot_write(turn.t, change.chat.title or ""))
    elif lacking:
        await turn.answer(View(sentence(turn.t, lacking)), ReplyTarget(ChatId(change.chat.id)))


def sentence(t: Texts, lacking: frozenset[str]) -> str:
    """What a group that the bot may write in does not let it send, what happens then, and who can change it."""
    if "can_send_videos" not in lacking:
        return ""
    return t("group.no_files" if "can_send_documents" in lacking else "group.no_videos")


def cannot_write(t: Texts, group: str) -> View:
    """What an admin of a group gets to read in private whose bot may not write there."""
    return View(t("group.no_messages", group=escape(group)))


def _denied(source: object) -> frozenset[str]:
    return frozenset(right for right in NEEDED if getattr(source, right) is False)
