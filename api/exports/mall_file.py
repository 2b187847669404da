"""Each mall's own stock file for upload by hand: what every listing of one shop is to be told now.

It is written by the mall's skill in the mall's form, so cells are as the mall wants them: no marks, the mall's encoding. Daicho
is not told of an upload; the mall's numbers are known again when they are read or imported.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import adapters
from adapters.kit.mall import Gap, NotOffered, WriteStock
from adapters.kit.profile import Profile
from api.exports.lists import LISTINGS
from api.jobs.imports import profile_of, shop_of
from api.wiring import House
from ledger.terms import ListingKey, ListingLevel
from projections import listing_list
from projections.listing_list import ListingNow
from projections.reading import PAGE_ROWS_MAX

LEFT_OUT_MAX = 1_000  # that are named; the others are counted

_OF_THE_TRIAL = re.compile(r"^row \d+[:,] ")


class NoMallFile(ValueError):
    """The shop's mall takes no stock file, or none so long, or the part asked for has no rows."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A listing that the mall's file cannot say. ``why`` is the mall's own sentence."""

    key: ListingKey
    why: str

    def __str__(self) -> str:
        return f"{self.key.item} {self.key.variant}".rstrip() + f": {self.why}"


@dataclass
class MallFile:
    """The stock file of one shop. Mutable: ``written`` and ``left_out_count`` count, ``left_out`` names the first of them."""

    shop: str
    mall: str
    write: WriteStock
    profile: Profile
    written: int = 0
    left_out_count: int = 0
    left_out: list[LeftOut] = field(default_factory=list)

    def parts(self, house: House, *, differing: bool = False, rows: int | None = None) -> Iterator[Iterator[bytes]]:
        """Files of at most ``rows`` listings each, one when it is None; each is to be read to its end before the next.

        ``differing``: only listings that are to be told another number. Reading a file raises NoMallFile when it is too long.
        """
        levels = self._levels(house, differing=differing)
        first = next(levels, None)
        yield self._file(_some(first, levels, rows))
        while rows is not None and (following := next(levels, None)) is not None:
            yield self._file(_some(following, levels, rows))

    def _file(self, levels: Iterator[ListingLevel]) -> Iterator[bytes]:
        """One file. Every listing alone was accepted, so what the mall's skill refuses now is the file as a whole."""
        try:
            yield from self.write(levels, self.profile)
        except ValueError as refused:
            if type(refused).__module__ == "builtins":
                raise
            raise NoMallFile(
                f"{refused}; ask for fewer listings a file: --rows, or rows=… and part=… over HTTP"
            ) from None

    def _levels(self, house: House, *, differing: bool) -> Iterator[ListingLevel]:
        after = ("", "", "")
        while True:
            with house.pool.connection() as connection:
                found = listing_list.page(
                    connection,
                    house.database.schema,
                    first=PAGE_ROWS_MAX,
                    after=after,
                    shop=self.shop,
                    differing=differing,
                )
            for row in found.rows:
                units = told_units(row)
                level = None if units is None else ListingLevel(row.key, units)
                if level is not None and self._can_say(level):
                    self.written += 1
                    yield level
            if not found.more:
                return
            after = LISTINGS.behind(found.rows[-1])["after"]  # type: ignore[assignment]

    def _can_say(self, level: ListingLevel) -> bool:
        """Whether the mall's file can hold the listing; tried alone, so that one bad code does not cost the whole file."""
        try:
            for _ in self.write([level], self.profile):
                pass
        except UnicodeEncodeError as error:
            return self._leave_out(
                level, f"U+{ord(error.object[error.start]):04X}; expected characters of {error.encoding}"
            )
        except ValueError as refused:
            return self._leave_out(level, _OF_THE_TRIAL.sub("", str(refused)))
        return True

    def _leave_out(self, level: ListingLevel, why: str) -> bool:
        self.left_out_count += 1
        if len(self.left_out) < LEFT_OUT_MAX:
            self.left_out.append(LeftOut(level.key, why))
        return False


def told_units(row: ListingNow) -> int | None:
    """反映予定数 less what looks found missing; None: the listing is not told anything."""
    return row.wanted_units if row.wanted_unseen_units is None else row.wanted_unseen_units


def mall_file(house: House, shop: str) -> MallFile:
    """The stock file of the shop, nothing of it read yet. Raises NoMallFile, ShopNotReady."""
    connected = shop_of(house, shop)
    mall = adapters.declared(connected.mall)
    match mall.stock_out:
        case NotOffered(source=why) | Gap(reason=why):
            raise NoMallFile(f"{mall.name} has no stock file that Daicho writes: {why}")
        case write:
            return MallFile(shop, mall.code, write, profile_of(mall, connected))


def suffix_of(beginning: bytes) -> str:
    """How the name of a file that begins so should end: .zip, .txt (tab separated) or .csv."""
    if beginning.startswith(b"PK\x03\x04"):
        return ".zip"
    return ".txt" if b"\t" in beginning.split(b"\n", 1)[0] else ".csv"


def _some(first: ListingLevel | None, levels: Iterator[ListingLevel], rows: int | None) -> Iterator[ListingLevel]:
    if first is not None:
        yield first
        yield from islice(levels, None if rows is None else rows - 1)
