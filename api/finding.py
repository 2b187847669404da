"""One thing that a diagnosis looked at: a code, a sentence in Japanese and one in English, and the next step."""

from dataclasses import dataclass

PROBLEM, WAITS, FINE = "problem", "waits", "fine"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``level``: problem (a person has to act), waits (it will go on by itself), fine.

    ``about``: orders or pushes. ``next_step``: what to do, "" when nothing.
    """

    about: str
    code: str
    level: str
    japanese: str
    english: str
    next_step: str = ""
