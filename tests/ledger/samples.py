"""One invented instance of any fact class, made from the types of its fields: as full as it can be, or as bare."""

from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ledger.facts import Fact

NUMBER = 7
TEXT = "棚-①/%:～\tABC"
MOMENT = "2026-07-01T03:04:05.000006Z"


def sample(fact: type[Fact], *, full: bool) -> Fact:
    """``full``: every optional field is set and every list has two entries; else None and empty lists."""
    hints = get_type_hints(fact)
    values: dict[str, Any] = {field.name: _value(field.name, hints[field.name], full) for field in fields(fact)}
    return fact(**values)


def _value(name: str, hint: Any, full: bool) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        assert type(None) in arguments, (name, hint)
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _value(name, inner, full) if full else None
    if origin is list:
        return [_value(name, arguments[0], full), _value(name, arguments[0], False)] if full else []
    if hint is bool:
        return full
    if hint is int:
        return NUMBER if full else 0
    assert hint is str, (name, hint)
    if not full:
        return ""
    return MOMENT if name.endswith(("_at", "_from", "_until", "dead_after", "deadline")) else TEXT
