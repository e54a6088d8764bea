"""Plans: what they let their users ask for. Pure."""

from bot.domain.credits.quota import Plan
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
