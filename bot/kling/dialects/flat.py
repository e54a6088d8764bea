"""Proxies with Kling's own paths and answers without an envelope. Pure.

Seconds are integers, seven ratios are documented, `mode` is required, errors are HTTP statuses, and
`completed` is the word for success.
"""

from bot.domain.requests.request import Operation
from bot.kling.dialects.bodies import Style
from bot.kling.dialects.profile import PATHS, Native, Profile

FLAT = Native(
    Profile(
        name="flat",
        # Several pictures go to the same place as one.
        paths={Operation.REFERENCES_TO_VIDEO: PATHS[Operation.IMAGE_TO_VIDEO]},
        operations=frozenset(
            {Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.REFERENCES_TO_VIDEO}
        ),
        style=Style(
            durations="integer", needs_mode=True, image_ratio=True, pictures="strings", camera="value"
        ),
        ratios=("16:9", "9:16", "1:1", "3:2", "2:3", "3:4", "4:3"),
        modes=("std", "pro"),
        sound=False,
        correlates=False,
    )
)
