"""One folder per mall, found by scan; malls do not know each other.

A folder here is a mall when it has a ``profile.toml`` and its package has a ``MALL``. Adding one edits no existing file.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import assert_never

from adapters.kit.file_form import FileFormat
from adapters.kit.mall import SKILLS, Gap, Mall, NotOffered
from adapters.kit.order_form import OrderForm
from adapters.kit.profile import FILE_NAME, Profile, load_profile
from adapters.kit.recognise import Candidate

FOLDER = Path(__file__).parent


class UnknownMall(ValueError):
    """No folder of this name is a mall one can connect; the message names those that are."""


class BadMall(ValueError):
    """A folder with a profile.toml whose package does not declare ``MALL = Mall(code=<folder's name>, ...)``."""


@cache
def codes() -> tuple[str, ...]:
    """The folders that declare a mall or a file form, without importing them; sorted."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE_NAME}")))


@cache
def declared(code: str) -> Mall:
    """The record of one folder, imported when first asked for. Raises UnknownMall or BadMall."""
    if code not in codes():
        raise UnknownMall(f"mall {code!r}; expected one of {', '.join(codes())}")
    found = getattr(import_module(f"adapters.{code}"), "MALL", None)
    if not isinstance(found, Mall) or found.code != code:
        raise BadMall(f"adapters/{code}/__init__.py declares {found!r}; expected MALL = Mall(code={code!r}, ...)")
    return found


@cache
def malls() -> dict[str, Mall]:
    """Every mall a shop can be connected to, by code."""
    return {code: mall for code in codes() if (mall := declared(code)).connectable}


def mall(code: str) -> Mall:
    """The mall of this code. Raises UnknownMall, also for a file form that is no mall."""
    found = declared(code)
    if not found.connectable:
        raise UnknownMall(f"{code!r} is a file form, not a mall; expected one of {', '.join(malls())}")
    return found


@cache
def profile(code: str) -> Profile:
    """The folder's profile.toml; a shop's corrections are laid over it with ``kit.profile.corrected``."""
    return load_profile(FOLDER / code)


@cache
def candidates() -> tuple[Candidate, ...]:
    """Every file format of every mall and of our own form, for ``kit.recognise.recognise``."""
    return tuple(
        Candidate(code, file_format, profile(code)) for code in codes() for file_format in _formats(declared(code))
    )


def order_forms(code: str) -> tuple[tuple[str, OrderForm], ...]:
    """The order files (受注CSV) that a shop of this mall may send, with the folder of each: the mall's own, then our own."""
    folders = (code, *(one for one in codes() if not declared(one).connectable))
    return tuple(
        (folder, form) for folder in folders if isinstance(forms := declared(folder).orders_in, tuple) for form in forms
    )


def skills(mall: Mall) -> list[tuple[str, str, str]]:
    """Each skill with "yes", "not offered" or "gap", and the source or reason ("" for yes), in the order of SKILLS."""
    return [(skill, *_skill(getattr(mall, skill))) for skill in SKILLS]


def _skill(found: object) -> tuple[str, str]:
    match found:
        case NotOffered(source=source):
            return "not offered", source
        case Gap(reason=reason):
            return "gap", reason
        case _:
            return "yes", ""


def _formats(mall: Mall) -> Iterator[FileFormat]:
    seen: set[str] = set()
    for found in (mall.products_in, mall.stock_in):
        match found:
            case tuple():
                for file_format in found:
                    if file_format.name not in seen:
                        seen.add(file_format.name)
                        yield file_format
            case NotOffered() | Gap():
                pass
            case _:
                assert_never(found)
