"""The errors that cross the product's layers.

    Exception
     +-- UserError     the only one that a chat shows: a key of the locale files and its parameters
     +-- ConfigError   the settings cannot be used: every problem at once, one line each
     +-- StoreError    the database cannot be used: one line, and the exit status of the process
          +-- StoreTaken   another process works with it
          +-- StoreLost    it is gone or damaged
          +-- StoreStuck   it cannot be opened now, for lack of room or of the right to write
          +-- CopyUnusable   a copy of it cannot be made or used
     +-- LoggedOut     the Bot API server does not know the bot now

What can go wrong with a provider stands in `bot.kling.errors`, with a chat in `bot.services.ports`.
"""

from collections.abc import Sequence
from enum import StrEnum


class UserError(Exception):
    """Something that the person in the chat can understand and act on; never a finished sentence."""

    def __init__(self, key: str, **params: object) -> None:
        super().__init__(key, params)
        self.key = key
        self.params = params

    def __str__(self) -> str:
        # Parameters may quote what a person typed; logs name the key only.
        return self.key


class ConfigError(Exception):
    """The configuration cannot be used; `problems` names every key, where its value stands, and what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class LoggedOut(Exception):
    """The bot was logged out of the Bot API server (`logOut`), which takes it back after ten minutes."""

    ANSWER = "Logged out"
    """What the server then says to everything, with the status 400."""

    def __init__(self) -> None:
        super().__init__(
            "the bot was logged out of this Bot API server: name the one that it moved to in telegram.base_url, "
            "or wait 10 minutes to come back"
        )


class StoreError(Exception):
    """The database cannot be used, for a reason in one line; a process that needs it ends with `exit_status`."""

    exit_status = 1


class StoreTaken(StoreError):
    """Another process works with the database, which only one may; `holder` names it."""

    exit_status = 3

    def __init__(self, database: str, holder: str) -> None:
        super().__init__(f"{database} is in use by {holder}")
        self.holder = holder


class StoreLost(StoreError):
    """The database is damaged, or else gone or replaced. `known`: the admins were told of it before."""

    exit_status = 4

    def __init__(self, reason: str, *, is_damaged: bool = False) -> None:
        super().__init__(reason)
        self.is_damaged = is_damaged
        self.known = False


class StoreTrouble(StrEnum):
    """What keeps the database from being written, for a while."""

    FULL = "full"
    UNWRITABLE = "unwritable"


class StoreStuck(StoreError):
    """The database cannot be opened now; it may be possible later."""

    def __init__(self, reason: str, trouble: StoreTrouble) -> None:
        super().__init__(reason)
        self.trouble = trouble


class CopyUnusable(StoreError):
    """A copy of the database could not be made, or a file is no copy that this version can use."""
