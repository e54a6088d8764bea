"""`klingbot run` on a machine whose clock a test sets: `python -m tests.world.launch --config … --wall …`.

The file of `--wall` holds by how many seconds the machine's clock is ahead; whoever writes it sets the clock.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from bot import app, application, log
from bot.settings import config


def main(path: str, wall: Path) -> None:
    """Run the bot as the command does, on that clock."""
    settings = config.load(Path(path), os.environ)
    log.setup(settings.logging.level, settings.logging.format, settings.secrets(), sys.stderr)
    asyncio.run(
        application.run(
            app.opened(settings),
            wall=lambda: time.time_ns() + int(wall.read_text("utf-8")) * 1_000_000_000,
        )
    )


if __name__ == "__main__":
    main(sys.argv[2], Path(sys.argv[4]))
