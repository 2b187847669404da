"""Reads a sample as the product would and says it in the form of its ``.want.json``.

The form is described in ``adapters/sandbox/samples/README.md``.
"""

import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.mail import read_mail
from adapters.kit.mall import Ignored, Mall, NotUnderstood, OrderReading
from adapters.kit.recognise import NotRecognised, recognise
from adapters.kit.table import TableRefused, open_table
from ledger.terms import Telling, TellingLine, utc_text

RECEIVED_AT = datetime(2030, 1, 1, tzinfo=UTC)
MAIL_SUFFIXES = frozenset({".eml"})
FILE_SUFFIXES = frozenset({".csv", ".txt", ".tsv"})

LINE_DEFAULTS: dict[str, object] = {"variant": "", "quantity_known": True, "line_id": "", "codes": [], "sku": ""}
TELLING_DEFAULTS: dict[str, object] = {
    "ordered_at": None,
    "ordered_on": None,
    "reason": None,
    "revision": None,
    "lines": [],
}
ROW_DEFAULTS: dict[str, object] = {
    "variant": "",
    "units": None,
    "unlimited": False,
    "matches": {},
    "codes": [],
    "name": "",
    "jan": "",
    "product": "",
    "flags": [],
    "own": None,
}
OWN_DEFAULTS: dict[str, object] = {
    "kept_back_units": None,
    "linked": None,
    "place": "",
    "counted_at": None,
    "mode": "",
    "known_position": None,
}

Json = dict[str, object]


def samples_of(code: str, suffixes: frozenset[str]) -> list[Path]:
    """The samples of one folder with these suffixes, sorted."""
    folder = adapters.FOLDER / code / "samples"
    return sorted(path for path in folder.glob("*") if path.suffix in suffixes)


def want_of(sample: Path) -> Json:
    """What stands beside the sample. Fails when nothing does."""
    path = sample.with_name(sample.name.removesuffix(sample.suffix) + ".want.json")
    assert path.is_file(), f"{sample.name} has no {path.name} beside it"
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def mail_reading(mall: Mall, raw: bytes) -> OrderReading:
    """What the mall's reader makes of a raw mail; what is no mail at all is not understood by anybody."""
    mail = read_mail(raw, received_at=RECEIVED_AT)
    if isinstance(mail, NotUnderstood):
        return mail
    assert callable(mall.order_mail), mall.code
    return mall.order_mail(mail, adapters.profile(mall.code))


def mail_said(reading: OrderReading) -> Json:
    """A reading in the form of a want."""
    match reading:
        case Ignored(kind=kind):
            return {"ignored": kind}
        case NotUnderstood(rule=rule, line=line):
            return {"not_understood": {"rule": rule, "line": line}}
        case Telling() as telling:
            return {"telling": _telling(telling)}


def complete_mail_want(want: Json, said: Json) -> Json:
    """The want with its defaults filled in; ``told_at`` is taken from what was read when the want leaves it out."""
    if "not_understood" in want:
        return {"not_understood": {"line": None, **_object(want["not_understood"])}}
    if "telling" not in want:
        return want
    telling = {**TELLING_DEFAULTS, **_object(want["telling"])}
    telling |= {name: _moment(telling[name]) for name in ("told_at", "ordered_at") if telling.get(name)}
    telling["lines"] = [{**LINE_DEFAULTS, **line} for line in _objects(telling["lines"])]
    if "telling" in said:
        telling.setdefault("told_at", _object(said["telling"])["told_at"])
    return {"telling": telling}


def file_said(sample_name: str, content: bytes, *, mall: str | None) -> Json:
    """What the product makes of a file's bytes, in the form of a want."""
    try:
        found = recognise(sample_name, content, adapters.candidates(), mall=mall)
        if isinstance(found, NotRecognised):
            return {"not_recognised": {"looks_like": list(found.looks_like)}}
        table = open_table([content], delimiter=found.format.delimiter, encodings=found.format.encodings)
        reader = found.format.open(table.header, adapters.profile(found.mall))
        assert not isinstance(reader, NotThisFormat), reader
        read = list(reader(table.rows))
    except TableRefused as refused:
        return {"refused": {"row": refused.problem.row, "column": refused.problem.column}}
    rows = [_row(one) for one in read if isinstance(one, FileRow)]
    problems = [_problem(one) for one in read if isinstance(one, RowProblem)]
    return {
        "mall": found.mall,
        "format": found.format.name,
        "encoding": table.encoding,
        "rows": rows,
        "problems": problems,
    }


def complete_file_want(want: Json, said: Json, *, mall: str) -> Json:
    """The want with its defaults filled in; ``encoding`` and a problem's ``expected`` are compared only when given."""
    if "format" not in want:
        return want
    full: Json = {"mall": mall, "encoding": said.get("encoding"), **want}
    full["rows"] = [_complete_row(row) for row in _objects(want.get("rows", []))]
    problems = _objects(want.get("problems", []))
    seen = _objects(said.get("problems", []))
    full["problems"] = [
        {"expected": seen[at]["expected"] if at < len(seen) else "", **problem} for at, problem in enumerate(problems)
    ]
    return full


def _complete_row(row: Json) -> Json:
    full = {**ROW_DEFAULTS, **row}
    if full["own"] is not None:
        own = {**OWN_DEFAULTS, **_object(full["own"])}
        full["own"] = {**own, "counted_at": _moment(own["counted_at"]) if own["counted_at"] else None}
    return full


def _telling(telling: Telling) -> Json:
    left_out = {"door", "verified", "parser_version", "lines"}
    said = {field.name: _plain(getattr(telling, field.name)) for field in fields(telling) if field.name not in left_out}
    return {**said, "lines": [_line(line) for line in telling.lines]}


def _line(line: TellingLine) -> Json:
    return {field.name: _plain(getattr(line, field.name)) for field in fields(line)}


def _row(row: FileRow) -> Json:
    said = {field.name: _plain(getattr(row, field.name)) for field in fields(row) if field.name not in {"key", "own"}}
    own = None if row.own is None else {field.name: _plain(getattr(row.own, field.name)) for field in fields(row.own)}
    return {**said, "item": row.key.item, "variant": row.key.variant, "own": own}


def _problem(problem: RowProblem) -> Json:
    return {"row": problem.row, "column": problem.column, "value": problem.value, "expected": problem.expected}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return utc_text(value)
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case dict():
            return dict(value)
        case str():
            return str(value)
        case None | bool() | int():
            return value
        case _:
            return str(value)


def _moment(text: object) -> str:
    """A want's time in the one form times have here, with or without digits below a second."""
    return utc_text(datetime.fromisoformat(str(text)))


def _object(value: object) -> Json:
    assert isinstance(value, dict), value
    return value


def _objects(value: object) -> list[Json]:
    assert isinstance(value, list), value
    return [_object(one) for one in value]
