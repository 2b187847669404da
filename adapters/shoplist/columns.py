"""Where the columns of a SHOPLIST file stand, by the names of profile.toml; and how a listing's variant is written."""

from collections.abc import Sequence

from adapters.kit.file_form import NotThisFormat
from adapters.kit.japanese import label_key
from adapters.kit.profile import Profile
from adapters.kit.table import columns_of


def columns(
    header: Sequence[str], profile: Profile, table: str, names: Sequence[str], *, required: Sequence[str]
) -> dict[str, int] | NotThisFormat:
    """Where each of ``names`` stands, by the first of its spellings in ``file.<table>`` that the header has.

    NotThisFormat names the column of another mall, the required one that is missing, or one that stands there twice.
    """
    there = {label_key(cell): cell for cell in header}
    for other in profile.texts("file.columns_of_other_malls"):
        if label_key(other) in there:
            return NotThisFormat(f"column {other} is of another mall's file")
    return columns_of(header, {name: (_spelling(profile, table, name, there),) for name in names}, required=required)


def written(profile: Profile, table: str, name: str) -> str:
    """The spelling a column is written with."""
    return profile.texts(f"file.{table}.{name}")[0]


def variant_of(horizontal: str, vertical: str, joiner: str) -> str:
    """Daicho's variant code of a choice: ``-s/-red``; ``-s`` when it has no second axis."""
    return f"{horizontal}{joiner}{vertical}" if vertical else horizontal


def children_of(variant: str, joiner: str) -> tuple[str, str]:
    """The horizontal and the vertical child number of a variant code."""
    horizontal, _, vertical = variant.partition(joiner)
    return horizontal, vertical


def _spelling(profile: Profile, table: str, name: str, there: dict[str, str]) -> str:
    spellings = profile.texts(f"file.{table}.{name}")
    return next((one for one in spellings if label_key(one) in there), spellings[0])
