"""The demo's stand-in for Telegram: a Bot API over HTTP, and the chat page that stands before it."""

from bot.demo.telegram.standin import TelegramStandIn

__all__ = ["TelegramStandIn"]
