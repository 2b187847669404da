"""The three steps of setting up, through the doors: connect both shops, import their stock, prove intake and switch on."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from adapters.rakuten.emulated_catalogue import own_sku
from api.demo.doors import Doors, fetched
from api.demo.malls import RAKUTEN_SECRETS, RAKUTEN_SETTINGS, YAHOO_SECRETS, YAHOO_SETTINGS, EmulatedMall, Malls
from api.demo.teller import Teller
from api.demo.waiting import until

READ_SECONDS_MAX = 20.0
SWITCH_SECONDS_MAX = 40.0
QUIET_SECONDS = 2.5
SOLD_NEW, SOLD_AT_YAHOO = own_sku(11), own_sku(13)
ORDERS = (
    "query ($shop: String!, $number: String!) { orders(shop: $shop, number: $number) { edges { node { state } } } }"
)
DIFFERING = (
    "query ($at: Position!, $shop: String) {"
    " listings(shop: $shop, differing: true, first: 1, atLeast: $at) { edges { cursor } } }"
)
SWITCH = "mutation ($shop: String!) { done: %s(shop: $shop%s) { position answer } }"


def connect(doors: Doors, malls: Malls, teller: Teller) -> dict[str, str]:
    """Step 1, 連携ショップ基本設定: both shops are connected; the answer is each shop's own order-mail address."""
    teller.heading("1. 連携ショップ基本設定", "Connect the shops")
    given = (
        (malls.rakuten, RAKUTEN_SETTINGS, RAKUTEN_SECRETS),
        (malls.yahoo, YAHOO_SETTINGS, YAHOO_SECRETS),
    )
    addresses = {}
    for mall, settings, secrets in given:
        arguments = ["shop", "add", "--mall", mall.shop.mall, "--id", mall.shop_id]
        for name, value in {**settings, "base.*": mall.base}.items():
            arguments += ["--setting", f"{name}={value}"]
        for name in secrets:
            arguments += ["--secret", f"{name}=-"]
        answer = doors.daicho(*arguments, typed=list(secrets.values()))
        addresses[mall.code] = answer["mail"]
        teller.note(
            f"{mall.name}: 受注メール転送先 {answer['mail']}", "this shop's own address for forwarded order mails"
        )
    return addresses


def import_stock(doors: Doors, malls: Malls, teller: Teller) -> None:
    """Step 2, 商品・在庫の取込: Rakuten's CP932 file over HTTP, Yahoo!'s by the command line, both as 上書き."""
    teller.heading("2. 商品と在庫の登録（上書き）", "Register products and stock (overwrite)")
    malls.rakuten.sell(malls.only_at_rakuten)
    teller.note(
        "楽天市場: 取込の前に1個売れた（メールはまだ届かない）", "one is sold before the file is made; its mail is late"
    )
    counted_at = doors.clock.now()
    content = fetched(malls.rakuten.base, "GET", "/_emulator/dl-normal-item.csv")
    began = doors.clock.monotonic()
    answer = doors.put_file(
        malls.rakuten.code, "dl-normal-item.csv", content, apply="true", countedAt=counted_at.isoformat()
    )
    _imported(teller, malls.rakuten, content, answer, doors.clock.monotonic() - began)
    file = doors.settings.home / "yahoo-stock.csv"
    content = fetched(malls.yahoo.base, "GET", "/_emulator/stock.csv")
    file.write_bytes(content)
    began = doors.clock.monotonic()
    answer = doors.daicho("import", str(file), "--shop", malls.yahoo.code)
    _imported(teller, malls.yahoo, content, answer, doors.clock.monotonic() - began)


def _imported(teller: Teller, mall: EmulatedMall, content: bytes, answer: Any, seconds: float) -> None:
    lines, changed = content.count(b"\n"), answer["changed"]
    teller.note(
        f"{mall.name}: CSV {lines:,} 行 ({answer['format']}) を {seconds:.1f} 秒で取込、在庫 {changed:,} 件",
        f"{lines:,} lines imported, stock of {changed:,} SKUs",
    )


def prove_intake(doors: Doors, malls: Malls, addresses: Mapping[str, str], teller: Teller) -> None:
    """Step 3, first half: 受注取込 runs at both shops and a first order mail of each proves it."""
    teller.heading("3. 受注取込の起動と確認", "Start order intake; a first order mail proves it")
    for mall in (malls.rakuten, malls.yahoo):
        doors.graphql(SWITCH % ("startIntake", ""), shop=mall.code)
    malls.rakuten.sell(malls.rakuten_listings[SOLD_NEW])
    malls.yahoo.sell(malls.yahoo_listing(SOLD_AT_YAHOO))
    for mall in (malls.rakuten, malls.yahoo):
        for raw in mall.mails():
            doors.send_mail(doors.forwarded(raw), addresses[mall.code])
        for order in list(mall.shop.orders.values()):
            look = partial(_is_taken, doors, mall.code, order.number)
            until(doors.clock, READ_SECONDS_MAX, f"order {order.number} is taken", look)
        teller.note(
            f"{mall.name}: 転送された受注メール {len(mall.shop.orders)} 通を取込", "forwarded order mails became orders"
        )


def _is_taken(doors: Doors, shop: str, number: str) -> bool:
    return bool(doors.graphql(ORDERS, shop=shop, number=number)["orders"]["edges"])


def switch_on(doors: Doors, malls: Malls, teller: Teller) -> None:
    """Step 3, second half: the malls' numbers are read and reviewed, listings confirmed by list, 在庫反映 started."""
    teller.heading("4. 差分の確認と在庫反映の起動", "Review the difference, confirm, start stock push")
    for mall in (malls.rakuten, malls.yahoo):
        seen = doors.graphql(SWITCH % ("reviewDryRun", ""), shop=mall.code)["done"]["answer"]
        if not seen["guardPassed"]:  # a person says yes to what was seen
            agreed = f", seenChanged: {seen['wouldChange']}, seenToZero: {seen['toZero']}"
            seen = doors.graphql(SWITCH % ("reviewDryRun", agreed), shop=mall.code)["done"]["answer"]
        teller.note(
            f"{mall.name}: 対象 {seen['listings']:,} 件、変わる {seen['wouldChange']}、0になる {seen['toZero']}",
            f"dry run: {seen['listings']:,} listings were read, {seen['wouldChange']} would change; nothing is told yet",
        )
        confirmed = doors.daicho("shop", "confirm", mall.code)
        teller.note(f"{mall.name}: 確認待ち {confirmed['confirmed']:,} 件を連動に", "listings confirmed by list")
    for mall in (malls.rakuten, malls.yahoo):
        doors.graphql(SWITCH % ("startPush", ""), shop=mall.code)
    until(doors.clock, SWITCH_SECONDS_MAX, "both malls show what they should", lambda: nothing_differs(doors))
    teller.note("両モールとも在庫反映 起動。差分は送信済み", "both malls run; what differed was told")
    doors.clock.sleep(QUIET_SECONDS)  # the malls take one request a second: the order that follows finds them quiet


def nothing_differs(doors: Doors, shop: str | None = None) -> bool:
    """Whether no mall (only ``shop``) is to be told anything, as of what the ledger has now."""
    position = doors.graphql("{ position { ledger } }")["position"]["ledger"]
    return not doors.graphql(DIFFERING, at=position, shop=shop)["listings"]["edges"]
