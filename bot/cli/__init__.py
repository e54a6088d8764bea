"""`klingbot admin`: what the panel does, from a shell, for scripts. It works while the bot runs.

Each deed stands in the audit log as done from a shell. Whoever reads the settings may do everything. What is
printed has a row for each thing and a tab between two columns, and no heading: `--help` names the columns. A dash
stands for what there is not, moments are UTC. What went wrong is one line, with the exit status 1.
"""

import click

from bot.cli import (
    actions,
    operations,
    people,
    providers,
    settings,
    tasks,
)

admin = click.Group(
    "admin",
    commands=[
        *people.COMMANDS,
        *actions.COMMANDS,
        *tasks.COMMANDS,
        *operations.COMMANDS,
        settings.settings,
        providers.providers,
    ],
)
"""The commands; their object is the path of the settings."""
