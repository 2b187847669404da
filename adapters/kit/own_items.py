"""モール独自の項目: what one mall takes beside a listing's number, declared as data, so that lists and doors have it as columns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnItem:
    """A whole number from ``least`` to ``most``. ``label`` as the mall calls it."""

    name: str
    label: str
    least: int
    most: int
