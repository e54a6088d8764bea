"""The bound of memory of a child process. It imports little: what it holds counts for the child."""

import sys
from pathlib import Path


def limit_memory(extra: int) -> None:
    """Bound what this process allocates from here on to `extra` bytes, where the system can (Linux)."""
    if sys.platform != "linux":
        return
    import resource

    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    used = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (used + extra, used + extra))
    # A crash of a decoder is expected here and leaves no file behind.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
