"""Builds the container image with buildah, without a daemon, and runs it; what is slow to make is kept in a cache folder.

The base is Debian 12 with its Python, made by mmdebstrap once a week, because a test needs no image registry. pip in the build
reaches packages as pip on this machine does: its configuration is mounted, and so stays out of the image and the Dockerfile.
"""

import ast
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import program

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "daicho" / "images"
BASE = "localhost/daicho-test-base"
IMAGE = "localhost/daicho-test"
CONTAINER = "daicho-test"
BASE_PACKAGES = "usr-is-merged,python3,python3-venv,ca-certificates,tzdata"  # usr-is-merged: without it, all of Perl.
BASE_DAYS_MAX = 7
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
BUILD_SECONDS_MAX = 600
RUN_SECONDS_MAX = 60


@dataclass(frozen=True)
class Image:
    """The built image and a container made from it, which is not running: ``root`` is its file system."""

    root: Path
    config: Mapping[str, Any]

    def command(self, *words: str, volumes: Mapping[Path, str], settings: Mapping[str, str]) -> list[str]:
        """The command that runs the image's entry point with these words."""
        options = [f"--volume={here}:{there}" for here, there in volumes.items()]
        options += [f"--env={name}={value}" for name, value in settings.items()]
        return [*buildah(), "run", "--isolation=chroot", *options, CONTAINER, "--", *self.config["Entrypoint"], *words]

    def run(
        self, *words: str, volumes: Mapping[Path, str] | None = None, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What the entry point answered to these words."""
        return subprocess.run(
            self.command(*words, volumes=volumes or {}, settings=settings or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS_MAX,
        )


@contextmanager
def built(context: Path) -> Iterator[Image]:
    """The image of ``docker/Dockerfile`` in this context, and a container; both gone at the end. One at a time on a machine."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            _clear()
            _make_base()
            started = time.monotonic()
            _build(context)
            _say(f"image built in {time.monotonic() - started:.0f} s")
            _buildah("from", "--quiet", "--pull-never", f"--name={CONTAINER}", IMAGE)
            root = Path(_buildah("mount", CONTAINER).strip())
            described = json.loads(_buildah("inspect", "--type=image", IMAGE))
            yield Image(root, described["Docker"]["config"])
        finally:
            _clear()


def buildah() -> list[str]:
    """The command with storage of its own: nothing of this machine's images is read or changed."""
    return [
        str(program("buildah")),
        f"--root={CACHE / 'storage'}",
        f"--runroot={CACHE / 'run'}",
        "--storage-driver=vfs",
    ]


def _clear() -> None:
    """The base alone is left, whatever a killed run left behind."""
    _buildah("rm", "--all")
    images = json.loads(_buildah("images", "--json") or "null") or []
    others = [image["id"] for image in images if f"{BASE}:latest" not in (image.get("names") or [])]
    if others:
        _buildah("rmi", "--force", *others)


def _make_base() -> None:
    stamp = CACHE / "base-made"
    known = _buildah("images", "--quiet", "--filter", f"reference={BASE}").strip()
    if known and stamp.exists() and time.time() - stamp.stat().st_mtime < BASE_DAYS_MAX * 86_400:
        return
    started = time.monotonic()
    name = _buildah("from", "scratch").strip()
    folder = _buildah("mount", name).strip()
    command: list[str] = [str(program("mmdebstrap")), "--quiet", "--variant=minbase", "--format=directory"]
    command += [f"--include={BASE_PACKAGES}", "--dpkgopt=force-unsafe-io"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    _done([*command, "bookworm", folder])
    _buildah("commit", "--quiet", "--rm", "--format=docker", name, BASE)
    if known:
        _buildah("rmi", "--force", known)
    stamp.touch()
    _say(f"base made in {time.monotonic() - started:.0f} s")


def _build(context: Path) -> None:
    wheels = CACHE / "pip"
    wheels.mkdir(exist_ok=True)
    mounted = {wheels: "/root/.cache/pip"}
    configuration = CACHE / "pip.conf"
    lines, places = _pip_configuration()
    configuration.write_text("\n".join(lines) + "\n")
    mounted |= {configuration: "/etc/pip.conf:ro", **{place: f"{place}:ro" for place in places}}
    options = [f"--volume={here}:{there}" for here, there in mounted.items()]
    # Without layers: with this storage each is a whole copy of the image.
    options += ["--isolation=chroot", "--format=docker", "--layers=false", "--force-rm", "--pull-never"]
    options += [f"--build-arg=BASE={BASE}", f"--tag={IMAGE}", f"--file={context / 'docker' / 'Dockerfile'}"]
    _buildah("bud", "--quiet", *options, str(context))


def _pip_configuration() -> tuple[list[str], set[Path]]:
    """What pip is told on this machine, as lines of a pip.conf, and the local places it names."""
    listed = _done([sys.executable, "-m", "pip", "config", "list"])
    settings: dict[tuple[str, str], str] = {}
    places: set[Path] = set()
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, quoted = line.partition("=")
        section, _, key = name.removeprefix(":env:").rpartition(".")
        settings[section or "global", key] = ast.literal_eval(quoted)
    for value in settings.values():
        for word in value.split():
            place = Path(word.removeprefix("file://"))
            if place.is_absolute() and place.exists():
                # The pages of an index (…/simple) link to files beside it.
                places.add(place.parent if word.startswith("file://") and len(place.parts) > 2 else place)
    lines: list[str] = []
    for section in sorted({section for section, _ in settings}):
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for (of, key), value in settings.items() if of == section]
    return lines, places


def _buildah(*words: str) -> str:
    return _done([*buildah(), *words])


def _done(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS_MAX)
    assert done.returncode == 0, (
        f"{' '.join(command)}: exit code {done.returncode}\n{(done.stdout + done.stderr)[-4000:]}"
    )
    return done.stdout


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def copy_of_the_checkout(target: Path) -> None:
    """The files of this checkout that git knows or could add, copied: what is ignored (.venv, .daicho) is not there."""
    listed = _done(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
