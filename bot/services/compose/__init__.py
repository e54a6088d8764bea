"""From what a person said and sent to one checked request: defaults filled in, everything refused that cannot be.

Nothing is kept and nothing costs anything here.
"""

from bot.services.compose.compose import NOTHING_PREFERRED, Compose, Images, Inputs

__all__ = ["NOTHING_PREFERRED", "Compose", "Images", "Inputs"]
