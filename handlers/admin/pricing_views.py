"""Plans and prices in the admin panel, as text and buttons. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bot.domain.credits.plans import LISTS, NUMBERS, OPTIONAL_NUMBERS, SWITCH
from bot.domain.credits.quota import Plan
from bot.domain.requests.model import FIXED, Model, PriceColumns, prices_of
from bot.domain.requests.request import Operation
from bot.domain.units import ProviderName, UserId, short_hash
from bot.i18n import Texts
from bot.services.credits.plans import Origin
from handlers.admin.panel_buttons import back, pages, to
from handlers.chat.html import View, inline
from handlers.chat.keyboards import in_rows

ROWS_ON_A_PAGE = 8
FEW = 3
"""Up to so many names stand on a button."""


def plans(t: Texts, names: Sequence[str], owner: UserId) -> View:
    """All plans, a button each."""
    buttons = [to(owner, name, f"plan_terms.{short_hash(name)}") for name in names]
    new = to(owner, t("button.panel_new_plan"), "plan_new", confirm=True)
    return View(t("panel.plans"), [*in_rows(buttons, 2), [new, *back(t, owner)]])


def plan(t: Texts, name: str, terms: Plan, origin: Origin, owner: UserId) -> View:
    """One plan: each field is a button that shows its value and changes it."""
    handle = short_hash(name)
    numbers = [
        to(
            owner,
            _field(t, field, _number(t, field, getattr(terms, field))),
            f"plan_ask.{handle}.{short_hash(field)}",
        )
        for field in NUMBERS
    ]
    carries = t("terms.yes" if terms.carry_over else "terms.no")
    rows = [
        *in_rows(numbers, 2),
        [to(owner, _field(t, SWITCH, carries), f"plan_flip.{handle}.{short_hash(SWITCH)}")],
        *(
            [to(owner, _field(t, field, _list(t, field, terms)), f"plan_pick.{handle}.{short_hash(field)}")]
            for field in LISTS
        ),
    ]
    if origin is not Origin.SETTINGS:
        word = "button.panel_remove" if origin is Origin.ADDED else "button.panel_as_in_settings"
        rows.append([to(owner, t(word), f"plan_reset.{handle}", danger=True)])
    text = f"{t('panel.plan_terms', plan=escape(name))}\n{t(f'panel.origin.{origin}')}"
    return View(text, [*rows, [to(owner, t("button.panel_terms"), "terms"), *back(t, owner)]])


def choices(t: Texts, name: str, field: str, held: Sequence[str], all_: Sequence[str], owner: UserId) -> View:
    """What a plan holds of a list, each with a button that puts it in or out."""
    handle = short_hash(name)
    buttons = [
        to(
            owner,
            f"{'✅' if value in held else '▫️'} {_value(t, field, value)}",
            f"plan_flip.{handle}.{short_hash(field)}.{short_hash(value)}",
        )
        for value in all_
    ]
    text = t(f"panel.pick_{field}", plan=escape(name))
    note = "" if held else f"\n{t('panel.pick_all')}"
    return View(
        text + note, [*in_rows(buttons, 2), [to(owner, t("button.panel_plan_back"), f"plan_terms.{handle}")]]
    )


def prices(t: Texts, rows: Sequence[tuple[str, Model]], page: int, owner: UserId) -> View:
    """Everything that has a price, a button each."""
    shown = rows[page * ROWS_ON_A_PAGE : (page + 1) * ROWS_ON_A_PAGE]
    buttons = [
        to(owner, _row_name(t, section, row), f"price_of.{row_handle(section, row)}")
        for section, row in shown
    ]
    more = len(rows) > (page + 1) * ROWS_ON_A_PAGE
    turning = pages(t, owner, "prices", page, more=more)
    return View(t("panel.prices"), [*in_rows(buttons, 2), turning, back(t, owner)])


def price(
    t: Texts,
    place: tuple[str, Model],
    elsewhere: Mapping[ProviderName, PriceColumns],
    owner: UserId,
    *,
    changed: bool,
) -> View:
    """What one model costs: each price is a button that changes it."""
    section, row = place
    handle = row_handle(section, row)
    buttons = [
        to(owner, f"{label}: {t.number(value)}", f"price_ask.{handle}.{price_handle(column, key)}")
        for column, key, label, value in _prices(t, row)
    ]
    rows = in_rows(buttons, 2)
    if changed:
        rows.append([to(owner, t("button.panel_as_in_settings"), f"price_reset.{handle}", danger=True)])
    note = t(f"panel.origin.{Origin.CHANGED if changed else Origin.SETTINGS}")
    each = t("panel.price_each" if row.each else "panel.price_second")
    lines = [f"<b>{escape(row.id)}</b>", each, note]
    lines += [
        t(
            "panel.price_elsewhere",
            provider=escape(provider),
            prices=inline(", ".join(_columns(t, row, columns)), 300),
        )
        for provider, columns in elsewhere.items()
    ]
    text = "\n".join(lines)
    return View(text, [*rows, [to(owner, t("button.panel_prices"), "prices.0"), *back(t, owner)]])


def _row_name(t: Texts, section: str, row: Model) -> str:
    """Some pictures are made by what is called as a video model is."""
    return f"{row.id} · {t(f'operation.{Operation.IMAGE}')}" if section == "images" else row.id


def row_handle(section: str, row: Model) -> str:
    """A row of the catalog in eight signs: names stand in several sections."""
    return short_hash(f"{section} {row.id}")


def price_handle(column: str, key: str) -> str:
    """A price of a row in eight signs."""
    return short_hash(f"{column} {key}")


def _prices(t: Texts, row: Model) -> Iterator[tuple[str, str, str, float]]:
    for column, prices_by_key in prices_of(row).items():
        for key, value in prices_by_key.items():
            words = [] if column in {"rate", "each"} else [t(f"price.{column}")]
            words += [_key(t, key)] if column != FIXED else []
            yield column, key, " · ".join(words), value


def _columns(t: Texts, row: Model, columns: PriceColumns) -> Iterator[str]:
    """The prices that are set, in words."""
    only = Model.model_construct(
        id=row.id, operations=row.operations, **columns.model_dump(exclude_unset=True)
    )
    for _, _, label, value in _prices(t, only):
        yield f"{label} {t.number(value)}"


def _key(t: Texts, key: str) -> str:
    if key in set(Operation):
        return t(f"operation.{key}")
    return t(f"mode.{key}") if key in {"std", "pro", "4k"} else key


def _field(t: Texts, field: str, value: str) -> str:
    return t(f"terms.{field}", value=value)


def _number(t: Texts, field: str, value: int | None) -> str:
    if value is None and field in OPTIONAL_NUMBERS:
        return t("terms.none")
    if value == 0 and field == "requests_per_minute":
        return t("terms.usual")
    return t.number(value or 0)


def _list(t: Texts, field: str, plan: Plan) -> str:
    held: tuple[str, ...] = getattr(plan, field)
    if not held:
        return t("terms.all")
    if len(held) > FEW:
        return t("terms.several", count=t.number(len(held)))
    return ", ".join(_value(t, field, value) for value in held)


def _value(t: Texts, field: str, value: str) -> str:
    return t(f"operation.{value}") if field == "operations" else value
