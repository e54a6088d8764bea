"""Ideas as people read them: one at a time, with what it costs and the way to the next. Pure."""

from collections.abc import Sequence

from bot.domain.library.idea import Idea
from bot.domain.requests.request import VideoRequest
from bot.domain.units import Credits, UserId
from bot.i18n import Texts
from handlers.chat import views
from handlers.chat.keyboards import CONFIRM, Button
from handlers.chat.views import View, inline, quoted, settings_line

PROMPT_LIMIT = 600


def one(
    t: Texts, idea: Idea, others: Sequence[Idea], request: VideoRequest, price: Credits, owner: UserId
) -> View:
    """One of several ideas; `others` are all, in order."""
    lines = [f"<b>{inline(idea.name, 60)}</b>", quoted(request.prompt, PROMPT_LIMIT)]
    lines.append(settings_line(t, request))
    if idea.photo:
        lines.append(t("idea.takes_photo"))
    make = t(
        "idea.button.make_of_photo" if idea.photo else "idea.button.make", credits=views.credits(t, price)
    )
    rows = [[Button(make, "idea_make", idea.slug, owner, style=CONFIRM)]]
    if len(others) > 1:
        place = next(number for number, other in enumerate(others) if other.slug == idea.slug)
        before, after = others[place - 1], others[(place + 1) % len(others)]
        lines.append(t("idea.place", number=place + 1, total=len(others)))
        rows.append(
            [
                Button(t("idea.button.previous"), "idea", before.slug, owner),
                Button(t("idea.button.next"), "idea", after.slug, owner),
            ]
        )
    return View("\n".join(line for line in lines if line), rows)
