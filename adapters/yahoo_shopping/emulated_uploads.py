"""Stock CSVs uploaded to the emulated store: taken at once, applied a while later, and refused by row without a word."""

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.kit.emulated_shop import EmulatedShop
from ledger.terms import ListingKey

HEADER = ["code", "sub-code", "quantity", "mode"]
_PART = re.compile(rb'name="file"; filename="(?P<name>[A-Za-z0-9_.-]+)"\r\n[^\r]*\r\n\r\n(?P<content>.*)\r\n--', re.S)


@dataclass
class Uploads:
    """Files that wait to be applied ``apply_seconds`` after they came. ``half``: of the next one only the first half is.

    Mutable: it plays the world outside.
    """

    apply_seconds: float = 30.0
    half: bool = False
    names: list[str] = field(default_factory=list)
    waiting: list[tuple[datetime, bytes]] = field(default_factory=list)

    def take(self, body: bytes, now: datetime) -> bool:
        """The file of a multipart body waits; False: there is none in it."""
        found = _PART.search(body)
        if found is None:
            return False
        self.names.append(found["name"].decode("ascii"))
        self.waiting.append((now + timedelta(seconds=self.apply_seconds), found["content"]))
        return True

    def settle(self, shop: EmulatedShop, now: datetime) -> None:
        """What is due is applied, in the order in which it came."""
        due = [one for one in self.waiting if one[0] <= now]
        self.waiting = [one for one in self.waiting if one[0] > now]
        for _, content in due:
            rows = list(csv.reader(io.StringIO(content.decode("cp932"), newline="")))
            levels = _levels(shop, rows[1:]) if rows and rows[0] == HEADER else []
            if self.half:
                self.half, levels = False, levels[: len(levels) // 2]
            shop.pushed(levels)

    def running(self, now: datetime) -> bool:
        """Whether one is being applied: the store refuses other updates meanwhile."""
        return any(at > now for at, _ in self.waiting)


def _levels(shop: EmulatedShop, rows: list[list[str]]) -> list[tuple[ListingKey, int]]:
    """What the rows set; one at fault, or of an item the store does not have, is left out."""
    found = []
    for item, variant, quantity, mode in rows:
        key = ListingKey(item, variant)
        if key in shop.stock and quantity.isdecimal() and not mode:
            found.append((key, int(quantity)))
    return found
