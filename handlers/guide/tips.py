"""`/tips`: how to write a good prompt, and what the camera can do. Everything to be copied is behind a tap."""

from html import escape

from telegram import CallbackQuery, Update

from bot.domain.requests.choices import CAMERAS
from bot.i18n import Texts
from handlers.chat.context import Context, answer, rewrite, user_id_of
from handlers.chat.html import View
from handlers.chat.keyboards import Button

EXAMPLES = ("1", "2", "3")
WORDS = ("static", "dolly", "orbit", "tracking", "crane", "handheld", "fpv", "slow")
"""What to write into a prompt so that the camera moves; every model understands it."""

PROMPTS = "prompts"
CAMERA = "camera"


async def tips(update: Update, context: Context) -> None:
    """How to write a prompt."""
    await answer(update, context, _prompts(update, context))


async def press_tips(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Turn between the pages."""
    await rewrite(
        context, query, _camera(update, context) if argument == CAMERA else _prompts(update, context)
    )


def _prompts(update: Update, context: Context) -> View:
    t, owner = context.t, user_id_of(update)
    copies = [[Button(t(f"tips.copy_{number}"), copy=t(f"tips.example_{number}"))] for number in EXAMPLES]
    return View(
        t("tips.text"),
        [
            *copies,
            [
                Button(t("tips.button.camera"), "tips", CAMERA, owner),
                Button(t("tips.button.ideas"), "ideas", "", owner),
            ],
        ],
    )


def _camera(update: Update, context: Context) -> View:
    t = context.t
    parts = [
        t("tips.camera"),
        *(
            f"<code>{escape(t(f'tips.word_{word}'))}</code> – {t(f'tips.word_means_{word}')}"
            for word in WORDS
        ),
    ]
    able = [row.id for row in context.services.compose.rows() if row.camera]
    if able:
        parts += ["", t("tips.presets", models=escape(", ".join(able)))]
        parts += [_preset(t, name) for name in CAMERAS]
    back = Button(t("tips.button.prompts"), "tips", PROMPTS, user_id_of(update))
    return View("\n".join(parts), [[back]])


def _preset(t: Texts, name: str) -> str:
    return f"<code>--camera {name}</code> – {t(f'camera.means.{name}')}"
