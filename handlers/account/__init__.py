"""A person's own settings, balance, statistics and privacy."""
