"""``daicho doctor``: why no orders come in, and why a shop is not told: each finding with its cause and the next step.

Looks only; nothing is changed and no mall is called. Findings are codes with a sentence in Japanese and one in English.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

import adapters
from adapters.kit.mall import Mall, OrderApi, OrderWebhook
from adapters.kit.push_file import PushFile
from api.connecting import mail_address, missing
from api.diagnosis_connection import findings_of_connection
from api.diagnosis_files import findings_of_batches
from api.diagnosis_mail import findings_of_mail
from api.diagnosis_told import findings_of_told
from api.finding import FINE, PROBLEM, WAITS, Finding
from api.jobs.imports import shop_of
from api.jobs.message_reading import FORWARDING_CONFIRMATION
from api.projecting import catch_up
from api.sending import FILE_CAUSES
from api.tables import mall_paces, order_polls, push_breakers
from api.tables.order_polls import OrderPoll
from api.wiring import House
from api.work_list import cause
from ledger.shop import Shop

SILENT_HOURS = 24
QUIET_MINUTES = 10


@dataclass(frozen=True)
class Seen:
    """What the tables say of one shop, read at one moment."""

    code: str
    shop: Shop
    mall: Mall
    now: datetime
    mail: str
    lacking: Sequence[str]
    inbox: dict[str, int] = field(default_factory=dict)  # by state
    reasons: list[tuple[str, str, int]] = field(default_factory=list)  # of quarantined messages: reason, rule, how many
    last_message_at: datetime | None = None
    last_order_at: datetime | None = None
    poll: OrderPoll | None = None
    unlinked_lines: int = 0
    to_confirm: int = 0
    linked: int = 0
    differing: int = 0
    rejected: int = 0
    without_number: int = 0
    breaker: push_breakers.ShopBreaker = push_breakers.ShopBreaker()


def findings(house: House, code: str) -> list[Finding]:
    """Everything that was looked at, problems first. Raises ShopNotReady when the shop is not connected."""
    catch_up(house)
    seen = _seen(house, code)
    found = [*_orders(seen), *findings_of_mail(house, code), *_pushes(seen)]
    found += [*findings_of_connection(house, code), *findings_of_told(house, code), *findings_of_batches(house, code)]
    return sorted(found, key=lambda one: (PROBLEM, WAITS, FINE).index(one.level))


# ------------------------------------------------------------------ looking


def _seen(house: House, code: str) -> Seen:
    shop = shop_of(house, code)
    mall = adapters.mall(shop.mall)
    address, lacking = mail_address(house, code), missing(house, mall, code)
    with house.pool.connection() as connection:
        counts = connection.execute(
            "SELECT state, count(*) FROM inbox WHERE shop = %s AND state IN ('received', 'waiting', 'quarantined')"
            " AND reason <> %s GROUP BY state",
            (code, FORWARDING_CONFIRMATION),
        ).fetchall()
        reasons = connection.execute(
            "SELECT reason, rule, count(*) FROM inbox WHERE shop = %s AND state = 'quarantined' AND reason <> %s"
            " GROUP BY reason, rule ORDER BY count(*) DESC, reason, rule LIMIT 5",
            (code, FORWARDING_CONFIRMATION),
        ).fetchall()
        listings = _one(
            connection,
            "SELECT count(*) FILTER (WHERE state = 'to_confirm'), count(*) FILTER (WHERE state = 'linked'),"
            " count(*) FILTER (WHERE queue_rank IS NOT NULL), count(*) FILTER (WHERE rejected_code IS NOT NULL),"
            " count(*) FILTER (WHERE state = 'linked' AND wanted_units IS NULL) FROM listings WHERE shop = %s",
            code,
        )
        return Seen(
            code,
            shop,
            mall,
            house.clock.now(),
            address,
            lacking,
            inbox={str(state): int(count) for state, count in counts},
            reasons=[(str(reason), str(rule), int(count)) for reason, rule, count in reasons],
            last_message_at=_one(connection, "SELECT max(received_at) FROM inbox WHERE shop = %s", code)[0],
            last_order_at=_one(connection, "SELECT max(recorded_at) FROM orders WHERE shop = %s", code)[0],
            poll=order_polls.of_shop(connection, code),
            unlinked_lines=_one(
                connection, "SELECT count(*) FROM orders WHERE shop = %s AND sku IS NULL AND quantity_left > 0", code
            )[0],
            to_confirm=listings[0],
            linked=listings[1],
            differing=listings[2],
            rejected=listings[3],
            without_number=listings[4],
            breaker=push_breakers.of_shop(connection, code, mall_paces.PUSH),
        )


def _one(connection: psycopg.Connection, statement: str, code: str) -> Any:
    row = connection.execute(statement.encode(), (code,)).fetchone()
    assert row is not None
    return row


# ------------------------------------------------------------------ no orders come in


def _orders(seen: Seen) -> Iterator[Finding]:
    if not seen.shop.intake:
        yield Finding(
            "orders",
            "intake_stopped",
            PROBLEM,
            "受注取込が停止しています。届いたものは保管されています。",
            "Order intake is stopped; what arrives is kept.",
            f"daicho shop start {seen.code} --intake (with --backlog take, counted or skip when orders were kept)",
        )
    elif not seen.shop.intake_proven:
        yield Finding(
            "orders",
            "intake_not_proven",
            PROBLEM,
            "受注取込の起動後、まだ1件も受注が届いていません。",
            "No order has come since intake was started.",
            _way_in(seen),
        )
    yield from _doors(seen)
    if count := seen.inbox.get("quarantined", 0):
        reasons = ", ".join(f"{reason}{f' ({rule})' if rule else ''}: {many}" for reason, rule, many in seen.reasons)
        yield Finding(
            "orders",
            "quarantined",
            PROBLEM,
            f"{count}件が読み取れずに待っています（{reasons}）。",
            f"{count} messages could not be read and wait ({reasons}).",
            "daicho inbox --state quarantined; daicho inbox read ID; daicho inbox resend ID",
        )
    if count := seen.inbox.get("received", 0):
        yield Finding(
            "orders",
            "not_read_yet",
            WAITS,
            f"{count}件がこれから読み取られます。減らなければ work プロセスが動いていません。",
            f"{count} messages are to be read; if they stay, no worker runs.",
            "daicho up",
        )
    if seen.unlinked_lines:
        yield Finding(
            "orders",
            "unlinked",
            PROBLEM,
            f"未紐付の受注明細が{seen.unlinked_lines}行あり、在庫が引き当てられていません。",
            f"{seen.unlinked_lines} order lines name no linked listing: no stock is allocated to them.",
            "daicho orders --unlinked; 商品を紐付けると自動で引き当てられます / link the listing, they allocate themselves",
        )


def _way_in(seen: Seen) -> str:
    """Where this shop's orders are to be sent: its mail address, or its webhook where no mail is read."""
    if callable(seen.mall.order_mail):
        return f"モールの受注メールが {seen.mail} に転送されているか確認する / forward the mall's order mails to this address"
    if isinstance(seen.mall.order_webhook, OrderWebhook):
        path = f"/inbound/webhook/{seen.mail.partition('@')[0]}"
        return f"{path} に署名付きで送る（docs/guides/webhook.md） / send signed calls there"
    return "認証情報とモール側の受注APIの有効化を確認する / check keys and that the mall's order API is on"


def _doors(seen: Seen) -> Iterator[Finding]:
    last = seen.last_message_at
    if last is None:
        yield Finding(
            "orders",
            "nothing_arrived",
            PROBLEM,
            "このショップには、まだ何も届いていません。",
            "Nothing has arrived for this shop yet.",
            _way_in(seen),
        )
    elif seen.now - last > timedelta(hours=SILENT_HOURS):
        yield Finding(
            "orders",
            "silent",
            PROBLEM,
            f"{SILENT_HOURS}時間以上、何も届いていません（最後: {last.isoformat()}）。",
            f"Nothing has arrived for {SILENT_HOURS} hours (last: {last.isoformat()}).",
            _way_in(seen),
        )
    else:
        order = "" if seen.last_order_at is None else f"、最後の受注 {seen.last_order_at.isoformat()}"
        yield Finding(
            "orders",
            "arrives",
            FINE,
            f"最後の受信 {last.isoformat()}{order}。",
            f"The last message came at {last.isoformat()}.",
        )
    if isinstance(seen.mall.order_api, OrderApi):
        yield _polled(seen, seen.poll)
    elif not callable(seen.mall.order_mail) and not isinstance(seen.mall.order_webhook, OrderWebhook):
        yield Finding(
            "orders",
            "no_door",
            PROBLEM,
            f"{seen.mall.name}の受注を取り込む方法がまだありません。",
            f"Daicho has no way yet to take orders of {seen.mall.name}.",
            "daicho malls",
        )


def _polled(seen: Seen, poll: OrderPoll | None) -> Finding:
    if poll is None or (poll.asked_at is None and not poll.failures):
        return Finding(
            "orders",
            "not_asked_yet",
            WAITS,
            "受注APIにはまだ問い合わせていません（受注取込の起動後、1分以内に始まります）。",
            "The order API was not asked yet; it is within a minute after intake was started.",
            "daicho up",
        )
    if poll.code:
        return Finding(
            "orders",
            "order_api_fails",
            PROBLEM,
            f"受注APIの問い合わせが{poll.failures}回続けて失敗しています（{poll.code}）。次は {poll.due_at.isoformat()}。",
            f"Asking for orders failed {poll.failures} times in a row ({poll.code}); next at {poll.due_at.isoformat()}.",
            f"daicho shop show {seen.code}; 認証情報とモール側の機能の有効化を確認する / check keys and that the mall's function is on",
        )
    assert poll.asked_at is not None
    return Finding(
        "orders",
        "order_api_asked",
        FINE,
        f"受注APIに最後に問い合わせた時刻 {poll.asked_at.isoformat()}。",
        f"The order API was last asked at {poll.asked_at.isoformat()}.",
    )


# ------------------------------------------------------------------ the mall is not told


def _paused_step(code: str, why: str) -> str:
    if why == "maintenance":
        return f"daicho shop schedule {code}"
    if why in FILE_CAUSES:
        return f"ファイルサーバーを確かめる / mend it, then test: daicho shop test {code}"
    return "正しいキーを入力すると再開します / enter the right key: daicho shop add … --secret NAME=-"


def _pushes(seen: Seen) -> Iterator[Finding]:
    code, shop = seen.code, seen.shop
    if seen.lacking:
        names = ", ".join(seen.lacking)
        yield Finding(
            "pushes",
            "settings_missing",
            PROBLEM,
            f"必要な設定が入力されていません: {names}。",
            f"Settings are missing: {names}.",
            f"daicho shop add --mall {shop.mall} --id {shop.mall_shop_id} --setting NAME=VALUE --secret NAME=-",
        )
    if not callable(seen.mall.push_api) and not isinstance(seen.mall.push_file, PushFile):
        yield Finding(
            "pushes",
            "not_told_by_api",
            FINE,
            f"{seen.mall.name}にはAPIで在庫を送りません。",
            f"{seen.mall.name} is not told by API.",
        )
        return
    if shop.paused is not None:
        yield Finding(
            "pushes",
            "paused",
            PROBLEM,
            f"自動停止中です（原因: {shop.paused}）。{cause(code, 'rejected_auth', shop.paused) or ''}",
            f"Pushing is paused (cause: {shop.paused}).",
            _paused_step(code, shop.paused),
        )
    if not shop.push:
        reviewed = "" if shop.reviewed_passed else f"daicho shop start {code} --review; "
        yield Finding(
            "pushes",
            "push_stopped",
            PROBLEM,
            "在庫反映が停止しています。",
            "Stock push is stopped.",
            f"{reviewed}daicho shop start {code} --push",
        )
    elif not shop.pushing and shop.paused is None:
        yield Finding(
            "pushes",
            "push_waits_for_intake",
            PROBLEM,
            "受注取込が確認できるまで在庫は送られません。",
            "Numbers are held back until order intake runs and is proven.",
            f"daicho doctor {code}",
        )
    yield from _listings(seen)
    opens_at = seen.breaker.opens_at()
    if opens_at is not None and opens_at > seen.now:
        yield Finding(
            "pushes",
            "mall_fails",
            WAITS,
            f"モールが応答しないため {opens_at.isoformat()} まで待っています（{seen.breaker.code}）。",
            f"The mall fails ({seen.breaker.code}); it is tried again at {opens_at.isoformat()}.",
        )


def _listings(seen: Seen) -> Iterator[Finding]:
    rows = (
        (
            seen.to_confirm,
            "to_confirm",
            PROBLEM,
            "確認待ちの商品が{}件あり、送られません。",
            "{} listings wait to be confirmed and are not told.",
            f"daicho shop confirm {seen.code}",
        ),
        (
            seen.without_number,
            "no_number",
            PROBLEM,
            "在庫未登録の商品が{}件あり、送られません。",
            "{} linked listings have no number (在庫未登録) and are not told.",
            "在庫CSVを取り込む / import a stock file: daicho import FILE --shop S --mode overwrite",
        ),
        (
            seen.rejected,
            "rejected",
            PROBLEM,
            "モールに拒否された商品が{}件あります。",
            "{} listings were refused by the mall.",
            f"daicho listings --shop {seen.code} --rejected",
        ),
        (
            seen.differing,
            "differing",
            WAITS,
            "送る予定の商品が{}件あります。",
            "{} listings are to be told.",
            "",
        ),
    )
    for count, code, level, japanese, english, step in rows:
        if count:
            yield Finding("pushes", code, level, japanese.format(count), english.format(count), step)
    if not seen.linked and not seen.to_confirm:
        yield Finding(
            "pushes",
            "no_listing",
            PROBLEM,
            "紐付いた商品がありません。",
            "No listing is linked.",
            f"商品CSVを取り込む / import the mall's product file: daicho import FILE --shop {seen.code} --mode overwrite",
        )
