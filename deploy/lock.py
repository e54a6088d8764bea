"""Write the hashed lock file for deployment: `python deploy/lock.py deploy/requirements.lock`.

It asks pip for what the program needs, and downloads the chosen versions for each Python and machine that the project
names, so that the hashes of all their wheels stand in the file. No address of an index is written.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
LIBRARIES = ("manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5", "manylinux1")


def pip(*arguments: str) -> str:
    """Run pip and return what it prints; where it fails, its reason ends this program."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  our own arguments
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def chosen() -> dict[str, str]:
    """Every package that the program needs, with the version that pip chooses."""
    report = json.loads(pip("install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", "."))
    found = {item["metadata"]["name"]: item["metadata"]["version"] for item in report["install"]}
    found.pop("klingbot", None)
    return found


def hashes(packages: dict[str, str]) -> dict[str, set[str]]:
    """The hashes of all wheels by the normalized name of their package.

    A package without a wheel for one of the machines ends this program: the image could not be made for it.
    """
    found: dict[str, set[str]] = defaultdict(set)
    pinned = [f"{name}=={version}" for name, version in packages.items()]
    for python in PYTHONS:
        for machine in MACHINES:
            platforms = [part for library in LIBRARIES for part in ("--platform", f"{library}_{machine}")]
            with tempfile.TemporaryDirectory() as folder:
                options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", python]
                pip("download", *options, *platforms, "--dest", folder, *pinned)
                for file in Path(folder).iterdir():
                    name = normalized(file.name.partition("-")[0])
                    found[name].add(hashlib.sha256(file.read_bytes()).hexdigest())
    return found


def normalized(name: str) -> str:
    """A name of a package as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Write the file."""
    lines = [
        f"# Made by `make lock`: what the program needs, with the hashes of its wheels for Linux on {' and '.join(MACHINES)},",
        f"# for Python {', '.join(PYTHONS)}.",
    ]
    packages = chosen()
    found = hashes(packages)
    for name, version in sorted(packages.items(), key=lambda item: item[0].lower()):
        marks = " ".join(f"\\\n    --hash=sha256:{mark}" for mark in sorted(found[normalized(name)]))
        lines.append(f"{name}=={version} {marks}")
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
