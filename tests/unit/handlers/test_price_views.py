"""What /prices shows."""

from bot.domain.credits.quota import Plan
from bot.domain.requests import catalog
from bot.i18n import for_language
from handlers.chat.html import TEXT_LIMIT, strip_tags, utf16_length
from handlers.guide.catalog import price_list

CATALOG = catalog.load()
ROWS = CATALOG.known()


def shown(plan: Plan, language: str = "en") -> str:
    views = price_list(for_language(language), ROWS, {}, plan)
    assert all(utf16_length(view.html) <= TEXT_LIMIT for view in views)
    return strip_tags("\n".join(view.html for view in views))


def test_every_model_has_its_prices_as_they_are_charged():
    row = CATALOG.model("kling-v2-1")
    said = shown(Plan(name="free"))
    for mode, name in (("std", "standard"), ("pro", "pro")):
        each = " · ".join(f"{seconds} s {row.price_of(seconds, row.rate[mode])}" for seconds in row.durations)
        assert f"{name}: {each}" in said


def test_a_plan_shows_its_own_models_and_limits_only():
    plan = Plan(name="small", daily_credits=50, monthly_credits=500, max_duration=5, models=("kling-v1-6",))
    said = shown(plan)
    assert "kling-v1-6" in said
    assert "kling-v2-1" not in said
    assert "“small”: 50 credits a day, 500 credits a month, videos up to 5 s, 3 at a time." in said


def test_prices_are_told_in_the_readers_language():
    assert "失败不收费" in shown(Plan(name="free"), "zh_Hans")
