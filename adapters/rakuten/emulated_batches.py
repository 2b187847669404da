"""The folders of the emulated RMS into which normal-item files are put: taken up after a while, applied, and told in a log.

As NOTES.md says, or guesses: a file whose name begins with normal-item is taken; one under any other name is left alone. Its
log is written when it was applied, later, or never.
"""

import csv
import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.kit.emulated_files import FOLDERS, EmulatedFolders
from adapters.kit.emulated_shop import EmulatedShop
from adapters.kit.order_mail import JST
from adapters.rakuten.files import ITEM, UNITS, UNITS_MAX, VARIANT
from ledger.terms import ListingKey

BATCH, LOGS = "/ritem/batch/", "/ritem/logs/"
NO_ERRORS = "エラーはありません\r\n"

_Log = tuple[datetime, str, bytes]  # when it is written, its path, what it says


@dataclass
class ItemFolder:
    """RMS behind its folders. ``log_after_seconds`` None: it writes no log. ``half``: only the first half of the next file is
    applied, and no log is written. ``refuses``: listings whose rows are at fault. Mutable: it plays the world outside.
    """

    shop: EmulatedShop
    folders: EmulatedFolders
    taken_after_seconds: float = 45.0
    log_after_seconds: float | None = 0.0
    half: bool = False
    taking: bool = True
    refuses: set[ListingKey] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _logs: list[_Log] = field(default_factory=list)

    def take_due(self) -> int:
        """Every file that has lain there long enough is taken, oldest first, and logs that are due are written; how many were taken."""
        now = self.shop.clock.now()
        for path in list(self.folders.files):
            if path.startswith(BATCH + "normal-item"):
                self._seen.setdefault(path, now)
        after = timedelta(seconds=self.taken_after_seconds)
        due = [path for path, at in self._seen.items() if now - at >= after] if self.taking else []
        for path in due:
            del self._seen[path]
            content = self.folders.files.pop(path, None)
            if content is not None:
                self._take(path, content, now)
        for log in [log for log in self._logs if log[0] <= now]:
            self._logs.remove(log)
            self.folders.files[log[1]] = log[2]
        return len(due)

    def _take(self, path: str, content: bytes, now: datetime) -> None:
        name = path.removeprefix(BATCH)
        self.taken.append(name)
        levels, faults = self._rows(content)
        if self.half:
            self.half = False
            self.shop.pushed(levels[: len(levels) // 2])
            return
        self.shop.pushed(levels)
        if self.log_after_seconds is None:
            return
        at = now + timedelta(seconds=self.log_after_seconds)
        stamp = at.astimezone(JST).strftime("%Y%m%d%H%M%S%f")[:17]
        says = "".join(faults) or NO_ERRORS
        self._logs.append((at, f"{LOGS}{name.removesuffix('.csv')}.{stamp}.csv", says.encode("cp932")))

    def _rows(self, content: bytes) -> tuple[list[tuple[ListingKey, int]], list[str]]:
        """What the rows set, and a line of the log for each at fault."""
        rows = list(csv.reader(io.StringIO(content.decode("cp932"), newline="")))
        if not rows or rows[0] != [ITEM, VARIANT, UNITS]:
            return [], ["エラー: 項目名が不正です\r\n"]
        known = {(key.item.lower(), key.variant): key for key in self.shop.stock}
        levels: list[tuple[ListingKey, int]] = []
        faults: list[str] = []
        for line, (item, variant, units) in enumerate(rows[1:], start=2):
            key = known.get((item, variant))
            if key is None or key in self.refuses or not (units.isdecimal() and int(units) <= UNITS_MAX):
                faults.append(f"{item},{variant},エラー,{line}行目: 登録できません\r\n")
            else:
                levels.append((key, int(units)))
        return levels, faults


def add_batches(shop: EmulatedShop) -> ItemFolder:
    """The shop has folders, and RMS behind them."""
    folders = EmulatedFolders(shop.clock.now)
    found = ItemFolder(shop, folders)
    folders.take_due = found.take_due
    shop.extra[FOLDERS] = folders
    shop.extra["rakuten_files"] = found
    return found


def item_folder_of(shop: EmulatedShop) -> ItemFolder:
    """The folders of a shop whose emulator was made."""
    found = shop.extra["rakuten_files"]
    assert isinstance(found, ItemFolder), found
    return found
