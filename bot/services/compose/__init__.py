"""From what a person said and sent to one checked request: defaults filled in, everything refused that cannot be.

Nothing is kept and nothing costs anything here.
"""

from bot.services.compose.images import Images
from bot.services.compose.videos import NOTHING_PREFERRED, Finished, Pictures, Videos

__all__ = ["NOTHING_PREFERRED", "Compose", "Pictures"]


class Compose(Videos, Finished, Images):
    """Builds requests and checks them. Every method raises `UserError`, with what can be done instead."""
