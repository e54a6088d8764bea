"""The files of deploy/ do what their comments and docs/deployment.md say."""

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email.parser import BytesParser
from pathlib import Path
from types import ModuleType

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


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "deploy" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_has_wheels_for_every_python_and_machine_that_is_supported():
    lock = script("lock")
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    assert set(lock.PYTHONS) == set(re.findall(r'"(3\.\d+)"', ci))
    machines = {"amd64": "x86_64", "arm64": "aarch64"}
    assert [machines[each] for each in re.findall(r"linux/(\w+)", release)] == list(lock.MACHINES)
    header = (ROOT / "deploy" / "requirements.lock").read_text("utf-8").splitlines()[:2]
    assert all(name in " ".join(header) for name in (*lock.PYTHONS, *lock.MACHINES))


def test_the_workflows_name_every_action_by_its_commit():
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: (.+)", workflow.read_text("utf-8"))
        assert used
        assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used), workflow


def test_the_notes_of_a_release_are_its_section_of_the_changelog():
    release = script("release")
    changelog = "# Changelog\n\n## [1.2.0] - 2027-01-01\n\n- New\n\n## [1.1.0]\n\n- Old\n"
    assert release.notes(changelog, "1.2.0") == "- New\n"
    assert release.notes(changelog, "1.1.0") == "- Old\n"
    with pytest.raises(ValueError, match="no section"):
        release.notes(changelog, "1")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    directory = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", directory, ROOT]
    subprocess.run(command, check=True)
    (path,) = directory.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_has_all_that_is_needed_and_no_tests(wheel):
    names = set(wheel.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "bot", "handlers"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(tracked.stdout.split()) <= names
    assert {"bot/py.typed", "handlers/py.typed", "bot/settings/config.example.toml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "deploy/"))]


def test_the_wheel_says_who_made_it_for_what_and_where_more_is(wheel):
    (path,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    metadata = BytesParser().parsebytes(wheel.read(path))
    assert {each.partition(",")[0] for each in metadata.get_all("Project-URL")} >= {"Homepage", "Issues"}
    assert metadata["Author"] or metadata["Author-email"]
    versions = {each.rpartition(" ")[2] for each in metadata.get_all("Classifier") if "Python :: 3." in each}
    ci = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert versions == set(re.findall(r'"(3\.\d+)"', ci))


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
    assert source in (ROOT / "docs" / "deployment.md").read_text("utf-8")
