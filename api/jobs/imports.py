"""Files on their way into stock: what a person wishes, and the file once it is staged.

Staging (``staging.py``) stores every row before anything is decided; ``preview.py`` and ``applying.py`` decide those very rows
by the same rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import adapters
from adapters.kit.mall import Mall
from adapters.kit.profile import Profile, corrected
from api.projecting import catch_up
from api.tables import imports
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys
from ledger import shop as shops
from ledger.shop import Shop
from projections import listings
from projections.checkpoint import create_missing

OUR_FORM = "house"
PROBLEMS_SHOWN_MAX = 20

Progress = Callable[[int, int], None]  # rows done, rows in all (0: not known yet)


class FileRefused(ValueError):
    """The file is not taken: what was seen, what was expected, and what to do."""


class ImportNotKnown(ValueError):
    """There is no staged file of this import id."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for. ``shop`` None: our own form. ``counted_at`` None: the time that the file's name carries,
    else that at which the file on disk was ``changed_at``, else now. ``format`` and ``encoding``: a person names what the
    file is, instead of what it looks like. ``together``: same or divided, see ImportFile.
    """

    shop: str | None
    mode: str
    file_name: str
    counted_at: datetime | None = None
    owed: str | None = None
    changed_at: datetime | None = None
    format: str = ""
    encoding: str = ""
    together: str | None = None


def staged(house: House, import_id: str) -> ImportFile:
    """The staged file. Raises ImportNotKnown, FileRefused."""
    with house.pool.connection() as connection:
        file = imports.read(connection, import_id)
    if file is None:
        raise ImportNotKnown(f"import {import_id!r} is not known; expected an id that `daicho imports` shows")
    if file.state != imports.STAGED:
        raise FileRefused(
            f"import {import_id} is {file.state}: {file.refused or 'its rows are not all here'}; send the file again"
        )
    return file


def profile_of(mall: Mall, shop: Shop | None) -> Profile:
    """The mall's profile with the shop's corrections (settings ``profile.<name>``) laid over."""
    changes: dict[str, object] = {}
    for name, value in (shop.settings if shop else {}).items():
        if name.startswith("profile."):
            changes[name.removeprefix("profile.")] = value
    return corrected(adapters.profile(mall.code), changes)


def ready(house: House) -> None:
    """The listings table knows every link, also where no worker ever ran: which rows are of one SKU follows from it."""
    with house.pool.connection() as connection:
        create_missing(connection, house.database.schema, [listings.TABLE])
    catch_up(house, [listings.TABLE])


def shop_of(house: House, code: str) -> Shop:
    """The connected shop as it is now. Raises ShopNotReady when it is not connected."""
    found = house.look(keys.shop(code), shops.FOLD)
    if not found.connected:
        raise shops.ShopNotReady(f"shop {code!r} is not connected; expected one that `daicho shop show` lists")
    return found
