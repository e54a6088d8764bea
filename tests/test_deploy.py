"""The files of deploy/ do what their comments and docs/deploy.md say."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from bot.errors import StoreLost

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "klingbot.service"

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed here"
)


@pytest.fixture(scope="module")
def unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(UNIT.read_text("utf-8"))
    return parser


@needs_systemd
def test_the_exposure_of_the_service_is_at_most_2():
    analyzed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Overall exposure level for klingbot.service: ([\d.]+)", analyzed.stdout)
    assert found
    assert float(found[1]) <= 2.0


@needs_systemd
def test_systemd_understands_the_unit(tmp_path):
    text = UNIT.read_text("utf-8").replace("/opt/klingbot/bin/klingbot", "/bin/true")
    (tmp_path / "klingbot.service").write_text(text, "utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "klingbot.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_what_starting_again_would_not_mend_ends_the_service(unit):
    service = unit["Service"]
    # 2 is what wrong settings end with, see bot/__main__.py.
    assert service["RestartPreventExitStatus"].split() == ["2", str(StoreLost("gone").exit_status)]
    assert service["Restart"] == "always"
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 60


def test_the_settings_come_as_a_credential(unit):
    service = unit["Service"]
    name, _, source = service["LoadCredential"].partition(":")
    assert service["Environment"] == f"KLINGBOT_CONFIG=%d/{name}"
    assert source in (ROOT / "docs" / "deploy.md").read_text("utf-8")
