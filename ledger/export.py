"""`daicho export`: the whole ledger as lines of JSON, and the same lines read back without a database.

The first line names the ledger and its head; then, for each commit, its seal and its facts. Everything in it is covered by
the chain, so ``verify`` judges a file as it judges the database. A fact's state stands as text: other programs may read and
write the lines again without breaking a digest. There is no person in a fact, so there is none in the file.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import BinaryIO, TypeAlias

import msgspec

from ledger.chain import NUMBER, Commit, Opening, Row, Source, number
from ledger.invariants import LevelRow
from ledger.seal import Seal, committed_text

FORMAT = "daicho-ledger-1"
BLOCK_BYTES = 1_000_000
LINE_BYTES_MAX = 50_000_000
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class FileNotUnderstood(ValueError):
    """The file is not an export, or is not whole; the message names the line and what was expected there."""


class LedgerLine(msgspec.Struct, frozen=True, tag="ledger", tag_field="line", forbid_unknown_fields=True):
    """The first line: which ledger, and its head when the export began."""

    format: str
    ledger_id: str
    position: int
    hash: str


class SealLine(msgspec.Struct, frozen=True, tag="seal", tag_field="line", forbid_unknown_fields=True):
    """One commit; its facts follow."""

    first_position: int
    last_position: int
    committed_at: str
    digest: str
    hash: str
    fact_digests: str


class FactLine(msgspec.Struct, frozen=True, tag="fact", tag_field="line", forbid_unknown_fields=True, omit_defaults=True):
    """One fact. ``state`` is its bytes as text; ``state_bytes`` (base64) stands instead where they are no text."""

    position: int
    stream: str
    version: int
    name: str
    state: str = ""
    state_bytes: bytes | None = None


Line: TypeAlias = LedgerLine | SealLine | FactLine
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)
_lines_decoder = msgspec.json.Decoder(list[Line])


def export(source: Source, to: BinaryIO) -> int:
    """The ledger is written to ``to``, a commit at a time; the answer is how many facts. Writes what is there, sound or not."""
    opening = source.opening
    to.write(_encoder.encode_lines([LedgerLine(FORMAT, opening.ledger_id, opening.position, opening.hash.hex())]))
    facts = 0
    for commit in source.commits():
        lines: list[Line] = [_seal_line(commit.seal), *(_fact_line(row) for row in commit.rows)]
        to.write(_encoder.encode_lines(lines))
        facts += len(commit.rows)
    return facts


class FileLedger:
    """A ``chain.Source`` over an exported file. From a pipe it is kept in a temporary file when it is read more than once.

    Memory holds a block or one commit, whichever is larger. Raises FileNotUnderstood, here for the first line and while it is
    read for the others.
    """

    def __init__(self, file: BinaryIO, *, passes: int = 1) -> None:
        self._file = file
        self._copy: BinaryIO | None = None
        self._reading = 0
        first, self._rest = _first_line(file)
        try:
            header = _decoder.decode(first)
        except msgspec.DecodeError:
            header = None
        if not isinstance(header, LedgerLine) or header.format != FORMAT:
            raise FileNotUnderstood(f"line 1: not the first line of an export; expected one that names the format {FORMAT!r}")
        link = _hex(header.hash, 32)
        if link is None:
            raise FileNotUnderstood("line 1: the head's hash is not 64 lower-case hexadecimal digits")
        self.opening = Opening(header.ledger_id, header.position, link, None)
