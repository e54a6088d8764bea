"""Telegram: everything that knows python-telegram-bot."""
