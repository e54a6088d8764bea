"""`klingbot init`: a few questions, and a settings file that only its owner can read."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answered."""

    token: str
    admin: int
    base_url: str
    key: str
    models: tuple[str, ...]


def questions() -> Answers:
    """Ask on the terminal."""
    token = click.prompt("Bot token (from @BotFather)", hide_input=True)
    admin = click.prompt("Your own Telegram user id (from @userinfobot)", type=int)
    base_url = click.prompt("Kling address, or your gateway's", default="https://api-singapore.klingai.com")
    key = click.prompt("Kling key (access_key|secret_key, or an API key)", hide_input=True)
    models = click.prompt("Models, separated by commas", default="kling-v2-6, kling-v2-5-turbo")
    return Answers(
        token, admin, base_url, key, tuple(name.strip() for name in models.split(",") if name.strip())
    )


def write(path: Path, answers: Answers) -> None:
    """Write the settings file with mode 0600."""
    text = f"""\
# Written by `klingbot init`. config.example.toml explains every key.

[telegram]
token = {json.dumps(answers.token)}
admins = [{answers.admin}]

[[providers]]
name = "kling"
base_url = {json.dumps(answers.base_url)}
key = {json.dumps(answers.key)}
models = {json.dumps(list(answers.models))}

[plans.free]
daily_credits = 100
monthly_credits = 1000
"""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
