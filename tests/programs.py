"""Tests that need a Debian program of ``make servers``: without it they fail in CI as root, and elsewhere say "not run: reason".

A module names what it needs with ``pytestmark = pytest.mark.needs_programs("buildah", root=True)``. ``root``: only root
can run this; as an ordinary user it is not run anywhere. ``unpacked=False``: the program must be installed, because it
does not work where ``make servers`` unpacks it for an ordinary user.
"""

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

MARK = "needs_programs"
UNPACKED = Path(__file__).parents[1] / ".servers" / "usr"
NOT_RUN = "not run: "


class NotRun(Exception):
    """What a test needs is not on this machine; the message is the reason."""


def program(name: str, *, unpacked: bool = True) -> Path:
    """Where the program is: installed, or unpacked by ``make servers``. Raises NotRun."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    if unpacked:
        places += [str(UNPACKED / "bin"), str(UNPACKED / "sbin")]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise NotRun(f"{name} is not installed; `make servers` fetches it")
    return Path(found)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"{MARK}(*names, root=False, unpacked=True): programs of `make servers` that the test runs"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers(MARK):
        if mark.kwargs.get("root") and os.geteuid() != 0:
            raise NotRun("only root can do this here")
        for name in mark.args:
            program(name, unpacked=mark.kwargs.get("unpacked", True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, NotRun):
        sentence = f"{NOT_RUN}{call.excinfo.value}"
        if os.environ.get("CI") and os.geteuid() == 0:
            report.longrepr = f"{sentence}, and continuous integration must run it"
        else:
            report.outcome = "skipped"  # So pytest counts it apart from what passed; the words below are ours.
            report.longrepr = (item.location[0], item.location[1] or 0, sentence)
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("not run", "n", "NOT RUN") if _reason(report) is not None else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("not run", ()):
        terminalreporter.write_line(f"{report.nodeid}: {_reason(report)}")


def _reason(report: pytest.TestReport) -> str | None:
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple) and report.longrepr[2].startswith(NOT_RUN):
        return str(report.longrepr[2])
    return None
