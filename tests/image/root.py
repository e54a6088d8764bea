"""An image without an engine: the steps of a Dockerfile, performed in a root that Debian's tools make.

The base is what `FROM debian:<suite>…` names, made by mmdebstrap from the packages of that suite: the same packages as
in Debian's image, without the documents that its `slim` leaves out, but as new as the mirror has them. Everything else
is as the Dockerfile says. It needs root, and leaves mounts in namespaces that end with a process.
"""

import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.image.dockerfile import Instruction, Stage, is_sent, parse

SLIM = ("man", "doc", "info", "groff", "lintian", "linda", "locale")
"""The folders of /usr/share that Debian's `slim` images leave out."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What an image has before it says otherwise."""

BUILDING = """
set -e
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
for file in /etc/resolv.conf /etc/hosts; do touch "$ROOT$file"; mount --bind "$file" "$ROOT$file"; done
mkdir -p "$ROOT/run/certificates"
if [ -d /etc/ssl/certs ]; then mount --bind /etc/ssl/certs "$ROOT/run/certificates"; fi
exec chroot "$ROOT" /usr/bin/env -i "$@"
"""
"""How a step runs: with the network and the certificates of this machine."""

RUNNING = """
set -e
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/tmp"
mount --bind "$DATA" "$ROOT$VOLUME"
mount -o remount,bind,ro "$ROOT"
exec chroot "$ROOT" /usr/bin/setpriv --reuid="$OWNER" --regid="$OWNER" --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all /usr/bin/env -i "$@"
"""
"""How compose.yaml has it run: a read-only root, no capability, nothing to gain one by, and the volume."""


def reason_against() -> str | None:
    """Why no image can be made here; None where one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a root file system is made by root, on Linux"
    missing = [name for name in ("mmdebstrap", "unshare", "apt-get") if shutil.which(name) is None]
    return f"{', '.join(missing)} is not installed" if missing else None


@dataclass(frozen=True)
class Image:
    """A root, and how it is run."""

    root: Path
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: str = "root"
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()
    volume: str = ""

    def uid(self) -> int:
        """The number of its user."""
        for line in (self.root / "etc" / "passwd").read_text("utf-8").splitlines():
            name, _, uid, *_ = line.split(":")
            if self.user in {name, uid}:
                return int(uid)
        raise LookupError(self.user)

    def volume_at(self, directory: Path) -> Path:
        """A new volume: its directory belongs to whom the image's belongs, as engines do it."""
        of = (self.root / self.volume.lstrip("/")).stat()
        directory.mkdir(mode=of.st_mode & 0o777)
        os.chown(directory, of.st_uid, of.st_gid)
        return directory

    def program(self, arguments: Sequence[str], environment: Mapping[str, str], data: Path) -> list[str]:
        """What runs the arguments in a container, with a volume at `data`."""
        settings = {**self.environment, "HOME": self.volume, **environment}
        inside = f'cd {shlex.quote(self.workdir)} && exec "$@"'
        outside = {
            "ROOT": str(self.root),
            "DATA": str(data),
            "VOLUME": self.volume,
            "OWNER": str(self.uid()),
        }
        return [
            "env",
            *(f"{name}={value}" for name, value in outside.items()),
            *_unshared(RUNNING),
            *(f"{name}={value}" for name, value in settings.items()),
            *("/bin/sh", "-c", inside, "sh", *arguments),
        ]


def build(dockerfile: Path, context: Path, directory: Path) -> Image:
    """Perform the steps of a Dockerfile below `directory`; the image of its last stage."""
    made: dict[str, Image] = {}
    ignore = (context / ".dockerignore").read_text("utf-8")
    image = Image(directory)
    for stage in parse(dockerfile.read_text("utf-8")):
        root = directory / f"stage-{len(made)}"
        image = _begun(stage, made, root)
        for step in stage.instructions:
            image = _performed(step, image, made, context, ignore)
        made[stage.name] = image
    return image


def _begun(stage: Stage, made: Mapping[str, Image], root: Path) -> Image:
    if stage.base in made:
        subprocess.run(["cp", "-a", made[stage.base].root, root], check=True)
        return replace(made[stage.base], root=root)
    found = re.match(r"debian:([a-z]+)-\d{8}-slim@sha256:[0-9a-f]{64}$", stage.base)
    assert found, f"{stage.base} is no pinned image of Debian"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    mirror = next(line.split()[0] for line in listed if line and "-" not in line.split()[1])
    left = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in SLIM]
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", *left, found[1], root, mirror]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return Image(root)


def _performed(
    step: Instruction, image: Image, made: Mapping[str, Image], context: Path, ignore: str
) -> Image:
    match step.name:
        case "RUN":
            _run(step.text, image)
        case "COPY":
            _copy(step, image, made, context, ignore)
        case "ENV":
            pairs = dict(word.split("=", 1) for word in step.words())
            return replace(image, environment={**image.environment, **pairs})
        case "USER":
            return replace(image, user=step.text)
        case "WORKDIR":
            (image.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(image, workdir=step.text)
        case "VOLUME":
            return replace(image, volume=step.text)
        case "ENTRYPOINT":
            return replace(image, entrypoint=tuple(step.words()))
        case "CMD":
            return replace(image, command=tuple(step.words()))
        case "HEALTHCHECK":
            return replace(image, healthcheck=tuple(json.loads(step.text.removeprefix("CMD "))))
    return image


def _run(command: str, image: Image) -> None:
    assert image.user == "root", "steps after USER are not performed here"
    # Where packages come from, and by which certificates, is a matter of this machine.
    pip = {
        name: value for name, value in os.environ.items() if name in {"PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT"}
    }
    settings = {
        **image.environment,
        **pip,
        "PIP_CERT": "/run/certificates/ca-certificates.crt",
        "DEBIAN_FRONTEND": "noninteractive",
        "HOME": pwd.getpwuid(0).pw_dir,
    }
    program = [
        *_unshared(BUILDING),
        *(f"{name}={value}" for name, value in settings.items()),
        *("/bin/sh", "-c", f"cd {shlex.quote(image.workdir)} && {command}"),
    ]
    done = subprocess.run(
        program,
        env={"PATH": PATH, "ROOT": str(image.root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"


def _copy(step: Instruction, image: Image, made: Mapping[str, Image], context: Path, ignore: str) -> None:
    *sources, target = step.words()
    origin = made[step.flags["from"]].root if "from" in step.flags else context
    into = image.root / (image.workdir.lstrip("/") if not target.startswith("/") else "") / target.lstrip("/")
    for source in sources:
        found = origin / source.lstrip("/")
        if "from" not in step.flags:
            assert is_sent(ignore, source), f".dockerignore keeps {source} out of the build"
        if found.is_dir():
            # Of a directory its content is copied.
            into.mkdir(parents=True, exist_ok=True)
            left = shutil.ignore_patterns("__pycache__") if origin == context else None
            shutil.copytree(found, into, symlinks=True, dirs_exist_ok=True, ignore=left)
        else:
            shutil.copy(found, into / found.name if target.endswith(("/", ".")) else into)


def _unshared(script: str) -> list[str]:
    return [
        *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
        *("sh", "-c", script, "sh"),
    ]
