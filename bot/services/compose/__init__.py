"""From what a person said and sent to one checked request: defaults filled in, everything refused that cannot be.

Nothing is kept and nothing costs anything here.
"""

from bot.services.compose.build import SAMPLE_PROMPT
from bot.services.compose.compose import Compose
from bot.services.compose.inputs import Images, Inputs
from bot.services.compose.onward import Onward, source_of
from bot.services.compose.usual import NOTHING_PREFERRED

__all__ = ["NOTHING_PREFERRED", "SAMPLE_PROMPT", "Compose", "Images", "Inputs", "Onward", "source_of"]
