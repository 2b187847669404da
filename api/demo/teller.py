"""What the demonstration says, in Japanese with English beside; the command line prints it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from api.cli.output import Cell


class Teller(Protocol):
    """Tells a person what happens."""

    def heading(self, japanese: str, english: str) -> None:
        """A new step begins."""
        ...

    def note(self, japanese: str, english: str) -> None:
        """Something was done, or is so."""
        ...

    def command(self, line: str) -> None:
        """A command is typed."""
        ...

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> None:
        """Rows to look at."""
        ...
