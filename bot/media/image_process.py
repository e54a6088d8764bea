"""What runs in the process that decodes images; started by `bot.media.worker`.

Requests and answers are lines of JSON on its standard input and output; images go through files. It imports
little: all that it holds counts as memory of the image.
"""

import json
import sys
from pathlib import Path
from typing import Literal

from bot.errors import UserError
from bot.media.images import PreparedImage, close_up, prepare, reduce
from bot.media.memory import limit_memory

EXTRA_MEMORY = 250_000_000
"""Bytes of address space that decoding may take: more than any accepted image needs, stacks of threads included."""

Work = Literal["prepare", "close_up", "reduce"]


def main() -> None:
    """Answer requests until standard input is closed, as it is when the bot ends in whatever way."""
    limit_memory(EXTRA_MEMORY)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            prepared = _work(request["work"], Path(request["image"]), request["options"])
        except UserError as error:
            answer: dict[str, object] = {"error": error.key, "params": error.params}
        else:
            Path(request["target"]).write_bytes(prepared.data)
            answer = {
                "media_type": prepared.media_type,
                "width": prepared.width,
                "height": prepared.height,
                "sha256": prepared.sha256,
            }
        print(json.dumps(answer), flush=True)  # noqa: T201  the answer


def _work(work: Work, image: Path, options: dict[str, int]) -> PreparedImage:
    if work == "reduce":
        return reduce(image, **options)
    return prepare(close_up(image.read_bytes()) if work == "close_up" else image)


if __name__ == "__main__":
    main()
