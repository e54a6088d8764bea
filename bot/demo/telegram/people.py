"""The people, the bot and the chats of the stand-in, as the Bot API shows them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

GROUP_ID: Final = -1_002_000_000_001


@dataclass(frozen=True)
class User:
    """A person or the bot; a private chat with the bot has the id of the person."""

    id: int
    first_name: str
    username: str
    language_code: str = "en"
    is_bot: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give the `User` of the Bot API."""
        body: dict[str, Any] = {
            "id": self.id,
            "is_bot": self.is_bot,
            "first_name": self.first_name,
            "username": self.username,
        }
        if not self.is_bot:
            body["language_code"] = self.language_code
        return body


@dataclass
class Chat:
    """A private chat or a supergroup.

    `status_of` says what each member of a group is there; `topics` names its topics by their thread id. What a group
    is `forbidden` to send, but for its administrators, are kinds of `RIGHTS`.
    """

    id: int
    type: str
    title: str = ""
    status_of: dict[int, str] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    closed_topics: set[int] = field(default_factory=set)
    is_general_closed: bool = False
    forbidden: set[str] = field(default_factory=set)
    migrated_to: int | None = None

    @property
    def is_forum(self) -> bool:
        """Tell whether the group has topics."""
        return bool(self.topics)


def chat_json(chat: Chat, users: Mapping[int, User]) -> dict[str, Any]:
    """Give the `Chat` of the Bot API."""
    if chat.type == "private":
        person = users[chat.id]
        return {
            "id": chat.id,
            "type": "private",
            "first_name": person.first_name,
            "username": person.username,
        }
    body: dict[str, Any] = {"id": chat.id, "type": chat.type, "title": chat.title}
    if chat.is_forum:
        body["is_forum"] = True
    return body


_ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


RIGHTS = {
    "text messages": "can_send_messages",
    "music": "can_send_audios",
    "documents": "can_send_documents",
    "photos": "can_send_photos",
    "videos": "can_send_videos",
    "video notes": "can_send_video_notes",
    "voice notes": "can_send_voice_notes",
    "polls": "can_send_polls",
    "animations": "can_send_other_messages",
}
"""What may be forbidden in a group, and the fields of the Bot API that say so."""


def permissions_json(forbidden: Collection[str]) -> dict[str, Any]:
    """Give the `ChatPermissions` of the Bot API."""
    return {right: kind not in forbidden for kind, right in RIGHTS.items()} | dict.fromkeys(
        ("can_add_web_page_previews", "can_invite_users"), True
    )


def member_json(status: str, user: User, forbidden: Collection[str] = ()) -> dict[str, Any]:
    """Give the `ChatMember` of the Bot API; what is `forbidden` counts where the status is `restricted`."""
    body: dict[str, Any] = {"status": status, "user": user.as_json()}
    if status == "creator":
        body["is_anonymous"] = False
    if status == "administrator":
        body |= {"can_be_edited": False, "is_anonymous": False} | dict.fromkeys(_ADMIN_RIGHTS, True)
    if status == "restricted":
        others = (
            "can_change_info",
            "can_pin_messages",
            "can_manage_topics",
            "can_edit_tag",
            "can_react_to_messages",
        )
        body |= (
            {"is_member": True, "until_date": 0} | dict.fromkeys(others, False) | permissions_json(forbidden)
        )
    if status == "kicked":
        body["until_date"] = 0
    return body


BOT: Final = User(7_000_001, "Kling videos", "kling_demo_bot", is_bot=True)
ADMIN_ID: Final = 1000


def default_users() -> dict[int, User]:
    """Two ordinary people and an admin of the bot."""
    users = (
        User(1001, "Ada", "ada", "en"),
        User(1002, "小林", "xiaolin", "zh-hans"),
        User(ADMIN_ID, "Boss", "boss", "en"),
    )
    return {user.id: user for user in users}


def default_chats(users: Mapping[int, User], bot: User) -> dict[int, Chat]:
    """A private chat for each person, and one group in which all of them meet the bot."""
    chats = {user_id: Chat(user_id, "private") for user_id in users}
    members = dict.fromkeys((*users, bot.id), "member")
    members[ADMIN_ID] = "creator"
    chats[GROUP_ID] = Chat(GROUP_ID, "supergroup", "Film club", members)
    return chats
