"""Debian's own programs for mail, run by tests: swaks speaks SMTP and LMTP, dkimsign and arcsign sign."""

import os
import subprocess
from pathlib import Path

from tests.programs import UNPACKED, program

SECONDS_MAX = 30


def swaks(*arguments: str, message: bytes | None = None) -> tuple[int, str]:
    """swaks has spoken: its exit code (0: everything was accepted) and what was said."""
    command = [str(program("swaks")), "--suppress-data", *arguments]
    if message is not None:
        command += ["--data", "-"]
    done = subprocess.run(
        command,
        input=message,
        env=_environment("PERL5LIB", "share/perl5", "lib/*-linux-gnu/perl5/*", "share/perl/*"),
        capture_output=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def signed(name: str, message: bytes, *arguments: str) -> bytes:
    """The message with the header that ``dkimsign`` or ``arcsign`` put above it."""
    done = subprocess.run(
        ["/usr/bin/python3", str(program(name)), *arguments],
        input=message,
        env=_environment("PYTHONPATH", "lib/python3/dist-packages"),
        capture_output=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


def _environment(name: str, *folders: str) -> dict[str, str]:
    """Where the program finds what was unpacked beside it."""
    found = [str(path) for folder in folders for path in sorted(UNPACKED.glob(folder))]
    return {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "LC_ALL": "C.UTF-8", name: os.pathsep.join(found)}
