"""The sample rows of Qoo10's order API with what each means. Every order, person and product is invented."""

from collections.abc import Iterator, Mapping

Sample = tuple[str, Mapping[str, object], Mapping[str, object]]

SHIPPING: Mapping[str, object] = {
    "ShippingStatus": "2",
    "SellerID": "sample_seller",
    "PackNo": 300000001,
    "OrderDate": "2026-11-20 12:34:56",
    "PaymentDate": "2026-11-20 12:40:00",
    "EstimatedShippingDate": "2026-11-24",
    "ShippingDate": "",
    "DeliveredDate": "",
    "Buyer": "見本 太郎",
    "BuyerTel": "000-0000-0000",
    "BuyerEmail": "buyer@example.jp",
    "OrderNo": 600000010,
    "ItemNo": "1234567890",
    "SellerItemCode": "A-01",
    "ItemTitle": "見本のTシャツ",
    "Option": "",
    "OptionCode": "",
    "OrderPrice": 1980.0,
    "OrderQty": 1,
    "Total": 1980.0,
    "Receiver": "見本 花子",
    "ShippingAddress": "見本県見本市1-2-3",
    "Currency": "JPY",
    "RelatedOrder": "",
    "AvailableSendType": "0",
}
CLAIM: Mapping[str, object] = {
    "claimStatus": "3",
    "cancelRefundDate": "2026-11-21 09:00:00",
    "reason": "",
    "requestDate": "2026-11-20 20:00:00",
    "orderDate": "2026-11-20 12:34:56",
    "PaymentDate": "2026-11-20 12:40:00",
    "orderNo": 600000010,
    "packNo": 300000001,
    "itemCode": "1234567890",
    "sellerItemCode": "A-01",
    "itemTitle": "見本のTシャツ",
    "orderQty": 1,
    "receiver": "見本 花子",
    "buyer": "見本 太郎",
}
ORDERED_AT = "2026-11-20T03:34:56Z"
PAID_AT = "2026-11-20T03:40:00Z"
CLAIMED_AT = "2026-11-21T00:00:00Z"
LINE: Mapping[str, object] = {"item": "1234567890", "quantity": 1, "line_id": "600000010", "codes": ["A-01"]}


def order_samples() -> Iterator[Sample]:
    """Stem, row and want of every sample row."""
    yield from _sales()
    yield from _claims()
    yield from _not_understood()


def _sale(stem: str, row: Mapping[str, object], line: Mapping[str, object] = LINE, **more: object) -> Sample:
    telling = {
        "order": "600000010",
        "state": "confirmed",
        "complete": True,
        "ordered_at": ORDERED_AT,
        "told_at": PAID_AT,
        "lines": [line],
        **more,
    }
    return stem, {**SHIPPING, **row}, {"telling": telling}


def _sales() -> Iterator[Sample]:
    yield _sale("order-new", {})
    yield _sale("order-waiting-1", {"ShippingStatus": "1"})
    yield _sale("order-unpaid", {"ShippingStatus": "1", "PaymentDate": ""}, state="provisional", told_at=ORDERED_AT)
    yield _sale("order-seller-checked-3", {"ShippingStatus": "3"})
    shipped = {"ShippingStatus": "4", "ShippingDate": "2026-11-22 18:00:00"}
    yield _sale("order-shipped-4", shipped, state="shipped", told_at="2026-11-22T09:00:00Z")
    delivered = {"ShippingStatus": "5", "ShippingDate": "2026/11/22", "DeliveredDate": "2026/11/24 10:00"}
    yield _sale("order-delivered-5", delivered, state="shipped", told_at="2026-11-24T01:00:00Z")
    yield _sale("order-state-in-words", {"ShippingStatus": "配送要請(2)"})
    option = {"Option": "カラー:赤 / サイズ:S", "OptionCode": "RED_S", "OrderQty": 3}
    codes = ["1234567890/RED_S", "A-01/RED_S"]
    yield _sale("order-option-code", option, {**LINE, "variant": "RED_S", "quantity": 3, "codes": codes})
    texts = "カラー||*サイズ$$赤||*S"
    codes = [f"1234567890/{texts}", f"A-01/{texts}"]
    yield _sale(
        "order-option-texts", {**option, "OptionCode": ""}, {**LINE, "variant": texts, "quantity": 3, "codes": codes}
    )
    codes = ["1234567890/ギフト包装", "A-01/ギフト包装"]
    yield _sale("order-option-free-text", {"Option": "ギフト包装"}, {**LINE, "variant": "ギフト包装", "codes": codes})
    yield _sale("order-without-seller-code", {"SellerItemCode": ""}, {**LINE, "codes": []})
    zeros = {"SellerItemCode": "000123", "OrderQty": "1000"}
    yield _sale("order-leading-zeros", zeros, {**LINE, "quantity": 1000, "codes": ["000123"]})
    only_day = {"OrderDate": "2026-11-20", "PaymentDate": ""}
    yield _sale(
        "order-only-the-day", only_day, ordered_at=None, ordered_on="2026-11-20", told_at="2026-11-19T15:00:00Z"
    )
    yield _sale("order-time-in-digits", {"OrderDate": "20261120123456"})
    small = {name[0].lower() + name[1:]: value for name, value in SHIPPING.items()}
    asked = {**CLAIM, **small, "claimStatus": "1", "requestDate": "2026-11-20 20:00:00", "cancelRefundDate": ""}
    want = {"order": "600000010", "state": "confirmed", "complete": True, "ordered_at": ORDERED_AT}
    told = {**want, "told_at": "2026-11-20T11:00:00Z", "lines": [LINE]}
    yield "order-cancel-asked-for", asked, {"telling": told}


def _claim(stem: str, row: Mapping[str, object], reason: str) -> Sample:
    telling = {
        "order": "600000010",
        "state": "cancelled",
        "complete": False,
        "ordered_at": ORDERED_AT,
        "told_at": CLAIMED_AT,
        "reason": reason,
    }
    return stem, {**CLAIM, **row}, {"telling": telling}


def _claims() -> Iterator[Sample]:
    yield _claim("claim-cancelled-buyer", {"reason": "お客様都合によるキャンセル"}, "buyer")
    yield _claim("claim-cancelled-out-of-stock", {"reason": "在庫なし（販売者事由）"}, "out_of_stock")
    yield _claim("claim-cancelled-unknown", {"reason": "見本の理由"}, "unknown")
    yield _claim("claim-cancelled-in-words", {"claimStatus": "キャンセル完了(3)"}, "unknown")
    yield _claim("claim-unpaid-16", {"claimStatus": "16"}, "unpaid")
    yield _claim("claim-returned-6", {"claimStatus": "6", "reason": "商品不良"}, "defective")
    for status in ("1", "2", "4", "5", "11", "12", "13"):
        yield f"ignored-claim-open-{status}", {**CLAIM, "claimStatus": status}, {"ignored": "claim_asked_for"}
    for status in ("14", "15"):
        row = {**CLAIM, "claimStatus": status, "nrDutyTarget": "SC", "nrPartRefundCnt": 1}
        yield f"ignored-not-received-{status}", row, {"ignored": "not_received_refund"}


def _not_understood() -> Iterator[Sample]:
    wrong: tuple[tuple[str, Mapping[str, object], str], ...] = (
        ("no-order-number", {"OrderNo": None}, "order_number"),
        ("order-number-of-letters", {"OrderNo": "6OOOOOOIO"}, "order_number"),
        ("quantity-zero", {"OrderQty": 0}, "quantity"),
        ("quantity-negative", {"OrderQty": -1}, "quantity"),
        ("quantity-fraction", {"OrderQty": "1.5"}, "quantity"),
        ("quantity-missing", {"OrderQty": None}, "quantity"),
        ("quantity-huge", {"OrderQty": 10_000_000}, "quantity"),
        ("no-item", {"ItemNo": "", "SellerItemCode": ""}, "item"),
        ("item-with-a-line-break", {"ItemNo": "1234\n567890"}, "item"),
        ("state-unknown", {"ShippingStatus": "9"}, "shipping_status"),
        ("no-date", {"OrderDate": "", "PaymentDate": ""}, "date"),
        ("date-of-no-day", {"OrderDate": "2026-02-30 10:00:00", "PaymentDate": ""}, "date"),
        ("claim-state-unknown", {"ClaimStatus": "99"}, "claim_status"),
    )
    for stem, row, rule in wrong:
        yield f"broken-{stem}", {**SHIPPING, **row}, {"not_understood": {"rule": rule}}
