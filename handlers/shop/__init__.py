"""Buy credits and subscriptions."""
