"""Everything that is sent to Telegram."""
