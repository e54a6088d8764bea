"""The demo's stand-in for Kling: an independent and strict reading of the wire facts, with real results."""

from bot.demo.kling.accounts import ACCOUNTS, Account, keys
from bot.demo.kling.behaviour import Behaviour
from bot.demo.kling.standin import DIALECTS, KlingStandIn

__all__ = ["ACCOUNTS", "DIALECTS", "Account", "Behaviour", "KlingStandIn", "keys"]
