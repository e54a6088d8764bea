"""The bot without Telegram: domain, Kling, store and services."""
