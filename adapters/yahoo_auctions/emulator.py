"""An emulated Yahoo! auction house: it sells by itself and tells by mail, and to a store by orderList and orderInfo too.

Its auctions are ``house_of(shop)``. Its own doors for tests: GET ``/_emulator/listings.csv`` and ``/_emulator/sold.csv``.
"""

import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import CONTROL, EmulatedOrder, EmulatedShop, emulator_app
from adapters.kit.order_mail import JST
from adapters.kit.yconnect import TOKEN_PATH
from adapters.yahoo_auctions.codes import service_moment
from adapters.yahoo_auctions.emulated_auctions import (
    AuctionHouse,
    cancel_mail,
    house_of,
    listings_csv,
    sold_csv,
    won_mail,
)
from adapters.yahoo_auctions.store_api import API_PATH, parsed, text_of
from ledger.terms import ListingKey

FIRST_ORDER = 10_000_000
REQUESTS_PER_SECOND = 1.0
LIST_ORDERS_MAX = 2_000
ACCESS_SECONDS = 3_600
_XML = "application/xml; charset=utf-8"


class Tokens:
    """The access tokens that are good now; what the shop's secrets hold at the beginning was given at that moment."""

    def __init__(self, shop: EmulatedShop) -> None:
        self._shop = shop
        self._given = 0
        self._until: dict[str, datetime] = {}
        self.give(shop.secrets.get("access_token", ""))

    def give(self, token: str = "") -> str:
        """A token, good for an hour."""
        self._given += 1
        token = token or f"{self._shop.mall}-access-{self._given:06d}"
        self._until[token] = self._shop.clock.now() + timedelta(seconds=ACCESS_SECONDS)
        return token

    def accepts(self, authorization: str) -> bool:
        kind, _, token = authorization.partition(" ")
        until = self._until.get(token)
        return kind == "Bearer" and until is not None and self._shop.clock.now() < until


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one seller; with a setting ``seller_id`` the seller has a store."""
    tokens = Tokens(shop)
    shop.extra["yahoo_auctions"] = AuctionHouse()
    seller = shop.settings.get("seller_id", "") or "samplestore"
    shop.number_order = lambda serial, _: f"{seller}-{FIRST_ORDER + serial}"
    shop.write_order_mail = won_mail
    shop.write_cancel_mail = cancel_mail
    shop.fault_body = lambda status: (f"<Error><Message>status {status}</Message></Error>".encode(), _XML)
    app = emulator_app(shop, "Yahoo!オークション")

    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode("ascii")).items()}
        with shop.lock:
            if form.get("refresh_token", "-") != shop.secrets.get("refresh_token", ""):
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            return JSONResponse({"access_token": tokens.give(), "token_type": "Bearer", "expires_in": ACCESS_SECONDS})

    @app.post(API_PATH + "orderList")
    async def order_list(request: Request) -> Response:
        asked = parsed(await request.body())
        with shop.lock:
            return _refused(shop, tokens, request, asked, "orderList") or _order_list(shop, asked)

    @app.post(API_PATH + "orderInfo")
    async def order_info(request: Request) -> Response:
        asked = parsed(await request.body())
        with shop.lock:
            return _refused(shop, tokens, request, asked, "orderInfo") or _order_info(shop, asked)

    @app.get(f"{CONTROL}/listings.csv")
    async def listings() -> Response:
        with shop.lock:
            return Response(listings_csv(shop), media_type="text/csv")

    @app.get(f"{CONTROL}/sold.csv")
    async def sold() -> Response:
        with shop.lock:
            return Response(sold_csv(shop), media_type="text/csv")

    return app


def _refused(
    shop: EmulatedShop, tokens: Tokens, request: Request, asked: ET.Element | None, operation: str
) -> Response | None:
    """Why a request is refused, in the order of the mall's gates; None when it may be looked at."""
    if not tokens.accepts(request.headers.get("authorization", "")):
        message = 'Please provide valid credentials. Bearer realm="yahooapis.jp", error="invalid_token"'
        return Response(f"<Error><Message>{escape(message)}</Message></Error>".encode(), 401, media_type=_XML)
    if shop.take_token(operation, per_second=REQUESTS_PER_SECOND) > 0:
        return Response(b"<Error><Message>Too Many Requests</Message></Error>", 429, media_type=_XML)
    if asked is None or not text_of(asked, "SellerId"):
        return _error("px-04001", '"seller_id" is not specified')
    if text_of(asked, "SellerId") != shop.settings.get("seller_id", ""):
        return _error("od-02101", "SellerId is invalid.")
    return None


def _order_list(shop: EmulatedShop, asked: ET.Element | None) -> Response:
    assert asked is not None
    since, until = (service_moment(text_of(asked, name)) for name in ("OrderTimeFrom", "OrderTimeTo"))
    start, result = (int(text_of(asked, name) or "0") for name in ("Start", "Result"))
    if since is None or until is None or start < 1 or not 0 < result <= LIST_ORDERS_MAX:
        return _error("od-02102", "Search is invalid.")
    found = [order for order in shop.orders.values() if since <= order.ordered_at <= until]
    page = found[start - 1 : start - 1 + result]
    listed = "".join(f"<OrderInfo><Index>{n}</Index>{_head(order)}</OrderInfo>" for n, order in enumerate(page, start))
    return _result(f"<Search><TotalCount>{len(found)}</TotalCount>{listed}</Search>")


def _order_info(shop: EmulatedShop, asked: ET.Element | None) -> Response:
    assert asked is not None
    order = shop.orders.get(text_of(asked, "OrderId"))
    if order is None:
        return _error("od-03101", "OrderId is not found.")
    items = "".join(_item(shop, line, key, lots) for line, (key, lots) in enumerate(order.lines, start=1))
    return _result(f"<OrderInfo>{_head(order)}{items}</OrderInfo>")


def _head(order: EmulatedOrder) -> str:
    (key, _) = order.lines[0]
    changed = order.cancelled_at or order.ordered_at
    return (
        f"<OrderId>{order.number}</OrderId><Version>{1 if order.cancelled_at is None else 2}</Version>"
        f"<OrderTime>{_time(order.ordered_at)}</OrderTime><LastUpdateTime>{_time(changed)}</LastUpdateTime>"
        f"<OrderStatus>{2 if order.cancelled_at is None else 4}</OrderStatus>"
        f"<IsYahooAuctionOrder>true</IsYahooAuctionOrder><YahooAuctionId>{escape(key.item)}</YahooAuctionId>"
    )


def _item(shop: EmulatedShop, line: int, key: ListingKey, lots: int) -> str:
    own_code = escape(house_of(shop).of(key.item).own_code)
    return (
        f"<Item><LineId>{line}</LineId><ItemId>{own_code}</ItemId><Quantity>{lots}</Quantity>"
        f"<YahooAuctionId>{escape(key.item)}</YahooAuctionId><YahooAuctionMerchantId>{own_code}</YahooAuctionMerchantId></Item>"
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(JST).isoformat(timespec="seconds")


def _result(inside: str) -> Response:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ResultSet><Result><Status>OK</Status>{inside}</Result></ResultSet>'
    )
    return Response(text.encode(), 200, media_type=_XML)


def _error(code: str, message: str) -> Response:
    text = f'<Error xmlns="urn:yahoo:api"><Message>{escape(message)}</Message><Code>{code}</Code></Error>'
    return Response(text.encode(), 400, media_type=_XML)
