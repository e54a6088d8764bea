"""The settings that can be overridden, from a shell. The bot takes a change up within seconds."""

import click

from bot.cli.context import CliContext, at_desk, row
from bot.services.operations.overrides import SettingState


@click.group()
def settings() -> None:
    """List and override settings; accepted tasks keep their price.

    A KEY is dotted, such as plans.pro.daily_credits. Columns: key, value, configured value, whether it is
    overridden.
    """


@settings.command("list")
@click.argument("key", default="")
@at_desk
async def list_settings(context: CliContext, key: str) -> None:
    """List all settings, or those of a section or table KEY."""
    for state in context.overrides.list(key):
        _show(state)


@settings.command("get")
@click.argument("key")
@at_desk
async def get_setting(context: CliContext, key: str) -> None:
    """Print one setting."""
    _show(context.overrides.get(key))


@settings.command("set")
@click.argument("key")
@click.argument("value")
@at_desk
async def set_setting(context: CliContext, key: str, value: str) -> None:
    """Override a setting.

    VALUE is a number, a text, on or off, or names with commas between them; a dash is no limit, or nothing. The first
    setting of a new plan adds the plan.
    """
    _show(await context.overrides.set_text(None, key, value, context.operation()))


@settings.command("reset")
@click.argument("key")
@at_desk
async def reset_setting(context: CliContext, key: str) -> None:
    """Go back to the configured value of a setting, or of a whole table.

    A plan that the settings do not have goes, and its people get the usual one. Columns: key, where it is from.
    """
    await context.overrides.reset(None, key, context.operation())
    row(key, "settings")


def _show(state: SettingState) -> None:
    row(state.key, state.value, state.default, "overridden" if state.is_overridden else "settings")
