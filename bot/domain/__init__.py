"""What the product is about, as pure data and pure functions: no I/O, no clock, no Telegram."""
