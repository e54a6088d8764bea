"""Somebody at a terminal: `python tests/docs/terminal.py PROGRAM …` answers the questions of a program.

ANSWERS in the environment is a JSON list of pairs: what a question says, and the answer; the first that fits is given,
and the default where none does. What the program says is printed; its exit status is that of this one.
"""

import json
import os
import pty
import re
import shutil
import signal
import sys
from collections.abc import Sequence

MOST_QUESTIONS = 30


def answered(command: Sequence[str], answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run a program at a terminal of its own; its exit status, and what stood there."""
    program = shutil.which(command[0])
    assert program is not None, command[0]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program, [program, *command[1:]])  # noqa: S606  the test's own
    said, asked = "", 0
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            # So a terminal of Linux ends when nobody has it any more.
            break
        if not part:
            break
        said += part.decode(errors="replace")
        question = said.rsplit("\n", 1)[-1]
        if question.endswith((": ", "? ", "] ")):
            fitting = [answer for words, answer in answers if re.search(words, question, re.IGNORECASE)]
            os.write(terminal, f"{fitting[0] if fitting else ''}\n".encode())
            said, asked = said + "\n", asked + 1
            if asked > MOST_QUESTIONS:
                os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said


if __name__ == "__main__":
    code, everything = answered(sys.argv[1:], json.loads(os.environ["ANSWERS"]))
    sys.stdout.write(everything)
    sys.exit(code)
