"""The one error that says: this machine or this database does not offer what is needed (exit code 3)."""


class Unavailable(ValueError):
    """Something outside the program is missing; the sentence says what was seen and what to do about it."""
