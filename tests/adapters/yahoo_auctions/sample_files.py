"""The sample files of Yahoo! auctions with what each means."""

from collections.abc import Iterator, Mapping

Sample = tuple[str, bytes, Mapping[str, object]]

LISTING_HEADER = "管理番号,オークションID,タイトル,開始価格,即決価格,個数,入札件数,終了日時,状態"
SOLD_HEADER = "注文ID,管理番号,注文日時,オークションID,商品名,落札価格"


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield _listing()
    yield _listing_in_another_order()
    yield _listing_wrong()
    yield _sold()
    yield _sold_by_place()
    yield _sold_wrong()
    yield "other-mall.csv", "商品コード,枝番,価格\r\na,b,1\r\n".encode("cp932"), {"not_recognised": {"looks_like": []}}
    yield "empty.csv", b"", {"refused": {"row": 1, "column": ""}}


def row(line: int, auction: str, own_code: str, name: str = "", **more: object) -> dict[str, object]:
    """One understood row; it never states a number."""
    codes = [own_code] if own_code else []
    return {
        "row": line,
        "item": auction,
        "name": name,
        "matches": {"own_code": own_code} if own_code else {},
        "codes": codes,
        **more,
    }


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _listing() -> Sample:
    text = _lines(
        LISTING_HEADER,
        '0012,x1234567890,㈱サンプル①時計,"10,000",,1,0,2026/11/27 22:10,出品中',
        "A-2,y1234567890,サンプル 靴,1000,,1,3,2026/11/28 21:00,出品中",
        "A-3,z1234567890,即決だけの品,2000円,2000円,5,0,2026/11/29,出品中",
        ",w1234567890,番号のない品,1,,,,,出品中",
        "A-5,v1234567890,終わった品,1,,1,2,2026/11/01 22:00,終了",
    )
    rows = [
        row(2, "x1234567890", "0012", "㈱サンプル①時計"),
        row(3, "y1234567890", "A-2", "サンプル 靴", flags=["has_bids"]),
        row(4, "z1234567890", "A-3", "即決だけの品", flags=["buy_now_only"]),
        row(5, "w1234567890", "", "番号のない品"),
        row(6, "v1234567890", "A-5", "終わった品", flags=["ended", "has_bids"]),
    ]
    return "auction-list.csv", text.encode("cp932"), {"format": "listing", "rows": rows, "problems": []}


def _listing_in_another_order() -> Sample:
    text = _lines(
        "カテゴリ,タイトル,説明,オークションID,数量,管理番号",
        '1,時計,"二行の\r\n説明",x1,1,a',
        "1,靴,x,x1234567,１,a-1",
    )
    problems = [{"row": 2, "column": "オークションID", "value": "x1"}]
    want = {"format": "listing", "rows": [row(4, "x1234567", "a-1", "靴")], "problems": problems}
    return "auction-other-columns.csv", text.encode("utf-8-sig"), want


def _listing_wrong() -> Sample:
    text = _lines(
        LISTING_HEADER,
        "a,x 1234567,品,1,,1,0,,",
        "a,x1234567891,品,1,,-1,0,,",
        "a,x1234567892,品,1,,0,0,,",
        "a,x1234567893,品,1,,1,多数,,",
        "a,x1234567894,品,安い,,1,0,,",
        "a,x1234567895,品,1,,1,0,あした,",
        "a,x1234567896,品,1",
        ",,,,,,,,",
        "a,x1234567897,品,1,,1,0,,",
        "b,x1234567897,品,1,,1,0,,",
    )
    problems = [
        {"row": 2, "column": "オークションID", "value": "x 1234567"},
        {"row": 3, "column": "個数", "value": "-1"},
        {"row": 4, "column": "個数", "value": "0"},
        {"row": 5, "column": "入札件数", "value": "多数"},
        {"row": 6, "column": "開始価格", "value": "安い"},
        {"row": 7, "column": "終了日時", "value": "あした"},
        {"row": 8, "column": "", "value": "4 cells"},
        {"row": 11, "column": "オークションID", "value": "x1234567897"},
    ]
    want = {"format": "listing", "rows": [row(10, "x1234567897", "a", "品")], "problems": problems}
    return "auction-wrong-rows.csv", text.encode("cp932"), want


def _sold() -> Sample:
    text = _lines(
        SOLD_HEADER,
        "samplestore-10000001,0012,2026/11/20 09:04:05,x1234567890,時計,10000",
        "samplestore-10000002,A-3,2026/11/20 10:00:00,z1234567890,品,2000",
        "samplestore-10000003,A-3,2026/11/20 11:00:00,z1234567890,品,2000",
    )
    rows = [
        row(2, "x1234567890", "0012", "時計", flags=["ended"]),
        row(3, "z1234567890", "A-3", "品", flags=["ended"]),
    ]
    return "rakusatsu.csv", text.encode("cp932"), {"format": "sold", "rows": rows, "problems": []}


def _sold_by_place() -> Sample:
    header = ",".join(["注文ID", *(f"列{n}" for n in range(2, 16)), "落札価格", *(f"列{n}" for n in range(17, 22))])
    text = _lines(header, "samplestore-10000001,0012,2026/11/20 09:04:05,x1234567890" + "," * 12 + "10000" + "," * 5)
    want = {"format": "sold", "rows": [row(2, "x1234567890", "0012", flags=["ended"])], "problems": []}
    return "rakusatsu-21-columns.csv", text.encode("cp932"), want


def _sold_wrong() -> Sample:
    text = _lines(
        SOLD_HEADER,
        "samplestore-10000001,0012,2026/11/20 09:04:05,,時計,10000",
        "samplestore-10000002,A-3,2026/11/20 10:00:00,z1234567890,品,2000",
        "samplestore-10000003,A-4,2026/11/20 11:00:00,z1234567890,品,2000",
    )
    problems = [
        {"row": 2, "column": "オークションID", "value": ""},
        {"row": 4, "column": "オークションID", "value": "z1234567890"},
    ]
    want = {"format": "sold", "rows": [row(3, "z1234567890", "A-3", "品", flags=["ended"])], "problems": problems}
    return "rakusatsu-wrong-rows.csv", text.encode("cp932"), want
