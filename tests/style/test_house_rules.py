"""Every file keeps the house rules, and each rule finds what it is there to find."""

import ast
from pathlib import Path

import pytest

from tests.style import house_rules
from tests.style.house_rules import RULES, Source

ROOT = Path(__file__).parents[2]
FOLDERS = (*house_rules.CODE, "tests")

PLANTED = [
    ("says_what_it_is_for", "ledger/stock.py", "units = 3\n"),
    ("fits_on_its_pages", "ledger/stock.py", "x = 1\n" * 401),
    ("fits_on_its_pages", "ledger/stock.py", "def long():\n" + "    x = 1\n" * 60),
    ("is_named_for_what_it_is", "ledger/stock_utils.py", ""),
    ("is_named_for_what_it_is", "ledger/stock.py", "class StockManager: ..."),
    ("spells_words_out", "ledger/stock.py", "def allocate(order_qty): ..."),
    ("prints_only_in_the_command_line", "adapters/kit/files.py", "print('read')"),
    ("catches_what_it_can_mend", "api/mail/receiver.py", "try:\n    x = 1\nexcept Exception:\n    x = 2"),
    (
        "catches_what_it_can_mend",
        "api/mail/receiver.py",
        "try:\n    x = 1\nexcept (OSError, BaseException):\n    x = 2",
    ),
    ("asks_for_clock_and_chance", "ledger/writer.py", "import time\ntime.sleep(1)"),
    ("asks_for_clock_and_chance", "ledger/writer.py", "from datetime import datetime, UTC\nat = datetime.now(UTC)"),
    ("asks_for_clock_and_chance", "ledger/writer.py", "from uuid import uuid4 as new\nidentity = new()"),
    ("asks_for_clock_and_chance", "ledger/writer.py", "from threading import Thread\nThread(target=print).start()"),
    ("asks_for_clock_and_chance", "ledger/writer.py", "import random\nrandom.random()"),
    ("leaves_the_environment_to_settings", "api/app.py", "import os\nhome = os.environ['DAICHO_HOME']"),
    ("leaves_libraries_to_their_one_file", "ledger/book.py", "from eventsourcing.persistence import StoredEvent"),
    ("leaves_libraries_to_their_one_file", "adapters/rakuten/push.py", "import httpx"),
    ("freezes_its_records", "ledger/stock.py", "from dataclasses import dataclass\n@dataclass\nclass Stock: ..."),
    ("explains_what_others_use", "ledger/stock.py", "def allocate():\n    x = 1\n    return x"),
    ("leaves_nothing_undone", "ledger/stock.py", "x = 1  # " + "TODO later"),
    ("leaves_nothing_undone", "ledger/stock.py", "raise NotImplementedError"),
    ("tests_honestly", "tests/ledger/test_stock.py", "from unittest.mock import Mock"),
    ("tests_honestly", "tests/ledger/test_stock.py", "import pytest\npytest.skip('later')"),
    ("tests_honestly", "tests/ledger/test_stock.py", "def test_stock_of_one_sku_is_zero(monkeypatch): ..."),
    ("tests_honestly", "tests/ledger/test_stock.py", "def test_stock(): ..."),
]


def test_every_file_keeps_every_rule() -> None:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 20, "the rules look at the wrong folder"
    sources = (house_rules.read(ROOT, path) for path in paths)
    broken = [sentence for source in sources for rule in RULES for sentence in rule(source)]
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(("name", "path", "text"), PLANTED)
def test_a_planted_offence_is_found(name: str, path: str, text: str) -> None:
    rule = next(rule for rule in RULES if rule.__name__ == name)
    assert list(rule(Source(path, text, ast.parse(text))))


def test_every_rule_has_a_planted_offence() -> None:
    assert {rule.__name__ for rule in RULES} == {name for name, _, _ in PLANTED}


def test_an_honest_file_offends_no_rule() -> None:
    text = '"""Stock of one SKU: what is true now."""\n\nimport datetime\n\nDAY = datetime.timedelta(days=1)\n'
    assert not [sentence for rule in RULES for sentence in rule(Source("ledger/stock.py", text, ast.parse(text)))]


def test_the_lock_has_a_hash_for_everything_and_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    packages = [number for number, line in enumerate(lines) if "==" in line]
    assert packages
    for number in packages:
        assert lines[number + 1].strip().startswith("--hash=sha256:"), lines[number]
    assert not [line for line in lines if "://" in line or line.startswith("-")]
    assert "uv.lock" in (ROOT / ".gitignore").read_text().split()
