"""What a plan lets its users ask for, and until when something holds that admins give. Pure."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.domain.credits.quota import Plan
from bot.domain.requests.preferences import Preferences
from bot.domain.requests.request import VIDEO_MODEL_OPERATIONS, VideoRequest
from bot.domain.units import DAY, Millis
from bot.errors import UserError

LONGEST_DAYS = 36_500


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
    if plan.models and request.operation in VIDEO_MODEL_OPERATIONS and request.model not in plan.models:
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


def read_until(text: str, now: Millis, zone: ZoneInfo) -> Millis:
    """Read until when something holds: `30d` from now, or `2027-01-31`, the beginning of that day in `zone`.

    Raises:
        UserError: it is neither, or not in the future.

    """
    moment = _moment(text, now, zone)
    if moment is None or moment <= now:
        raise UserError("error.admin.until", text=text)
    return moment


def _moment(text: str, now: Millis, zone: ZoneInfo) -> Millis | None:
    days = re.fullmatch(r"(\d{1,5})d", text, re.ASCII)
    if days is not None:
        return Millis(now + min(int(days[1]), LONGEST_DAYS) * DAY)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        return None
    return Millis(int(local.astimezone(UTC).timestamp() * 1000))
