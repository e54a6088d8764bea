"""Tools that a test of the documents stands in for, and why; each checks what it can, and fails as the tool would.

- `klingbot` is the program itself. `init` is answered at a terminal; `run` ends when the test has seen a video;
  `demo` ends when its page answers.
- `make`: what `install`, `test` and the like do, CI does by itself; here each target must be there. `demo` is run.
- `docker`: there is no engine. The compose file must be valid, the service in it, and what runs in it a command of
  klingbot; `tests/image` performs the steps of the image and runs it.
- `pip`, `python3 -m venv`: the packages are those of this environment; `tests/image` installs the lock file. What is
  to be installed must be there, with hashes where they are required.
- `sudo`: the directories of the system are those of the test's machine.
- `systemctl`, `journalctl`: there is no systemd to ask; the unit must be in place, `tests/test_deploy.py` verifies it.
- `sqlite3`, `litestream` and `prometheus` may not be installed: `.backup` is done by Python. Of the others the
  configuration is read; what Litestream restores is a copy of the database.
"""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

SECONDS = 90
"""How long anything may take."""


def machine() -> Path:
    return Path(os.environ["MACHINE"])


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", *arguments]


def wait_until(
    predicate: Callable[[], bool], process: subprocess.Popen[bytes] | subprocess.Popen[str]
) -> None:
    end = time.monotonic() + SECONDS
    while not predicate():
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"ended with {process.poll()}, or too late")
        time.sleep(0.1)


OF_THE_SYSTEM = re.compile(r"^/(etc|opt|var|mnt|usr/local)(?=/)")


def on_the_machine(words: Sequence[str]) -> list[str]:
    """Words with the directories of the system below that of the test."""
    return [OF_THE_SYSTEM.sub(lambda found: f"{machine()}{found[0]}", word) for word in words]


def klingbot(words: Sequence[str]) -> int:
    arguments = on_the_machine(words)
    if arguments[:1] == ["init"]:
        terminal = Path(__file__).with_name("terminal.py")
        return subprocess.run([sys.executable, terminal, *program(*arguments)], check=False).returncode
    if arguments[:1] == ["run"]:
        process = subprocess.Popen(program(*arguments))
        wait_until((machine() / "seen").exists, process)
        process.send_signal(signal.SIGTERM)
        return process.wait(SECONDS)
    if arguments[0] in ASK_THE_BOT and not is_ready():
        config = arguments[1:3] if arguments[1:2] == ["--config"] else []
        bot = subprocess.Popen(program("run", *config))
        wait_until(is_ready, bot)
        code = subprocess.run(program(*arguments), check=False).returncode
        bot.terminate()
        bot.wait(SECONDS)
        return code
    if arguments[:1] == ["demo"]:
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            port = server.getsockname()[1]
        process = subprocess.Popen(program("demo", "--no-browser", "--port", str(port)))
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), process)
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
        return 0
    return subprocess.run(program(*arguments), check=False).returncode


ASK_THE_BOT = {"reload", "health", "doctor"}
"""Commands for a bot that runs; where none does, one is started for them."""


def is_ready() -> bool:
    return subprocess.run(program("health", "--ready"), capture_output=True, check=False).returncode == 0


def answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as found:  # noqa: S310  an address of loopback
            return found.status == 200
    except (URLError, OSError):
        return False


def make(arguments: Sequence[str]) -> int:
    real = subprocess.run(["/usr/bin/make", "-n", *arguments], capture_output=True, text=True, check=False)
    if real.returncode:
        sys.exit(real.stderr)
    installs("klingbot", Path(".venv/bin"))
    installs("python", Path(".venv/bin"))
    return klingbot(["demo"]) if "demo" in arguments else 0


def installs(name: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not path.exists():
        path.symlink_to(machine() / "bin" / name)


def docker(arguments: Sequence[str]) -> int:
    from tests.image.compose import checked

    words = list(arguments)
    assert words.pop(0) == "compose", arguments
    file = Path("compose.yaml")
    while words[0].startswith("-"):
        assert words.pop(0) == "-f", arguments
        file = Path(words.pop(0))
    compose = checked(file.read_text("utf-8"))
    verb = words.pop(0)
    assert verb in {"run", "exec", "up", "down", "logs", "build", "pull", "ps", "restart", "stop"}, arguments
    if verb in {"run", "exec"}:
        while words[0].startswith("-"):
            words.pop(0)
        assert words.pop(0) in compose.service_names(), arguments
        inner = [word for word in words if not word.startswith("-")]
        return subprocess.run(program(inner[0], "--help"), capture_output=True, check=False).returncode
    return 0


def pip(arguments: Sequence[str]) -> int:
    assert arguments[0] == "install", arguments
    if "-r" in arguments:
        lock = Path(arguments[arguments.index("-r") + 1]).read_text("utf-8")
        pinned = re.findall(r"^[\w.-]+==", lock, re.MULTILINE)
        if "--require-hashes" in arguments:
            assert len(re.findall(r"^[\w.-]+==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)) == len(pinned)
    if arguments[-1] == ".":
        assert "[project]" in Path("pyproject.toml").read_text("utf-8")
        installs("klingbot", Path(os.environ["CALLED"]).parent)
    return 0


def python(arguments: Sequence[str]) -> int:
    if arguments[:2] == ["-m", "venv"]:
        installs("pip", Path(arguments[2]) / "bin")
        return 0
    if arguments[:2] == ["-m", "pytest"]:
        # What it runs, CI runs; here it must find something.
        return subprocess.run(
            [sys.executable, *arguments, "--collect-only", "-q", "-p", "no:cacheprovider"],
            stdout=subprocess.DEVNULL,
            check=False,
        ).returncode
    return subprocess.run([sys.executable, *arguments], check=False).returncode


def sudo(arguments: Sequence[str]) -> int:
    return subprocess.run(on_the_machine(arguments), check=False).returncode


def systemctl(arguments: Sequence[str]) -> int:
    verb, *rest = [word for word in arguments if not word.startswith("-")]
    assert verb in {"enable", "start", "stop", "restart", "status", "daemon-reload", "reload"}, arguments
    for name in rest:
        unit = machine() / "etc/systemd/system" / f"{name.removesuffix('.service')}.service"
        assert "[Service]" in unit.read_text("utf-8")
        for started in re.findall(r"^ExecStart=(\S+)", unit.read_text("utf-8"), re.MULTILINE):
            assert (machine() / started.lstrip("/")).exists(), f"{started} is not installed"
        for needed in re.findall(r"^LoadCredential=[\w.]+:(\S+)", unit.read_text("utf-8"), re.MULTILINE):
            assert (machine() / needed.lstrip("/")).exists(), f"{needed} is missing"
        (machine() / "var/lib" / name).mkdir(parents=True, exist_ok=True)
    return 0


def journalctl(arguments: Sequence[str]) -> int:
    assert arguments[:2] == ["-u", "klingbot"], arguments
    return 0


def sqlite(arguments: Sequence[str]) -> int:
    file, command = arguments
    verb, target = command.split()
    assert verb == ".backup", arguments
    assert Path(file).exists(), file
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return 0


def litestream(arguments: Sequence[str]) -> int:
    import yaml

    verb, flag, file, *rest = arguments
    assert (verb in {"replicate", "restore"}, flag) == (True, "-config"), arguments
    settings = yaml.safe_load(Path(file).read_text("utf-8"))
    paths = [os.path.expandvars(each["path"]) for each in settings["dbs"]]
    assert all("$" not in path for path in paths), paths
    if verb == "restore":
        assert (rest[0], rest[2] in paths) == ("-o", True), arguments
        with (
            closing(sqlite3.connect("data/klingbot.db")) as source,
            closing(sqlite3.connect(rest[1])) as copy,
        ):
            source.backup(copy)
    return 0


def prometheus(arguments: Sequence[str]) -> int:
    import yaml

    (option,) = arguments
    file = Path(option.removeprefix("--config.file="))
    settings = yaml.safe_load(file.read_text("utf-8"))
    assert settings["scrape_configs"], file
    for rules in settings.get("rule_files", ()):
        assert yaml.safe_load((file.parent / rules).read_text("utf-8"))["groups"], rules
    return 0


TOOLS: dict[str, Callable[[Sequence[str]], int]] = {
    "klingbot": klingbot,
    "make": make,
    "docker": docker,
    "pip": pip,
    "python": python,
    "python3": python,
    "sudo": sudo,
    "systemctl": systemctl,
    "journalctl": journalctl,
    "sqlite3": sqlite,
    "prometheus": prometheus,
    "litestream": litestream,
}

if __name__ == "__main__":
    os.environ["CALLED"] = sys.argv[1]
    sys.exit(TOOLS[Path(sys.argv[1]).name](sys.argv[2:]))
