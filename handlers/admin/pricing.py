"""Plans and prices in the admin panel. Buttons name plans, fields, models and prices by short hashes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bot.domain.credits.plans import LISTS, NUMBERS, OPTIONAL_NUMBERS, SWITCH, limits
from bot.domain.credits.quota import Plan
from bot.domain.people.access import Permission
from bot.domain.requests.model import FIXED, Model, PriceColumns, prices_of
from bot.domain.requests.operations import Operation
from bot.domain.units import ProviderName, UserId, short_hash
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.credits.plans import Origin
from handlers.admin.panel_pages import ask, back, neighbours, page, question, reply, to
from handlers.chat.html import View, inline
from handlers.chat.keyboards import Button, Payload, in_rows
from handlers.chat.turn import Turn

ROWS_ON_A_PAGE = 8
NAMED_VALUES = 3
"""Up to so many values of a list are named on its button."""


class ShowPlans(Payload, action="panel.terms"):
    """Show all plans."""


class AskPlanName(Payload, action="panel.plan_new"):
    """Ask for the name of a new plan."""


@dataclass(frozen=True)
class _OfPlan(Payload):
    """A button about one plan."""

    plan: str


class ShowPlan(_OfPlan, action="panel.plan_terms"):
    """Show a plan."""


class ResetPlan(_OfPlan, action="panel.plan_reset"):
    """Undo what was changed of a plan; delete one that was added."""


@dataclass(frozen=True)
class _OfField(Payload):
    """A button about one field of a plan."""

    plan: str
    field: str


class AskPlanNumber(_OfField, action="panel.plan_ask"):
    """Ask for the value of a field."""


class ShowChoices(_OfField, action="panel.plan_pick"):
    """Show what a list of a plan can hold."""


@dataclass(frozen=True)
class Flip(_OfField, action="panel.plan_flip"):
    """Turn a switch; or add a value to a list, or remove it."""

    value: str = ""


@dataclass(frozen=True)
class ShowPrices(Payload, action="panel.prices"):
    """Show a page of everything that has a price."""

    page: int = 0


@dataclass(frozen=True)
class _OfRow(Payload):
    """A button about one row of the catalog."""

    row: str


class ShowPrice(_OfRow, action="panel.price_of"):
    """Show the prices of a row."""


class ResetPrices(_OfRow, action="panel.price_reset"):
    """Undo what was changed of a row's prices."""


@dataclass(frozen=True)
class AskPrice(_OfRow, action="panel.price_ask"):
    """Ask for a price."""

    price: str


# -- plans -------------------------------------------------------------------------------------------


async def _show_plans(turn: Turn, _: ShowPlans | None = None) -> View:
    return _plans_view(turn.t, tuple(turn.services.pricing.plans), turn.user_id)


async def _show_plan(turn: Turn, button: ShowPlan) -> View:
    return _plan(turn, _find(turn.services.pricing.plans, button.plan))


def _plan(turn: Turn, name: str) -> View:
    pricing = turn.services.pricing
    return _plan_view(turn.t, name, pricing.find_plan(name), pricing.plans.origin(name), turn.user_id)


async def _ask_number(turn: Turn, button: AskPlanNumber) -> View:
    field, t = _find(NUMBERS, button.field), turn.t
    low, high = limits(field)
    key = "panel.ask_number_or_none" if field in OPTIONAL_NUMBERS else "panel.ask_number"
    label = t(f"terms.{field}", value="").rstrip(" :：")
    return await ask(turn, button, key, what=label, low=t.number(low), high=t.number(high))


async def _on_number_reply(turn: Turn, asked: AskPlanNumber) -> View:
    pricing = turn.services.pricing
    name, field = _find(pricing.plans, asked.plan), _find(NUMBERS, asked.field)
    await pricing.set_number(turn.user_id, name, field, turn.text, turn.idempotency_key)
    return _plan(turn, name)


async def _flip(turn: Turn, button: Flip) -> View:
    pricing = turn.services.pricing
    name, field = _find(pricing.plans, button.plan), _find((SWITCH, *LISTS), button.field)
    value = "" if field == SWITCH else _find(pricing.choices(field), button.value)
    await pricing.flip(turn.user_id, name, field, value, turn.idempotency_key)
    return _plan(turn, name) if field == SWITCH else _choices(turn, name, field)


async def _show_choices(turn: Turn, button: ShowChoices) -> View:
    return _choices(turn, _find(turn.services.pricing.plans, button.plan), _find(LISTS, button.field))


def _choices(turn: Turn, name: str, field: str) -> View:
    pricing = turn.services.pricing
    held = getattr(pricing.find_plan(name), field)
    return _choices_view(turn.t, name, field, held, pricing.choices(field), turn.user_id)


async def _reset_plan(turn: Turn, button: ResetPlan) -> View:
    pricing = turn.services.pricing
    name = _find(pricing.plans, button.plan)
    await pricing.reset(turn.user_id, name, turn.idempotency_key)
    return _plan(turn, name) if name in pricing.plans else await _show_plans(turn)


async def _on_plan_name_reply(turn: Turn, _: AskPlanName) -> View:
    return _plan(turn, await turn.services.pricing.add(turn.user_id, turn.text, turn.idempotency_key))


# -- prices ------------------------------------------------------------------------------------------


async def _show_prices(turn: Turn, button: ShowPrices) -> View:
    return _prices_view(turn.t, turn.services.pricing.rows(), button.page, turn.user_id)


async def _show_price(turn: Turn, button: ShowPrice) -> View:
    return _price(turn, _find_row(turn, button.row))


def _price(turn: Turn, place: tuple[str, Model]) -> View:
    section, row = place
    prices = turn.services.pricing.prices
    elsewhere, is_changed = prices.differing(section, row.id), prices.is_changed(section, row.id)
    return _price_view(turn.t, place, elsewhere, turn.user_id, is_changed=is_changed)


async def _ask_price(turn: Turn, button: AskPrice) -> View:
    _, row = _find_row(turn, button.row)
    _find_price(row, button.price)
    return await ask(turn, button, "panel.ask_price", model=row.id)


async def _on_price_reply(turn: Turn, asked: AskPrice) -> View:
    place = _find_row(turn, asked.row)
    column, key = _find_price(place[1], asked.price)
    await turn.services.pricing.set_price(turn.user_id, place, column, key, turn.text, turn.idempotency_key)
    return _price(turn, _find_row(turn, asked.row))


async def _reset_prices(turn: Turn, button: ResetPrices) -> View:
    place = _find_row(turn, button.row)
    await turn.services.pricing.reset_prices(turn.user_id, place, turn.idempotency_key)
    return _price(turn, _find_row(turn, button.row))


# -- short hashes ------------------------------------------------------------------------------------


def _find(names: Iterable[str], hashed: str) -> str:
    """The name that a button means.

    Raises:
        UserError: there is no such name any more.

    """
    for name in names:
        if short_hash(name) == hashed:
            return name
    raise UserError("error.button.stale")


def _hash_row(section: str, row: Model) -> str:
    """The short hash of a row: the same name is in several sections of the catalog."""
    return short_hash(f"{section} {row.id}")


def _find_row(turn: Turn, hashed: str) -> tuple[str, Model]:
    for section, row in turn.services.pricing.rows():
        if _hash_row(section, row) == hashed:
            return section, row
    raise UserError("error.button.stale")


def _find_price(row: Model, hashed: str) -> tuple[str, str]:
    """The column and key of the price that a button means."""
    for column, prices in prices_of(row).items():
        for key in prices:
            if short_hash(f"{column} {key}") == hashed:
                return column, key
    raise UserError("error.button.stale")


# -- views -------------------------------------------------------------------------------------------


def _plans_view(t: Texts, names: Sequence[str], owner: UserId) -> View:
    """All plans, a button each."""
    buttons = [to(owner, name, ShowPlan(short_hash(name))) for name in names]
    new = to(owner, t("button.panel_new_plan"), AskPlanName(), confirm=True)
    return View(t("panel.plans"), [*in_rows(buttons, 2), [new, *back(t, owner)]])


def _plan_view(t: Texts, name: str, plan: Plan, origin: Origin, owner: UserId) -> View:
    """One plan: each field is a button that shows its value and changes it."""

    def button(field: str, value: str, payload: Payload) -> Button:
        return to(owner, t(f"terms.{field}", value=value), payload)

    hashed = short_hash(name)
    values = {field: _number_label(t, field, getattr(plan, field)) for field in NUMBERS}
    numbers = [
        button(field, value, AskPlanNumber(hashed, short_hash(field))) for field, value in values.items()
    ]
    carries_over = t("terms.yes" if plan.carry_over else "terms.no")
    rows = [
        *in_rows(numbers, 2),
        [button(SWITCH, carries_over, Flip(hashed, short_hash(SWITCH)))],
        *(
            [button(field, _list_label(t, field, plan), ShowChoices(hashed, short_hash(field)))]
            for field in LISTS
        ),
    ]
    if origin is not Origin.SETTINGS:
        key = "button.panel_remove" if origin is Origin.ADDED else "button.panel_as_in_settings"
        rows.append([to(owner, t(key), ResetPlan(hashed), danger=True)])
    text = f"{t('panel.plan_terms', plan=escape(name))}\n{t(f'panel.origin.{origin}')}"
    return View(text, [*rows, [to(owner, t("button.panel_terms"), ShowPlans()), *back(t, owner)]])


def _choices_view(
    t: Texts, name: str, field: str, held: Sequence[str], values: Sequence[str], owner: UserId
) -> View:
    """What a list of a plan can hold, each with a button that adds or removes it."""
    hashed = short_hash(name)
    buttons = [
        to(
            owner,
            f"{'✅' if value in held else '▫️'} {_value_label(t, field, value)}",
            Flip(hashed, short_hash(field), short_hash(value)),
        )
        for value in values
    ]
    text = t(f"panel.pick_{field}", plan=escape(name))
    note = "" if held else f"\n{t('panel.pick_all')}"
    last = [to(owner, t("button.panel_plan_back"), ShowPlan(hashed))]
    return View(text + note, [*in_rows(buttons, 2), last])


def _prices_view(t: Texts, rows: Sequence[tuple[str, Model]], number: int, owner: UserId) -> View:
    """A page of everything that has a price, a button each."""
    start, end = number * ROWS_ON_A_PAGE, (number + 1) * ROWS_ON_A_PAGE
    buttons = [
        to(owner, _row_label(t, section, row), ShowPrice(_hash_row(section, row)))
        for section, row in rows[start:end]
    ]
    turning = neighbours(t, owner, ShowPrices, number, more=len(rows) > end)
    return View(t("panel.prices"), [*in_rows(buttons, 2), turning, back(t, owner)])


def _price_view(
    t: Texts,
    place: tuple[str, Model],
    elsewhere: Mapping[ProviderName, PriceColumns],
    owner: UserId,
    *,
    is_changed: bool,
) -> View:
    """What one model costs: each price is a button that changes it."""
    section, row = place
    hashed = _hash_row(section, row)
    buttons = [
        to(owner, f"{label}: {t.number(value)}", AskPrice(hashed, short_hash(f"{column} {key}")))
        for column, key, label, value in _labelled_prices(t, row)
    ]
    rows = in_rows(buttons, 2)
    if is_changed:
        rows.append([to(owner, t("button.panel_as_in_settings"), ResetPrices(hashed), danger=True)])
    lines = [
        f"<b>{escape(row.id)}</b>",
        t("panel.price_each" if row.each else "panel.price_second"),
        t(f"panel.origin.{Origin.CHANGED if is_changed else Origin.SETTINGS}"),
    ]
    lines += [
        t(
            "panel.price_elsewhere",
            provider=escape(provider),
            prices=inline(", ".join(_column_labels(t, row, columns)), 300),
        )
        for provider, columns in elsewhere.items()
    ]
    last = [to(owner, t("button.panel_prices"), ShowPrices()), *back(t, owner)]
    return View("\n".join(lines), [*rows, last])


def _row_label(t: Texts, section: str, row: Model) -> str:
    """The name of a row; some image models have the name of a video model."""
    return f"{row.id} · {t(f'operation.{Operation.IMAGE}')}" if section == "images" else row.id


def _labelled_prices(t: Texts, row: Model) -> Iterator[tuple[str, str, str, float]]:
    for column, prices in prices_of(row).items():
        for key, value in prices.items():
            label = [] if column in {"rate", "each"} else [t(f"price.{column}")]
            label += [_key_label(t, key)] if column != FIXED else []
            yield column, key, " · ".join(label), value


def _column_labels(t: Texts, row: Model, columns: PriceColumns) -> Iterator[str]:
    """The prices that a provider's own table sets."""
    only = Model.model_construct(
        id=row.id, operations=row.operations, **columns.model_dump(exclude_unset=True)
    )
    for _, _, label, value in _labelled_prices(t, only):
        yield f"{label} {t.number(value)}"


def _key_label(t: Texts, key: str) -> str:
    if key in set(Operation):
        return t(f"operation.{key}")
    return t(f"mode.{key}") if key in {"std", "pro", "4k"} else key


def _number_label(t: Texts, field: str, value: int | None) -> str:
    if value is None and field in OPTIONAL_NUMBERS:
        return t("terms.none")
    if value == 0 and field == "requests_per_minute":
        return t("terms.usual")
    return t.number(value or 0)


def _list_label(t: Texts, field: str, plan: Plan) -> str:
    held: tuple[str, ...] = getattr(plan, field)
    if not held:
        return t("terms.all")
    if len(held) > NAMED_VALUES:
        return t("terms.several", count=t.number(len(held)))
    return ", ".join(_value_label(t, field, value) for value in held)


def _value_label(t: Texts, field: str, value: str) -> str:
    return t(f"operation.{value}") if field == "operations" else value


BUTTONS = (
    page(ShowPlans, _show_plans, Permission.OPERATE),
    question(AskPlanName, "panel.ask_plan_name", Permission.OPERATE),
    page(ShowPlan, _show_plan, Permission.OPERATE),
    page(ResetPlan, _reset_plan, Permission.OPERATE),
    page(AskPlanNumber, _ask_number, Permission.OPERATE),
    page(ShowChoices, _show_choices, Permission.OPERATE),
    page(Flip, _flip, Permission.OPERATE),
    page(ShowPrices, _show_prices, Permission.OPERATE),
    page(ShowPrice, _show_price, Permission.OPERATE),
    page(AskPrice, _ask_price, Permission.OPERATE),
    page(ResetPrices, _reset_prices, Permission.OPERATE),
)
REPLIES = (
    reply(AskPlanNumber, _on_number_reply),
    reply(AskPlanName, _on_plan_name_reply),
    reply(AskPrice, _on_price_reply),
)
