"""Models, voices, effects and providers as people read them: true, short enough, well-formed in every language."""

import re
from dataclasses import replace
from datetime import date

import pytest

from bot.domain.requests import (
    catalog,
    presets,
)
from bot.domain.requests.effects import load_effects
from bot.domain.requests.model import Model
from bot.domain.requests.operations import VIDEO_MODEL_OPERATIONS, Operation, Pack
from bot.domain.tasks.availability import Availability, State
from bot.domain.tasks.resource_packs import Units
from bot.domain.types import MINUTE, SECOND, Credits, Millis, ProviderName, UserId, short_hash
from bot.i18n import NAMES, in_every_language
from bot.services.operations.providers import AccountAnswer, Outage, ProviderReport, Trouble
from handlers.admin.providers import provider_view
from handlers.chat.html import TEXT_LIMIT, strip_tags, utf16_length
from handlers.chat.keyboards import Signer, markup
from handlers.guide import catalog_views
from handlers.making import effects
from tests.builders import ADA, NOW
from tests.unit.handlers.screens import ENGLISH, LANGUAGES, LOCAL_NOW, labels, read

EVERYTHING = frozenset(Operation)
CATALOG = catalog.load()
BESIDE = {
    operation: rows[0]
    for operation in EVERYTHING - VIDEO_MODEL_OPERATIONS
    if (rows := CATALOG.without_choice(operation))
}
EFFECTS = load_effects(in_every_language)
ALL_EFFECTS = EFFECTS.search("")
REPORT = ProviderReport(
    name=ProviderName("official"),
    handle=short_hash(ProviderName("official")),
    dialect="official",
    paused=False,
    open_until=None,
    closed_for=None,
    running=2,
    max_concurrent=5,
    answered=1_140,
    failed=60,
    median=Millis(80 * SECOND),
    account=AccountAnswer("Pack: 91.5 left"),
)


def is_message(html: str) -> bool:
    read(html, {"b", "code"})
    return 0 < utf16_length(html) <= TEXT_LIMIT


def availability_of(row: Model, *, operations=EVERYTHING, **changes) -> Availability:
    """A model or service that can be used, but for the changes."""
    usable = Availability(
        provider=ProviderName("official"),
        pack=row.operations[0].pack,
        model=row.id,
        row=row,
        operations=operations & frozenset(row.operations),
        state=State.USABLE,
        until=None,
        ended=None,
        others=(),
        units=None,
        most=5,
        is_verified=True,
    )
    return replace(usable, **changes)


def models_text(*names: str, offered=EVERYTHING, beside=None, **changes) -> str:
    rows = [CATALOG.model(name) for name in names]
    group = [availability_of(row, operations=offered, **changes) for row in rows]
    group += [availability_of(row) for row in (BESIDE if beside is None else beside).values()]
    default = names[0] if names else ""
    (view,) = catalog_views.models(ENGLISH, [group], default, LOCAL_NOW)
    return strip_tags(view.html)


def provider_text(**changes) -> str:
    return strip_tags(provider_view(ENGLISH, replace(REPORT, **changes), ADA, LOCAL_NOW).html)


# -- models ------------------------------------------------------------------------------------------


def test_a_model_tells_what_it_can_do_and_what_a_second_costs():
    lines = models_text("kling-v2-6").splitlines()
    assert lines[2:6] == [
        "kling-v2-6",
        "standard, pro · 5, 10 s · 16:9, 9:16, 1:1",
        "from words · from a photo · copies a movement · sound (pro) · end frame (pro) · voices (pro)",
        "Credits a second: standard 3, pro 5 · with sound: pro 10 · with voices: pro 12 · 5 at a time",
    ]


def test_seconds_without_a_gap_are_a_span_and_limits_that_are_none_are_left_out():
    text = models_text("kling-v3", "kling-v1")
    assert "3–15 s" in text
    assert " · sound · " in text
    assert "camera (standard, 5 s) · motion brush (standard, 5 s) · end frame (5 s)" in text


def test_references_and_extension_are_told_where_they_are_offered():
    assert "up to 4 reference photos" in models_text("kling-v1-6")
    assert "can be extended" in models_text("kling-v1-6")
    offered = frozenset({Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO})
    text = models_text("kling-v1-6", offered=offered, beside={})
    assert "reference" not in text
    assert "extend" not in text
    assert "Also" not in text


def test_a_model_that_the_catalog_does_not_know_has_the_price_it_will_have():
    assert "Credits a second: standard 5, pro 5" in models_text("kling-v9")


MOMENT = Millis(NOW + 5 * MINUTE)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"state": State.EMPTY, "until": MOMENT}, "No Kling units left for this. Next try: 12:05 AM (UTC)."),
        (
            {"state": State.NOT_ENABLED},
            "Not enabled for this Kling account. The next request tries it again.",
        ),
        (
            {"state": State.MISSING, "until": MOMENT},
            "This provider doesn't have it. Next try: 12:05 AM (UTC).",
        ),
        ({"state": State.KEY, "until": MOMENT}, "Kling refuses the account's key. Next try: 12:05 AM (UTC)."),
        ({"state": State.ARREARS}, "The Kling account has no balance left."),
        (
            {"state": State.RETIRED, "ended": date(2026, 9, 15), "others": ("kling-v3", "kling-v2-6")},
            "Kling ended it on Sep 15, 2026. Use kling-v3, kling-v2-6.",
        ),
        ({"ended": date(2027, 9, 15)}, "Kling ends it on Sep 15, 2027."),
        (
            {"state": State.EMPTY, "units": Units(0, Millis(NOW), MOMENT, has_expired=True)},
            "Its Kling units expired: 12:00 AM (UTC). More units from 12:05 AM (UTC).",
        ),
    ],
)
def test_what_keeps_an_account_from_a_model_stands_under_it(changes, line):
    text = models_text("kling-v2-6", beside={}, **changes)
    assert line in text.replace("\u202f", " ")
    assert ("Credits a second" not in text) is (changes.get("state") is State.RETIRED)


def test_what_cannot_be_asked_for_is_not_listed():
    assert (
        "kling-v3-turbo" not in models_text("kling-v3-turbo", state=State.UNNAMED).partition("To choose")[0]
    )


def test_with_several_providers_each_has_its_own_part():
    row = CATALOG.model("kling-v2-6")
    empty = availability_of(row, provider=ProviderName("second"), state=State.EMPTY)
    (view,) = catalog_views.models(ENGLISH, [[availability_of(row)], [empty]], row.id, LOCAL_NOW)
    first, second = strip_tags(view.html).split("Provider second")
    assert "Provider official" in first
    assert ("No Kling units" in first, "No Kling units" in second) == (False, True)


def test_what_is_offered_beside_videos_is_one_line_with_prices():
    (line,) = [line for line in models_text("kling-v3").splitlines() if line.startswith("Also")]
    for item in ("/expand 2", "/tryon 5", "/effect 15–90", "/sound 3"):
        assert item in line
    assert "/lipsync 1 a second + 1" in line
    assert "/avatar 4–8 a second + 1" in line


@pytest.mark.parametrize("t", LANGUAGES, ids=list(NAMES))
def test_however_many_models_there_are_they_come_in_messages_that_telegram_takes(t):
    rows = [row.model_copy(update={"id": f"{row.id}-{n}<"}) for n in range(9) for row in CATALOG.known()]
    group = [availability_of(row) for row in (*rows, *BESIDE.values())]
    views = catalog_views.models(t, [group], rows[0].id, LOCAL_NOW)
    assert len(views) > 1
    assert all(is_message(view.html) for view in views)
    text = "\n".join(strip_tags(view.html) for view in views)
    assert all(f"\n{row.id}\n" in f"\n{text}" for row in rows)


def test_where_no_model_is_on_offer_that_is_said():
    assert models_text(beside={}) == "No video model is on offer here right now."


# -- voices and effects ------------------------------------------------------------------------------


@pytest.mark.parametrize("t", LANGUAGES, ids=list(NAMES))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_voice_of_a_language_is_named_as_it_can_be_typed(t, language):
    known = presets.load_voices().of(language)
    html = catalog_views.voices(t, language, known).html
    assert is_message(html)
    copied = re.findall(r"<code>([^<]*)</code>", html)[: len(known)]
    assert [presets.load_voices().find(name, language) for name in copied] == list(known)


def priced(some):
    return [(effect, Credits(1_000 + len(effect.scene))) for effect in some]


@pytest.mark.parametrize("t", LANGUAGES, ids=list(NAMES))
def test_the_effects_of_each_category_fit_into_a_message_with_all_their_prices(t):
    for category, some in EFFECTS.by_category().items():
        html = effects.listed(t, t(category.key), some, priced)
        assert is_message(html)
        assert re.findall(r"<code>(\w+)</code> ·", html) == [effect.scene for effect in some]
        assert all(t.number(price) in html for _, price in priced(some))


@pytest.mark.parametrize("t", LANGUAGES, ids=list(NAMES))
def test_more_effects_than_fit_are_counted(t):
    html = effects.listed(t, "", ALL_EFFECTS, priced)
    assert is_message(html)
    assert t("effects.more", rest=len(ALL_EFFECTS) - effects.SHOWN) in html


def test_each_effect_says_what_it_takes():
    text = strip_tags(effects.listed(ENGLISH, "", EFFECTS.search("hug"), priced))
    assert "Hug hug_pro · two photos · 1,007" in text
    pet = strip_tags(effects.listed(ENGLISH, "", EFFECTS.search("dj pet"), priced))
    assert "DJ pet dj_pet · photo of a pet ·" in pet


def test_a_search_that_finds_nothing_names_the_nearest_and_repeats_the_words_safely():
    html = effects.none_found(ENGLISH, "<hugg>", EFFECTS.nearest("hugg"), len(EFFECTS)).html
    assert is_message(html)
    assert "“&lt;hugg&gt;”" in html
    assert EFFECTS.nearest("hugg") in html


# -- providers ---------------------------------------------------------------------------------------


def test_an_open_provider_tells_its_load_its_hour_its_time_and_its_account():
    assert provider_text().splitlines() == [
        "official · official",
        "Open",
        "Running: 2 (5 of each model at most)",
        "Last hour: 1,140 answered, 60 failed (5 %)",
        "Usual time: 1 min 20 s",
        "Account: Pack: 91.5 left",
    ]


def test_a_closed_provider_tells_until_when_and_why():
    text = provider_text(open_until=Millis(NOW + 10 * MINUTE), closed_for=Trouble.KEY)
    assert "Closed until 12:10" in text.replace("\u202f", " ")
    assert "(UTC): the key is refused" in text


def test_what_is_closed_by_itself_is_told_beside_what_goes_on():
    until = Millis(NOW + 10 * MINUTE)
    text = provider_text(
        busy={"kling-v3": 1, "kling-v2-6": 1},
        outages=(
            Outage(Pack.IMAGE, None, until, Trouble.EMPTY),
            Outage(Pack.VIDEO, "kling-v3", until, Trouble.NOT_ENABLED),
        ),
    ).replace("\u202f", " ")
    assert "Open\nImages: closed until 12:10" in text
    assert "no units are left\nkling-v3: closed until 12:10" in text
    assert "it is not enabled for this key" in text
    assert "Running: 2 (5 of each model at most): kling-v2-6 1, kling-v3 1" in text


def test_what_is_not_known_yet_is_said():
    text = provider_text(answered=0, failed=0, median=None, account=None)
    assert "Last hour: nothing was asked" in text
    assert "Usual time: not known yet" in text
    assert "Account" not in text


def test_an_account_that_was_not_told_says_why_with_the_code():
    assert "Account: not known, no balance is left (1102)" in provider_text(
        account=AccountAnswer("1102", Trouble.BALANCE)
    )


@pytest.mark.parametrize(
    ("changes", "buttons"),
    [
        ({}, ["Pause", "Refresh"]),
        ({"paused": True}, ["Resume", "Refresh"]),
        ({"open_until": NOW, "closed_for": Trouble.BUSY}, ["Pause", "Resume", "Refresh"]),
    ],
)
def test_the_buttons_are_those_that_change_something(changes, buttons):
    assert labels(provider_view(ENGLISH, replace(REPORT, **changes), ADA, LOCAL_NOW)) == buttons


@pytest.mark.parametrize("t", LANGUAGES, ids=list(NAMES))
@pytest.mark.parametrize("trouble", Trouble)
def test_a_provider_with_the_longest_name_and_a_talkative_account_fits(t, trouble):
    name = ProviderName("x" * 40)
    report = replace(
        REPORT,
        name=name,
        handle=short_hash(name),
        open_until=NOW,
        closed_for=trouble,
        account=AccountAnswer("<b>" * 9_000, trouble),
    )
    view = provider_view(t, report, UserId(2**52), LOCAL_NOW)
    assert is_message(view.html)
    keyboard = markup(view.buttons, Signer("123456:a-token-of-tests"))
    assert all(len(button.callback_data) <= 64 for row in keyboard.inline_keyboard for button in row)
