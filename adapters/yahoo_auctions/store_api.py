"""Call the order service of Yahoo! stores (orderList, orderInfo) for auction orders, and test the connection with it.

Since 2021 a store's sold auctions are orders there like those of Yahoo!ショッピング. A seller without a store has no service.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from adapters.kit.answers import read_failed
from adapters.kit.mall import Answer, ConnectionTested, DueWarning, ReadFailed, Reply, ShopAccess
from adapters.kit.order_mail import JST
from adapters.kit.yconnect import RELOGIN_NEEDED, authorized, due_warnings, log_in
from ledger.terms import Outcome, Result

API_PATH = "/ShoppingWebService/V1/"
BODY_BYTES_MAX = 20_000_000  # 2,000 orders of a list are about 1 MB
_ERROR_CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")
MAIL_ONLY = "ストアアカウントがないため、注文はメールで受け取ります。転送されたメールが届くことを確かめてください。"


def ask(access: ShopAccess, operation: str, request: str) -> ET.Element | ReadFailed:
    """The ResultSet that answers a request (the XML inside ``Req``), or why there is none."""
    body = f"<Req>{request}<SellerId>{escape(_seller(access))}</SellerId></Req>".encode()

    def send(headers: Mapping[str, str]) -> Reply:
        test_store = _seller(access).startswith(access.profile.text("api.test_store_prefix"))
        url = access.host("api_test" if test_store else "api") + API_PATH + operation
        return access.http.send("POST", url, headers={**headers, "Content-Type": "application/xml"}, content=body)

    answer = authorized(access, send, error_code)
    if isinstance(answer, Outcome):
        return _failed(answer)
    code = error_code(answer)
    if code in access.profile.texts("api.maintenance_codes"):
        return ReadFailed(Result.TRANSIENT, code, access.profile.number("api.maintenance_wait_seconds"))
    root = parsed(answer.body)
    if answer.status != 200:
        return _named(read_failed(answer), code)
    if root is None or name_of(root) != "ResultSet":
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return root


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the store answers orderList for the last minute; changes nothing. A pasted login code is used first.

    Without a store account there is nothing to call: orders come by mail.
    """
    if not _seller(access):
        return ConnectionTested(True, MAIL_ONLY)
    warnings: list[DueWarning] = []
    if access.secrets.get("authorization_code", ""):
        failed = log_in(access)
        if failed is not None:
            said = f"認可コードでログインできませんでした（{failed.code}）。"
            warnings.append(DueWarning("authorization_code_refused", said))
    since, until = (jst_text(access.now() - ago) for ago in (timedelta(minutes=1), timedelta()))
    condition = f"<OrderTimeFrom>{since}</OrderTimeFrom><OrderTimeTo>{until}</OrderTimeTo>"
    search = f"<Result>1</Result><Start>1</Start><Sort>+order_time</Sort><Condition>{condition}</Condition><Field>OrderId</Field>"
    found = ask(access, "orderList", f"<Search>{search}</Search>")
    warnings.extend(due_warnings(access))
    if isinstance(found, ReadFailed):
        return ConnectionTested(False, _why(found), tuple(warnings))
    return ConnectionTested(True, "注文検索API（orderList）で接続を確認しました。", tuple(warnings))


def jst_text(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y%m%d%H%M%S")


def error_code(answer: Answer) -> str:
    """The service's own code of a refusal; a text that is none is not passed on, it could say anything."""
    root = parsed(answer.body) if answer.status >= 400 else None
    if root is None or name_of(root) != "Error":
        return ""
    code = text_of(root, "Code")
    return code if not code or _ERROR_CODE.fullmatch(code) else "code_not_understood"


def parsed(body: bytes) -> ET.Element | None:
    """The XML of an answer; None for anything else. A document type is refused unread: entities could make it huge."""
    if len(body) > BODY_BYTES_MAX:
        return None
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        return None
    try:
        return ET.fromstring(text)  # noqa: S314  (no document type, so no entity, can be in it)
    except ET.ParseError:
        return None


def name_of(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def all_of(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """Every element of that name below, whatever namespace it is in: one order is one element, several are several."""
    return (one for one in element.iter() if name_of(one) == name)


def text_of(element: ET.Element, name: str) -> str:
    """The text of the first element of that name below; "" when there is none."""
    found = next(all_of(element, name), None)
    return (found.text or "").strip() if found is not None else ""


def _seller(access: ShopAccess) -> str:
    return access.settings.get("seller_id", "").strip()


def _failed(outcome: Outcome) -> ReadFailed:
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


def _named(failed: ReadFailed, code: str) -> ReadFailed:
    return ReadFailed(failed.result, code or failed.code, failed.wait_seconds)


def _why(failed: ReadFailed) -> str:
    if failed.code == RELOGIN_NEEDED:
        return "ログインの有効期限が切れています。Yahoo! JAPAN IDでログインし直し、認可コードを登録してください。"
    if failed.result is Result.REJECTED_AUTH:
        return f"Yahoo!が接続情報を受け付けません（{failed.code}）。ストアアカウント、Client ID、シークレット、公開鍵を確かめてください。"
    return f"注文を読めませんでした（{failed.code}）。しばらくしてからもう一度お試しください。"
