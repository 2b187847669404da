"""Authentication-Results (RFC 8601): what a mail server says that it found. Who said it decides whether it is believed."""

from collections.abc import Iterator
from dataclasses import dataclass

RESULTS_MAX = 50
VALUE_BYTES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method's result: ``dkim``, ``pass``, and what it is of (``header.d`` to the domain)."""

    method: str
    result: str
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """What one server, named by its ``authserv_id`` (lower case), found."""

    authserv_id: str
    found: tuple[MethodResult, ...]


def read_results(value: bytes) -> Results | None:
    """The field's value read; None when it is not one."""
    if len(value) > VALUE_BYTES_MAX:
        return None
    parts = [list(_words(part)) for part in _cut(value.decode("ascii", "replace"), ";")]
    if not parts or not parts[0]:
        return None
    return Results(parts[0][0].lower(), tuple(_method(words) for words in parts[1 : RESULTS_MAX + 1] if words))


def _method(words: list[str]) -> MethodResult:
    """``dkim=pass reason="..." header.d=example.com`` in words."""
    method, _, result = words[0].partition("=")
    pairs = (word.partition("=") for word in words[1:])
    properties: dict[str, str] = {}
    for name, _, said in pairs:
        properties.setdefault(name.lower(), said.lower())
    return MethodResult(method.lower().partition("/")[0], result.lower(), properties)


def _words(text: str) -> Iterator[str]:
    """The words, an equal sign joined to what stands around it; quotes are taken off."""
    for word in " ".join(text.split()).replace(" =", "=").replace("= ", "=").split():
        yield word.replace('"', "")


def _cut(text: str, separator: str) -> Iterator[str]:
    """The parts between separators, without comments; neither counts inside quotes. Comments may be nested."""
    part: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
            continue
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
            continue
        elif character == ")" and depth:
            depth -= 1
            part.append(" ")
            continue
        elif character == separator and not quoted and not depth:
            yield "".join(part)
            part = []
            continue
        if not depth:
            part.append(" " if quoted and character.isspace() else character)
    yield "".join(part)
