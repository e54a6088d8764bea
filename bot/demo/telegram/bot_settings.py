"""What a bot tells of itself: commands per scope and language, name, description, short description, menu button."""

import json
import re
from typing import Any

from bot.demo.telegram.people import Chat, User
from bot.demo.telegram.state import TelegramState
from bot.demo.telegram.wire import Call, bad_request

_SCOPES: dict[str, tuple[str, ...]] = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
_TEXTS = {"name": 64, "description": 512, "shortdescription": 120}
_FIELDS = {"name": "name", "description": "description", "shortdescription": "short_description"}


def _language(call: Call) -> str:
    language = call.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad_request("LANG_CODE_INVALID")
    return language


class BotSettings:
    """Implements the methods about the bot itself, and tells which commands a person sees."""

    def __init__(self, state: TelegramState) -> None:
        self.state = state

    def _scope(self, call: Call) -> str:
        scope = call.json("scope") or {"type": "default"}
        named = _SCOPES.get(str(scope.get("type")) if isinstance(scope, dict) else "")
        if named is None:
            raise bad_request("can't parse BotCommandScope: unsupported type specified")
        if "chat_id" in named:
            self.state.chat_for_bot(scope.get("chat_id", ""))
        return ":".join([scope["type"], *(str(scope.get(name, "")) for name in named)])

    async def set_commands(self, call: Call) -> Any:
        """SetMyCommands."""
        commands = call.json("commands")
        if not isinstance(commands, list):
            raise bad_request("can't parse commands JSON object")
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", ""))) <= 256:
                raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        self.state.commands[self._scope(call), _language(call)] = commands
        self.state.events.add("commands")
        return True

    async def get_commands(self, call: Call) -> Any:
        """GetMyCommands."""
        return self.state.commands.get((self._scope(call), _language(call)), [])

    async def delete_commands(self, call: Call) -> Any:
        """DeleteMyCommands."""
        self.state.commands.pop((self._scope(call), _language(call)), None)
        self.state.events.add("commands")
        return True

    def commands_for(self, user: User, chat: Chat) -> list[dict[str, Any]]:
        """Give the command menu that this person sees in this chat, by Telegram's order of scopes."""
        if chat.type == "private":
            scopes = [f"chat:{chat.id}", "all_private_chats", "default"]
        else:
            is_admin = chat.status_of.get(user.id) in {"administrator", "creator"}
            scopes = [f"chat_member:{chat.id}:{user.id}"]
            scopes += [f"chat_administrators:{chat.id}"] if is_admin else []
            scopes += [f"chat:{chat.id}"]
            scopes += ["all_chat_administrators"] if is_admin else []
            scopes += ["all_group_chats", "default"]
        for scope in scopes:
            for language in (user.language_code.split("-")[0], ""):
                if found := self.state.commands.get((scope, language)):
                    return found
        return []

    async def set_text(self, call: Call) -> Any:
        """setMyName, setMyDescription, setMyShortDescription; an empty text takes it away."""
        what = call.method.lower().removeprefix("setmy")
        text = call.text(_FIELDS[what])
        if len(text) > _TEXTS[what]:
            raise bad_request(f"bot {_FIELDS[what].replace('_', ' ')} is too long")
        if text:
            self.state.settings[what, _language(call)] = text
        else:
            self.state.settings.pop((what, _language(call)), None)
        return True

    async def get_text(self, call: Call) -> Any:
        """getMyName, getMyDescription, getMyShortDescription, in the language asked for or the default one."""
        what = call.method.lower().removeprefix("getmy")
        return {_FIELDS[what]: self.text_for(what, _language(call))}

    def text_for(self, what: str, language: str) -> str:
        """Give the name, description or short description for a two-letter language."""
        usual = self.state.bot.first_name if what == "name" else ""
        settings = self.state.settings
        return settings.get((what, language)) or settings.get((what, "")) or usual

    async def set_menu_button(self, call: Call) -> Any:
        """SetChatMenuButton."""
        self.state.settings["menu_button", call.text("chat_id")] = json.dumps(call.json("menu_button"))
        return True

    async def get_menu_button(self, call: Call) -> Any:
        """GetChatMenuButton."""
        stored = self.state.settings.get(("menu_button", call.text("chat_id")), "null")
        return json.loads(stored) or {"type": "default"}
