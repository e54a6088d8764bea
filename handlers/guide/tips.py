"""`/tips`: how to write a good prompt, and what the camera can do. Everything to copy is behind a tap."""

from collections.abc import Sequence
from html import escape

from bot.domain.people.access import AccessLevel
from bot.domain.requests.camera import CAMERAS
from bot.domain.types import UserId
from bot.i18n import Texts
from handlers.chat.html import View
from handlers.chat.keyboards import Button, Payload
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press
from handlers.chat.turn import Turn
from handlers.library.template_views import ShowIdeas

EXAMPLES = ("1", "2", "3")
WORDS = ("static", "dolly", "orbit", "tracking", "crane", "handheld", "fpv", "slow")
"""What to write into a prompt so that the camera moves; every model understands it."""


class ShowPromptTips(Payload, action="tips"):
    """Turn to the page about prompts."""


class ShowCameraTips(Payload, action="tips.camera"):
    """Turn to the page about the camera."""


async def tips(turn: Turn) -> None:
    """Say how to write a prompt."""
    await turn.answer(prompt_tips(turn.t, turn.user_id))


async def on_prompts(turn: Turn) -> None:
    """Turn to the page about prompts."""
    await turn.edit(prompt_tips(turn.t, turn.user_id))


async def on_camera(turn: Turn) -> None:
    """Turn to the page about the camera."""
    models = [row.id for row in turn.services.compose.rows() if row.camera]
    await turn.edit(camera_tips(turn.t, models, turn.user_id))


# -- views -------------------------------------------------------------------------------------------


def prompt_tips(t: Texts, owner: UserId) -> View:
    """How to write a prompt, with examples to copy."""
    copies = [[Button(t(f"tips.copy_{number}"), copy=t(f"tips.example_{number}"))] for number in EXAMPLES]
    more = [
        Button(t("tips.button.camera"), ShowCameraTips(), owner=owner),
        Button(t("tips.button.ideas"), ShowIdeas(), owner=owner),
    ]
    return View(t("tips.text"), [*copies, more])


def camera_tips(t: Texts, models: Sequence[str], owner: UserId) -> View:
    """The words that move the camera, and the movements that some models have."""
    parts = [t("tips.camera")]
    parts += [
        f"<code>{escape(t(f'tips.word_{word}'))}</code> – {t(f'tips.word_means_{word}')}" for word in WORDS
    ]
    if models:
        parts += ["", t("tips.presets", models=escape(", ".join(models)))]
        parts += [_preset(t, name) for name in CAMERAS]
    back = Button(t("tips.button.prompts"), ShowPromptTips(), owner=owner)
    return View("\n".join(parts), [[back]])


def _preset(t: Texts, name: str) -> str:
    return f"<code>--camera {name}</code> – {t(f'camera.means.{name}')}"


COMMANDS = (Command("tips", tips, access=AccessLevel.VIEW, section=Section.GUIDE),)
BUTTONS = (
    Press(ShowPromptTips, on_prompts, AccessLevel.VIEW),
    Press(ShowCameraTips, on_camera, AccessLevel.VIEW),
)
