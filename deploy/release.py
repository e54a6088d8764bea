"""Write what a release says of itself: `python deploy/release.py dist`, after the wheel was built there.

It adds the lock file, the schema of the settings, and `notes.md` with the newest section of the changelog.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def notes(changelog: str, version: str) -> str:
    """The section of a version.

    Raises:
        ValueError: there is none.

    """
    found = re.search(
        rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise ValueError(f"CHANGELOG.md has no section [{version}]")
    return found[1].strip() + "\n"


def main(directory: Path) -> None:
    """Write the files."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (directory / "notes.md").write_text(notes(changelog, version), "utf-8")
    shutil.copy(ROOT / "deploy" / "requirements.lock", directory)
    schema = subprocess.run(
        [sys.executable, "-m", "bot", "schema"], cwd=ROOT, check=True, capture_output=True
    )
    (directory / "config.schema.json").write_bytes(schema.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
