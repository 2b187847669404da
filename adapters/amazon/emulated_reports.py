"""Listings reports of an emulated seller: asked for, IN_QUEUE, IN_PROGRESS, DONE, and the gzipped document in CP932."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError, dumps, loads

from fastapi import FastAPI, Request
from fastapi.responses import Response

from adapters.amazon.all_listings import DOCUMENTS, REPORT_TYPE, REPORTS
from adapters.amazon.codes import sku_of
from adapters.kit.emulated_shop import EmulatedShop
from ledger.terms import ListingKey

ADDRESS = "/report-documents/"  # in truth at another host, under a signed address
RATES = {"new_report": (0.0167, 15), "report": (2.0, 15), "report_document": (0.0167, 15)}
HEADER = (
    *("商品名", "出品ID", "出品者SKU", "価格", "数量", "出品日", "商品IDタイプ", "コンディション", "asin1", "商品ID"),
    *("在庫数", "フルフィルメント・チャンネル", "ステータス"),
)

Gate = Callable[[Request, str], Response | None]


@dataclass
class Reports:
    """``states``: what the next questions for a report are answered before DONE. Mutable: it plays the world outside."""

    states: list[str] = field(default_factory=lambda: ["IN_QUEUE", "IN_PROGRESS"])
    documents: dict[str, bytes] = field(default_factory=dict)


def add_reports(app: FastAPI, shop: EmulatedShop, refused: Gate, by_amazon: Mapping[ListingKey, str]) -> None:
    """The Reports API for one seller. ``refused``: why a request is refused before it is looked at."""
    reports = Reports()
    shop.extra["amazon_reports"] = reports

    @app.api_route(REPORTS + "{rest:path}", methods=["GET", "POST"])
    async def report(request: Request, rest: str) -> Response:
        body = await request.body()
        operation = "new_report" if request.method == "POST" else "report"
        with shop.lock:
            return refused(request, operation) or (_made(body) if request.method == "POST" else _state(reports, rest))

    @app.get(DOCUMENTS + "/{name}")
    async def document(request: Request, name: str) -> Response:
        with shop.lock:
            said = {"reportDocumentId": name, "url": f"{request.base_url}{ADDRESS.lstrip('/')}{name}"}
            return refused(request, "report_document") or _json(said | {"compressionAlgorithm": "GZIP"}, 200)

    @app.get(ADDRESS + "{name}")
    async def content(request: Request, name: str) -> Response:
        if request.headers.get("x-amz-access-token") or name != "report-document-1":
            return Response(status_code=403)
        with shop.lock:
            return Response(gzip.compress(_report(shop, by_amazon), mtime=0), media_type="application/octet-stream")


def _made(body: bytes) -> Response:
    try:
        asked = loads(body)
    except (JSONDecodeError, UnicodeDecodeError):
        asked = {}
    if not isinstance(asked, dict) or asked.get("reportType") != REPORT_TYPE or not asked.get("marketplaceIds"):
        return _json({"errors": [{"code": "InvalidInput", "message": "", "details": ""}]}, 400)
    return _json({"reportId": "ID323"}, 202)


def _state(reports: Reports, rest: str) -> Response:
    if rest != "/ID323":
        return _json({"errors": [{"code": "NotFound", "message": "", "details": ""}]}, 404)
    state = reports.states.pop(0) if reports.states else "DONE"
    said = {"reportId": "ID323", "reportType": REPORT_TYPE, "processingStatus": state}
    return _json(said | ({"reportDocumentId": "report-document-1"} if state == "DONE" else {}), 200)


def _report(shop: EmulatedShop, by_amazon: Mapping[ListingKey, str]) -> bytes:
    lines = ["\t".join(HEADER)]
    for key, units in shop.stock.items():
        channel = by_amazon.get(key, "DEFAULT")
        number = "" if units is None or channel != "DEFAULT" else str(units)
        said = {
            "商品名": "サンプル商品",
            "出品ID": "0000000000",
            "出品者SKU": sku_of(key),
            "数量": number,
            "在庫数": "0",
        }
        said |= {"フルフィルメント・チャンネル": channel, "ステータス": "Active"}
        lines.append("\t".join(said.get(name, "") for name in HEADER))
    return "".join(f"{line}\r\n" for line in lines).encode("cp932")


def _json(said: object, status: int) -> Response:
    return Response(dumps(said, ensure_ascii=False).encode(), status, media_type="application/json")
