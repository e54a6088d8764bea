"""`klingbot init`: a few questions, each answer tried at once, and a settings file that only its owner can read."""

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click
import httpx
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bot.cli.checks.accounts import check_key
from bot.cli.checks.findings import Finding, Level
from bot.cli.checks.telegram import ask, who_am_i
from bot.clock import Runtime
from bot.domain.requests import catalog as catalogs
from bot.domain.types import ProviderName
from bot.i18n import DEFAULT, NAMES, Texts, choose, for_language
from bot.kling.provider import Provider
from bot.network import Network, why_unreachable
from bot.proxies import of_environment
from bot.settings.sections import NetworkSettings, SpendingSettings, Telegram

T = TypeVar("T")

USUAL = ("kling-v2-6", "kling-v2-5-turbo")
"""The models that are suggested, where the key can use them."""

KLING = {"en": "https://api-singapore.klingai.com", "zh_Hans": "https://api-beijing.klingai.com"}
"""Kling's own address that is suggested, by language: one for the world, one for the mainland (Kling API, 2026)."""

ANSWER_SECONDS = 5.0
"""How long an account may take to answer while somebody waits."""

START_SECONDS = 120.0
"""How long a /start is waited for."""

LOOK_SECONDS = 1.0
WAITING_SEEN = 100
"""Updates that are seen without confirming any of them: what comes behind so many stays unseen."""

ACCESS = ("allow-list", "request", "public")
"""Who may use the bot, in the order in which it is asked."""

PUBLIC_UNITS = 20
"""What is suggested as the most that everyone together may spend in a day, in Kling's units."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answered. `admin` is 0 where there is none yet, `daily_units` None for no limit."""

    token: str
    admin: int
    base_url: str
    key: str
    models: tuple[str, ...]
    access: str = "allow-list"
    daily_units: float | None = None
    proxy: str = ""
    telegram_url: str = ""


@dataclass
class Dialogue:
    """Asks on the terminal, and again where an answer cannot be right. `given` are answers that were given before, by name.

    Where the answers come from a pipe, what has a default need not be answered, and nothing is waited for.
    """

    given: Mapping[str, str]
    is_terminal: bool
    environ: Mapping[str, str]
    t: Texts = field(init=False)
    _proxy: str = ""

    def __post_init__(self) -> None:
        # As with the settings, what the environment names for all programs holds.
        found = of_environment(self.environ)
        named = {key: value.split(",") if key == "no_proxy" else value for key, (value, _) in found.items()}
        try:
            self._network = Network(proxies=NetworkSettings.model_validate(named).proxies)
        except ValidationError as error:
            mistake = error.errors(include_url=False, include_input=False)[0]
            variable = found[str(mistake["loc"][0])][1]
            raise click.ClickException(f"{variable}: {_words(mistake)}") from None

    def ask(self) -> Answers:
        """Ask everything, one after the other.

        Raises:
            click.ClickException: an answer that was given before cannot be right.
            click.Abort: there is no answer to a question that needs one.

        """
        self.t = for_language(self._language())
        telegram_url = self.given.get("telegram_url", "")
        self._proxy = self.given.get("proxy", "")
        token, username = self._token(telegram_url)
        admin = self._admin(self._telegram(token, telegram_url), username)
        base_url, key, usable = self._key()
        models = self._models(base_url, key, usable)
        access = self._access()
        daily_units = self._units(access)
        return Answers(token, admin, base_url, key, models, access, daily_units, self._proxy, telegram_url)

    # -- how it is asked -----------------------------------------------------------------------------

    def _say(self, key: str, **values: object) -> None:
        click.echo(self.t(key, **values))

    def _once(
        self,
        name: str,
        text: str,
        read: Callable[[str], T],
        *,
        default: str | None = None,
        hidden: bool = False,
    ) -> T:
        """An answer as `read` takes it, asked again for as long as that refuses it with a ValueError."""
        if (said := self.given.get(name)) is not None:
            try:
                return read(said.strip())
            except ValueError as error:
                raise click.ClickException(f"{name}: {error}") from None
        while True:
            try:
                said = click.prompt(text, default=default, hide_input=hidden, show_default=bool(default))
            except click.Abort:
                if self.is_terminal or default is None:
                    raise
                # The pipe has no more answers.
                click.echo()
                said = default
            try:
                return read(str(said).strip())
            except ValueError as error:
                click.echo(f"  {error}")

    # -- the questions -------------------------------------------------------------------------------

    def _language(self) -> str:
        usual = choose(self.given.get("locale"))
        if "language" not in self.given and not self.is_terminal:
            return usual
        codes = {str(number): code for number, code in enumerate(NAMES, 1)}
        text = "Language / 语言: " + ", ".join(f"{number} {NAMES[code]}" for number, code in codes.items())

        def read(said: str) -> str:
            code = codes.get(said) or next(
                (each for each in NAMES if said.lower() in {each.lower(), NAMES[each].lower()}), ""
            )
            if not code:
                raise ValueError(", ".join(NAMES))
            return code

        default = next(number for number, code in codes.items() if code == usual)
        return self._once("language", text, read, default=default)

    def _telegram(self, token: str, url: str) -> Telegram:
        address = {"base_url": url} if url else {}
        return Telegram.model_validate({"token": token, "proxy": self._proxy, **address})

    def _token(self, url: str) -> tuple[str, str]:
        """A token that Telegram takes, and the bot's name; the name is empty where Telegram was not reached."""
        while True:
            token = self._once("token", self.t("init.token"), _fitting(Telegram, "token"), hidden=True)
            while True:
                self._say("init.asking_telegram")
                me, reason = asyncio.run(who_am_i(self._telegram(token, url), self._network))
                if not reason:
                    self._say("init.token_ok", name=me.get("username", "?"))
                    return token, str(me.get("username", ""))
                is_refused = reason.startswith("the token was refused")
                self._say("init.token_refused" if is_refused else "init.token_failed", reason=reason)
                if not reason.startswith("not reached"):
                    break
                if not self.is_terminal or not self._ask_proxy():
                    self._say("init.unverified")
                    return token, ""
            if "token" in self.given:
                raise click.ClickException(f"token: {reason}")

    def _ask_proxy(self) -> bool:
        """Ask for another way to Telegram; whether there is one."""
        given, self.given = self.given, {name: said for name, said in self.given.items() if name != "proxy"}
        read = _fitting(Telegram, "proxy")
        proxy = self._once("proxy", self.t("init.proxy"), lambda said: read(said) if said else "", default="")
        self.given = given
        self._proxy = proxy
        return bool(proxy)

    def _admin(self, telegram: Telegram, username: str) -> int:
        """The user id of whoever runs the bot; 0: none."""

        def read(said: str) -> int:
            said = said.strip("[] ")
            if said in {"", "-"}:
                return 0
            if not said.isascii() or not said.isdigit():
                raise ValueError(self.t("init.admin_number"))
            return int(said)

        waits = self.is_terminal and bool(username)
        text = self.t("init.admin_or_start" if waits else "init.admin")
        admin = self._once("admin", text, read, default="" if waits else None)
        if not admin and waits and "admin" not in self.given:
            self._say("init.send_start", name=username)
            admin = self._from_start(telegram)
        if not admin:
            self._say("init.no_admin")
        return admin

    def _from_start(self, telegram: Telegram) -> int:
        """The user id of whoever sends /start now, and says that it is they; 0: nobody did, or Ctrl-C ended it."""
        refused: set[int] = set()
        deadline = time.monotonic() + START_SECONDS
        try:
            while time.monotonic() < deadline:
                sender, reason = asyncio.run(_starter(telegram, self._network, refused))
                if reason:
                    self._say("init.no_updates", reason=reason)
                    return self._once("admin", self.t("init.admin"), lambda said: int(said or 0), default="0")
                if sender is None:
                    time.sleep(LOOK_SECONDS)
                    continue
                name = str(sender.get("first_name", "?"))
                if handle := sender.get("username"):
                    name += f" (@{handle})"
                if click.confirm(self.t("init.is_that_you", name=name, id=sender["id"]), default=True):
                    return int(sender["id"])
                refused.add(int(sender["id"]))
        except (click.Abort, KeyboardInterrupt):
            click.echo()
        return 0

    def _key(self) -> tuple[str, str, tuple[str, ...]]:
        """Where Kling is, a key that is taken there, and the video models that it can use."""
        base_url = KLING[self.t.language]
        while True:
            base_url = self._once(
                "kling_url",
                self.t("init.kling_url"),
                _fitting(Provider, "base_url"),
                default=base_url,
            )
            key = self._once("key", self.t("init.key"), _fitting(Provider, "key"), hidden=True)
            self._say("init.asking_account")
            provider = Provider(
                name=ProviderName("kling"),
                base_url=base_url,
                key=SecretStr(key),
                models=USUAL,
                timeout=ANSWER_SECONDS,
            )
            told = asyncio.run(check_key(provider, Runtime(), self._network))
            if self._show(told):
                break
            if "key" in self.given and _is_refused(told[0]):
                raise click.ClickException(f"key: {told[0].text}")
            if not _is_refused(told[0]) and not (
                self.is_terminal and click.confirm(self.t("init.key_again"), default=True)
            ):
                self._say("init.models_unverified")
                break
        return base_url, key, tuple(each.model for each in told if each.model)

    def _show(self, told: Sequence[Finding]) -> bool:
        """Show what an account said, as `klingbot check` does; whether it took the key."""
        accepted = told[0].level is not Level.FAIL
        if _is_refused(told[0]):
            self._say("init.key_refused", reason=told[0].text.partition(": ")[2])
            return False
        click.echo(f"{told[0].level:4}  {told[0].text}")
        for each in told[1:]:
            if accepted and (each.model or each.level is Level.WARN):
                click.echo(f"{each.level:4}  {each.text}")
        return accepted

    def _models(self, base_url: str, key: str, usable: Sequence[str]) -> tuple[str, ...]:
        spoken = Provider(
            name=ProviderName("kling"), base_url=base_url, key=SecretStr(key), models=USUAL
        ).spoken
        known = [row.id for row in catalogs.load(dialect=spoken).known()]
        default = [model for model in USUAL if model in usable] or list(usable[:2]) or list(USUAL)

        def read(said: str) -> tuple[str, ...]:
            names = tuple(
                dict.fromkeys(
                    name.strip()
                    for name in re.sub(r"[\[\]\"]", "", said.replace("，", ",")).split(",")
                    if name.strip()
                )
            )
            for name in names:
                if name not in known:
                    near = get_close_matches(name.lower(), known, 1)
                    key = "init.no_model_near" if near else "init.no_model"
                    raise ValueError(self.t(key, name=name, near="".join(near)))
            if not names:
                raise ValueError(self.t("init.no_model", name="–"))
            return names

        return self._once("models", self.t("init.models"), read, default=", ".join(default))

    def _access(self) -> str:
        def read(said: str) -> str:
            if said in ACCESS:
                return said
            if said not in {"1", "2", "3"}:
                raise ValueError(self.t("init.access_number"))
            return ACCESS[int(said) - 1]

        return self._once("access", self.t("init.access"), read, default="1")

    def _units(self, access: str) -> float | None:
        """The most that everyone together may spend in a day; a public bot must have one."""

        def read(said: str) -> float | None:
            if said in {"", "0", "-"} and access != "public":
                return None
            units = float(_fitting(SpendingSettings, "daily_units")(said))
            if units <= 0:
                raise ValueError(self.t("init.units_needed"))
            return units

        if access == "public":
            return self._once("daily_units", self.t("init.units_public"), read, default=str(PUBLIC_UNITS))
        return self._once("daily_units", self.t("init.units"), read, default="0")


def _is_refused(answer: Finding) -> bool:
    """Whether an account was reached and does not take a key, so that another is needed."""
    return answer.text.startswith("Unauthorized")


async def _starter(
    telegram: Telegram, network: Network, refused: set[int]
) -> tuple[Mapping[str, Any] | None, str]:
    """Whoever sent /start last in private, but for some; or why nobody can be seen. No update is confirmed by it."""
    try:
        answer = await ask(telegram, network, "getUpdates", limit=WAITING_SEEN)
    except (httpx.HTTPError, ValueError) as error:
        return None, why_unreachable(error) or type(error).__name__
    if not answer.get("ok"):
        return None, str(answer.get("description", "?"))
    updates = answer.get("result", [])
    for update in reversed(updates):
        message = update.get("message", {})
        sender = message.get("from", {})
        is_start = str(message.get("text", "")).startswith("/start")
        if is_start and message["chat"]["type"] == "private" and sender.get("id") not in refused:
            return sender, ""
    return None, "" if len(updates) < WAITING_SEEN else f"{WAITING_SEEN} updates wait"


def _fitting(section: type[BaseModel], key: str) -> Callable[[str], str]:
    """The rule that the settings have for a key: what may be said, or a ValueError that says what is wrong."""

    def check(answer: str) -> str:
        try:
            section.model_validate({key: answer})
        except ValidationError as error:
            for mistake in error.errors(include_url=False, include_input=False):
                if mistake["loc"] == (key,):
                    raise ValueError(_words(mistake)) from None
        return answer

    return check


def _words(mistake: ErrorDetails) -> str:
    """What is wrong, without what was said."""
    return mistake["msg"].removeprefix("Value error, ")


def write(path: Path, answers: Answers, t: Texts) -> None:
    """Write the settings file with mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(_lines(answers, t)) + "\n")


def _lines(answers: Answers, t: Texts) -> list[str]:
    """The settings as TOML, with what each is for."""
    admins = [answers.admin] if answers.admin else []
    lines = [f"# {t('init.file')}", "", "[telegram]", f"token = {json.dumps(answers.token)}"]
    lines.append(f"admins = {admins}  # {t('init.file_admins')}")
    if t.language != DEFAULT:
        lines.append(f"language = {json.dumps(t.language)}  # {t('init.file_language')}")
    if answers.telegram_url:
        lines.append(f"base_url = {json.dumps(answers.telegram_url)}")
        if answers.telegram_url.endswith("/bot"):
            lines.append(f"base_file_url = {json.dumps(answers.telegram_url[:-4] + '/file/bot')}")
    if answers.proxy:
        lines.append(f"proxy = {json.dumps(answers.proxy)}")
    lines += [
        *("", "[[providers]]", 'name = "kling"'),
        f"base_url = {json.dumps(answers.base_url)}",
        f"key = {json.dumps(answers.key)}",
        f"models = {json.dumps(list(answers.models))}  # {t('init.file_models')}",
        *("", "[access]", f"mode = {json.dumps(answers.access)}  # {t('init.file_access')}"),
    ]
    if answers.daily_units is not None:
        lines += ["", "[spending]", f"daily_units = {answers.daily_units:g}  # {t('init.file_spending')}"]
    return lines
