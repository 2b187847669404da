"""What makes two codes, or two names, look the same: case, width, hyphens and spaces. It only proposes, it never decides (D30)."""

import re
import unicodedata

_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\u301c\ufe63\uff0d-"
_LONG_VOWEL = "\u30fc"  # ー: typed for a hyphen beside a letter or digit, part of the word beside kana
_DROPPED = re.compile(rf"[{re.escape(_HYPHENS)}\s]+|(?<=[0-9a-z]){_LONG_VOWEL}|{_LONG_VOWEL}(?=[0-9a-z])")
_SPACES = re.compile(r"\s+")


def of_code(code: str) -> str:
    """The same text for codes that differ only by case, width, hyphens or spaces; the code itself when nothing else is left."""
    return _DROPPED.sub("", unicodedata.normalize("NFKC", code).casefold()) or code


def of_name(name: str) -> str:
    """The same text for names that differ only by case, width or spaces."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", name).casefold())


def of_jan(jan: str) -> str:
    """The digits of a JAN, however they were typed."""
    return "".join(c for c in unicodedata.normalize("NFKC", jan) if c.isalnum()).lower()
