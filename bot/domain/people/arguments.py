"""The arguments of admin actions: what is typed after a command, and how it is read. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

Value = int | str | None
NUMBER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


class ArgumentKind(StrEnum):
    """How an argument is written."""

    NUMBER = auto()
    CHOICE = auto()
    """One word of a list."""
    UNTIL = auto()
    """`until 30d` or `until 2027-01-31`; where no words may follow, the word `until` may be left out."""
    WORDS = auto()
    """Everything that is left."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; its name in the chat is the text `argument.<name>`.

    `default` is the value of an optional one that is not typed. `help` is for the shell; `presets` are numbers that
    have a button each; `choices` of None are the plans.
    """

    name: str
    kind: ArgumentKind
    is_required: bool = True
    default: Value = None
    help: str = ""
    choices: tuple[str, ...] | None = ()
    presets: tuple[int, ...] = ()


def first_word(text: str) -> tuple[str, str]:
    """The first word, and the rest as it was typed; two empty texts where there is none."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, "".join(rest).strip()


def read_arguments(arguments: Sequence[Argument], text: str) -> dict[str, Value] | None:
    """Read a text in the order of the arguments; None where they are not written like that."""
    rest, values = text.strip(), dict[str, Value]()
    for number, argument in enumerate(arguments):
        value: Value = None
        word, after = first_word(rest)
        match argument.kind:
            case ArgumentKind.NUMBER if NUMBER.fullmatch(word):
                value, rest = int(word), after
            case ArgumentKind.CHOICE if word:
                if argument.choices and (word := word.casefold()) not in argument.choices:
                    return None
                value, rest = word, after
            case ArgumentKind.UNTIL if word.casefold() == "until":
                value, rest = first_word(after)
                if not value:
                    return None
            case ArgumentKind.UNTIL if word and number == len(arguments) - 1:
                value, rest = word, after
            case ArgumentKind.WORDS:
                value, rest = rest or None, ""
        if value is None and argument.is_required:
            return None
        values[argument.name] = argument.default if value is None else value
    return None if rest else values


def write_usage(
    arguments: Sequence[Argument], name_of: Callable[[str], str], plans: Sequence[str] = ()
) -> str:
    """The arguments as a usage text shows them: `credits [until 2027-01-31] [note]`."""
    parts = []
    for each in arguments:
        choices = plans if each.choices is None else each.choices
        until = "until 2027-01-31" if each.kind is ArgumentKind.UNTIL else ""
        part = until or "|".join(choices) or name_of(each.name)
        parts.append(part if each.is_required else f"[{part}]")
    return " ".join(parts)
