"""What the documents say of the program is so."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.__main__ import main
from bot.cli import admin
from bot.cli.catalog_table import table
from bot.domain.people.access import Role
from bot.domain.requests import catalog
from bot.domain.requests.operations import Operation
from bot.kling import dialects
from bot.metrics import METRICS, Metric
from bot.settings.config import Settings, load
from handlers import ROUTES
from handlers.chat.menus import Section
from tests.acceptance import table as acceptance
from tests.docs import configuration, roles

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
}
README = PAGES["README.md"]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    paths = listed.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py")]
    return [ROOT / path for path in paths if (ROOT / path).is_file()]


def test_every_make_target_that_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    assert named
    assert named <= targets


def test_every_command_of_the_program_that_the_readme_names_exists():
    named = set(re.findall(r"klingbot ([a-z]+)(?:\s|$)", re.sub(r"docker.*|sudo.*", "", README)))
    listed = CliRunner().invoke(main, ["--help"]).output
    assert {"init", "check", "run"} <= named
    assert all(re.search(rf"^  {name}\b", listed, re.MULTILINE) for name in named)


def command_table() -> str:
    """The commands that people have, by section, and those that each role adds."""
    rows = {section.name.lower(): [] for section in Section if section is not Section.STAFF}
    rows |= {str(role): [] for role in reversed(Role)}
    for command in ROUTES.commands.values():
        if command.permission is not None:
            least = next(role for role in reversed(Role) if command.is_for(role))
            rows[str(least)].append(command.name)
        elif command.section is not None:
            rows[command.section.name.lower()].append(command.name)
    lines = [
        f"| {title} | {' '.join(f'`/{name}`' for name in sorted(names))} |" for title, names in rows.items()
    ]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def test_the_table_of_commands_is_what_the_handlers_declare():
    found = PAGES["docs/users.md"].partition("<!-- commands -->\n")[2].partition("\n<!-- /commands -->")[0]
    assert found == command_table(), (
        f"put this between <!-- commands --> and <!-- /commands -->:\n{command_table()}"
    )


def test_the_examples_name_only_commands_that_there_are():
    for name in ("README.md", "README.zh-CN.md", "docs/users.md"):
        rows = [row for row in PAGES[name].splitlines() if row.startswith("| ")]
        assert set(re.findall(r"`/(\w+)", "\n".join(rows))) <= set(ROUTES.commands), name


def test_every_command_of_the_shell_is_documented_and_the_other_way_round():
    first, _, rest = PAGES["docs/cli.md"].partition("## From a shell")
    assert set(re.findall(r"^\| `klingbot ([a-z-]+)", first, re.MULTILINE)) == set(main.commands) - {"admin"}
    table = rest.partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z-]+)", row)}
    assert named == set(admin.commands)


def metrics_table() -> str:
    """Every metric, with its labels and their values."""
    lines = [f"| `{metric.name}` | {metric.kind} | {_labels(metric)} | {metric.help} |" for metric in METRICS]
    return "\n".join(["| metric | kind | labels | what it tells |", "| --- | --- | --- | --- |", *lines])


def _labels(metric: Metric) -> str:
    return "<br>".join(f"`{name}`: {values}" for name, values in metric.labels.items())


def test_the_table_of_metrics_is_what_is_measured():
    found = PAGES["docs/monitoring.md"].partition("<!-- metrics -->\n")[2].partition("\n<!-- /metrics -->")[0]
    assert found == metrics_table(), (
        f"put this between <!-- metrics --> and <!-- /metrics -->:\n{metrics_table()}"
    )


def test_every_dialect_is_documented_and_in_the_settings():
    table = PAGES["docs/providers.md"].partition("## Keys that work")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    provider = Settings.model_fields["providers"].annotation.__args__[0]
    allowed = set(provider.model_fields["dialect"].annotation.__args__)
    assert named == set(dialects.DIALECTS) == allowed - {"auto"}


def test_the_table_of_models_is_what_the_catalog_says():
    found = PAGES["docs/models.md"].partition("<!-- models -->\n")[2].partition("\n<!-- /models -->")[0]
    assert found == table(catalog.load()), (
        "docs/models.md is behind the catalog: put what `python -m bot.cli.catalog_table` prints "
        "between <!-- models --> and <!-- /models -->"
    )


def test_the_table_of_acceptance_is_what_the_dialects_send():
    assert PAGES["docs/acceptance.md"] == acceptance.document(), (
        "docs/acceptance.md is behind the dialects: `python -m tests.acceptance.table > docs/acceptance.md`, "
        "and let `tests/acceptance` run"
    )


def test_the_example_of_a_gateway_that_names_models_by_function_names_all_of_them(tmp_path):
    section = PAGES["docs/providers.md"].partition("### Gateways that name models by function")[2]
    path = tmp_path / "config.toml"
    path.write_text(section.partition("```toml\n")[2].partition("```")[0], "utf-8")
    (provider,) = load(path, {}).providers
    assert provider.model_names["text2video"] == "kling_video"
    assert set(provider.model_names) == set(provider.operations) <= set(Operation)
    assert set(provider.paths) <= set(provider.operations)


def test_every_file_that_the_documents_name_is_there():
    for page, text in PAGES.items():
        for name in re.findall(r"`((?:bot|handlers|tests|deploy)/[\w/.]+)`", text):
            assert page == "CHANGELOG.md" or (ROOT / name).exists(), (page, name)
        for name in re.findall(r"\]\(((?!http)[^)#]+)", text):
            assert (ROOT / page).parent.joinpath(name).exists(), (page, name)


def test_every_document_is_found_from_the_readme_or_in_the_menu_of_the_site():
    linked = set(re.findall(r"\]\(((?!http)[^)#]+)", README))
    menu = re.findall(r": ([\w.-]+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert {name for name in PAGES if name != "README.md"} <= linked | {f"docs/{name}" for name in menu}


def test_the_page_of_settings_is_what_their_types_and_the_example_say():
    assert PAGES["docs/configuration.md"] == configuration.document(), (
        "docs/configuration.md is behind the settings: "
        "`python -m tests.docs.configuration > docs/configuration.md`"
    )


def test_the_table_of_roles_is_what_they_may_do():
    found = PAGES["docs/admins.md"].partition("<!-- roles -->\n")[2].partition("\n<!-- /roles -->")[0]
    assert found == roles.table(), "put what `python -m tests.docs.roles` prints into docs/admins.md"


def test_the_documents_name_only_commands_of_the_program_that_there_are():
    listed = set(main.commands)
    for page, text in PAGES.items():
        if page != "CHANGELOG.md":
            code = "\n".join(
                "".join(each) for each in re.findall(r"```sh\n(.*?)```|`(klingbot [^`]+)`", text, re.DOTALL)
            )
            assert set(re.findall(r"(?:^|bin/|\s)klingbot ([a-z]+)\b", code)) <= listed, page


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_short_and_its_smallest_settings_are_enough(page, tmp_path):
    assert len(PAGES[page].splitlines()) <= 120
    path = tmp_path / "config.toml"
    path.write_text(PAGES[page].partition("```toml\n")[2].partition("```")[0], "utf-8")
    assert load(path, {}).providers[0].name == "official"


def test_the_changelog_tells_of_what_is_here():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    newest = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)[0]
    assert newest in {"Unreleased", version}


def test_the_lock_names_every_dependency_with_hashes_and_no_index():
    lock = (ROOT / "deploy" / "requirements.lock").read_text("utf-8").replace("-", "_")
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    for requirement in wanted:
        name = re.split(r"[\[<>=]", requirement)[0].replace("-", "_")
        assert re.search(rf"^{name}==\S+ \\\n    __hash=sha256:", lock, re.MULTILINE | re.IGNORECASE), name
    assert "http" not in re.sub(r"^(?:httpx|httpcore|httptools|aiohttp)\S*.*$", "", lock, flags=re.MULTILINE)


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(word):
    here = Path(__file__)
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".js", ".po", ".yaml", ".service"} and path != here:
            assert not re.search(rf"\b{word}\b", path.read_text("utf-8")), path


def test_no_file_was_left_in_the_middle_of_a_merge_and_none_is_a_package():
    for path in tracked():
        assert path.suffix not in {".whl", ".orig", ".rej"}, path
        if (
            path.suffix in {".py", ".md", ".toml", ".po", ".yaml", ".yml", ".json", ".service", ""}
            and path.is_file()
        ):
            marks = re.search(
                r"^(<{7} |={7}$|>{7} )", path.read_text("utf-8", errors="replace"), re.MULTILINE
            )
            assert marks is None, path


def test_every_promise_of_the_security_page_names_tests_that_there_are():
    table = (ROOT / "SECURITY.md").read_text("utf-8").partition("<!-- promises -->\n")[2]
    rows = [
        row for row in table.partition("<!-- /promises -->")[0].splitlines()[2:] if not row.startswith("| **")
    ]
    assert rows
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", row)
        assert named, row
        for file, test in named:
            text = (ROOT / "tests" / file).read_text("utf-8")
            assert re.search(rf"def {test}\(" if test else r"def test_", text), f"{file}::{test}"
    files = {
        f"{folder}/{path.name}"
        for folder in ("faults", "fuzz")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
    }
    assert files <= set(re.findall(r"`(\w+/\w+\.py)", "\n".join(rows)))
