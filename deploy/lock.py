"""Write the hashed lock file for deployment: `python deploy/lock.py deploy/requirements.lock`.

It asks pip for what the program needs, and downloads each chosen version for the common platforms, so
that the hashes of all their wheels stand in the file. No address of an index is written.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PLATFORMS = (
    ("3.11", "manylinux_2_28_x86_64"),
    ("3.12", "manylinux_2_28_x86_64"),
    ("3.13", "manylinux_2_28_x86_64"),
    ("3.12", "manylinux_2_28_aarch64"),
)
OLDER = ("manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")


def pip(*arguments: str) -> str:
    """Run pip and return what it prints."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  our own arguments


def chosen() -> dict[str, str]:
    """Every package that the program needs, with the version that pip chooses."""
    report = json.loads(pip("install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", "."))
    found = {item["metadata"]["name"]: item["metadata"]["version"] for item in report["install"]}
    found.pop("klingbot", None)
    return found


def hashes(name: str, version: str) -> set[str]:
    """The hashes of a version's wheels for the common platforms."""
    with tempfile.TemporaryDirectory() as folder:
        for python, platform in PLATFORMS:
            machine = platform.rsplit("_", 2)[-1] if platform.endswith("aarch64") else "x86_64"
            tags = [platform, *(f"{older}_{machine}" for older in OLDER)]
            options = [part for tag in tags for part in ("--platform", tag)]
            try:
                pip(
                    "download",
                    "--quiet",
                    "--no-deps",
                    "--only-binary",
                    ":all:",
                    "--python-version",
                    python,
                    *options,
                    "--dest",
                    folder,
                    f"{name}=={version}",
                )
            except subprocess.CalledProcessError:
                continue
        return {hashlib.sha256(file.read_bytes()).hexdigest() for file in Path(folder).iterdir()}


def main() -> None:
    """Write the file."""
    lines = [
        "# Made by `make lock`: what the program needs, with the hashes of its wheels (Linux, x86-64 and ARM)."
    ]
    for name, version in sorted(chosen().items(), key=lambda item: item[0].lower()):
        marks = " ".join(f"\\\n    --hash=sha256:{mark}" for mark in sorted(hashes(name, version)))
        lines.append(f"{name}=={version} {marks}")
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
