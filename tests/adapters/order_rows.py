"""Order files of malls as tests make them: invented orders, with the columns of persons that a real file has."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import adapters
from adapters.kit.mall import NotUnderstood
from adapters.kit.order_file import Offered, OrdersRead, read_kept, read_orders
from adapters.kit.profile import corrected
from ledger.terms import Telling

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
BUYER, STREET, MAIL, PHONE = "山田 見本", "見本町1-2-3", "mihon@example.com", "03-0000-0000"

RAKUTEN_ROW = {
    "注文番号": "402853-20261120-0000000001",
    "ステータス": "発送待ち",
    "注文日時": "2026-11-20 08:55:46",
    "注文確認日時": "2026-11-20 08:56:00",
    "注文確定日時": "2026-11-20 09:10:00",
    "発送指示日時": "",
    "発送完了報告日時": "",
    "商品合計金額": "5960",
    "注文者姓": BUYER,
    "注文者住所それ以降の住所": STREET,
    "注文者メールアドレス": MAIL,
    "注文者電話番号1": PHONE,
    "送付先ID": "1",
    "商品明細ID": "10",
    "商品名": "シャツ",
    "商品番号": "c3ps390",
    "商品管理番号": "Page-1",
    "単価": "2980",
    "個数": "2",
    "SKU管理番号": "11",
    "システム連携用SKU番号": "SHIRT-11",
    "コメント": f"{BUYER} です",
}


def file_of(rows: Sequence[Mapping[str, str]], *, delimiter: str = ",", encoding: str = "cp932") -> bytes:
    """A file with these rows below the header of the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def offered(code: str, corrections: Mapping[str, object] | None = None) -> list[Offered]:
    """The forms a shop of this mall may send, with corrections of its profile."""
    return [
        Offered(
            form, corrected(adapters.profile(folder), corrections or {}) if folder == code else adapters.profile(folder)
        )
        for folder, form in adapters.order_forms(code)
    ]


def read(
    code: str,
    data: bytes,
    corrections: Mapping[str, object] | None = None,
    *,
    name: str = "orders.csv",
    made_at: datetime | None = None,
) -> OrdersRead:
    """The file as a shop of this mall sends it."""
    return read_orders(name, [data], offered(code, corrections), now=NOW, made_at=made_at)


def tellings(found: OrdersRead, code: str) -> list[Telling]:
    """What the orders of the file tell, each read from what is kept of it."""
    told = []
    for one in found.orders:
        again = read_kept(one.body, offered(code), NOW)
        assert not isinstance(again, NotUnderstood), again
        if isinstance(one.reading, Telling):
            assert again == one.reading
            told.append(one.reading)
    return told


def problems(found: OrdersRead) -> list[tuple[int, str, str]]:
    """(row, column, value) of every problem."""
    return [(one.row, one.column, one.value) for one in found.problems]
