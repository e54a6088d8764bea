"""What fields of bodies may hold. A wrong value is told of in Kling's words."""

from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from bot.demo.kling.refusals import Refusal

PROMPT_LIMIT = 2500


@dataclass(frozen=True)
class Reading:
    """How a body is read. `warnings` collects what the real service would take without a word, and ignore."""

    lenient: bool = False
    warnings: list[str] = field(default_factory=list)


def is_lenient(info: ValidationInfo) -> bool:
    """Whether a body is read for an account that is spared what others are told."""
    return isinstance(info.context, Reading) and info.context.lenient


def between(low: float, high: float) -> AfterValidator:
    """A number from `low` to `high`."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise ValueError(f"must be between {low:g} and {high:g}")
        return value

    return AfterValidator(check)


def entries(fewest: int, most: int) -> BeforeValidator:
    """A list of `fewest` to `most` entries, where there is one; counted before they are looked at."""

    def check(value: Any) -> Any:
        if isinstance(value, tuple) and not fewest <= len(value) <= most:
            raise ValueError(f"must have {fewest} to {most} entries")
        return value

    return BeforeValidator(check)


def one_of(*values: str) -> AfterValidator:
    """One of values that are listed elsewhere."""

    def check(value: str) -> str:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return AfterValidator(check)


def model_of(*names: str) -> AfterValidator:
    """The name of a model that exists; 1203 for any other."""

    def check(value: str) -> str:
        if value not in names:
            raise Refusal(1203, f"model {value} does not exist")
        return value

    return AfterValidator(check)


def is_address(value: object) -> bool:
    """Whether it is the text of an absolute http or https address."""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _seconds(value: Any, info: ValidationInfo) -> int:
    if is_lenient(info) and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 3:
        raise ValueError("must be a string of digits")
    return int(value)


def _address(value: Any) -> Any:
    if not is_address(value):
        raise ValueError("must be an http or https address")
    return value


def _identifier(value: Any) -> Any:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a string that is not empty")
    return value


def _switch(value: Any) -> bool:
    if value not in ("on", "off"):  # whatever was sent, which a set could not look up
        raise ValueError("must be one of on, off")
    return bool(value == "on")


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Seconds = Annotated[int, BeforeValidator(_seconds)]
"""Written as a string of digits, three at most."""

Address = Annotated[str | None, BeforeValidator(_address)]
Identifier = Annotated[str | None, BeforeValidator(_identifier)]
"""None stands for what was not sent; null is refused."""

Switch = Annotated[bool, BeforeValidator(_switch)]
Filled = AfterValidator(_words)
Prompt = Annotated[str, Field(max_length=PROMPT_LIMIT)]
Words = Annotated[Prompt, Filled]
Share = Annotated[float, between(0, 1)]
