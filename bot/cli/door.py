"""The door from a shell: how people are received, maintenance, and invite codes."""

import click

from bot.cli.desk import LISTED, Desk, at_desk, moment, row
from bot.domain.people.access import AccessMode, InviteCode


@click.command()
@click.argument("wanted", metavar="[on|off]", type=click.Choice(["on", "off"]), required=False)
@at_desk
async def maintenance(desk: Desk, wanted: str | None) -> None:
    """Begin nothing new, or begin again.

    What runs goes on either way. Alone: how it is.
    """
    if wanted is not None:
        await desk.access.set_maintenance(None, wanted == "on", desk.operation())
    row("on" if desk.access.door.maintenance else "off")


@click.command()
@click.argument(
    "mode",
    metavar=f"[{'|'.join(AccessMode)}]",
    type=click.Choice([str(mode) for mode in AccessMode]),
    required=False,
)
@at_desk
async def access(desk: Desk, mode: str | None) -> None:
    """Say who may use the bot without being let in.

    Alone: how it is.
    """
    if mode is not None:
        await desk.access.set_mode(None, AccessMode(mode), desk.operation())
    row(desk.access.door.mode)


@click.command()
@click.option("--uses", default=1, show_default=True, help="How many people it lets in.")
@click.option("--days", default=7, show_default=True, help="How long it can be used.")
@click.option("--plan", help="The plan that they get.")
@click.option("--id", "deed", default="", help="The same id makes one code, however often it is run.")
@at_desk
async def invite(desk: Desk, uses: int, days: int, plan: str | None, deed: str) -> None:
    """Make a code that lets people in.

    They follow https://t.me/<bot>?start=invite_<code>. Columns: code, uses, used, end, plan.
    """
    _show(await desk.access.invite(None, uses, days, plan, desk.operation(deed)))


@click.command()
@at_desk
async def invites(desk: Desk) -> None:
    """List the codes that have not ended.

    Columns: code, uses, used, end, plan.
    """
    for code in await desk.access.invites(None, LISTED):
        _show(code)


@click.command()
@click.argument("code")
@at_desk
async def revoke(desk: Desk, code: str) -> None:
    """End a CODE now.

    Columns: code, what it is now.
    """
    if not await desk.access.revoke(None, code, desk.operation()):
        raise click.ClickException(f"there is no code {code} that has not ended")
    row(code, "ended")


def _show(code: InviteCode) -> None:
    row(code.code, code.uses, code.used, moment(code.ends_at), code.plan)


COMMANDS = (maintenance, access, invite, invites, revoke)
