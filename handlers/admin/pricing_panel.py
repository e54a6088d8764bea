"""The rooms of the admin panel where plans and prices are changed. Nothing is decided here: see `Pricing`."""

from collections.abc import Iterable, Mapping

from telegram import Update

from bot.domain.credits.plans import LISTS, NUMBERS, OPTIONAL_NUMBERS, SWITCH, limits
from bot.domain.requests.model import Model, prices_of
from bot.domain.units import short_hash
from bot.errors import UserError
from handlers.admin import pricing_views
from handlers.admin.panel_pages import Room, ask, asking
from handlers.chat.context import Context, operation_of, user_id_of
from handlers.chat.html import View


async def _plans(update: Update, context: Context, _: list[str]) -> View:
    names = tuple(context.services.pricing.plans)
    return pricing_views.plans(context.t, names, user_id_of(update))


async def _plan(update: Update, context: Context, rest: list[str]) -> View:
    return _shown(update, context, _found(context.services.pricing.plans, rest[0]))


def _shown(update: Update, context: Context, name: str) -> View:
    pricing = context.services.pricing
    terms, origin = pricing.find_plan(name), pricing.plans.origin(name)
    return pricing_views.plan(context.t, name, terms, origin, user_id_of(update))


async def _ask_number(update: Update, context: Context, rest: list[str]) -> View:
    field = _found(NUMBERS, rest[1])
    low, high = limits(field)
    key = "panel.ask_number_or_none" if field in OPTIONAL_NUMBERS else "panel.ask_number"
    t = context.t
    what = t(f"terms.{field}", value="").rstrip(" :：")
    return await ask(
        update,
        context,
        f"plan_number.{rest[0]}.{rest[1]}",
        key,
        what=what,
        low=t.number(low),
        high=t.number(high),
    )


async def _took_number(update: Update, context: Context, rest: list[str]) -> View:
    pricing = context.services.pricing
    name, field = _found(pricing.plans, rest[0]), _found(NUMBERS, rest[1])
    text = context.turn.text
    await pricing.set_number(user_id_of(update), name, field, text, operation_of(update))
    return _shown(update, context, name)


async def _flip(update: Update, context: Context, rest: list[str]) -> View:
    """Turn the switch, or put one value of a list in or out."""
    pricing, me = context.services.pricing, user_id_of(update)
    name, field = _found(pricing.plans, rest[0]), _found((SWITCH, *LISTS), rest[1])
    value = "" if field == SWITCH else _found(pricing.choices(field), rest[2])
    await pricing.flip(me, name, field, value, operation_of(update))
    return _shown(update, context, name) if field == SWITCH else await _pick(update, context, rest)


async def _pick(update: Update, context: Context, rest: list[str]) -> View:
    pricing = context.services.pricing
    name, field = _found(pricing.plans, rest[0]), _found(LISTS, rest[1])
    held = getattr(pricing.find_plan(name), field)
    return pricing_views.choices(context.t, name, field, held, pricing.choices(field), user_id_of(update))


async def _reset(update: Update, context: Context, rest: list[str]) -> View:
    pricing = context.services.pricing
    name = _found(pricing.plans, rest[0])
    await pricing.reset(user_id_of(update), name, operation_of(update))
    return _shown(update, context, name) if name in pricing.plans else await _plans(update, context, [])


async def _took_name(update: Update, context: Context, _: list[str]) -> View:
    name = await context.services.pricing.add(user_id_of(update), context.turn.text, operation_of(update))
    return _shown(update, context, name)


async def _prices(update: Update, context: Context, rest: list[str]) -> View:
    return pricing_views.prices(context.t, context.services.pricing.rows(), int(rest[0]), user_id_of(update))


async def _price(update: Update, context: Context, rest: list[str]) -> View:
    section, row = place = _place(context, rest[0])
    prices = context.services.pricing.prices
    elsewhere, changed = prices.differing(section, row.id), prices.is_changed(section, row.id)
    return pricing_views.price(context.t, place, elsewhere, user_id_of(update), changed=changed)


async def _ask_price(update: Update, context: Context, rest: list[str]) -> View:
    _, row = _place(context, rest[0])
    _price_in(row, rest[1])
    return await ask(update, context, f"price.{rest[0]}.{rest[1]}", "panel.ask_price", model=row.id)


async def _took_price(update: Update, context: Context, rest: list[str]) -> View:
    place = _place(context, rest[0])
    column, key = _price_in(place[1], rest[1])
    text = context.turn.text
    await context.services.pricing.set_price(
        user_id_of(update), place, column, key, text, operation_of(update)
    )
    return await _price(update, context, rest)


async def _reset_price(update: Update, context: Context, rest: list[str]) -> View:
    place = _place(context, rest[0])
    await context.services.pricing.reset_prices(user_id_of(update), place, operation_of(update))
    return await _price(update, context, rest)


def _found(names: Iterable[str], handle: str) -> str:
    """The name that a button means.

    Raises:
        UserError: it is gone since.

    """
    for name in names:
        if short_hash(name) == handle:
            return name
    raise UserError("error.button.stale")


def _place(context: Context, handle: str) -> tuple[str, Model]:
    """The row of the catalog that a button means, with its section."""
    for section, row in context.services.pricing.rows():
        if pricing_views.row_handle(section, row) == handle:
            return section, row
    raise UserError("error.button.stale")


def _price_in(row: Model, handle: str) -> tuple[str, str]:
    """The column and key of the price that a button means."""
    for column, prices in prices_of(row).items():
        for key in prices:
            if pricing_views.price_handle(column, key) == handle:
                return column, key
    raise UserError("error.button.stale")


ROOMS: Mapping[str, Room] = {
    "terms": _plans,
    "plan_terms": _plan,
    "plan_ask": _ask_number,
    "plan_flip": _flip,
    "plan_pick": _pick,
    "plan_reset": _reset,
    "plan_new": asking("panel.ask_plan_name", "plan_name"),
    "prices": _prices,
    "price_of": _price,
    "price_ask": _ask_price,
    "price_reset": _reset_price,
}
WORDS: Mapping[str, Room] = {
    "plan_number": _took_number,
    "plan_name": _took_name,
    "price": _took_price,
}
