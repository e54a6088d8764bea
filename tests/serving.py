"""Runs an ASGI app on a free loopback port for the length of a test; the demo does the same."""

from bot.demo.serving import serve

__all__ = ["serve"]
