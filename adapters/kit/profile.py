"""Reads a mall's ``profile.toml``: its unverified wire facts as data, with a shop's corrections laid over."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "profile.toml"


@dataclass(frozen=True)
class Profile:
    """The mall's unverified wire facts (``profile.toml``), with a shop's corrections laid over."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.values[name]
        assert isinstance(value, str), (name, value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values[name]
        assert isinstance(value, (list, tuple)), (name, value)
        assert all(isinstance(v, str) for v in value), (name, value)
        return tuple(str(v) for v in value)

    def number(self, name: str) -> int:
        value = self.values[name]
        assert isinstance(value, int), (name, value)
        assert not isinstance(value, bool), (name, value)
        return value


class ProfileNotReadable(ValueError):
    """A ``profile.toml`` or a shop's correction is not of the expected form; the message names the entry."""


def load_profile(folder: Path) -> Profile:
    """The profile of the mall in ``folder``; tables are flattened with dots (``[mail] subjects`` is ``mail.subjects``).

    Raises ProfileNotReadable when the file is missing or is not TOML.
    """
    path = folder / FILE_NAME
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileNotReadable(f"{folder.name}/{FILE_NAME}: {error}; expected a readable TOML file") from error
    return Profile(dict(_flattened("", tables)))


def corrected(profile: Profile, corrections: Mapping[str, object]) -> Profile:
    """The profile with a shop's corrections over it. Raises ProfileNotReadable for an unknown name or another type."""
    for name, value in corrections.items():
        if name not in profile.values:
            raise ProfileNotReadable(
                f"correction {name}: no such entry; expected one of {', '.join(sorted(profile.values))}"
            )
        if type(value) is not type(profile.values[name]):
            expected = type(profile.values[name]).__name__
            raise ProfileNotReadable(f"correction {name}: {type(value).__name__}; expected {expected}")
    return Profile({**profile.values, **corrections})


def _flattened(prefix: str, table: Mapping[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flattened(f"{prefix}{name}.", value)
        else:
            found.append((prefix + name, value))
    return found
