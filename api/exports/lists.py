"""ショップ商品, 在庫変動ログ, 想定在庫反映ログ and 引当確認受注一覧 as tables: which columns, and every row, page by page.

Codes (kinds, outcomes, triggers) are those that filters and GraphQL take; the states of lines and listings are the words of the
screens. Times are Japan's, to the second; what is exact is the position.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from adapters.kit.order_mail import JST
from adapters.kit.table_writing import TextOrNumber
from api import oversells
from api.oversell_steps import Step
from api.oversells import PageThen
from api.wiring import House
from api.work_list import cause
from projections import change_log, drift, listing_list, order_list, push_log
from projections.change_log import Change
from projections.drift import DriftRow
from projections.listing_list import ListingNow
from projections.order_list import OrderPart
from projections.order_states import LineState
from projections.push_log import Told
from projections.reading import PAGE_ROWS_MAX, Found

LINE_STATES: Mapping[LineState, str] = {
    LineState.SERVED: "引当済",
    LineState.PARTLY_SERVED: "一部",
    LineState.SHORT: "不足",
    LineState.UNLINKED: "未紐付",
    LineState.COUNTED: "計上済",
    LineState.NO_NUMBER: "在庫未登録",
    LineState.SHIPPED: "出荷済",
    LineState.CANCELLED: "キャンセル",
    LineState.RETURN_OPEN: "返品待ち",
    LineState.EXCLUDED: "対象外",
}
LISTING_STATES: Mapping[str, str] = {
    "to_confirm": "確認待ち",
    "linked": "連動",
    "stopped": "停止",
    "excluded": "対象外",
    "retired": "廃止",
}

DRIFTS: Mapping[str, str] = {
    "same": "一致",
    "rule": "配信ルールによる差",
    "not_told": "未反映",
    "moving": "反映中",
    "order_coming": "受注到着待ち",
    "edit": "モールでの手修正",
    "lost_push": "反映の欠落",
    "lost_order": "受注の取りこぼし",
    "late_cancel": "キャンセルの遅れ",
    "duplicate": "受注の重複",
    "unknown_item": "モールにない商品",
    "other_tool": "別ツールによる更新",
}

Column: TypeAlias = tuple[str, Callable[[Any], TextOrNumber]]


@dataclass(frozen=True)
class Exported:
    """One list: the name of its file, its columns, its reader of pages and the reader's cursor behind a row."""

    name: str
    columns: Sequence[Column]
    page: Callable[..., Found[Any]]
    behind: Callable[[Any], Mapping[str, object]]

    @property
    def header(self) -> list[str]:
        return [title for title, _ in self.columns]

    def rows(self, house: House, filters: Mapping[str, object]) -> Iterator[list[TextOrNumber]]:
        """Every row that fits, in the order of the list. A page and no connection is held while a row is away.

        What is recorded meanwhile may or may not be in it; no row comes twice.
        """
        cursor: Mapping[str, object] = {}
        while True:
            with house.pool.connection() as connection:
                found = self.page(connection, house.database.schema, first=PAGE_ROWS_MAX, **filters, **cursor)
            for row in found.rows:
                yield [value(row) for _, value in self.columns]
            if not found.more:
                return
            cursor = self.behind(found.rows[-1])


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S")


_CHANGES: Sequence[Column] = (
    ("位置", lambda row: row.position),
    ("発生日時", lambda row: _moment(row.happened_at)),
    ("記録日時", lambda row: _moment(row.recorded_at)),
    ("商品SKU", lambda row: row.sku),
    ("倉庫", lambda row: row.place),
    ("種類", lambda row: row.kind),
    ("数量", lambda row: row.units),
    ("増減", lambda row: row.delta),
    ("変動前想定在庫数", lambda row: row.before),
    ("変動後想定在庫数", lambda row: row.after),
    ("実在庫数", lambda row: row.on_hand),
    ("連携ショップ", lambda row: row.shop),
    ("受注番号", lambda row: row.order_number),
    ("伝票・理由", lambda row: row.reference),
    ("操作者", lambda row: row.actor),
    ("取込", lambda row: row.import_id),
    ("取込行", lambda row: row.import_row),
    ("追跡", lambda row: row.trace),
)
_PUSHES: Sequence[Column] = (
    ("位置", lambda row: row.position),
    ("送信日時", lambda row: _moment(row.sent_at)),
    ("反映日時", lambda row: _moment(row.applied_until)),
    ("連携ショップ", lambda row: row.shop),
    ("商品コード", lambda row: row.item),
    ("バリエーション", lambda row: row.variant),
    ("反映前モール想定数", lambda row: row.expected_before),
    ("反映数", lambda row: row.units),
    ("契機", lambda row: row.trigger),
    ("送信方法", lambda row: row.channel),
    ("回数", lambda row: row.attempt),
    ("結果", lambda row: row.outcome),
    ("モールのコード", lambda row: row.mall_code),
    ("原因", lambda row: cause(row.shop, row.outcome, row.mall_code)),
    ("応答ミリ秒", lambda row: row.answer_milliseconds),
    ("一括同期", lambda row: row.sync),
    ("要求", lambda row: row.request),
    ("追跡", lambda row: row.trace),
)
_LISTINGS: Sequence[Column] = (
    ("連携ショップ", lambda row: row.shop),
    ("商品コード", lambda row: row.key.item),
    ("バリエーション", lambda row: row.key.variant),
    ("商品SKU", lambda row: row.sku or None),
    ("入数", lambda row: row.units_per_listing),
    ("状態", lambda row: LISTING_STATES[row.state]),
    ("購入可能数", lambda row: row.free_units),
    ("反映予定数", lambda row: row.wanted_units),
    ("最終反映数", lambda row: row.numbers.told_units),
    ("最終送信日時", lambda row: _moment(row.numbers.sent_at)),
    ("モール想定数", lambda row: row.numbers.expected_units),
    ("モール確認数", lambda row: row.numbers.read_units),
    ("モール確認日時", lambda row: _moment(row.numbers.read_at)),
    ("反映エラー", lambda row: row.numbers.rejected_code),
)
_ORDERS: Sequence[Column] = (
    ("連携ショップ", lambda row: row.shop),
    ("受注番号", lambda row: row.number),
    ("受注日時", lambda row: _moment(row.ordered_at)),
    ("受注状態", lambda row: row.order_state),
    ("行", lambda row: row.line),
    ("引当状態", lambda row: LINE_STATES[row.state]),
    ("商品コード", lambda row: row.item),
    ("バリエーション", lambda row: row.variant),
    ("商品SKU", lambda row: row.sku),
    ("引当SKU", lambda row: row.part_sku),
    ("注文数", lambda row: row.quantity),
    ("引当対象数", lambda row: row.open_units * row.part_each),
    ("引当済数", lambda row: row.served_units),
    ("出荷済数", lambda row: row.shipped_units),
    ("要確認", lambda row: " ".join(row.reviews) or None),
    ("未検証", lambda row: None if row.verified else "未検証"),
    ("受注経路", lambda row: row.door),
    ("取込日時", lambda row: _moment(row.recorded_at)),
    ("追跡", lambda row: row.trace),
)
_DRIFT: Sequence[Column] = (
    ("連携ショップ", lambda row: row.shop),
    ("照合", lambda row: row.run),
    ("商品コード", lambda row: row.item),
    ("バリエーション", lambda row: row.variant),
    ("分類", lambda row: DRIFTS[row.drift]),
    ("確実", lambda row: "確実" if row.sure else "推定"),
    ("モール確認数", lambda row: row.read_units),
    ("モール想定数", lambda row: row.expected_units),
    ("最終反映数", lambda row: row.told_units),
    ("反映予定数", lambda row: row.wanted_units),
    ("根拠", lambda row: " ".join(row.shown) or None),
    ("対処", lambda row: row.mended),
    ("照合日時", lambda row: _moment(row.found_at)),
    ("位置", lambda row: row.position),
)

_OVERSELLS: Sequence[Column] = (
    ("位置", lambda row: row.position),
    ("記録日時", lambda row: _moment(row.recorded_at)),
    ("商品SKU", lambda row: row.sku),
    ("不足数", lambda row: row.units),
    ("変動後想定在庫数", lambda row: row.after),
    ("種類", lambda row: row.kind),
    ("連携ショップ", lambda row: row.shop),
    ("受注番号", lambda row: row.order_number),
    ("商品コード", lambda row: row.item),
    ("バリエーション", lambda row: row.variant),
    ("販売日時", lambda row: _moment(row.sold_at)),
    ("受信日時", lambda row: _moment(row.told_at)),
    ("受信までの秒数", lambda row: row.window_seconds),
    ("原因", lambda row: row.cause or None),
    ("経緯", lambda row: " ".join(_step(step) for step in row.steps) or None),
    ("他ページの反映数", lambda row: " ".join(_page_then(one) for one in row.pages) or None),
)


def _step(step: Step) -> str:
    return f"{step.code}:{step.shop}/{step.order}" if step.order else f"{step.code}:{step.position}"


def _page_then(one: PageThen) -> str:
    return f"{one.shop}/{one.item}{'/' if one.variant else ''}{one.variant}:{one.told_units}→{one.expected_units}"


def _behind_change(row: Change) -> Mapping[str, object]:
    return {"before": row.position}


def _behind_push(row: Told) -> Mapping[str, object]:
    return {"before": (row.position, row.place_in_request)}


def _behind_listing(row: ListingNow) -> Mapping[str, object]:
    return {"after": (row.shop, row.key.item, row.key.variant)}


def _behind_order(row: OrderPart) -> Mapping[str, object]:
    return {"before": row.first_position}


def _behind_drift(row: DriftRow) -> Mapping[str, object]:
    return {"after": row.place}


CHANGES = Exported("changes", _CHANGES, change_log.page, _behind_change)
PUSHES = Exported("pushes", _PUSHES, push_log.page, _behind_push)
LISTINGS = Exported("listings", _LISTINGS, listing_list.page, _behind_listing)
OVERSELLS = Exported("oversells", _OVERSELLS, oversells.page, lambda row: {"before": row.position})
ORDERS = Exported("orders", _ORDERS, order_list.page, _behind_order)
DRIFT = Exported("drift", _DRIFT, drift.page, _behind_drift)
LISTS: Mapping[str, Exported] = {one.name: one for one in (LISTINGS, CHANGES, PUSHES, ORDERS, OVERSELLS, DRIFT)}
