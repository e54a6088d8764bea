"""Providers that are added, changed and removed in the chat. A message with a key is deleted before anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bot.domain.people.access import Permission
from bot.domain.types import ProviderName, UserId, short_hash
from bot.errors import UserError
from bot.i18n import Texts
from handlers.admin.panel_pages import ask, back, page, question, reply, to
from handlers.chat.html import View, snippet
from handlers.chat.keyboards import Payload, in_rows
from handlers.chat.turn import Turn

LONGEST_MODELS = 800
"""Characters of the models of one provider that are shown."""


class AskNew(Payload, action="added.new"):
    """Ask for the name, the address and the key of a provider."""


@dataclass(frozen=True)
class _OfAdded(Payload):
    """A button about one added provider, named by its short hash."""

    provider: str


class ShowAdded(_OfAdded, action="added.show"):
    """Show an added provider."""


class AskKeyOf(_OfAdded, action="added.key"):
    """Ask for another key."""


class AskModelsOf(_OfAdded, action="added.models"):
    """Ask for other models."""


class RemoveAdded(_OfAdded, action="added.remove"):
    """Remove an added provider."""


async def list_added(turn: Turn) -> View:
    """What was added, and the button that adds another."""
    return added_view(turn.t, sorted(await turn.services.added_providers.list()), turn.user_id)


async def _show(turn: Turn, button: ShowAdded) -> View:
    name = await _find(turn, button.provider)
    address, models = (await turn.services.added_providers.list())[name]
    return one_view(turn.t, name, address, models, turn.user_id)


async def _ask_key(turn: Turn, button: AskKeyOf) -> View:
    return await ask(turn, button, "providers.ask_key", name=escape(await _find(turn, button.provider)))


async def _on_new_reply(turn: Turn, _: AskNew) -> View:
    hint = await _delete_message(turn)
    words = turn.text.split()
    if len(words) < 3:
        raise UserError("error.provider.usage")
    name, address, key = words[:3]
    values = {"name": name.casefold(), "base_url": address, "key": key}
    trial = await turn.services.added_providers.add(turn.user_id, values, turn.idempotency_key)
    return View(told(turn.t, "providers.now_added", name.casefold(), trial.models) + hint)


async def _on_key_reply(turn: Turn, asked: AskKeyOf) -> View:
    hint = await _delete_message(turn)
    return await _change(turn, asked.provider, {"key": turn.text.strip()}, hint)


async def _on_models_reply(turn: Turn, asked: AskModelsOf) -> View:
    models = tuple(turn.text.replace(",", " ").replace("，", " ").split())
    return await _change(turn, asked.provider, {"models": models}, "")


async def _change(turn: Turn, handle: str, values: Mapping[str, object], hint: str) -> View:
    name = await _find(turn, handle)
    service = turn.services.added_providers
    trial = await service.change(turn.user_id, name, values, turn.idempotency_key)
    await turn.stop_asking()
    return View(told(turn.t, "providers.now_changed", name, trial.models) + hint)


async def _remove(turn: Turn, button: RemoveAdded) -> View:
    name = await _find(turn, button.provider)
    await turn.services.added_providers.remove(turn.user_id, name, turn.idempotency_key)
    return View(turn.t("providers.now_removed", name=escape(name)), [back(turn.t, turn.user_id)])


async def _delete_message(turn: Turn) -> str:
    """Delete the message with the key; what its sender is told where that cannot be done."""
    if turn.message_id is not None and await turn.delete(turn.message_id):
        return ""
    return "\n\n" + turn.t("providers.delete_yourself")


async def _find(turn: Turn, handle: str) -> ProviderName:
    for name in await turn.services.added_providers.list():
        if short_hash(name) == handle:
            return name
    raise UserError("error.button.stale")


# -- views -------------------------------------------------------------------------------------------


def added_view(t: Texts, names: Sequence[ProviderName], owner: UserId) -> View:
    """The added providers, a button for each."""
    buttons = [to(owner, name, ShowAdded(short_hash(name))) for name in names]
    return View(
        t("providers.added_here"), [*in_rows(buttons, 2), [to(owner, t("button.provider_add"), AskNew())]]
    )


def one_view(t: Texts, name: ProviderName, address: str, models: Sequence[str], owner: UserId) -> View:
    """One added provider, without its key."""
    handle = short_hash(name)
    text = t(
        "providers.added_one",
        name=escape(name),
        address=snippet(address, 200),
        models=snippet(", ".join(models), LONGEST_MODELS),
    )
    return View(
        text,
        [
            [
                to(owner, t("button.provider_key"), AskKeyOf(handle)),
                to(owner, t("button.provider_models"), AskModelsOf(handle)),
            ],
            [to(owner, t("button.provider_remove"), RemoveAdded(handle), danger=True)],
            back(t, owner),
        ],
    )


def told(t: Texts, key: str, name: str, models: Sequence[str]) -> str:
    """What is said of a provider that was added or changed."""
    return t(key, name=escape(name), models=snippet(", ".join(models), LONGEST_MODELS))


BUTTONS = (
    question(AskNew, "providers.ask_new", Permission.OPERATE),
    page(ShowAdded, _show, Permission.OPERATE),
    page(AskKeyOf, _ask_key, Permission.OPERATE),
    question(AskModelsOf, "providers.ask_models", Permission.OPERATE),
    page(RemoveAdded, _remove, Permission.OPERATE),
)
QUESTIONS = (
    reply(AskNew, _on_new_reply, Permission.OPERATE),
    reply(AskKeyOf, _on_key_reply, Permission.OPERATE),
    reply(AskModelsOf, _on_models_reply, Permission.OPERATE),
)
