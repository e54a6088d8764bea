"""A compose file as an engine reads it."""

import re

from compose_spec import PyCompose


def interpolated(text: str) -> str:
    """The text with the defaults of its variables: `${WEB_PORT:-8080}` is 8080."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def checked(text: str) -> PyCompose:
    """What a compose file says.

    Raises:
        ValueError: the specification does not allow it.

    """
    compose = PyCompose.from_yaml(interpolated(text))
    compose.validate()
    return compose
