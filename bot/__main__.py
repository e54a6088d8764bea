"""The command line: see `klingbot --help`."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import structlog

from bot.errors import ConfigError, StoreError

P = ParamSpec("P")
T = TypeVar("T")

USUAL_FILE = Path("config.toml")


def _found(context: click.Context, parameter: click.Parameter, named: Path | None) -> Path | None:
    """The file to read; None where none was named, there is none here, and the environment has settings."""
    from bot.settings.sources import variables

    del context, parameter
    if named is None and not USUAL_FILE.exists() and variables(os.environ):
        return None
    return named or USUAL_FILE


def _config_option(**more: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    return click.option(
        "--config",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="KLINGBOT_CONFIG",
        **more,
    )


config_option = _config_option(
    callback=_found,
    help="The file with your settings (config.toml); without one, the environment is enough.",
)


def _explained(command: Callable[P, T]) -> Callable[P, T]:
    """Show every problem of the settings, one line each, instead of a traceback; a single one is the only line."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except ConfigError as error:
            first, *more = error.problems
            if more:
                click.echo(f"The settings have {len(error.problems)} problems:", err=True)
                for problem in error.problems:
                    click.echo(f"  - {problem}", err=True)
            else:
                click.echo(f"Error: {first}", err=True)
            if kwargs.get("path", USUAL_FILE) is None:
                # A container, say, whose image sets variables, and whose volume has no settings yet.
                click.echo(f"There is no {USUAL_FILE} here; `klingbot init` writes one.", err=True)
            sys.exit(2)
        except StoreError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_status)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="klingbot", prog_name="klingbot")
def main() -> None:
    """A Telegram bot that makes Kling videos.

    New here? Try `klingbot demo`: the whole bot on this machine, without any account. When you have a
    bot token and a Kling key: `klingbot init`, `klingbot check`, `klingbot run`.
    """


@main.command()
@config_option
@_explained
def run(path: Path | None) -> None:
    """Run the bot until Ctrl-C."""
    from bot import (
        app,
        application,
        log,
    )
    from bot.monitoring.export import reporting
    from bot.reloading import Reloading
    from bot.settings import config
    from bot.settings.sources import of_kubernetes
    from bot.store import path_of
    from bot.supervisor import Supervisor

    settings = config.load(path, os.environ)
    dsn = settings.monitoring.sentry_dsn.get_secret_value()
    with reporting(dsn, settings.network.proxies) as report_errors:

        def begin_log(settings: config.Settings, secrets: Sequence[str]) -> None:
            log.setup(settings.logging.level, settings.logging.format, secrets, sys.stderr)
            report_errors(secrets)

        begin_log(settings, settings.secrets())
        # What people send and what the bot knows of them is nobody else's on this machine.
        os.umask(0o077)
        if ignored := of_kubernetes(os.environ):
            structlog.get_logger(__name__).info(
                "variables that Kubernetes sets are no settings", ignored=ignored
            )
        if proxies := settings.proxies_in_use():
            structlog.get_logger(__name__).info("proxies are used", **proxies)
        reloading = Reloading(
            settings, lambda: config.load(path, os.environ), begin_log, path_of(settings.store.url)
        )
        try:
            asyncio.run(
                application.run(
                    app.opened(settings, reloading), supervisor=Supervisor.of(os.environ), reload=reloading
                )
            )
        except ConfigError:
            raise
        except StoreError as error:
            structlog.get_logger(__name__).critical("the bot cannot go on", reason=str(error))
            sys.exit(error.exit_status)
        except Exception:  # noqa: BLE001  whatever it is, it must not reach the terminal unredacted
            # Through the log, which takes the secrets out: Telegram's errors quote the token.
            structlog.get_logger(__name__).critical(
                "the bot cannot go on",
                try_this="klingbot check" + (f" --config {path}" if path else ""),
                exc_info=True,
            )
            sys.exit(1)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8765,
    show_default=True,
    help="Where the chat page is served on this machine.",
)
@click.option(
    "--headless-script",
    "script",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run a scripted conversation, print what comes back, and end.",
)
@click.option("--browser/--no-browser", default=True, help="Open the chat page in a browser.")
def demo(port: int, script: Path | None, browser: bool) -> None:
    """Try everything here, with no account: stand-ins for Telegram and Kling, and a chat page."""
    from bot.demo.run import run_demo

    sys.exit(asyncio.run(run_demo(port, script, open_browser=browser)))


@main.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@_explained
def check(path: Path | None, as_json: bool) -> None:
    """Test everything that the bot depends on; one line each.

    ok: it works. warn: the bot works, but look at this. FAIL: it does not; the exit status is then 1, and 2 where the
    settings themselves are wrong. Nothing is changed, and nothing is spent.
    """
    from bot.cli import checks

    _report(checks.check, path, as_json=as_json)


@main.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@_explained
def doctor(path: Path | None, as_json: bool) -> None:
    """Find what is stuck and say what to do, one line each.

    It looks at the database, and asks the bot if that runs. ok, warn and FAIL are as for `check`; the exit status is 1
    where something needs doing.
    """
    from bot.cli import checks

    _report(checks.diagnose, path, as_json=as_json)


def _report(find: Callable[..., Any], path: Path | None, *, as_json: bool) -> None:
    """Print what is found with some settings, and end with 1 where something fails."""
    from bot import log
    from bot.cli.checks.findings import Level
    from bot.settings import config

    settings = config.load(path, os.environ)
    log.setup("ERROR", settings.logging.format, settings.secrets(), sys.stderr)
    findings = asyncio.run(find(settings, path))
    if as_json:
        rows = [
            {"level": each.level.lower(), "subject": each.subject, "text": each.text} for each in findings
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            click.echo(finding.line)
    sys.exit(any(finding.level is Level.FAIL for finding in findings))


@main.command()
@config_option
@_explained
def reload(path: Path | None) -> None:
    """Let the running bot read its settings again; what changed holds at once, and nothing is lost.

    What cannot be used is listed and changes nothing (exit status 2).
    """
    from bot.cli.reload import NotReloaded, lines
    from bot.cli.reload import reload as ask
    from bot.settings import config
    from bot.store import path_of

    try:
        report = ask(path_of(config.load(path, os.environ).store.url))
    except NotReloaded as error:
        raise click.ClickException(str(error)) from None
    for line in lines(report):
        click.echo(line, err=bool(report.problems))
    sys.exit(2 if report.problems else 0)


@main.command()
@config_option
@click.option("--ready", is_flag=True, help="Ask whether it does its work, and not only whether it is alive.")
def health(path: Path | None, ready: bool) -> None:
    """Ask the running bot whether it is alive; one line, and the exit status 0 or 1."""
    from bot.cli.health import ask
    from bot.settings import config

    try:
        is_well, said = ask(config.load(path, os.environ).monitoring.listen, ready=ready)
    except ConfigError as error:
        is_well, said = False, "; ".join(error.problems)
    click.echo(said, err=not is_well)
    sys.exit(not is_well)


def _answers(command: Callable[P, T]) -> Callable[P, T]:
    """Give a command an option for each question of `init`; the variables are those of the settings."""
    for name, variable, about in reversed(
        (
            ("language", None, "Language of the questions: en or zh_Hans."),
            (
                "token",
                "TELEGRAM__TOKEN",
                "Bot token; better in the environment than here, where other users see it.",
            ),
            ("admin", "TELEGRAM__ADMINS", "Your Telegram user id; - for none."),
            ("kling-url", "PROVIDERS__0__BASE_URL", "Address of Kling, or of your gateway."),
            ("key", "PROVIDERS__0__KEY", "Kling key; better in the environment than here."),
            ("models", "PROVIDERS__0__MODELS", "Models, separated by commas."),
            ("access", "ACCESS__MODE", "Who may use the bot: allow-list (only you), request or public."),
            ("daily-units", "SPENDING__DAILY_UNITS", "Kling units that all may spend in a day; 0: no limit."),
            ("proxy", "TELEGRAM__PROXY", "Proxy to reach Telegram, such as socks5://127.0.0.1:1080."),
            ("telegram-url", "TELEGRAM__BASE_URL", "Address of your own Bot API server."),
        )
    ):
        option = click.option(f"--{name}", envvar=variable and f"KLINGBOT_{variable}", help=about)
        command = option(command)
    return command


@main.command()
@_config_option(default=USUAL_FILE, show_default=True, help="The file to write.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@_answers
def init(path: Path, force: bool, **given: str | None) -> None:
    """Ask a few questions, try each answer at once, and write the settings.

    What an option or its variable KLINGBOT_… answers is not asked. Answers may come from a pipe.
    """
    from bot import log
    from bot.cli.init import Dialogue, write
    from bot.i18n import choose, for_language

    log.setup("ERROR", "console", (), sys.stderr)
    locale = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    is_terminal = sys.stdin.isatty()
    if path.exists() and not force:
        question = for_language(choose(locale))("init.exists", path=path)
        if not is_terminal or not click.confirm(question):
            raise click.ClickException(f"{path} exists; give another --config, or --force to write over it")
    answered = {"locale": locale} | {name: said for name, said in given.items() if said}
    dialogue = Dialogue(answered, is_terminal, os.environ)
    write(path, dialogue.ask(), dialogue.t)
    click.echo(dialogue.t("init.written", path=path))


@main.command()
def example() -> None:
    """Print a settings file with every key, its default, and what it is for."""
    from bot.settings.schema import example

    click.echo(example(), nl=False)


@main.command()
def schema() -> None:
    """Print a JSON schema of the settings file, with which editors complete and check it."""
    from bot.settings.schema import schema

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


class _Admin(click.Group):
    """The commands of `bot.cli`, read when they are wanted, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        from bot.cli import admin

        return admin.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        from bot.cli import admin

        return admin.get_command(ctx, cmd_name)


@main.command("admin", cls=_Admin)
@config_option
@click.pass_context
def admin_(context: click.Context, path: Path | None) -> None:
    """Do what the panel does from a shell, also while the bot runs.

    What is printed is for scripts: a line for each row, a tab between two columns, a dash for what there is not,
    moments in UTC. What cannot be done is one line on the error output, and the exit status 1.
    """
    context.obj = path


@main.command()
@config_option
@_explained
def migrate(path: Path | None) -> None:
    """Bring the store to the form that this version needs (`run` does it by itself)."""
    from bot.settings import config
    from bot.store import migrate, path_of

    settings = config.load(path, os.environ)
    steps = migrate(path_of(settings.store.url), backups=settings.backup.directory)
    click.echo("\n".join(f"applied {step}" for step in steps) or "the store is up to date")


@main.command()
@config_option
@click.argument("target", metavar="[PATH]", required=False, type=click.Path(path_type=Path))
@click.option("--with-files", is_flag=True, help="Add people's own videos; the copy is a tar file then.")
@_explained
def backup(path: Path | None, target: Path | None, with_files: bool) -> None:
    """Copy the database to the file or directory PATH, also while the bot runs.

    Without PATH the copy goes to `backup.directory`. It was opened and read through before it gets its name.
    """
    from bot.cli.backup import make
    from bot.settings import config

    click.echo(make(config.load(path, os.environ), target, with_files=with_files))


@main.command()
@config_option
@click.argument("source", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file with the secret key of an encrypted copy; without one it is asked for.",
)
@_explained
def restore(path: Path | None, source: Path, key: Path | None) -> None:
    """Put a copy in the place of the database, while no bot runs.

    PATH is what `backup` made, what the bot sent to a chat (any one of its parts), or another copy of the database. The
    file that was there is kept. What was open in the copy is not done again: see docs/backup.md.
    """
    from bot.cli.backup import restore as put_back
    from bot.settings import config

    def secret_key() -> str:
        if key is not None:
            return key.read_text("utf-8")
        return str(click.prompt("Secret key (AGE-SECRET-KEY-1...)", hide_input=True, err=True))

    click.echo(put_back(config.load(path, os.environ), source, secret_key))


@main.command()
@config_option
@_explained
def vacuum(path: Path | None) -> None:
    """Give the room of what was deleted back to the disk, while no bot runs."""
    from bot.settings import config
    from bot.store import path_of, vacuum

    database = path_of(config.load(path, os.environ).store.url)
    before, after = vacuum(database)
    click.echo(f"{database}: {after / 1_000_000:.1f} MB, {before / 1_000_000:.1f} MB before")


@main.command()
@config_option
@click.argument("target", metavar="PATH", type=click.Path(path_type=Path))
@_explained
def export(path: Path | None, target: Path) -> None:
    """Write everything to the zip file PATH, a JSON Lines file for each table, also while the bot runs.

    Nothing in it opens an account; what people wrote is in it. For one person: `admin export`.
    """
    from bot.settings import config
    from bot.store import export_database, path_of

    written = export_database(path_of(config.load(path, os.environ).store.url), target)
    click.echo(f"{target}: {sum(written.values()):,} rows of {len(written)} tables")


@main.command("backup-key")
def backup_key() -> None:
    """Make a pair of keys, for copies that are sent to a chat.

    The public one is for the settings (`backup.recipient`), the secret one for a place where the bot is not.
    """
    from bot.archives import new_key

    public, secret = new_key()
    click.echo(
        f"# for the settings: backup.recipient\n# public key: {public}\n# keep this one elsewhere; restore asks for it\n{secret}"
    )


if __name__ == "__main__":
    main()
