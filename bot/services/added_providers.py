"""Providers that admins add while the bot runs, beside those of the settings: from the chat, and from a shell.

A provider is tried before it is kept: an account that does not answer is not added. Its key is sealed with the bot's
token, which the database does not hold; nothing shows it again. What changed holds when the settings are read again.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError

from bot.domain.people.access import Permission
from bot.domain.types import ProviderName, UserId
from bot.errors import UserError
from bot.kling import errors
from bot.kling.provider import Provider
from bot.kling.trial import Trial
from bot.services.operations.overrides import Overrides
from bot.services.people.access import Access
from bot.services.people.accounts import Audit
from bot.settings.config import Settings
from bot.store import Store

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

log = structlog.get_logger(__name__)

PREFIX = "provider:"
MOST_ADDED = 20


Try = Callable[[Provider], Awaitable[Trial]]
"""Asks a provider for its account, without spending anything. Raises `ProviderError`."""


def _sealing(settings: Settings) -> "Fernet":
    # Most bots have no such provider, and need not load it.
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    token = settings.telegram.token.get_secret_value().encode()
    derived = HKDF(SHA256(), 32, salt=None, info=b"klingbot provider keys").derive(token)
    return Fernet(urlsafe_b64encode(derived))


async def with_added(settings: Settings, store: Store) -> Settings:
    """The settings with the providers that admins added; the settings' own come first, also under the same name."""
    found = list(settings.providers)
    known = {provider.name: provider for provider in found}
    rows = await store.operations.list_settings(PREFIX)
    sealing = _sealing(settings) if rows else None
    for name, value in rows.items():
        added = None if sealing is None else _read(name, value, sealing)
        if added is None:
            log.warning("a provider that was added cannot be used: give it its key again", provider=name)
        elif added.name not in known:
            found.append(added)
        elif known[added.name] != added:
            log.warning("the settings have a provider of this name, which holds", provider=name)
    if len(found) == len(settings.providers):
        return settings
    return settings.model_copy(update={"providers": tuple(found)})


def _read(name: str, value: str, sealing: "Fernet") -> Provider | None:
    """What was kept of a provider; None where another token sealed it, or another version wrote it."""
    from cryptography.fernet import InvalidToken

    try:
        held = json.loads(value)
        key = sealing.decrypt(held.pop("sealed_key").encode()).decode()
        return Provider(**{**held, "name": name, "key": key})
    except (InvalidToken, ValidationError, ValueError, KeyError, TypeError):
        return None


class AddedProviders:
    """Adds, changes and removes providers. `settings` has the settings' own, `ask_reload` lets the bot take a change up."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        audit: Audit,
        overrides: Overrides,
        settings: Settings,
        try_provider: Try,
        ask_reload: Callable[[], None],
    ) -> None:
        self._store = store
        self._access = access
        self._audit = audit
        self._overrides = overrides
        self._settings = settings
        self._try = try_provider
        self._ask_reload = ask_reload

    async def list(self) -> Mapping[ProviderName, tuple[str, tuple[str, ...]]]:
        """The address and the models of each that was added."""
        rows = await self._store.operations.list_settings(PREFIX)
        held = {ProviderName(name): json.loads(value) for name, value in rows.items()}
        return {name: (str(each["base_url"]), tuple(each["models"])) for name, each in held.items()}

    async def add(
        self,
        actor: UserId | None,
        values: Mapping[str, object],
        idempotency_key: str,
    ) -> Trial:
        """Add a provider with these settings, without `models` with all that its account can use.

        Raises:
            UserError: the settings are mistaken, the name is taken, or the account does not answer.

        """
        await self._access.require(actor, Permission.OPERATE)
        name = str(values.get("name", ""))
        taken = {*await self.list(), *(provider.name for provider in self._settings.providers)}
        if name in taken:
            raise UserError("error.provider.taken", name=name)
        if len(taken) >= MOST_ADDED:
            raise UserError("error.provider.many", limit=MOST_ADDED)
        return await self._keep(actor, values, "provider-add", idempotency_key)

    async def change(
        self, actor: UserId | None, name: str, values: Mapping[str, object], idempotency_key: str
    ) -> Trial:
        """Give an added provider other settings, such as a `key` or `models`; it is tried before.

        Raises:
            UserError: as `add` does, or there is no such provider.

        """
        await self._access.require(actor, Permission.OPERATE)
        held = await self._held(name)
        return await self._keep(actor, {**held, **values, "name": name}, "provider-change", idempotency_key)

    async def remove(self, actor: UserId | None, name: str, idempotency_key: str) -> None:
        """Remove an added provider; what runs there is looked after to its end.

        Raises:
            UserError: there is no such provider.

        """
        await self._access.require(actor, Permission.OPERATE)
        held = await self._row(name)
        # Another of this name, added one day, is not to be paused from the beginning.
        with suppress(UserError):
            await self._overrides.reset(actor, f"providers.{name}", f"{idempotency_key}:settings")
        audit = self._audit.row(
            idempotency_key, actor, "provider-remove", name, str(held.get("base_url", ""))
        )
        await self._store.operations.keep_setting(PREFIX + name, None, audit)
        self._done(name, "removed", actor)

    async def _keep(
        self, actor: UserId | None, values: Mapping[str, object], action: str, idempotency_key: str
    ) -> Trial:
        named = {"models": ("*",), **values}
        try:
            provider = Provider.model_validate(named)
        except ValidationError as error:
            raise UserError("error.provider.mistake", problem=_first_mistake(error)) from None
        try:
            trial = await self._try(provider)
        except errors.ProviderError as error:
            raise UserError("error.provider.no_answer", reason=str(error)) from None
        models = provider.models if "models" in values else trial.models
        if not models:
            raise UserError("error.provider.no_models")
        provider = provider.model_copy(update={"models": models})
        held = provider.model_dump(mode="json", exclude_unset=True, exclude={"key", "name"})
        held["sealed_key"] = (
            _sealing(self._settings).encrypt(provider.key.get_secret_value().encode()).decode()
        )
        told = f"{provider.base_url} · {', '.join(models)}"
        audit = self._audit.row(idempotency_key, actor, action, provider.name, "", told[:300])
        await self._store.operations.keep_setting(PREFIX + provider.name, json.dumps(held), audit)
        self._done(provider.name, "kept", actor)
        return Trial(trial.words, models)

    async def _row(self, name: str) -> dict[str, object]:
        row = await self._store.operations.get_setting(PREFIX + name)
        if row is None:
            raise UserError("error.provider.not_added", name=name[:40])
        held: dict[str, object] = json.loads(row)
        return held

    async def _held(self, name: str) -> dict[str, object]:
        """What is held of a provider, with its key; without, where it was sealed by another token."""
        from cryptography.fernet import InvalidToken

        held = await self._row(name)
        sealed = str(held.pop("sealed_key", ""))
        try:
            return {**held, "key": _sealing(self._settings).decrypt(sealed.encode()).decode()}
        except InvalidToken:
            return held

    def _done(self, name: str, what: str, actor: UserId | None) -> None:
        log.info("an added provider was changed", provider=name, now=what, by=actor)
        self._ask_reload()


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in mistake["loc"])
    return f"{place}: {mistake.get('ctx', {}).get('error', mistake['msg'])}"
