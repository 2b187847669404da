"""The documents tell the truth: links lead somewhere, named files, commands and targets exist, words are one each."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs import generated

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "adapters").glob("*/NOTES.md")])
OURS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
DECISIONS_MIN = 14
PAGE_LINES_MAX = 60
NAMED_FILE = re.compile(
    r"`((?:ledger|projections|adapters|api|tests|docs|docker)/[\w./-]+\.(?:py|sql|toml|md|lock))(?:::(\w+))?`"
)
WORD_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\[[^\]]+\]\(([^)\s]+)\)", text)
    local = [link.split("#", 1)[0] for link in links if "://" not in link and not link.startswith(("#", "mailto:"))]
    missing = [link for link in local if not (document.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("document", OURS, ids=_name)
def test_every_named_file_exists_and_has_the_named_function(document: Path) -> None:
    for path, function in NAMED_FILE.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
        if function:
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            named = [node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
            assert function in named, f"{path}::{function}"


@pytest.mark.parametrize("document", OURS, ids=_name)
def test_every_named_command_and_target_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    paths = [command.path.split() for command in generated.commands()]
    for line in re.findall(r"(?:^|`|\n)(?:\.venv/bin/)?daicho ([a-z][a-z -]*)", text):
        words = ["daicho", *line.split()]
        assert any(words[: len(path)] == path or path[: len(words)] == words for path in paths), f"daicho {line}"
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for target in re.findall(r"(?:^|`|\n)make ([a-z]+)", text):
        assert target in targets, f"make {target}"


@pytest.mark.parametrize("path", generated.PAGES)
def test_a_generated_document_is_as_the_code_says(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated.PAGES[path](), "run `make docs`"


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)[0].split()
    assert set(re.findall(r"^([a-z]+):.*## ", text, re.MULTILINE)) == set(phony)


def _glossary() -> list[tuple[str, str]]:
    rows = WORD_ROW.findall((ROOT / "GLOSSARY.md").read_text(encoding="utf-8"))
    return [(japanese, english) for japanese, english, _ in rows if english not in ("English in code", "---")]


def test_one_thing_has_one_word_and_one_word_means_one_thing() -> None:
    rows = _glossary()
    assert len(rows) > 40
    for column in (0, 1):
        words = [word for row in rows for word in re.split(r"\s*(?:,|/|、)\s*", row[column]) if word != "—"]
        assert sorted(set(words)) == sorted(words), "a word stands twice"


def test_the_glossary_has_every_kind_of_units_that_a_fact_or_term_names() -> None:
    english = {word for _, words in _glossary() for word in re.split(r"[,/\s]+", words)}
    files = [ROOT / "ledger" / "terms.py", *(ROOT / "ledger" / "facts").glob("*.py")]
    named: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.target.id.endswith("_units")
            ):
                named.add(node.target.id)
    assert not named - english


def test_the_decisions_are_numbered_pages_that_name_what_keeps_them() -> None:
    assert len(DECISIONS) >= DECISIONS_MIN
    for number, page in enumerate(DECISIONS, 1):
        lines = page.read_text(encoding="utf-8").rstrip().splitlines()
        assert page.name.startswith(f"{number:04d}-"), page.name
        assert lines[0].startswith(f"# {number} "), page.name
        assert len(lines) <= PAGE_LINES_MAX, page.name
        kept = " ".join(lines[-6:]).partition("Kept by: ")[2]
        assert NAMED_FILE.search(kept) or kept.startswith("none yet; "), (
            f"{page.name} must end with 'Kept by: `tests/…`'"
        )
