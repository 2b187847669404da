"""Installs from the hashed lock what some requirements need, and nothing else of it (no development tools).

Rounds: what is asked for is installed without its dependencies, at the version and with the hashes of the lock; what that
says it needs is asked for in the next round. Run by the Python of an environment that has pip.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

ROUNDS_MAX = 30
PINNED = re.compile(r"([A-Za-z0-9._-]+)==")


class NotInLock(ValueError):
    """Something is needed that the lock does not pin: solve it again (`make lock`)."""


def read_lock(text: str) -> dict[str, str]:
    """The lines of each package, by its canonical name; a package with several versions keeps them all."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        match = PINNED.match(line)
        if match:
            name = canonicalize_name(match[1])
        if line.strip() and not line.lstrip().startswith("#"):
            assert name, line
            found[name] = f"{found.get(name, '')}{line}\n"
    return found


def needs(requirement: Requirement, site: Path) -> Iterator[Requirement]:
    """What an installed package says it needs here, with the extras asked for."""
    (installed,) = metadata.distributions(name=requirement.name, path=[str(site)])
    for text in installed.requires or ():
        needed = Requirement(text)
        if needed.marker is None or any(
            needed.marker.evaluate({"extra": extra}) for extra in (requirement.extras or {""}) | {""}
        ):
            yield needed


def install(roots: Iterable[Requirement], lock: dict[str, str], into: Path, *, without: frozenset[str]) -> list[str]:
    """The names of all that is installed now. Raises NotInLock, CalledProcessError."""
    python = into / "bin" / "python3"
    (site,) = into.glob("lib/python3*/site-packages")
    asked: set[str] = set()
    installed: set[str] = set()
    waiting = list(roots)
    for _ in range(ROUNDS_MAX):
        waiting = [each for each in waiting if _canonical(each) not in without and str(each) not in asked]
        if not waiting:
            return sorted(installed)
        asked |= {str(each) for each in waiting}
        fresh = {_canonical(each) for each in waiting} - installed
        if unknown := sorted(fresh - lock.keys()):
            raise NotInLock(f"{', '.join(unknown)}: needed, and not in the lock; solve it again with `make lock`")
        _install_exactly(python, "".join(lock[name] for name in sorted(fresh)))
        installed |= fresh
        waiting = [needed for each in waiting for needed in needs(each, site)]
    raise AssertionError(f"more than {ROUNDS_MAX} rounds: {waiting}")


def _install_exactly(python: Path, lines: str) -> None:
    if not lines:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(lines)
        file.flush()
        command = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        command += ["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", file.name]
        subprocess.run(command, check=True)


def _canonical(requirement: Requirement) -> str:
    return str(canonicalize_name(requirement.name))


def main() -> None:
    """Reads the command line and installs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True, help="the environment to install into")
    parser.add_argument("--project", type=Path, help="a pyproject.toml whose dependencies are asked for too")
    parser.add_argument("--without", action="append", default=[], help="a package that stays out")
    parser.add_argument("requirement", nargs="*")
    given = parser.parse_args()
    texts = list(given.requirement)
    if given.project is not None:
        texts += tomllib.loads(given.project.read_text(encoding="utf-8"))["project"]["dependencies"]
    without = frozenset(str(canonicalize_name(name)) for name in given.without)
    lock = read_lock(given.lock.read_text(encoding="utf-8"))
    names = install([Requirement(text) for text in texts], lock, given.into, without=without)
    sys.stdout.write(f"{given.into}: {len(names)} packages from {given.lock}\n")


if __name__ == "__main__":
    main()
