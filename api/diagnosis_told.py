"""「モールに反映されない」: why a mall, or one listing, does not show what it should, beyond the switches; each with the next step.

Looks only: no mall is called.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from api.exposure import exposed, intake_states
from api.finding import FINE, PROBLEM, WAITS, Finding
from api.projecting import catch_up
from api.tables import mall_paces, push_syncs
from api.wiring import House
from api.work_list import cause
from ledger import listing
from ledger.terms import ListingKey
from projections import drift, listing_list
from projections.listing_list import ListingNow

THROTTLED_SECONDS = 10.0
UNCERTAIN_SECONDS = 600.0
ABOUT = "pushes"


class ListingNotKnown(ValueError):
    """The shop has no such listing; the message says where they are listed."""


def findings_of_told(house: House, code: str) -> list[Finding]:
    """What keeps the shop's listings from showing what they should."""
    with house.pool.connection() as connection:
        counts: Any = connection.execute(_COUNTS, (house.clock.now(), UNCERTAIN_SECONDS, code)).fetchone()
        pace: Any = connection.execute(
            "SELECT max(arrival) FROM mall_paces WHERE account = %s AND kind = %s", (code, mall_paces.PUSH)
        ).fetchone()
        running = push_syncs.progress(connection, code)
        newest = drift.newest_run(connection, house.database.schema, code)
        set_short: Any = connection.execute(_SETS_SHORT, (code,)).fetchone()
    found = [*_counted(code, counts), *_paced(house, pace[0])]
    if set_short[0]:
        found.append(_set_short(int(set_short[0])))
    if running is not None and running.paused:
        found.append(_sync_paused(code, running.done, running.listings))
    if newest is not None and newest.other_tool:
        found.append(_other_tool(code))
    found += [*_exposed(house, code), *_intake(house, code)]
    return found


_COUNTS = (
    "SELECT count(*) FILTER (WHERE state = 'stopped'), count(*) FILTER (WHERE batch_request IS NOT NULL),"
    " count(*) FILTER (WHERE sells_at_zero AND wanted_units = 0), count(*) FILTER (WHERE uncertain_position > 0"
    " AND extract(epoch FROM %s - uncertain_since) > %s), count(*) FILTER (WHERE unseen_units > 0),"
    " count(*) FILTER (WHERE l.state = 'linked' AND l.wanted_units = 0 AND s.free > 0), count(*) FILTER (WHERE NOT read_found)"
    " FROM listings AS l LEFT JOIN listing_skus AS s ON s.sku = l.sku WHERE l.shop = %s"
)
_SETS_SHORT = (
    "SELECT count(*) FROM listings AS l JOIN listing_skus AS s ON s.sku = l.sku WHERE l.shop = %s AND l.state = 'linked'"
    " AND s.recipe IS NOT NULL AND s.free = 0"
)


def _counted(code: str, counts: Any) -> Iterator[Finding]:
    rows = (
        (
            "listings_stopped",
            WAITS,
            "停止中の商品が{}件あり、送られません。",
            "{} listings are stopped and not told.",
            f"再開: daicho listing set で連動に戻す / start them again; daicho listings --shop {code} --state stopped",
        ),
        (
            "batch_unfinished",
            WAITS,
            "モールで処理中のファイルまたはフィードに{}件が入っています。終わると分かります。",
            "{} listings are in a file or feed that the mall has not finished.",
            f"daicho pushes --shop {code} --outcome accepted",
        ),
        (
            "sells_at_zero",
            PROBLEM,
            "0にしても止まらない設定の商品が{}件、在庫0です。モール側の設定を変えてください。",
            "{} listings show 0 and go on selling by the mall's own flag.",
            "GraphQL listings(sellsAtZero: true)",
        ),
        (
            "uncertain",
            WAITS,
            "モールの今の数が分からない商品が{}件あります。読み直しを待っています。",
            "what the mall shows is not certain for {} listings; they wait to be read.",
            f"daicho reconcile --shop {code}",
        ),
        (
            "withheld",
            WAITS,
            "モールで売れたのに受注が届いていない商品が{}件あり、その分を控えています（10分まで）。",
            "{} listings sold units whose orders have not come; as many are withheld, up to ten minutes.",
            f"daicho doctor {code} --about orders",
        ),
        (
            "rule_gives_zero",
            FINE,
            "在庫はあるのに、しきい値・配分・留保・上限の設定で0になる商品が{}件あります。",
            "{} listings show 0 by their rules although units are free.",
            f"daicho reconcile --shop {code}; daicho listing set",
        ),
        (
            "not_at_the_mall",
            PROBLEM,
            "モールにない商品コードが{}件あります。",
            "the mall does not know {} listings.",
            f"daicho listing check LIST.csv --shop {code} --only-unknown",
        ),
    )
    for count, (name, level, japanese, english, step) in zip(counts, rows, strict=True):
        if count:
            yield Finding(ABOUT, name, level, japanese.format(count), english.format(count), step)


def _paced(house: House, arrival: datetime | None) -> Iterator[Finding]:
    now = house.clock.now()
    if arrival is not None and (arrival - now).total_seconds() > THROTTLED_SECONDS:
        when = arrival.isoformat(timespec="seconds")
        yield Finding(
            ABOUT,
            "throttled",
            WAITS,
            f"モールの送信回数の上限のため {when} まで待っています。",
            f"The mall said to wait; it is told again at {when}.",
        )


def _set_short(count: int) -> Finding:
    return Finding(
        ABOUT,
        "set_short",
        FINE,
        f"構成品が足りず0になるセット商品が{count}件あります。",
        f"{count} sets show 0 because a component is short.",
        "構成品の在庫を確かめる / look at its components: daicho stock SKU",
    )


def _sync_paused(code: str, done: int, of: int) -> Finding:
    return Finding(
        ABOUT,
        "sync_paused",
        WAITS,
        f"一括同期が一時停止中です（{done}/{of}件）。",
        f"A full sync is paused at {done} of {of}.",
        f"daicho sync resume {code}",
    )


def _other_tool(code: str) -> Finding:
    return Finding(
        ABOUT,
        "other_tool",
        PROBLEM,
        "別のツールがこのショップの在庫を書き換えているようです。片方だけにしてください。",
        "Another tool seems to write this shop's numbers; only one may.",
        f"daicho reconcile show --shop {code} --class other_tool",
    )


def _exposed(house: House, code: str) -> Iterator[Finding]:
    found = exposed(house, shop=code)
    if found:
        units, since = sum(one.units for one in found), min(one.since for one in found)
        yield Finding(
            ABOUT,
            "exposed",
            PROBLEM,
            f"本来より多く表示している商品が{len(found)}件、{units}個分あります（{since.isoformat(timespec='seconds')}から）。",
            f"{len(found)} listings show more than they should, {units} units at risk since {since.isoformat(timespec='seconds')}.",
            f"daicho exposure --shop {code}",
        )


def _intake(house: House, code: str) -> Iterator[Finding]:
    for state in intake_states(house, shop=code):
        if state.state in ("silent", "failing") and state.since is not None:
            silent = state.state == "silent"
            when = state.since.isoformat(timespec="seconds")
            gap = f"{state.usual_gap_seconds or 0:.0f}"
            yield Finding(
                "orders",
                f"intake_{state.state}",
                PROBLEM,
                f"受注がふだんの間隔（{gap}秒）の3倍以上届いていません。"
                if silent
                else f"受注APIが{when}から失敗しています（{state.code}）。",
                f"No order came for three times the usual gap ({gap} s)."
                if silent
                else f"Asking for orders fails since {when} ({state.code}).",
                f"daicho doctor {code} --about orders; その間、他のモールは売り越すおそれがあります / other malls may oversell meanwhile",
            )


# ------------------------------------------------------------------ one listing


def findings_of_listing(house: House, code: str, key: ListingKey) -> list[Finding]:
    """Why this listing does not show what it should; problems first. Raises ListingNotKnown."""
    catch_up(house)
    with house.pool.connection() as connection:
        rows = listing_list.of_keys(connection, house.database.schema, code, [key])
    if key not in rows:
        raise ListingNotKnown(f"shop {code} has no listing {key}; expected one of `daicho listings --shop {code}`")
    row = rows[key]
    found = list(_of_row(code, row))
    if not found:
        numbers = row.numbers
        told = "" if numbers.sent_at is None else f"、最後の送信 {numbers.sent_at.isoformat(timespec='seconds')}"
        found.append(
            Finding(
                ABOUT,
                "as_it_should",
                FINE,
                f"反映予定数 {row.wanted_units} とモール想定数 {numbers.expected_units} は一致しています{told}。",
                f"It should show {row.wanted_units} and, as far as is known, does.",
                f"daicho reconcile --shop {code} --item {key}",
            )
        )
    return sorted(found, key=lambda one: (PROBLEM, WAITS, FINE).index(one.level))


def _said(name: str, level: str, japanese: str, english: str, step: str = "") -> Finding:
    return Finding(ABOUT, name, level, japanese, english, step)


def _of_row(code: str, row: ListingNow) -> Iterator[Finding]:
    yield from _of_state(code, row)
    yield from _at_the_mall(code, row)
    yield from _on_the_way(code, row)
    if row.wanted_units == 0 and row.free_units is not None and row.free_units > 0 and row.state == listing.LINKED:
        yield _by_rules(row)


def _of_state(code: str, row: ListingNow) -> Iterator[Finding]:
    confirm = f"daicho shop confirm {code}"
    if row.state == listing.TO_CONFIRM:
        yield _said("to_confirm", PROBLEM, "確認待ちのため送られません。", "It waits to be confirmed.", confirm)
    elif row.state != listing.LINKED:
        japanese = f"状態が「{row.state}」のため送られません。"
        yield _said("not_linked", PROBLEM, japanese, f"It is {row.state}: not told.", "daicho listing set")
    elif row.free_units is None:
        step = "在庫を登録する / set its stock"
        yield _said("no_number", PROBLEM, "在庫未登録のため送られません。", "Its SKU has no number.", step)


def _at_the_mall(code: str, row: ListingNow) -> Iterator[Finding]:
    refused = row.numbers.rejected_code
    if refused is not None:
        japanese = f"モールが拒否しました（{refused}）。{cause(code, 'rejected', refused)}"
        step = f"daicho pushes --rejected --shop {code}"
        yield _said("rejected", PROBLEM, japanese, f"The mall refused it ({refused}).", step)
    if not row.numbers.read_found:
        step = f"daicho listing check LIST.csv --shop {code} --only-unknown"
        japanese = "モールにこの商品コードがありません。"
        yield _said("not_at_the_mall", PROBLEM, japanese, "The mall does not know it.", step)
    if row.sells_at_zero and row.wanted_units == 0:
        step = "モール側の設定を変える / change it at the mall"
        yield _said("sells_at_zero", PROBLEM, "0にしても止まらない設定の商品です。", "0 does not stop this page.", step)


def _on_the_way(code: str, row: ListingNow) -> Iterator[Finding]:
    numbers = row.numbers
    if numbers.pending_request is not None or row.batch_request is not None:
        step = f"daicho pushes --shop {code}"
        yield _said("on_its_way", WAITS, "送信中、またはモールで処理中です。", "A number is on its way.", step)
    if numbers.uncertain_position:
        step = f"daicho reconcile --shop {code} --item {row.key}"
        japanese = "モールの今の数が分からず、読み直しを待っています。"
        yield _said("uncertain", WAITS, japanese, "What it shows is not certain; it waits to be read.", step)
    if row.unseen_units:
        japanese = f"受注が届いていない{row.unseen_units}個分を控えています。"
        english = f"{row.unseen_units} sold there without an order yet are withheld."
        yield _said("withheld", WAITS, japanese, english)
    if row.queued and numbers.pending_request is None:
        step = f"daicho doctor {code} --about pushes"
        japanese = f"{row.wanted_units}に変わる予定です。"
        yield _said("differs", WAITS, japanese, f"It is to be told {row.wanted_units}.", step)


def _by_rules(row: ListingNow) -> Finding:
    rules = row.settings
    parts = [
        f"しきい値{rules.stop_threshold}" if rules.stop_threshold is not None else "",
        f"留保{rules.reserve}" if rules.reserve else "",
        f"配分{rules.share_percent}%" if rules.share_percent != 100 else "",
        f"入数{row.units_per_listing}" if row.units_per_listing > 1 else "",
    ]
    named = "・".join(part for part in parts if part)
    japanese = f"購入可能数は{row.free_units}ですが、{named}の設定で0になります。"
    english = f"{row.free_units} units are free; its rules make 0 of them."
    return _said("rule_gives_zero", FINE, japanese, english, "daicho listing set")
