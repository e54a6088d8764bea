"""Proxies with Kling's own paths and answers without an envelope. Pure.

Seconds are integers, seven ratios are documented, `mode` is required, errors are HTTP statuses, and
`completed` is the word for success.
"""

from bot.kling.dialects.profile import Native, Profile

FLAT = Native(
    Profile(
        name="flat",
        durations="integer",
        ratios=("16:9", "9:16", "1:1", "3:2", "2:3", "3:4", "4:3"),
        modes=("std", "pro"),
        needs_mode=True,
        image_ratio=True,
        sound=False,
        correlates=False,
    )
)
