"""Gateways that keep Kling's own bodies under `/kling/v1/videos/*`. Pure.

Answers come in Kling's envelope, as OpenAI's video object, or as the gateway's own row: all are read.
They hand `external_task_id` on and cannot be asked for it, and they want a prompt beside an image too
(new-api, middleware/kling_adapter.go).
"""

from bot.kling.dialects.bodies import Style
from bot.kling.dialects.profile import FRAMES, Native, Profile

PREFIXED = Native(
    Profile(
        name="prefixed",
        prefix="/kling",
        # new-api takes these two; its forks and others take more.
        usual=FRAMES,
        style=Style(image_ratio=True, try_on=True),
        needs_prompt=True,
    )
)
