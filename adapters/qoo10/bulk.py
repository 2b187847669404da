"""Sends lines to QAPI, one by the single call and several in bulk, and finds each line's own result.

The keys of a bulk's ResultObject are not documented: a line's result is found by any value that is the line's own code, and
what no result names is sent again singly, which absolute numbers allow.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.qoo10.qapi import PROCESSING_ERROR, SUCCESS, Said, Turn, number_of
from ledger.terms import ListingKey, Outcome, Result

FIELD = "ItemInfoJson"
LINES_FAILED = -1
TOO_MANY_LINES = -2
SINGLES_MAX = 20  # lines of one bulk that are sent again singly


@dataclass(frozen=True, slots=True)
class Line:
    """One listing of a request. ``names``: the texts that together name it in a result; ``bulk_only``: fields of a bulk only."""

    key: ListingKey
    fields: Mapping[str, str]
    names: tuple[str, ...]
    bulk_only: Mapping[str, str] = field(default_factory=dict)


def send_lines(turn: Turn, *, one: str, bulk: str | None, lines: Sequence[Line]) -> dict[ListingKey, Outcome]:
    """What became of each line. ``bulk`` None: each goes singly, as many as there is time for."""
    if len(lines) < 2 or bulk is None:
        return {line.key: _send_one(turn, one, line) for line in lines}
    content = json.dumps([{**line.fields, **line.bulk_only} for line in lines], ensure_ascii=False)
    said = turn.call(bulk, {FIELD: content})
    if isinstance(said, Outcome):
        return {line.key: said for line in lines}
    if said.code not in (SUCCESS, LINES_FAILED, PROCESSING_ERROR):
        # Refused as a whole and nothing written: the sender finds out which line it is.
        return {line.key: Outcome(Result.REFUSED, str(said.code)) for line in lines}
    if said.code == PROCESSING_ERROR:
        codes: dict[ListingKey, int] = {}
    else:
        codes = _codes(said, lines, turn.access.profile.texts("api.bulk_code_keys"))
    return _settled(turn, one, lines, codes, all_done=said.code == SUCCESS)


def _send_one(turn: Turn, method: str, line: Line) -> Outcome:
    """A processing error is tried once more: the second says that the listing is at fault."""
    said = turn.call(method, line.fields)
    if isinstance(said, Said) and said.code == PROCESSING_ERROR:
        said = turn.call(method, line.fields)
        if isinstance(said, Outcome) and said.result is Result.THROTTLED:
            return Outcome(Result.TRANSIENT, str(PROCESSING_ERROR))
    return said if isinstance(said, Outcome) else _outcome(said.code)


def _outcome(code: int) -> Outcome:
    return Outcome(Result.APPLIED) if code == SUCCESS else Outcome(Result.REJECTED, str(code))


def _settled(
    turn: Turn, one: str, lines: Sequence[Line], codes: Mapping[ListingKey, int], *, all_done: bool
) -> dict[ListingKey, Outcome]:
    """Each line by its own code; those without one, or with a processing error, once more singly while there is room."""
    outcomes: dict[ListingKey, Outcome] = {}
    singles = 0
    for line in lines:
        code = codes.get(line.key)
        if code is None and all_done:
            outcomes[line.key] = Outcome(Result.APPLIED)
        elif code is not None and code != PROCESSING_ERROR:
            outcomes[line.key] = _outcome(code)
        elif singles < SINGLES_MAX and turn.stopped is None:
            singles += 1
            outcomes[line.key] = _again(_send_one(turn, one, line), code)
        else:
            outcomes[line.key] = _unsettled(code)
    return outcomes


def _again(found: Outcome, code: int | None) -> Outcome:
    """The single call's outcome; where it was not sent, what the bulk left open stays open."""
    sent = found.result in (Result.APPLIED, Result.REJECTED, Result.REJECTED_AUTH, Result.UNKNOWN)
    return found if sent else _unsettled(code)


def _unsettled(code: int | None) -> Outcome:
    if code is None:
        return Outcome(Result.UNKNOWN, "line_not_named")
    return Outcome(Result.TRANSIENT, str(code))


def _codes(said: Said, lines: Sequence[Line], code_keys: Sequence[str]) -> dict[ListingKey, int]:
    """The code of every line that exactly one result names."""
    wanted = {key.casefold() for key in code_keys}
    by_item: dict[str, list[Line]] = {}
    for line in lines:
        by_item.setdefault(line.names[0], []).append(line)
    found: dict[ListingKey, list[int]] = {}
    for row in _rows(said.result):
        code = next(
            (n for key, value in row.items() if key.casefold() in wanted and (n := number_of(value)) is not None), None
        )
        texts = {str(value).strip() for value in row.values()}
        meant = [
            line
            for text in texts
            for line in by_item.get(text, [])
            if set(line.names) <= texts or len(by_item[text]) == 1
        ]
        keys = {line.key for line in meant}
        if code is not None and len(keys) == 1:
            found.setdefault(keys.pop(), []).append(code)
    return {key: codes[0] for key, codes in found.items() if len(set(codes)) == 1}


def _rows(result: object) -> list[Mapping[str, object]]:
    values = result.get("Values") if isinstance(result, dict) else result
    if not isinstance(values, list):
        return []
    return [row for row in values if isinstance(row, dict) and all(isinstance(key, str) for key in row)]
