"""From a message to an accepted request."""
