"""Accounts, access, roles, limits and moderation."""
