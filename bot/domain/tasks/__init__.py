"""The life of an accepted request."""
