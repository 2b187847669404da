"""`daicho export`: the whole ledger as lines of JSON, and the same lines read back without a database.

The first line names the ledger and its head; then, for each commit, its seal and its facts. Everything in it is covered by
the chain, so ``verify`` judges a file as it judges the database. A fact's state stands as text: other programs may read and
write the lines again without breaking a digest. There is no person in a fact, so there is none in the file.
"""

from collections.abc import Iterator
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Annotated, TypeAlias

import msgspec

from ledger.chain import NUMBER, PASS_FACTS_MAX, Commit, Opening, Row, Source, Unreadable, number
from ledger.seal import Seal, committed_text

FORMAT = "daicho-ledger-1"
BLOCK_BYTES = 1_000_000
LINE_BYTES_MAX = 50_000_000  # the seal of a commit of three million facts; the writer makes commits of 5,000


Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class FileNotUnderstood(ValueError):
    """The file does not begin as an export does."""


class LedgerLine(msgspec.Struct, frozen=True, tag="ledger", tag_field="line", forbid_unknown_fields=True):
    """The first line: which ledger, and its head when the export began."""

    format: str
    ledger_id: str
    position: Count
    hash: str


class SealLine(msgspec.Struct, frozen=True, tag="seal", tag_field="line", forbid_unknown_fields=True):
    """One commit; its facts follow."""

    first_position: Count
    last_position: Count
    committed_at: str
    digest: str
    hash: str
    fact_digests: str


class FactLine(
    msgspec.Struct, frozen=True, tag="fact", tag_field="line", forbid_unknown_fields=True, omit_defaults=True
):
    """One fact. ``state`` is its bytes as text; ``state_hex`` stands instead where they are no text."""

    position: Count
    stream: str
    version: Count
    name: str
    state: str | None = None
    state_hex: str | None = None


Line: TypeAlias = LedgerLine | SealLine | FactLine
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def export(source: Source, to: IO[bytes]) -> int:
    """The ledger is written to ``to``, commit by commit; the answer is how many facts. Writes what is there, sound or not."""
    opening = source.opening
    to.write(_encoder.encode_lines([LedgerLine(FORMAT, opening.ledger_id, opening.position, opening.hash.hex())]))
    facts = 0
    for commit in source.commits():
        to.write(_encoder.encode_lines([_seal_line(commit.seal), *map(_fact_line, commit.rows)]))
        facts += len(commit.rows)
    return facts


class FileLedger:
    """A ``chain.Source`` over an exported file. A pipe that must be read more than once is kept in a temporary file.

    Memory holds a block or one commit, whichever is larger. Raises FileNotUnderstood for the first line; what is wrong with
    a later one is raised as Unreadable when it is reached. Close it when it is read.
    """

    def __init__(self, file: IO[bytes], *, pass_facts_max: int = PASS_FACTS_MAX) -> None:
        self._file = file
        self._begins = file.tell() if file.seekable() else None
        header = _header(file.readline(LINE_BYTES_MAX))
        link = None if header is None else _hex(header.hash)
        if header is None or link is None:
            raise FileNotUnderstood(
                f"line 1 is not the first line of an export; expected one of format {FORMAT!r}, from `daicho export`"
            )
        self.opening = Opening(header.ledger_id, header.position, link, None)
        self._kept: IO[bytes] | None = None
        if self._begins is not None:
            self._begins = file.tell()
        elif header.position > pass_facts_max:
            self._kept = TemporaryFile()  # noqa: SIM115 (it lives as long as this)
        self._asked = 0

    def close(self) -> None:
        """What was kept of a pipe is gone; the file itself is its opener's to close."""
        if self._kept is not None:
            self._kept.close()

    def commits(self) -> Iterator[Commit]:
        """Every seal of the file, in its order, with the facts that follow it. Raises Unreadable."""
        seal: Seal | None = None
        rows: list[Row] = []
        for place, line in self._lines():
            if isinstance(line, FactLine):
                if seal is None:
                    raise Unreadable(f"line {place}: a fact; expected the seal of its commit before it")
                rows.append(_row(line, place))
                if len(rows) * 8 > len(
                    seal.fact_digests
                ):  # more than it sealed: the chain says so, memory stays bounded
                    yield Commit(seal, rows)
                    seal, rows = None, []
            elif isinstance(line, SealLine):
                if seal is not None:
                    yield Commit(seal, rows)
                seal, rows = _seal(line, place), []
            else:
                raise Unreadable(f"line {place}: another export begins; expected one ledger in a file")
        if seal is not None:
            yield Commit(seal, rows)

    def unsealed(self) -> int | None:
        """None: a fact without its seal has been seen by ``commits``."""
        return None

    def levels(self) -> None:
        """None: the file holds no stock table."""
        return

    def _lines(self) -> Iterator[tuple[int, Line]]:
        place = 2  # the first line is read
        for block in self._blocks():
            try:
                lines = _decoder.decode_lines(block)
            except (msgspec.DecodeError, UnicodeDecodeError):
                lines = None
            if lines is None or len(lines) != block.count(b"\n"):
                raise Unreadable(_first_wrong(block, place))
            yield from enumerate(lines, place)
            place += len(lines)

    def _blocks(self) -> Iterator[bytes]:
        """The file behind its first line, in blocks of whole lines."""
        file, keep = self._rewound()
        rest = b""
        while more := file.read(BLOCK_BYTES):
            if keep is not None:
                keep.write(more)
            block, newline, tail = more.rpartition(b"\n")
            if newline:
                yield rest + block + newline
                rest = tail
            else:
                rest += more
            if len(rest) > LINE_BYTES_MAX:
                raise Unreadable(f"a line is longer than {LINE_BYTES_MAX:,} bytes; expected the lines of an export")
        if rest:
            raise Unreadable("the file ends inside a line: it was cut")

    def _rewound(self) -> tuple[IO[bytes], IO[bytes] | None]:
        self._asked += 1
        if self._begins is not None:
            self._file.seek(self._begins)
            return self._file, None
        if self._asked == 1:
            return self._file, self._kept
        assert self._kept is not None, "a pipe is read once; say how many facts a pass may have"
        self._kept.seek(0)
        return self._kept, None


def _header(raw: bytes) -> LedgerLine | None:
    try:
        line = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line if isinstance(line, LedgerLine) and line.format == FORMAT and raw.endswith(b"\n") else None


def _first_wrong(block: bytes, place: int) -> str:
    for at, raw in enumerate(block.split(b"\n"), place):
        try:
            _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return f"line {at}: not a line of an export; expected a seal or a fact in JSON"
    return f"line {place} and after: expected a seal or a fact in each line"


def _seal_line(seal: Seal) -> SealLine:
    return SealLine(
        seal.first_position,
        seal.last_position,
        committed_text(seal.committed_at).decode(),
        seal.digest.hex(),
        seal.hash.hex(),
        seal.fact_digests.hex(),
    )


def _fact_line(row: Row) -> FactLine:
    position, stream, version, name, state = row
    try:
        text = state.decode()
    except UnicodeDecodeError:
        return FactLine(number(position), stream.decode(), number(version), name.decode(), None, state.hex())
    return FactLine(number(position), stream.decode(), number(version), name.decode(), text)


def _seal(line: SealLine, place: int) -> Seal:
    parts = [_hex(text) for text in (line.digest, line.hash, line.fact_digests)]
    moment = _moment(line.committed_at)
    digest, link, fact_digests = parts
    if digest is None or link is None or fact_digests is None or moment is None:
        raise Unreadable(f"line {place}: a seal with a time or digest that no export writes")
    return Seal(line.first_position, line.last_position, moment, digest, link, fact_digests)


def _row(line: FactLine, place: int) -> Row:
    state = _hex(line.state_hex) if line.state_hex is not None else None if line.state is None else line.state.encode()
    if state is None or (line.state is not None and line.state_hex is not None):
        raise Unreadable(f"line {place}: a fact without one readable state")
    return NUMBER.pack(line.position), line.stream.encode(), NUMBER.pack(line.version), line.name.encode(), state


def _hex(text: str) -> bytes | None:
    """The bytes; None for text that is not exactly how ``hex`` writes them."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if raw.hex() == text else None


def _moment(text: str) -> datetime | None:
    """The time; None for text that is not exactly how a link holds it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and committed_text(moment).decode() == text else None
