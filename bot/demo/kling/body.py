"""The base of all request bodies: frozen models that refuse wrong types, values out of range and unknown fields."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from bot.demo.kling import fields
from bot.demo.kling.orders import FORBIDDEN_WORD, Order, Picture
from bot.demo.kling.refusals import Refusal, forbid, invalid

_NAME = re.compile(r"<<<(element|voice)_(\d+)>>>")
_QUOTED = re.compile(r"'([^']+)'")
_PROBLEMS = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be an integer",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}


class Body(BaseModel):
    """A body, or an object inside one.

    Read for a lenient account, unknown fields are ignored, null is as good as nothing, and a duration may be
    an integer: so the real service is said to behave, and so clients need it that send more than they should.
    Every account may send what `older` documents listed; it is ignored, with a warning.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
    _lenient: bool = PrivateAttr(default=False)
    older: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _as_sent(cls, body: Any, info: ValidationInfo) -> Any:
        if not isinstance(body, dict):
            return body
        # Frozen models have tuples where JSON has lists.
        sent = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
        known = cls.model_fields
        for name in sorted((cls.older - set(known)) & set(sent)):
            del sent[name]
            if isinstance(info.context, fields.Reading):
                info.context.warnings.append(f"{name} is ignored here")
        if fields.is_lenient(info):
            return {name: value for name, value in sent.items() if name in known and value is not None}
        return sent

    def model_post_init(self, context: Any) -> None:
        """Keep whether the account is lenient."""
        self._lenient = isinstance(context, fields.Reading) and context.lenient

    def sent(self, name: str) -> bool:
        """Whether the field was sent."""
        return name in self.model_fields_set

    def need(self, *names: str, where: str = "") -> None:
        """Refuse a body without one of the fields. `where` is the path of this object, ending in a dot."""
        for name in names:
            forbid(not self.sent(name), f"{where}{name} is required")

    def lack(self, *names: str, where: str = "") -> None:
        """Refuse a body with one of the fields, which only others of its kind have."""
        for name in names:
            forbid(self.sent(name) and not self._lenient, f"unknown field: {where}{name}")

    def pictures(self, *names: str) -> tuple[Picture, ...]:
        """The pictures of those fields that were sent."""
        return tuple(Picture(name, getattr(self, name)) for name in names if self.sent(name))

    def listed(self, name: str, key: str) -> tuple[Picture, ...]:
        """The pictures of a list of objects."""
        items = enumerate(getattr(self, name))
        return tuple(Picture(f"{name}[{number}].{key}", getattr(item, key)) for number, item in items)

    def either(self, one: str, other: str) -> str:
        """Which of two fields was sent; refused are none and both."""
        forbid(self.sent(one) is self.sent(other), f"exactly one of {one} and {other} is required")
        return one if self.sent(one) else other


B = TypeVar("B", bound=Body)


def read(
    model: type[B],
    body: Mapping[str, Any],
    *,
    lenient: bool = False,
    where: str = "",
    warnings: list[str] | None = None,
) -> B:
    """A body as its model. `where` is the path of an object inside another body, ending in a dot.

    `warnings` gets what is said of fields that are ignored.

    Raises:
        Refusal: 1201, a field is not what it must be; another code where the model says so.

    """
    try:
        reading = fields.Reading(lenient, [] if warnings is None else warnings)
        return model.model_validate(body, context=reading)
    except ValidationError as error:
        raise _refusal(error, where) from None


def _refusal(error: ValidationError, where: str) -> Refusal:
    first = error.errors(include_url=False, include_input=False)[0]
    kind, place, context = first["type"], first["loc"], first.get("ctx", {})
    if kind == "extra_forbidden":
        return invalid(f"unknown field: {where}{_path(place)}")
    if kind == "literal_error":
        problem = "must be one of " + ", ".join(_QUOTED.findall(context["expected"]))
    elif kind == "value_error":
        problem = str(context["error"])
    elif isinstance(place[-1], int):
        problem, place = "must hold objects" if kind == "model_type" else "must hold strings", place[:-1]
    else:
        problem = _PROBLEMS.get(kind, "is invalid").format(**context)
    return invalid(f"{where}{_path(place)} {problem}")


def _path(place: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


# -- what makes a task ---------------------------------------------------------------------------------


class Watermark(Body):
    """Whether there is to be a copy with a watermark."""

    enabled: bool = False


class Element(Body):
    """An element that a prompt refers to."""

    element_id: Annotated[int, fields.between(1, 2**63 - 1)]


class Voice(Body):
    """A voice that a prompt refers to."""

    voice_id: str


_ORDERED = {
    "callback_url": "callback_url",
    "external_task_id": "external_id",
    "model": "model",
    "model_name": "model",
    "prompt": "prompt",
    "mode": "mode",
    "duration": "seconds",
    "aspect_ratio": "ratio",
    "sound": "sound",
    "n": "count",
}
"""Fields that an order has as they are, and their names there."""


class TaskBody(Body):
    """A body that makes a task."""

    def order(self, operation: str) -> Order:
        """What is asked for; refused is what excludes each other, or what the model can't do."""
        own = type(self).model_fields
        found: dict[str, Any] = {
            name: getattr(self, field) for field, name in _ORDERED.items() if field in own
        }
        elements: tuple[Element, ...] = getattr(self, "element_list", ())
        voices: tuple[Voice, ...] = getattr(self, "voice_list", ())
        watermark: Watermark | None = getattr(self, "watermark_info", None)
        order = Order(
            operation,
            elements=tuple(str(element.element_id) for element in elements),
            voices=tuple(voice.voice_id for voice in voices),
            watermark=watermark is not None and watermark.enabled,
            **found,
        )
        order = self._checked(order)
        if order.product == "video":
            self._read(order)
        order = replace(order, unnamed=order.unnamed + _unnamed(order, operation))
        if FORBIDDEN_WORD in order.prompt.lower():
            raise Refusal(1301)
        return order

    def _checked(self, order: Order) -> Order:
        """The order with what only this body has, if its fields go together."""
        return order

    def _read(self, order: Order) -> None:
        """Refuse what the prompt does not name, and what it names that is not there.

        Kling takes such orders, charges for all of it and uses none; a lenient account is treated so.
        """
        named = {(kind, int(number)) for kind, number in _NAME.findall(order.prompt)}
        counts = {"element": len(order.elements), "voice": len(order.voices)}
        for kind, count in counts.items():
            wanted = {(kind, number) for number in range(1, count + 1)}
            for _, number in sorted(wanted - named):
                forbid(not self._lenient, f"prompt must name <<<{kind}_{number}>>>")
            for _, number in sorted(name for name in named - wanted if name[0] == kind):
                forbid(not self._lenient, f"prompt names <<<{kind}_{number}>>>, which is not there")


NAMING = frozenset({"text2video", "image2video", "omni-video", "omni-image"})
"""Operations whose prompts name voices and elements, by their numbers in their lists."""


def _unnamed(order: Order, operation: str) -> tuple[str, ...]:
    """The voices and elements without a token in the prompt (seen live for voices: listed is not enough)."""
    if operation not in NAMING:
        return ()
    tokens = [f"<<<voice_{number}>>>" for number in range(1, len(order.voices) + 1)]
    tokens += [f"<<<element_{number}>>>" for number in range(1, len(order.elements) + 1)]
    return tuple(token for token in tokens if token not in order.prompt)


class NamedBody(TaskBody):
    """One that may have an id of the client's own, and an address to call back."""

    callback_url: fields.Address = None
    external_task_id: fields.Identifier = None


class MarkedBody(NamedBody):
    """One that may also ask for a watermark."""

    watermark_info: Watermark | None = None
