"""Plans: what they let their users ask for. Pure."""

from bot.domain.credits.quota import Plan
from bot.domain.requests.choices import Preferences
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.rules import Rule, broken
from bot.errors import UserError

RULES: tuple[Rule[Plan], ...] = (
    Rule(
        "error.plan.operation",
        ("operation",),
        lambda plan, request: request.operation not in (plan.operations or (request.operation,)),
        lambda plan, request: {
            "operation": request.operation,
            "operations": ", ".join(sorted(plan.operations)),
        },
    ),
    Rule(
        "error.plan.model",
        ("model",),
        lambda plan, request: (
            request.operation.row.on_video_model and request.model not in (plan.models or (request.model,))
        ),
        lambda plan, request: {"model": request.model, "models": ", ".join(plan.models)},
    ),
    Rule(
        "error.plan.duration",
        ("duration",),
        lambda plan, request: request.duration > plan.max_duration,
        lambda plan, request: {"limit": plan.max_duration, "value": request.duration},
    ),
)
"""What a plan lets its users ask for."""


def check(plan: Plan, request: GenerationRequest) -> None:
    """Refuse what a plan does not hold.

    Raises:
        UserError: naming what the plan does hold.

    """
    rule = broken(RULES, plan, request)
    if rule is not None:
        raise UserError(rule.error, plan=plan.name, **rule.details(plan, request))


def clamp(plan: Plan, preferences: Preferences) -> Preferences:
    """What a person prefers, as far as the plan holds it: nobody has to name a model that is theirs anyway."""
    changes: dict[str, object] = {}
    if plan.models and preferences.model not in plan.models:
        changes["model"] = plan.models[0]
    if (preferences.duration or 0) > plan.max_duration:
        changes["duration"] = plan.max_duration
    return preferences.model_copy(update=changes) if changes else preferences
