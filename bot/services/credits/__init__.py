"""Balances, prices, plans and payments."""
