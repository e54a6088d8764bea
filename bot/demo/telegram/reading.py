"""The methods that only read: the bot, updates, files, chats and members; and the webhook's settings."""

import asyncio
import contextlib
from typing import Any

from starlette.requests import Request

from bot.demo.telegram.files import MEGABYTE
from bot.demo.telegram.people import chat_json, member_json, permissions_json
from bot.demo.telegram.state import TelegramState
from bot.demo.telegram.webhook import WebhookSender
from bot.demo.telegram.wire import BotApiError, Call, bad_request

_LONGEST_POLL = 50
_LOGGED_OUT_SECONDS = 600
LOGGED_OUT = "Logged out"


async def until_disconnected(request: Request) -> None:
    """Return when the client has gone away; the request's body must have been read before."""
    while (await request.receive())["type"] != "http.disconnect":
        continue


class Reading:
    """Implements the reading methods over the state; `download_limit` is in bytes."""

    def __init__(
        self, state: TelegramState, webhook: WebhookSender, *, download_limit: int = 20 * MEGABYTE
    ) -> None:
        self.state = state
        self.webhook = webhook
        self.download_limit = download_limit

    async def get_me(self, _call: Call) -> Any:
        """GetMe."""
        return self.state.bot.as_json() | {
            "can_join_groups": True,
            "can_read_all_group_messages": not self.state.privacy_mode,
            "supports_inline_queries": True,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    async def get_updates(self, call: Call, request: Request | None = None) -> Any:
        """getUpdates; a poll whose client went away ends without having handed anything out."""
        if self.state.webhook.get("url"):
            raise BotApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self.state.updates.allow(call.json("allowed_updates"))
        poll = asyncio.ensure_future(
            self.state.updates.poll(
                offset=call.integer("offset"),
                limit=call.integer("limit", 100),
                seconds=min(max(call.integer("timeout"), 0), _LONGEST_POLL),
            )
        )
        if request is None:
            return await poll
        gone = asyncio.ensure_future(until_disconnected(request))
        try:
            await asyncio.wait({poll, gone}, return_when=asyncio.FIRST_COMPLETED)
            return poll.result() if poll.done() else []
        finally:
            for task in (poll, gone):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, BotApiError):
                    await task

    async def set_webhook(self, call: Call) -> Any:
        """setWebhook; an empty address takes it away. Loopback addresses may be plain HTTP here."""
        url = call.text("url")
        if not url:
            return await self.delete_webhook(call)
        if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:")):
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        self.state.updates.allow(call.json("allowed_updates"))
        if call.boolean("drop_pending_updates"):
            self.state.updates.waiting.clear()
        self.state.webhook = {
            "url": url,
            "secret_token": call.text("secret_token"),
            "max_connections": call.integer("max_connections", 40),
        }
        self.webhook.start()
        self.state.updates.touch()
        self.state.updates.end_poll(BotApiError(409, "Conflict: terminated by setWebhook request"))
        return True

    async def delete_webhook(self, call: Call) -> Any:
        """DeleteWebhook."""
        self.state.webhook = {}
        if call.boolean("drop_pending_updates"):
            self.state.updates.waiting.clear()
        self.state.updates.touch()
        return True

    async def get_webhook_info(self, _call: Call) -> Any:
        """GetWebhookInfo."""
        known = self.state.webhook
        info: dict[str, Any] = {
            "url": known.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.state.updates.waiting),
        }
        info |= {
            name: known[name]
            for name in ("max_connections", "last_error_date", "last_error_message")
            if known.get(name)
        }
        return info

    async def get_file(self, call: Call) -> Any:
        """getFile; over the limit of downloads Telegram refuses."""
        stored = self.state.files.by_id.get(call.text("file_id"))
        if stored is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if stored.size > self.download_limit:
            raise bad_request("file is too big")
        return stored.as_json() | {"file_path": stored.file_path}

    async def get_chat(self, call: Call) -> Any:
        """GetChat."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        known = chat_json(chat, self.state.users)
        if chat.type != "private":
            known["permissions"] = permissions_json(chat.forbidden)
        return known | {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": {
                "unlimited_gifts": False,
                "limited_gifts": False,
                "unique_gifts": False,
                "premium_subscription": False,
                "gifts_from_channels": False,
            },
        }

    async def get_chat_member(self, call: Call) -> Any:
        """GetChatMember."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        user_id = call.integer("user_id")
        user = self.state.bot if user_id == self.state.bot.id else self.state.users.get(user_id)
        if user is None:
            raise bad_request("invalid user_id specified")
        status = "member" if chat.type == "private" else chat.status_of.get(user.id, "left")
        return member_json(status, user, chat.forbidden)

    async def get_administrators(self, call: Call) -> Any:
        """GetChatAdministrators."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        if chat.type == "private":
            raise bad_request("there are no administrators in the private chat")
        return [
            member_json(status, self.state.sender(user_id))
            for user_id, status in chat.status_of.items()
            if status in {"creator", "administrator"}
        ]

    async def get_member_count(self, call: Call) -> Any:
        """GetChatMemberCount."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        return 2 if chat.type == "private" else len(chat.status_of)

    async def leave_chat(self, call: Call) -> Any:
        """LeaveChat."""
        chat = self.state.chat_for_bot(call.text("chat_id"))
        if chat.type == "private":
            raise bad_request("chat member status can't be changed in private chats")
        chat.status_of[self.state.bot.id] = "left"
        return True

    async def log_out(self, _call: Call) -> Any:
        """LogOut: for ten minutes the server takes nothing of the bot, and it has forgotten its webhook."""
        self.state.logged_out_until = self.state.now() + _LOGGED_OUT_SECONDS
        self.state.webhook = {}
        self.state.updates.waiting.clear()
        self.state.updates.end_poll(BotApiError(400, LOGGED_OUT))
        return True

    async def done(self, _call: Call) -> Any:
        """Methods with nothing to do here: close."""
        return True
