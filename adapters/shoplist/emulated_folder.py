"""The folder of the emulated SHOPLIST into which stock files are put, as NOTES.md guesses that its file server behaves.

A file under another name than ``item*.csv`` or ``select*.csv`` (one still being uploaded) is left alone until it is renamed.
After a while a stock file is taken: its rows are applied, it is renamed to ``.done``, and rows at fault are told in
``error_yyyymmddhhmmss.csv``.
"""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

from adapters.kit.emulator import EmulatedShop
from adapters.kit.order_mail import JST
from ledger.terms import ListingKey

TAKEN_AFTER_SECONDS = 60
ROWS_MAX = 50_000
DONE = ".done"

ITEM_NUMBER = "商品管理番号（商品URL）"
_ITEM_COLUMNS = ("コントロールカラム", ITEM_NUMBER, "在庫タイプ", "在庫数")
_SELECT_COLUMNS = (
    "項目選択肢用コントロールカラム",
    ITEM_NUMBER,
    "選択肢タイプ",
    "項目選択肢別在庫用横軸選択肢子番号",
    "項目選択肢別在庫用縦軸選択肢子番号",
    "項目選択肢別在庫用在庫数",
)

Fault = tuple[int, str]  # row, what is wrong with it


class StockFolder:
    """Files by name. Mutable: it plays the world outside."""

    def __init__(self, shop: EmulatedShop) -> None:
        self._shop = shop
        self._finished_at: dict[str, datetime] = {}
        self.files: dict[str, bytes] = {}

    def put(self, name: str, content: bytes) -> None:
        """The file is there; one of the same name that was not taken yet is replaced, as FTP does."""
        self.files[name] = content
        self.arrived(name)

    def arrived(self, name: str) -> None:
        """A file came to this name."""
        if _stock_file(name):
            self._finished_at[name] = self._shop.clock.now()

    def rename(self, name: str, to: str) -> None:
        """The file has another name. Raises KeyError when it is not there."""
        self.put(to, self.files.pop(name))
        self._finished_at.pop(name, None)

    def take_due(self) -> int:
        """Every stock file that has been there long enough is taken, oldest first; how many."""
        now = self._shop.clock.now()
        due = [n for n, at in self._finished_at.items() if now - at >= timedelta(seconds=TAKEN_AFTER_SECONDS)]
        for name in due:
            del self._finished_at[name]
            if name not in self.files:
                continue  # it was taken back in time
            content = self.files.pop(name)
            self.files[name + DONE] = content
            faults = list(self._taken(content))
            if faults:
                self.files[f"error_{now.astimezone(JST):%Y%m%d%H%M%S}.csv"] = _error_file(faults)
        return len(due)

    def _taken(self, content: bytes) -> Iterator[Fault]:
        """Applies the rows that can be; yields the others. A file that cannot be read applies nothing."""
        try:
            rows = list(csv.reader(io.StringIO(content.decode("cp932"), newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error):
            yield 1, "文字コードまたは形式が不正です"
            return
        if not 1 <= len(rows) <= ROWS_MAX + 1:
            yield 1, f"1ファイルは{ROWS_MAX}行までです"
            return
        header = rows[0]
        wanted = next((w for w in (_SELECT_COLUMNS, _ITEM_COLUMNS) if set(w) <= set(header)), None)
        if wanted is None:
            yield 1, "項目名が不正です"
            return
        levels: list[tuple[ListingKey, int]] = []
        for line, cells in enumerate(rows[1:], start=2):
            values = dict(zip(header, cells, strict=False))
            level = self._level(line, values, select=wanted is _SELECT_COLUMNS)
            if isinstance(level[0], ListingKey):
                levels.append((level[0], int(level[1])))
            else:
                yield level[0], str(level[1])
        self._shop.pushed(levels)

    def _level(self, line: int, values: dict[str, str], *, select: bool) -> tuple[ListingKey, int] | Fault:
        units = values.get("項目選択肢別在庫用在庫数" if select else "在庫数", "")
        key = ListingKey(values.get(ITEM_NUMBER, ""), _variant(values) if select else "")
        if values.get(_SELECT_COLUMNS[0] if select else _ITEM_COLUMNS[0]) != "u":
            return line, "コントロールカラムが不正です"
        if key not in self._shop.stock:
            return line, f"{ITEM_NUMBER}または選択肢子番号が存在しません"
        if not (units.isascii() and units.isdecimal() and len(units) <= 5):
            return line, "在庫数が不正です"
        return key, int(units)


def _stock_file(name: str) -> bool:
    lower = name.lower()
    return lower.startswith(("item", "select")) and lower.endswith(".csv")


def _variant(values: dict[str, str]) -> str:
    horizontal, vertical = values.get(_SELECT_COLUMNS[3], ""), values.get(_SELECT_COLUMNS[4], "")
    return f"{horizontal}/{vertical}" if vertical else horizontal


def _error_file(faults: list[Fault]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([("行番号", "エラー内容"), *faults])
    return text.getvalue().encode("cp932")
