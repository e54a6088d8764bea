"""The schema of the settings says what the settings themselves say."""

import json
import tomllib

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from bot.__main__ import main
from bot.settings.config import Settings
from bot.settings.places import secrets_of
from bot.settings.schema import example, schema

VALIDATOR = Draft202012Validator(schema())
GOOD = tomllib.loads(example())


def mistakes(document: object) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_one_and_the_example_keeps_to_it():
    Draft202012Validator.check_schema(schema())
    assert mistakes(GOOD) == []


@pytest.mark.parametrize("section", sorted(Settings.model_fields))
def test_a_key_that_there_is_not_is_a_mistake_in_every_section(section):
    part = GOOD.get(section)
    broken = [{**part[0], "colour": 1}] if isinstance(part, list) else {**(part or {}), "colour": 1}
    assert mistakes({**GOOD, section: broken})


@pytest.mark.parametrize(("section", "key"), secrets_of(Settings))
def test_a_secret_may_be_a_file(section, key):
    part = GOOD[section]
    table = dict(part[0] if isinstance(part, list) else part)
    table.pop(key, None)
    assert mistakes({**GOOD, section: [table] if isinstance(part, list) else table}) == (
        [f"$.{section}" + ("[0]" if isinstance(part, list) else "")]
        if key in {"token", "key"} and section != "assistant"
        else []
    )
    table[f"{key}_file"] = "secret"
    assert mistakes({**GOOD, section: [table] if isinstance(part, list) else table}) == []


def test_most_keys_are_explained_in_the_editor():
    tables = [table["properties"] for table in schema()["$defs"].values() if "properties" in table]
    explained = [key for table in tables for key, node in table.items() if "description" in node]
    assert len(explained) > 100


def test_the_commands_print_both():
    run = CliRunner().invoke
    assert tomllib.loads(run(main, ["example"]).output) == GOOD
    assert json.loads(run(main, ["schema"]).output) == schema()
