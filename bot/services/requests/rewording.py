"""The same request with other words: what a reply to a result, or an edited prompt, asks for."""

from bot.domain.requests.choices import COMPOSED
from bot.domain.requests.preferences import Preferences
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import VideoRequest
from bot.services.compose import Compose, Pictures


def reworded(
    compose: Compose, request: VideoRequest, parsed: ParsedPrompt, preferences: Preferences
) -> VideoRequest:
    """The request that the words would have made with the same pictures; options that are gone are gone.

    Raises:
        UserError: it cannot be done.

    """
    if request.operation not in COMPOSED or request.source is not None:
        return compose.completed(request, parsed)
    pictures = Pictures(request.first_frame, request.last_frame, request.references)
    return compose.video(parsed, pictures, preferences, try_on=request.try_on)
