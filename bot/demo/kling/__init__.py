"""The demo's stand-in for Kling: an independent and strict reading of the wire facts, with real videos."""

from bot.demo.kling.behaviour import Behaviour
from bot.demo.kling.standin import Account, KlingStandIn

__all__ = ["Account", "Behaviour", "KlingStandIn"]
