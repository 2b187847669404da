"""A raw mail as signatures see it: its header fields as they stand, and its body, in lines that end in CRLF."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

HEADER_BYTES_MAX = 256_000
FIELDS_MAX = 1_000
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_FOLDS = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name in lower case, and all of it as it stands, ``Name: value`` with folds, CRLF at its end."""

    name: bytes
    line: bytes = field(repr=False)

    @property
    def value(self) -> bytes:
        """What stands behind the colon, on one line, without white space around it."""
        return _FOLDS.sub(b" ", self.line.partition(b":")[2].replace(b"\r\n", b"")).strip(b" \t")

    def relaxed(self) -> bytes:
        """The field in the form ``relaxed`` of RFC 6376 (3.4.2)."""
        return self.name + b":" + self.value + b"\r\n"


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail in parts. The body begins behind the empty line."""

    fields: tuple[Field, ...]
    body: bytes = field(repr=False)

    def named(self, name: bytes) -> Iterator[Field]:
        """The fields of this name (lower case), topmost first."""
        return (one for one in self.fields if one.name == name)


def parted(raw: bytes) -> RawMail | None:
    """The mail in its parts; None when its header is none, or too large. A bare LF counts as an end of a line."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    header, empty, body = lines.partition(b"\r\n\r\n")
    if not empty:
        header, body = lines.removesuffix(b"\r\n"), b""
    if len(header) > HEADER_BYTES_MAX:
        return None
    fields: list[Field] = []
    for line in header.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            last = fields[-1]
            fields[-1] = Field(last.name, last.line + line + b"\r\n")
            continue
        found = _NAME.match(line)
        if found is None or len(fields) == FIELDS_MAX:
            return None
        fields.append(Field(found[1].lower(), line + b"\r\n"))
    return RawMail(tuple(fields), body)


def tags_of(value: bytes) -> dict[str, str] | None:
    """A tag list (RFC 6376, 3.2) with white space taken out of its values; None when it is none, or names a tag twice."""
    tags: dict[str, str] = {}
    for part in value.split(b";"):
        if not part.strip():
            continue
        name, equals, said = part.partition(b"=")
        key = name.strip().decode("ascii", "replace")
        if not equals or not key or key in tags:
            return None
        tags[key] = b"".join(said.split()).decode("ascii", "replace")
    return tags


def without_signature(line: bytes) -> bytes:
    """A field's line with the value of its tag ``b`` taken out, as its signer signed it."""
    name, colon, value = line.removesuffix(b"\r\n").partition(b":")
    parts = [
        part[: part.index(b"=") + 1] if part.partition(b"=")[0].strip() == b"b" and b"=" in part else part
        for part in value.split(b";")
    ]
    return name + colon + b";".join(parts)
