"""Providers beside those of the settings file, from a shell. The running bot takes a change up at once."""

from pathlib import Path

import click

from bot.cli.context import CliContext, at_desk, row
from bot.errors import UserError


@click.group()
def providers() -> None:
    """List, add, change, pause and remove providers.

    Those of the settings file are changed there; `klingbot reload` then takes it up. Pausing works for both.
    """


def _key(file: Path | None) -> str:
    """The key out of a file, or as it is typed without being shown."""
    if file is None:
        return str(click.prompt("API key", hide_input=True, err=True)).strip()
    with click.open_file(str(file), encoding="utf-8") as opened:
        return str(opened.read()).strip()


def _models(text: str | None) -> dict[str, object]:
    return {} if text is None else {"models": tuple(text.replace(",", " ").split())}


_key_option = click.option(
    "--key-file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="The file with the key; -: the input.",
)
_models_option = click.option("--models", help="With commas between them; without, all that the key can use.")


@providers.command("list")
@at_desk
async def list_providers(context: CliContext) -> None:
    """List the providers that were added. Columns: name, address, models."""
    for name, (address, models) in sorted((await context.added_providers.list()).items()):
        row(name, address, ",".join(models))


@providers.command("add")
@click.argument("name")
@click.argument("address")
@click.option("--dialect", default="auto", show_default=True, help="How it is spoken to, as in the settings.")
@_models_option
@_key_option
@at_desk
async def add_provider(
    context: CliContext, name: str, address: str, dialect: str, models: str | None, key_file: Path | None
) -> None:
    """Add a provider NAME at ADDRESS, once its account answers. Columns: name, its words, models.

    The key is asked for, or read from a file; nothing shows it again.
    """
    values = {"name": name, "base_url": address, "dialect": dialect, "key": _key(key_file), **_models(models)}
    trial = await context.added_providers.add(None, values, context.operation())
    row(name, trial.words, ",".join(trial.models))


@providers.command("change")
@click.argument("name")
@click.option("--new-key", is_flag=True, help="Ask for another key.")
@_models_option
@_key_option
@at_desk
async def change_provider(
    context: CliContext, name: str, *, new_key: bool, models: str | None, key_file: Path | None
) -> None:
    """Give an added provider NAME another key or other models, once its account answers. Columns: as of add."""
    values = _models(models)
    if new_key or key_file is not None:
        values["key"] = _key(key_file)
    if not values:
        raise click.UsageError("name what is to change: --models, --new-key or --key-file")
    trial = await context.added_providers.change(None, name, values, context.operation())
    row(name, trial.words, ",".join(trial.models))


@providers.command("remove")
@click.argument("name")
@at_desk
async def remove_provider(context: CliContext, name: str) -> None:
    """Remove an added provider NAME; videos that are being made there still arrive. Columns: name, what it is now."""
    await context.added_providers.remove(None, name, context.operation())
    row(name, "removed")


@providers.command("pause")
@click.argument("name")
@at_desk
async def pause_provider(context: CliContext, name: str) -> None:
    """Send nothing new to a provider NAME; what runs there goes on. Columns: name, what it is now."""
    await _pause(context, name, paused=True)


@providers.command("resume")
@click.argument("name")
@at_desk
async def resume_provider(context: CliContext, name: str) -> None:
    """Send to a provider NAME again. Columns: name, what it is now."""
    await _pause(context, name, paused=False)


async def _pause(context: CliContext, name: str, *, paused: bool) -> None:
    if name not in {provider.name for provider in context.live.configured.providers}:
        raise UserError("error.provider.unknown", name=name)
    await context.overrides.set(None, f"providers.{name}.paused", paused, context.operation())
    row(name, "paused" if paused else "resumed")
