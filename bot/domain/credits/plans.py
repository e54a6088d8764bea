"""Plans: what they let their users ask for, and how admins write and type them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bot.domain.credits.quota import Plan, PlanTerms
from bot.domain.requests.choices import Preferences
from bot.domain.requests.request import VideoRequest
from bot.errors import UserError


def check(plan: Plan, request: VideoRequest) -> None:
    """Refuse what a plan does not hold.

    Raises:
        UserError: naming what the plan does hold.

    """
    if plan.operations and request.operation not in plan.operations:
        raise UserError(
            "error.plan.operation",
            plan=plan.name,
            operation=request.operation,
            operations=", ".join(sorted(plan.operations)),
        )
    if plan.models and request.operation.row.on_video_model and request.model not in plan.models:
        raise UserError(
            "error.plan.model", plan=plan.name, model=request.model, models=", ".join(plan.models)
        )
    if request.duration > plan.max_duration:
        raise UserError(
            "error.plan.duration", plan=plan.name, limit=plan.max_duration, value=request.duration
        )


def fitted(plan: Plan, preferences: Preferences) -> Preferences:
    """What a person prefers, as far as the plan holds it: nobody has to name a model that is theirs anyway."""
    changes: dict[str, object] = {}
    if plan.models and preferences.model not in plan.models:
        changes["model"] = plan.models[0]
    if (preferences.duration or 0) > plan.max_duration:
        changes["duration"] = plan.max_duration
    return preferences.model_copy(update=changes) if changes else preferences


NOTHING = frozenset({"-", "–", "—"})
"""What stands for no limit."""

DEAREST = 100_000
"""Credits that a second or a result may cost at most."""


def changed(plan: Plan, field: str, value: object) -> Plan:
    """The same plan with one field changed.

    Raises:
        UserError: a number is out of its range, which the error names.

    """
    try:
        return with_fields(plan, {field: value})
    except ValidationError:
        low, high = limits(field)
        raise UserError("error.terms.number", low=low, high=high) from None


def with_fields(plan: Plan, values: Mapping[str, object]) -> Plan:
    """The same plan with other values, as JSON has them.

    Raises:
        ValidationError: there is no such field, or it cannot hold such a value.

    """
    return Plan.model_validate({**plan.model_dump(), **values})


def as_json(terms: PlanTerms) -> dict[str, Any]:
    """The fields of a plan but its name as JSON has them."""
    return terms.model_dump(mode="json", exclude={"name"})


OPTIONAL_NUMBERS = ("daily_credits", "monthly_credits")
NUMBERS = (*OPTIONAL_NUMBERS, "max_running", "max_waiting", "max_duration", "priority", "requests_per_minute")
SWITCH = "carry_over"
LISTS = ("models", "operations")


def limits(field: str) -> tuple[int, int]:
    """The smallest and the largest value of a number of a plan."""
    schema: dict[str, Any] = PlanTerms.model_json_schema()["properties"][field]
    number = schema.get("anyOf", [schema])[0]
    return number["minimum"], number["maximum"]


def read_number(field: str, text: str) -> int | None:
    """Read what somebody typed as a number of a plan; a dash is no limit, where there can be none.

    Raises:
        UserError: it is no number.

    """
    typed = text.strip()
    if typed in NOTHING and field in OPTIONAL_NUMBERS:
        return None
    if not re.fullmatch(r"\d{1,9}", typed, re.ASCII):
        low, high = limits(field)
        raise UserError("error.terms.number", low=low, high=high)
    return int(typed)


def read_name(text: str) -> str:
    """Read what somebody typed as the name of a new plan.

    Raises:
        UserError: it is none.

    """
    name = text.strip().casefold()
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name):
        raise UserError("error.terms.name")
    return name


def read_price(text: str) -> float:
    """Read what somebody typed as credits, such as `4` or `0.5`.

    Raises:
        UserError: it is no such number, or too high.

    """
    typed = text.strip().replace(",", ".")
    if not re.fullmatch(r"\d{1,6}(\.\d{1,4})?", typed, re.ASCII) or float(typed) > DEAREST:
        raise UserError("error.terms.price", high=DEAREST)
    return float(typed)
