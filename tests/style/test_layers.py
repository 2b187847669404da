"""The import contracts of pyproject.toml refuse what they are there to refuse: offences are planted in a copy."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = "api -> (projections | adapters) -> ledger"
MALLS = "malls do not know each other"
LIBRARY = "only the store knows the event sourcing library"
CLIENT = "one file imports the HTTP client"

PLANTED = [
    ("ledger/planted.py", "import api.settings", LAYERS),
    ("ledger/planted.py", "import adapters.kit", LAYERS),
    ("projections/planted.py", "import adapters.kit", LAYERS),
    ("adapters/planted_one/push.py", "import projections", LAYERS),
    ("adapters/planted_one/push.py", "import adapters.planted_two.push", MALLS),
    ("adapters/kit/planted.py", "import adapters.planted_two.push", MALLS),
    ("ledger/planted.py", "import eventsourcing.persistence", LIBRARY),
    ("adapters/planted_one/push.py", "import httpx", CLIENT),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code folders and two malls of our own, with the contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("ledger", "projections", "adapters", "api"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "samples"))
    for mall in ("planted_one", "planted_two", "kit"):
        (tmp_path / "adapters" / mall).mkdir(exist_ok=True)
        for file in ("__init__.py", "push.py"):
            if not (tmp_path / "adapters" / mall / file).exists():
                (tmp_path / "adapters" / mall / file).write_text('"""A mall for this test."""\n')
    return tmp_path


def _broken_contracts(copy: Path) -> list[str]:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"],
        cwd=copy,
        env={"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    broken = re.findall(r"^(.+) BROKEN\b", done.stdout, re.MULTILINE)
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    return broken


def test_the_house_keeps_its_contracts(copy: Path) -> None:
    assert _broken_contracts(copy) == []


@pytest.mark.parametrize(("path", "line", "contract"), PLANTED)
def test_a_planted_import_is_refused(copy: Path, path: str, line: str, contract: str) -> None:
    (copy / path).write_text(f'"""Planted."""\n\n{line}\n')
    assert _broken_contracts(copy) == [contract]


def test_a_mall_may_use_the_kit_and_the_ledger(copy: Path) -> None:
    (copy / "adapters/planted_one/push.py").write_text(
        '"""Allowed."""\n\nimport adapters.kit.push\nimport ledger.terms\n'
    )
    assert _broken_contracts(copy) == []
