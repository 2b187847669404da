"""The house rules as functions over one parsed file; each yields sentences that say where and what.

Why each rule stands: CONTRIBUTING.md, "House rules".
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CODE = ("ledger", "projections", "adapters", "api")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
TEST_NAME_WORDS_MIN = 3
EMPTY_NAMES = {"manager", "service", "helper", "helpers", "util", "utils", "handler", "data", "info"}
ABBREVIATIONS = {
    "qty",
    "amt",
    "cnt",
    "cfg",
    "mgr",
    "svc",
    "msg",
    "idx",
    "req",
    "resp",
    "ctx",
    "conn",
    "curs",
    "usr",
    "tmp",
    "addr",
}
WIRED = ("api/wiring.py", "api/settings.py")
FROM_WIRING = (
    "time.time",
    "time.time_ns",
    "time.sleep",
    "time.monotonic",
    "time.perf_counter",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "uuid.uuid1",
    "uuid.uuid4",
    "os.urandom",
    "asyncio.sleep",
)
FROM_WIRING_WHEN_CALLED = ("threading.Thread", "threading.Timer")  # As types they may be named anywhere.
FROM_WIRING_MODULES = ("random", "secrets")
ENVIRONMENT = ("os.environ", "os.getenv", "os.environb", "os.putenv")
ENVIRONMENT_READERS = ("api/settings.py",)
BROAD_CATCHERS = ("api/jobs/worker.py", "api/app.py")
LIBRARY_READERS = ("ledger/store.py",)
CLIENT_READERS = ("adapters/kit/http.py",)
UNDONE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the repository, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """Every node of the tree; each rule goes over all of them."""
        return list(ast.walk(self.tree))

    @property
    def is_code(self) -> bool:
        return self.path.split("/", 1)[0] in CODE

    @property
    def is_test(self) -> bool:
        return self.path.startswith("tests/")

    def imported(self) -> dict[str, str]:
        """Local name -> the dotted name it stands for."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names[alias.asname or alias.name.split(".", 1)[0]] = (
                        alias.name if alias.asname else alias.name.split(".", 1)[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names

    def uses(self) -> Iterator[tuple[int, str]]:
        """Every dotted name that is read, by line, with imports followed (``now`` -> ``datetime.datetime.now``)."""
        imported = self.imported()
        for node in self.nodes:
            if isinstance(node, (ast.Attribute, ast.Name)):
                dotted = _dotted(node)
                first, _, rest = dotted.partition(".")
                if first in imported:
                    yield node.lineno, f"{imported[first]}.{rest}" if rest else imported[first]


Rule = Callable[[Source], Iterator[str]]


def read(root: Path, path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(root).as_posix(), text, ast.parse(text))


def says_what_it_is_for(source: Source) -> Iterator[str]:
    said = ast.get_docstring(source.tree)
    if not said or len(said.split("\n", 1)[0].split()) < 3:
        yield f"{source.path}:1: the file must begin with a docstring whose first line says what it is for"


def fits_on_its_pages(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield f"{source.path}: {lines} lines; expected at most {FILE_LINES_MAX}: split by subject"
    for node in source.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield f"{source.path}:{node.lineno}: {node.name} has {length} lines; expected at most {FUNCTION_LINES_MAX}"


def is_named_for_what_it_is(source: Source) -> Iterator[str]:
    for word in _words(Path(source.path).stem):
        if word in EMPTY_NAMES:
            yield f"{source.path}: '{word}' in a file name says nothing; name the subject"
    for node in source.nodes:
        if isinstance(node, ast.ClassDef):
            for word in _words(node.name):
                if word in EMPTY_NAMES:
                    yield f"{source.path}:{node.lineno}: '{word}' in the class name {node.name} says nothing; name the subject"


def spells_words_out(source: Source) -> Iterator[str]:
    if not source.is_code:
        return
    for line, name in _defined_names(source.tree):
        for word in _words(name):
            if word in ABBREVIATIONS:
                yield f"{source.path}:{line}: '{word}' in {name}: write the word"


def prints_only_in_the_command_line(source: Source) -> Iterator[str]:
    if not source.is_code or source.path.startswith("api/cli/"):
        return
    for node in source.nodes:
        if isinstance(node, ast.Call) and _dotted(node.func) == "print":
            yield f"{source.path}:{node.lineno}: print is for api/cli/ alone"


def catches_what_it_can_mend(source: Source) -> Iterator[str]:
    if not source.is_code or source.path in BROAD_CATCHERS:
        return
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = (
                [None] if node.type is None else node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            )
            if any(each is None or _dotted(each) in ("Exception", "BaseException") for each in caught):
                yield f"{source.path}:{node.lineno}: except Exception stands only in {' and '.join(BROAD_CATCHERS)}"


def asks_for_clock_and_chance(source: Source) -> Iterator[str]:
    if not source.is_code or source.path in WIRED:
        return
    called = {
        (node.func.lineno, _dotted(node.func).rpartition(".")[2]) for node in source.nodes if isinstance(node, ast.Call)
    }
    for line, name in source.uses():
        if name in FROM_WIRING_WHEN_CALLED and (line, name.rpartition(".")[2]) in called:
            yield f"{source.path}:{line}: {name} is started by a function from api/wiring.py"
        if name in FROM_WIRING or name.split(".", 1)[0] in FROM_WIRING_MODULES:
            yield f"{source.path}:{line}: {name} comes in as an argument from api/wiring.py"


def leaves_the_environment_to_settings(source: Source) -> Iterator[str]:
    if not source.is_code or source.path in ENVIRONMENT_READERS:
        return
    for line, name in source.uses():
        if name.startswith(ENVIRONMENT):
            yield f"{source.path}:{line}: {name}: only api/settings.py reads the environment"


def leaves_libraries_to_their_one_file(source: Source) -> Iterator[str]:
    for line, name in _imports(source.tree):
        top = name.split(".", 1)[0]
        if (
            top == "eventsourcing"
            and source.path.split("/", 1)[0] in ("ledger", "adapters", "api")
            and source.path not in LIBRARY_READERS
        ):
            yield f"{source.path}:{line}: only {LIBRARY_READERS[0]} imports eventsourcing"
        if top in ("httpx", "httpx2") and source.is_code and source.path not in CLIENT_READERS:
            yield f"{source.path}:{line}: only {CLIENT_READERS[0]} imports {top}"


def freezes_its_records(source: Source) -> Iterator[str]:
    if not source.is_code:
        return
    for node in source.nodes:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                if _dotted(call.func if call else decorator) in ("dataclass", "dataclasses.dataclass"):
                    frozen = call and any(
                        word.arg == "frozen" and getattr(word.value, "value", False) for word in call.keywords
                    )
                    if not frozen and "Mutable:" not in (ast.get_docstring(node) or ""):
                        yield f"{source.path}:{node.lineno}: dataclass {node.name} must be frozen=True, or say 'Mutable: <why>'"


def explains_what_others_use(source: Source) -> Iterator[str]:
    # A fact is told by its name and fields; a function of one statement by its name and types.
    if not source.is_code or source.path.startswith("ledger/facts"):
        return
    for node in source.tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        plain = isinstance(node, ast.FunctionDef) and len(node.body) == 1
        if not node.name.startswith("_") and not plain and not ast.get_docstring(node):
            yield f"{source.path}:{node.lineno}: {node.name} is public and has no docstring: say what is true afterwards"


def leaves_nothing_undone(source: Source) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and UNDONE.search(token.string):
            yield f"{source.path}:{token.start[0]}: an open end needs its issue: TODO(#123)"
    for node in source.nodes:
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if _dotted(raised) == "NotImplementedError":
                yield f"{source.path}:{node.lineno}: NotImplementedError: write it, or leave it out"


def tests_honestly(source: Source) -> Iterator[str]:
    if not source.is_test:
        return
    for line, name in _imports(source.tree):
        if name.split(".", 1)[0] == "mock" or name.startswith("unittest.mock"):
            yield f"{source.path}:{line}: no mock library: write a fake of ten lines"
    for line, name in source.uses():
        if name in ("pytest.skip", "pytest.xfail", "pytest.importorskip") or name.startswith(
            ("pytest.mark.skip", "pytest.mark.xfail")
        ):
            yield f"{source.path}:{line}: {name}: a test runs or does not exist"
    for node in source.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if any(argument.arg in ("monkeypatch", "mocker") for argument in node.args.args):
                yield f"{source.path}:{node.lineno}: {node.name}: no patching of names: pass a fake in"
            if node.name.startswith("test_") and len(node.name.split("_")) - 1 < TEST_NAME_WORDS_MIN:
                yield f"{source.path}:{node.lineno}: {node.name}: a test's name is a sentence"


RULES: tuple[Rule, ...] = (
    says_what_it_is_for,
    fits_on_its_pages,
    is_named_for_what_it_is,
    spells_words_out,
    prints_only_in_the_command_line,
    catches_what_it_can_mend,
    asks_for_clock_and_chance,
    leaves_the_environment_to_settings,
    leaves_libraries_to_their_one_file,
    freezes_its_records,
    explains_what_others_use,
    leaves_nothing_undone,
    tests_honestly,
)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _defined_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
