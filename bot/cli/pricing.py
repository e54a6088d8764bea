"""Plans and prices from a shell. The bot takes a change up within seconds; what was accepted keeps its price."""

import click

from bot.cli.desk import Desk, at_desk, row
from bot.domain.credits.plans import LISTS, NOTHING, NUMBERS, SWITCH
from bot.domain.credits.quota import Plan
from bot.domain.requests.catalog import SECTIONS
from bot.domain.requests.model import Model, prices_of
from bot.services.credits.plans import Origin

FIELDS = (*NUMBERS, SWITCH, *LISTS)
SWITCHED = {"on": True, "off": False}

section_option = click.option(
    "--section", type=click.Choice(SECTIONS), help="Where a name stands in several sections of the catalog."
)


@click.command()
@at_desk
async def plans(desk: Desk) -> None:
    """List the plans.

    Columns: name, where it is from, and the fields of [plans]: daily_credits, monthly_credits, max_running,
    max_waiting, max_duration, priority, requests_per_minute, carry_over, models, operations. A list that is a dash holds all.
    """
    pricing = desk.pricing
    for name in pricing.plans:
        plan = pricing.plans[name]
        row(name, pricing.plans.origin(name), *(_field(plan, field) for field in FIELDS))


@click.command("plan-set")
@click.argument("plan")
@click.argument("field", metavar="FIELD", type=click.Choice(FIELDS))
@click.argument("value")
@at_desk
async def plan_set(desk: Desk, plan: str, field: str, value: str) -> None:
    """Change a FIELD of a PLAN.

    The fields are those of `plans`. VALUE is a number, on or off, or names with commas between them; a dash is no
    limit, or all. Columns: name, field, value.
    """
    pricing, operation = desk.pricing, desk.operation()
    _require_plan(desk, plan)
    if field in NUMBERS:
        await pricing.set_number(None, plan, field, value, operation)
    elif field == SWITCH:
        if value not in SWITCHED:
            raise click.ClickException(f"{field} is on or off")
        await pricing.set_switch(None, plan, SWITCHED[value], operation)
    else:
        names = [] if value in NOTHING else [name.strip() for name in value.split(",")]
        for name in names:
            if name not in pricing.choices(field):
                raise click.ClickException(
                    f"{name} is not among the {field}: {', '.join(pricing.choices(field))}"
                )
        await pricing.set_list(None, plan, field, list(dict.fromkeys(names)), operation)
    row(plan, field, _field(pricing.plans[plan], field))


@click.command("plan-add")
@click.argument("name")
@at_desk
async def plan_add(desk: Desk, name: str) -> None:
    """Add a plan without any credits of its own.

    Columns: name, where it is from.
    """
    added = await desk.pricing.add(None, name, desk.operation())
    row(added, desk.pricing.plans.origin(added))


@click.command("plan-reset")
@click.argument("plan")
@at_desk
async def plan_reset(desk: Desk, plan: str) -> None:
    """Make a PLAN what the settings say again.

    One that they do not have goes, and its people get the usual plan. Columns: name, what it is now.
    """
    _require_plan(desk, plan)
    await desk.pricing.reset(None, plan, desk.operation())
    row(plan, Origin.SETTINGS if plan in desk.pricing.plans else "removed")


@click.command()
@click.argument("model", required=False)
@section_option
@at_desk
async def prices(desk: Desk, model: str | None, section: str | None) -> None:
    """List what everything costs, or one MODEL.

    Columns: section, model, column, key, credits, where the model's prices are from.
    """
    rows = desk.pricing.rows() if model is None else _places(desk, model, section)
    for part, found in rows:
        if section in {None, part}:
            _show(desk, part, found)


@click.command("price-set")
@click.argument("model")
@click.argument("column")
@click.argument("key")
@click.argument("value")
@section_option
@at_desk
async def price_set(desk: Desk, model: str, column: str, key: str, value: str, section: str | None) -> None:
    """Change what a MODEL costs.

    COLUMN and KEY are those of `prices`, VALUE is in credits; what is printed is the price as `prices` prints it.
    """
    place = _place(desk, model, section)
    known = [(name, each) for name, keys in prices_of(place[1]).items() for each in keys]
    wanted = (column, "" if key in NOTHING else key)
    if wanted not in known:
        there = ", ".join(f"{name} {each or '-'}" for name, each in known)
        raise click.ClickException(f"{model} has no price {column} {key}; it has: {there}")
    await desk.pricing.set_price(None, place, *wanted, value, desk.operation())
    part, found = _place(desk, model, place[0])
    _show(desk, part, found, wanted)


@click.command("price-reset")
@click.argument("model")
@section_option
@at_desk
async def price_reset(desk: Desk, model: str, section: str | None) -> None:
    """Charge what the settings say for a MODEL again.

    Columns: section, model, where its prices are from.
    """
    place = _place(desk, model, section)
    await desk.pricing.reset_prices(None, place, desk.operation())
    row(place[0], model, Origin.SETTINGS)


def _require_plan(desk: Desk, plan: str) -> None:
    if plan not in desk.pricing.plans:
        raise click.ClickException(f"there is no plan {plan}; there are: {', '.join(desk.pricing.plans)}")


def _field(plan: Plan, field: str) -> str | None:
    value = getattr(plan, field)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(value) or None
    return None if value is None else str(value)


def _places(desk: Desk, model: str, section: str | None) -> list[tuple[str, Model]]:
    found = [
        (part, each) for part, each in desk.pricing.rows() if each.id == model and section in {None, part}
    ]
    if not found:
        raise click.ClickException(
            f"no {model} is on offer{f' in {section}' if section else ''}; see: prices"
        )
    return found


def _place(desk: Desk, model: str, section: str | None) -> tuple[str, Model]:
    """The one row of the catalog that is meant."""
    found = _places(desk, model, section)
    if len(found) > 1:
        sections = ", ".join(part for part, _ in found)
        raise click.ClickException(f"{model} stands in several sections; give one as --section: {sections}")
    return found[0]


def _show(desk: Desk, section: str, model: Model, only: tuple[str, str] | None = None) -> None:
    changed = desk.pricing.prices.is_changed(section, model.id)
    for column, keys in prices_of(model).items():
        for key, price in keys.items():
            if only in {None, (column, key)}:
                origin = Origin.CHANGED if changed else Origin.SETTINGS
                row(section, model.id, column, key or None, f"{price:g}", origin)


COMMANDS = (plans, plan_set, plan_add, plan_reset, prices, price_set, price_reset)
