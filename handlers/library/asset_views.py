"""Elements and voices as people read of them: the list, how to use one, and what became of one. Pure."""

from collections.abc import Sequence

from bot.domain.library.asset import NAME_LIMIT, Asset, AssetKind, AssetState
from bot.domain.tasks.task import FailureKind
from bot.domain.units import UserId
from bot.i18n import Texts
from handlers.chat.keyboards import DANGER, Button
from handlers.chat.views import EXPLAINED, View, fitting, inline

DESCRIPTION_SHOWN = 100
NAME_ON_BUTTON = 24


def listed(t: Texts, kind: AssetKind, own: Sequence[Asset], owner: UserId) -> View:
    """A person's elements or voices, each with a button to delete it, and how to use one."""
    if not own:
        return View(t(f"asset.{kind}.none"))
    ready = [asset for asset in own if asset.state is AssetState.READY]
    lines = "\n".join(_line(t, asset) for asset in own)
    parts = [t.plural(f"asset.{kind}.list", len(own)), lines]
    if ready:
        parts.append(t(f"asset.{kind}.how_to", name=_name(ready[0])))
    rows = [
        [Button(t("asset.button.delete", name=_short(asset)), "asset_drop", asset.id, owner, style=DANGER)]
        for asset in own
    ]
    return View(fitting(parts, "\n\n"), rows)


def begun(t: Texts, asset: Asset, *, alone: bool) -> View:
    """It is being made; `alone`: of one photo only, which could be more."""
    parts = [t(f"asset.{asset.kind}.begun", name=_name(asset))]
    if alone:
        parts.append(t("asset.close_up"))
    return View("\n\n".join(parts))


def ended(t: Texts, asset: Asset) -> View:
    """It is ready and used like this; or it could not be made, and why."""
    if asset.state is AssetState.READY:
        return View(t(f"asset.{asset.kind}.ready", name=_name(asset)))
    kind = asset.failure or FailureKind.PROVIDER
    parts = [t(f"asset.{asset.kind}.failed", name=_name(asset), reason=t(f"failure.{kind}"))]
    if kind in EXPLAINED and asset.failure_detail:
        parts.append(t("notice.reason", reason=inline(asset.failure_detail, 200)))
    return View("\n".join(parts))


def material_question(t: Texts, kind: AssetKind, name: str, owner: UserId) -> View:
    """What to send now, so that it can be made."""
    text = t(f"asset.{kind}.ask", name=inline(name, NAME_LIMIT))
    return View(text, [[Button(t("recipe.button.never_mind"), "recipe_stop", "", owner)]])


def delete_question(t: Texts, asset: Asset, owner: UserId) -> View:
    """Once more, for nothing brings it back."""
    rows = [
        [
            Button(t("asset.button.delete_sure"), "asset_gone", asset.id, owner, style=DANGER),
            Button(t("asset.button.back"), "assets", str(asset.kind), owner),
        ]
    ]
    return View(t(f"asset.{asset.kind}.delete_sure", name=_name(asset)), rows)


def _line(t: Texts, asset: Asset) -> str:
    parts = [f"<code>{_name(asset)}</code>"]
    if asset.description:
        parts.append(inline(asset.description, DESCRIPTION_SHOWN))
    if asset.state is not AssetState.READY:
        parts.append(f"<i>{t('asset.making')}</i>")
    return " · ".join(parts)


def _name(asset: Asset) -> str:
    return inline(asset.name, NAME_LIMIT)


def _short(asset: Asset) -> str:
    return " ".join(asset.name.split())[:NAME_ON_BUTTON]
