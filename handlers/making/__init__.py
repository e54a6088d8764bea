"""From a message to a request: commands, photos, the card."""
