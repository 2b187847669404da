"""A figure beside its yardstick and its goal, and the table of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure. ``goal`` and ``stretch`` are for ours / yardstick where there is a yardstick, else for ours itself.

    ``lower`` True: the figure is a time, a size or a cost, and less is better.
    """

    number: str
    what: str
    ours: float
    unit: str
    goal: float | None = None
    stretch: float | None = None
    yardstick: float | None = None
    beside: str = ""
    lower: bool = False

    @property
    def figure(self) -> float:
        """What is held against the goal."""
        return self.ours if self.yardstick is None else self.ours / self.yardstick

    @property
    def verdict(self) -> str:
        """``stretch``, ``goal`` or ``missed``; empty where nothing was asked for."""
        for name, wanted in (("stretch", self.stretch), ("goal", self.goal)):
            if wanted is not None and (self.figure <= wanted if self.lower else self.figure >= wanted):
                return name
        return "missed" if self.goal is not None else ""


def table(rows: Sequence[Row]) -> str:
    """The rows as text, one line each."""
    lines = [("", "what", "ours", "yardstick", "ratio", "goal", "stretch", "")]
    for row in rows:
        sign = "≤" if row.lower else "≥"
        times = "" if row.yardstick is None else "×"
        lines.append(
            (
                row.number,
                row.what,
                f"{_short(row.ours)} {row.unit}",
                "" if row.yardstick is None else f"{_short(row.yardstick)} {row.unit}  {row.beside}",
                "" if row.yardstick is None else f"{_short(row.figure)}×",
                "" if row.goal is None else f"{sign} {_short(row.goal)}{times}",
                "" if row.stretch is None else f"{sign} {_short(row.stretch)}{times}",
                row.verdict,
            )
        )
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def write_json(path: Path, rows: Iterable[Row], conditions: Mapping[str, object]) -> None:
    """The same for machines, with what the figures were measured on."""
    found = [{**asdict(row), "figure": row.figure, "verdict": row.verdict} for row in rows]
    path.write_text(
        json.dumps({"conditions": conditions, "rows": found}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _short(number: float) -> str:
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"
