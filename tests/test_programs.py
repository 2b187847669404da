"""A test without its program fails in CI and says "not run: reason" elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import NotRun, program

ROOT = Path(__file__).parents[1]
MODULE = """
import pytest

@pytest.fixture(scope="module")
def opened():
    yield 1

def test_first(opened): assert opened

@pytest.mark.needs_programs("no-such-program")
def test_second(opened): raise AssertionError("it must not run")

@pytest.mark.needs_programs("sh")
def test_third(opened): assert opened
"""


def test_a_program_that_is_not_there_is_named_with_what_fetches_it() -> None:
    with pytest.raises(NotRun, match="no-such-program is not installed; `make servers` fetches it"):
        program("no-such-program")


def test_without_its_program_a_test_says_why_it_was_not_run(tmp_path: Path) -> None:
    code, said = _run(tmp_path, ci=False)
    assert code == 0
    assert "2 passed, 1 not run" in said
    assert "::test_second: not run: no-such-program is not installed" in said


def test_without_its_program_a_test_fails_in_continuous_integration(tmp_path: Path) -> None:
    code, said = _run(tmp_path, ci=True)
    assert "not run: no-such-program is not installed" in said
    as_root = os.geteuid() == 0  # Only root can have `make servers` install it.
    assert code == (1 if as_root else 0)
    assert ("continuous integration must run it" in said) == as_root


def _run(folder: Path, *, ci: bool) -> tuple[int, str]:
    (folder / "test_planted.py").write_text(MODULE)
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | ({"CI": "1"} if ci else {})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.programs", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, f"--rootdir={folder}", str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr
