"""`klingbot init`: a few questions, and a settings file that only its owner can read."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import BaseModel, SecretStr, ValidationError

from bot.cli.checks.accounts import check_key
from bot.cli.checks.findings import Level
from bot.clock import Runtime
from bot.domain.types import ProviderName
from bot.kling.provider import Provider
from bot.network import Network
from bot.settings.sections import Telegram

USUAL = ("kling-v2-6", "kling-v2-5-turbo")
"""The models that are suggested, where the key can use them."""

ANSWER_SECONDS = 5.0
"""How long an account may take to answer while somebody waits."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answered."""

    token: str
    admin: int
    base_url: str
    key: str
    models: tuple[str, ...]


def questions() -> Answers:
    """Ask on the terminal, and again where an answer cannot be right."""
    token = click.prompt(
        "Bot token (from @BotFather)", hide_input=True, value_proc=_fitting(Telegram, "token")
    )
    admin = click.prompt("Your own Telegram user id (from @userinfobot)", type=int)
    base_url = click.prompt(
        "Kling address, or your gateway's",
        default="https://api-singapore.klingai.com",
        value_proc=_fitting(Provider, "base_url"),
    )
    key = click.prompt(
        "Kling key (access_key|secret_key, or an API key)",
        hide_input=True,
        value_proc=_fitting(Provider, "key"),
    )
    usable = _show_models(base_url, key)
    default = [model for model in USUAL if model in usable] or list(usable[:2]) or list(USUAL)
    models = click.prompt("Models, separated by commas", default=", ".join(default))
    return Answers(
        token, admin, base_url, key, tuple(name.strip() for name in models.split(",") if name.strip())
    )


def _show_models(base_url: str, key: str) -> tuple[str, ...]:
    """Show what a key can use, as `klingbot check` does, and return the video models among it.

    Where the account does not answer soon, these are the ones that its dialect has.
    """
    provider = Provider(
        name=ProviderName("kling"),
        base_url=base_url,
        key=SecretStr(key),
        models=USUAL,
        timeout=ANSWER_SECONDS,
    )
    click.echo("Asking the account …")
    results = asyncio.run(check_key(provider, Runtime(), Network()))
    answer = results[0]
    accepted = answer.level is not Level.FAIL
    click.echo(f"{answer.level:4}  {answer.text}")
    if not accepted:
        click.echo(
            "      The models below are those of the dialect, unverified; `klingbot check` asks again."
        )
    for result in results:
        if result.model or (result.level is Level.WARN and accepted):
            click.echo(f"{result.level:4}  {result.text}")
    return tuple(result.model for result in results if result.model)


def _fitting(section: type[BaseModel], key: str) -> Callable[[str], str]:
    """The rule that the settings have for a key, as click asks for it."""

    def check(answer: str) -> str:
        try:
            section.model_validate({key: answer.strip()})
        except ValidationError as error:
            for mistake in error.errors(include_url=False, include_input=False):
                if mistake["loc"] == (key,):
                    # For hidden answers click itself does not tell the reason.
                    click.echo(f"  {mistake['msg'].removeprefix('Value error, ')}")
                    raise click.BadParameter("please answer again") from None
        return answer.strip()

    return check


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
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
