"""The table of what each role may do: `python -m tests.docs.roles`."""

import sys

from bot.domain.people.access import PERMISSIONS, Permission, Role

MEANS = {
    Permission.VIEW: "see people, their tasks and bookings, failures and statistics",
    Permission.MESSAGE: "write to a person in the bot's name",
    Permission.TASKS: "cancel and repeat other people's tasks",
    Permission.RESULTS: "open other people's results and go on with them",
    Permission.ADMIT: "let people in, and make invite links",
    Permission.BAN: "ban people and lift bans",
    Permission.CREDITS: "add and take credits, change plans, give Stars back",
    Permission.OPERATE: "providers, maintenance, access, plans, prices and notices",
    Permission.BROADCAST: "write to everybody",
    Permission.AUDIT: "read who did what",
    Permission.APPOINT: "give and take roles",
}


def table() -> str:
    """A row for each permission, a column for each role."""
    roles = list(Role)
    lines = [f"| may | permission | {' | '.join(roles)} |", f"| --- | --- {'| --- ' * len(roles)}|"]
    for permission in Permission:
        has = ("yes" if permission in PERMISSIONS[role] else "" for role in roles)
        lines.append(f"| {MEANS[permission]} | `{permission}` | {' | '.join(has)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
