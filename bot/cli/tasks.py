"""Tasks from a shell: what is under way, and what failed."""

import click

from bot.cli.context import LISTED, CliContext, at_desk, moment, row
from bot.domain.types import TaskId, format_task_id, read_task_id


def _read(context: click.Context, parameter: click.Parameter, text: str) -> TaskId:
    """Read a task's id as people type it."""
    del context, parameter
    found = read_task_id(text)
    if found is None:
        raise click.ClickException(f"{text} is no id of a task: they look like K7Q2-9F")
    return found


@click.command()
@at_desk
async def tasks(context: CliContext) -> None:
    """List what is under way, the oldest first.

    Columns: id, state, user, provider, seconds since it was asked for.
    """
    now = context.clock.now()
    for each in (await context.tasks.running(LISTED))[0]:
        age = (now - each.created_at) // 1000
        row(format_task_id(each.id), each.state, each.user_id, each.provider, age)


@click.command()
@click.argument("task", callback=_read)
@at_desk
async def task(context: CliContext, task: TaskId) -> None:
    """Show one TASK.

    A row for each thing, which its first column names.
    """
    found, person = await context.tasks.task(task)
    request = found.request
    row("id", format_task_id(found.id))
    row("state", found.state)
    row("user", person.id)
    row("operation", request.operation)
    row("model", request.model)
    row("credits", found.price)
    row("provider", found.provider)
    row("provider_task", found.provider_task_id)
    row("provider_cost", found.real_cost)
    row("asked_at", moment(found.created_at))
    row("submitted_at", moment(found.submitted_at))
    row("finished_at", moment(found.finished_at))
    row("failure", found.failure)
    row("failure_detail", found.failure_detail)
    row("prompt", request.prompt)


@click.command()
@at_desk
async def failures(context: CliContext) -> None:
    """Tell what failed within the last day.

    A row for each thing, which its first column names. `ended` and `failed`: how many tasks. `kind`: how many
    failed, and why. `task`, of the newest of them: id, user, provider, why.
    """
    found = await context.tasks.failures()
    row("ended", found.ended)
    row("failed", sum(count for _, count in found.by_kind))
    for kind, count in found.by_kind:
        row("kind", count, kind)
    for example in found.examples:
        row(
            "task",
            format_task_id(example.id),
            example.user_id,
            example.provider,
            example.failure or example.state,
        )


COMMANDS = (tasks, task, failures)
