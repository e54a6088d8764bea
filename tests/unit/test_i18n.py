"""The catalogues are complete, and agree with the code that uses them."""

import ast
import io
import re
import string
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from bot.domain.credits.caps import Level, Window
from bot.domain.credits.promos import PromoProblem
from bot.domain.library.template import BUILT_IN, BUILT_IN_PHOTO
from bot.domain.operations.business import Grouping
from bot.domain.operations.records import BroadcastMedia, BroadcastState
from bot.domain.people.access import AccessDecision, AccessMode, InviteProblem, Role
from bot.domain.people.arguments import ArgumentKind
from bot.domain.people.moderation import StrikeSource
from bot.domain.requests.camera import CAMERAS
from bot.domain.requests.choices import Preference
from bot.domain.requests.effects import EffectCategory, load_effects
from bot.domain.requests.marking import Direction
from bot.domain.requests.operations import LIBRARY_OPERATIONS, VIDEO_MODEL_OPERATIONS, Operation
from bot.domain.requests.options import ON_CARDS, Option
from bot.domain.requests.request import EDIT_MODES, PHOTO_PARTS, REFERENCE_TYPES, GenerationRequest
from bot.domain.tasks.advice import Advice
from bot.domain.tasks.task import FailureKind, LedgerKind, TaskState
from bot.domain.types import to_millis
from bot.i18n import DEFAULT, NAMES, Catalogue, Texts, choose, for_language, read_catalogue
from bot.services.container import ACTIONS
from bot.services.people.accounts import AUDITED
from bot.services.requests.swaps import GONE, REASONS, SETTINGS
from handlers import ROUTES
from handlers.chat.html import NAMED_FIELDS
from handlers.guide import tips
from handlers.guide.start import EXAMPLES
from handlers.making.card_views import Outfit
from handlers.making.films import NEEDS_MORE, FilmUse
from tests.unit.handlers.screens import TELEGRAM, read

ROOT = Path(__file__).parent.parent.parent
CATALOGUES = {
    language: {
        message.id if isinstance(message.id, str) else message.id[0]: (
            (message.string,) if isinstance(message.string, str) else tuple(message.string)
        )
        for message in read_po(io.BytesIO((ROOT / f"bot/locales/{language}/LC_MESSAGES/bot.po").read_bytes()))
        if message.id
    }
    for language in NAMES
}
ENGLISH = CATALOGUES[DEFAULT]
OTHERS = [language for language in NAMES if language != DEFAULT]

ASSET_TEXTS = (*("ask", "begun", "delete_sure", "deleted", "failed", "how_to", "list", "none", "ready"),)

# Keys that the code puts together, and what the parts can be.
FAMILIES = {
    "strike.": tuple(StrikeSource),
    "film.button.": tuple(FilmUse),
    "film.ask.": tuple(NEEDS_MORE),
    "panel.state.": tuple(TaskState),
    "button.business_": tuple(Grouping),
    "failure.": (*FailureKind, "expired", "failed"),
    "broadcast.": (*BroadcastState, *(f"with_{media}" for media in BroadcastMedia)),
    "argument.": (
        "user",
        *(
            argument.name
            for action in ACTIONS
            for argument in action.arguments
            if argument.kind in {ArgumentKind.NUMBER, ArgumentKind.WORDS}
        ),
    ),
    "audit.": (*AUDITED, *(action.name for action in ACTIONS)),
    "buy.subscription.": ("renews", "ends", "may_renew"),
    "error.setting.": (
        *("integer", "integer_or_none", "number", "number_or_none"),
        *("switch", "choice", "choices", "list", "text"),
    ),
    "door.": tuple(set(AccessDecision) - {AccessDecision.PASS}),
    "access.mode.": tuple(AccessMode),
    "role.": (*Role, "none"),
    "maintenance.is_": ("on", "off"),
    "button.maintenance_": ("on", "off"),
    "error.invite.": tuple(InviteProblem),
    "error.promo.": tuple(PromoProblem),
    "mode.": GenerationRequest.model_fields["mode"].annotation.__args__,
    "state.": tuple(TaskState),
    "ledger.": tuple(LedgerKind),
    "notice.advice.": tuple(Advice),
    "notice.failed.": tuple(FailureKind),
    "delivery.sending.": ("video", "image", "audio"),
    "delivery.link.": tuple(
        f"{why}{kind}" for why in ("", "refused.", "too_large.") for kind in ("video", "image", "audio")
    ),
    "delivery.open.": ("video", "image", "audio"),
    "status.": ("submitting", "unconfirmed"),
    "operation.": tuple(Operation),
    "field.": (*NAMED_FIELDS, "other"),
    "button.use_": ("frames", "references", "only"),
    "alert.spending.": tuple(
        f"{whose}_{window}_{level}" for whose in ("bot", "provider") for window in Window for level in Level
    ),
    "effect.": (
        *(effect.scene for effect in load_effects().search("")),
        *(f"category.{category}" for category in EffectCategory),
    ),
    "knob.": (*ON_CARDS, "labelled"),
    "models.": tuple(option.row.ability for option in Option if option.row.ability),
    "camera.": (*CAMERAS, *(f"means.{name}" for name in CAMERAS)),
    "idea.": (
        *(f"{name}.{part}" for name in (*BUILT_IN, *BUILT_IN_PHOTO) for part in ("name", "prompt")),
        *("takes", "button.run", "button.run_on"),
    ),
    "template.": ("takes", "button.run", "button.run_on"),
    "tips.": (
        *(f"{part}_{number}" for part in ("example", "copy") for number in tips.EXAMPLES),
        *(f"{part}_{word}" for part in ("word", "word_means") for word in tips.WORDS),
    ),
    "tryon.": tuple(f"{part}_{name}" for part in ("name", "prompt") for name in Outfit),
    "option.": ("scene", "style"),
    "edit.": EDIT_MODES,
    "part.": PHOTO_PARTS,
    "error.edit.": EDIT_MODES,
    "marking.": ("swap", "removal"),
    "button.brush_": tuple(Direction),
    "reference.": REFERENCE_TYPES,
    "card.swapped.": (*REASONS, GONE, SETTINGS),
    "card.ask.": tuple(option for option in ON_CARDS if option.row.sample),
    "prefer.": (*Preference, "language"),
    "error.request.": ("operation", "source", "account"),
    "preset.": tuple(
        f"{kind}.{part}"
        for kind in (Operation.ELEMENT, Operation.VOICE)
        for part in ("button", "title", "use")
    ),
    "asset.": (
        *(f"{kind}.{part}" for kind in sorted(LIBRARY_OPERATIONS) for part in ASSET_TEXTS),
        *("close_up", "making", "button.delete"),
    ),
    "error.asset.": tuple(
        f"{kind}_{problem}"
        for kind in sorted(LIBRARY_OPERATIONS)
        for problem in ("not_offered", "taken", "too_many", "unnamed")
    ),
    "command.": tuple(ROUTES.commands),
    "start.example_": EXAMPLES,
    "start.try_": EXAMPLES,
    "error.model.": (
        *VIDEO_MODEL_OPERATIONS,
        *("cfg", "sound", "end_frame", "camera", "brush", "shots", "voices", "elements"),
    ),
}


@cache
def written_keys() -> set[str]:
    """Every string in the code that has the form of a key."""
    return {
        node.value
        for package in ("bot", "handlers")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z_]+(\.[a-z_0-9]*[a-z0-9])+", node.value)
    }


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_key_and_no_other(language):
    assert set(CATALOGUES[language]) == set(ENGLISH)


@pytest.mark.parametrize("language", NAMES)
def test_a_text_is_never_empty_and_has_the_placeholders_of_the_english_one(language):
    for key, forms in CATALOGUES[language].items():
        wanted = set().union(*(placeholders(form) for form in ENGLISH[key]))
        for form in forms:
            assert form.strip(), key
            missing = wanted - placeholders(form)
            assert missing <= {"number"}, f"{key} lacks {missing}"
            assert placeholders(form) <= wanted, key


def test_every_key_that_the_code_uses_exists():
    heads = (
        "account.",
        "admin.",
        "alert.",
        "button.",
        "card.",
        "draft.",
        "error.",
        "notice.",
        "quota.",
        "status.",
        "tasks.",
    )
    families = {f"{prefix}{part}" for prefix, parts in FAMILIES.items() for part in parts}
    used = {key for key in written_keys() if key.startswith(heads)}
    assert not (used | families) - set(ENGLISH) - {"command.start"}


def test_every_text_is_used():
    families = tuple(FAMILIES)
    unused = {key for key in ENGLISH if key not in written_keys() and not key.startswith(families)}
    assert not unused


OTHER_WORDS = (
    "渠道",
    "供应商",
    "灵感值",
    "反向提示词",
    "负面提示词",
    "动作迁移",
    "动作模仿",
    "试衣",
    "照片说话",
    "主体元素",
)
"""What others call things for which the Chinese texts have one word each: 服务商, 积分, 负向提示词 and so on."""


def test_one_thing_has_one_chinese_name():
    mixed = {
        key: [word for word in OTHER_WORDS if any(word in form for form in forms)]
        for key, forms in CATALOGUES["zh_Hans"].items()
    }
    assert {key: words for key, words in mixed.items() if words} == {}


@pytest.mark.parametrize("language", NAMES)
def test_every_text_is_html_as_telegram_takes_it(language):
    for key, forms in CATALOGUES[language].items():
        for form in forms:
            read(form, TELEGRAM)
            assert not re.search(r"&(?!(?:lt|gt|amp|quot);)", form), key


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"),
        ("zh-hans", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("zh_TW", "zh_Hans"),
        ("pt-br", "en"),
        (None, "en"),
    ],
)
def test_the_language_of_a_client_is_taken_or_english(code, language):
    assert choose(code) == language


@pytest.mark.parametrize(("code", "language"), [("pt-br", "zh_Hans"), (None, "zh_Hans"), ("en-GB", "en")])
def test_the_settings_say_what_people_of_other_languages_read(code, language):
    assert choose(code, "zh_Hans") == language


def test_numbers_go_with_their_words():
    english, chinese = for_language("en"), for_language("zh_Hans")
    assert english.plural("unit.credits", 1) == "1 credit"
    assert english.plural("unit.credits", 1200) == "1,200 credits"
    assert chinese.plural("unit.credits", 1) == chinese.plural("unit.credits", 2).replace("2", "1")


def test_a_sentence_about_a_number_of_credits_fits_one_of_them_too():
    """Where the verb goes with the number, the text has a form for each."""
    about = re.compile(r"\{(credits|available|missing|left|price)\}(</b>)? (are|were|have)\b")
    assert [key for key, forms in ENGLISH.items() if about.search(forms[0])] == []


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(-5, "0 s"), (999, "0 s"), (59_999, "59 s"), (61_000, "1 min 1 s"), (3_660_000, "1 h 1 min")],
)
def test_a_length_of_time_shows_its_two_largest_units(milliseconds, text):
    assert for_language("en").duration(milliseconds) == text


def test_a_moment_of_today_is_a_time_and_another_has_its_date():
    t, at = for_language("en"), 1_767_225_600_000
    now = datetime(2026, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert to_millis(now) == at
    assert t.moment(at + 3_600_000, now) == "9:00\u202fAM (Asia/Shanghai)"
    assert t.moment(at + 86_400_000, now).startswith("Jan 2, 8:00")
    assert t.moment(at + 365 * 86_400_000, now).startswith("Jan 1, 2027, 8:00")
    chinese = for_language("zh_Hans")
    assert chinese.moment(at + 86_400_000, now) == "1月2日 08:00 (Asia/Shanghai)"


def test_a_text_that_a_language_lacks_comes_in_english_and_one_that_nobody_has_is_an_error(caplog):
    english = for_language("en")
    nothing = Catalogue({}, lambda _: 0)
    t = Texts("zh_Hans", lambda language: nothing if language == "zh_Hans" else read_catalogue(language))
    assert t("tasks.none") == english("tasks.none")
    assert t.plural("unit.credits", 3) == english.plural("unit.credits", 3)
    with pytest.raises(KeyError):
        t("no.such.key")
    with pytest.raises(KeyError):
        english.plural("no.such.key", 2)


@pytest.mark.parametrize("language", NAMES)
def test_a_catalogue_is_read_as_babel_reads_it(language):
    assert read_catalogue(language).texts == CATALOGUES[language]


UNWANTED = {
    "en": re.compile(
        r"\b(shall|whom|beneath|anew|long-drawn|nobody|somebody|whoever|stood|of yours|nothing of|besides?|"
        r"in the works|under way|looked after|what waits|(?:are|is) the most|takes no|any more|no more|given back|"
        r"are back|let in|goes with|at once|recipes?|UTC|pictures?|shape)\b",
        re.IGNORECASE,
    ),
    "zh_Hans": re.compile(
        r"配方|主体元素|反向提示词|负面提示词|方案|渠道|供应商|作废|管理人员|运营者|放弃|算了|卡片|退回|退款|您"
    ),
}
"""Words that the glossary replaces: old-fashioned ones, and a second word for one thing."""


@pytest.mark.parametrize("language", NAMES)
def test_texts_say_one_thing_with_one_word(language):
    texts = {key: forms for key, forms in CATALOGUES[language].items() if key != "commands.words"}
    assert [key for key, forms in texts.items() if any(map(UNWANTED[language].search, forms))] == []
