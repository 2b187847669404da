"""Changing a shop's match key (同一商品判定キー): first which listings would name another SKU, then, confirmed, facts.

The mall's own files say what each listing would name by the other key; they are staged like an import and never applied. The
list of listings that would name another SKU is one that `daicho listing link --relink` takes: confirmed, it is sent so, SKUs that do not
exist are registered without a number (在庫未登録), every relinked listing waits to be confirmed (確認待ち, D21), and the key holds for what is
imported later.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import adapters
from adapters.kit.table_writing import TableWriter
from api.jobs import listing_bulk, staging
from api.jobs.imports import Progress, Wish, shop_of
from api.jobs.listing_bulk import File, Outcome, Sink
from api.jobs.listing_bulk_tasks import linking
from api.jobs.sent_files import Sent
from api.projecting import catch_up
from api.shops import SettingNotAccepted
from api.tables import imports
from api.tables.imports import ImportFile
from api.wiring import House
from ledger.book import shops, stock

HEADER = ("商品SKU", "モール商品コード", "モール枝番", "入数", "現在の商品SKU", "商品SKUの登録")
REGISTERED, NEW = "あり", "なし"
REGISTER_ROWS = 500
FETCH_ROWS = 1_000

_SEEN = """
FROM import_rows AS r JOIN listings AS l ON l.shop = %(shop)s AND l.item = r.item AND l.variant = r.variant
    AND l.sku <> '' AND l.state <> 'retired'
LEFT JOIN stock_levels AS s ON s.place = 'main' AND s.sku = r.sku AND s.sku_version > 0
WHERE r.import_id = %(id)s AND r.problem_expected IS NULL
"""


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What the other key would change, and, ``done``, did.

    ``other``: listings that name another SKU by it; ``new_skus`` of those are not registered; ``joined``: SKUs that then
    have listings of several SKUs of now; ``unnamed``: listings whose field is blank, which stay; ``not_in_files`` stay too.
    """

    match_key: str
    now: str
    same: int
    other: int
    new_skus: int
    joined: int
    unnamed: int
    not_in_files: int
    problems: int
    done: Outcome | None = None


def rekey(
    house: House,
    code: str,
    match_key: str,
    sent: Sequence[Sent],
    actor: str,
    write: Sink,
    *,
    confirm: bool,
    progress: Progress | None = None,
) -> Rekeyed:
    """The list is written; ``confirm``: what it says is done, and the shop has the key.

    Raises ShopNotReady, SettingNotAccepted, FileRefused.
    """
    shop = shop_of(house, code)
    known = [key.name for key in adapters.mall(shop.mall).match_keys]
    if match_key not in known:
        raise SettingNotAccepted(f"match key {match_key!r}; expected one of {', '.join(known)}")
    catch_up(house)
    wish = Wish(code, "overwrite", sent[0].name)
    file = staging.stage_files(house, sent, wish, actor, replace(shop, match_key=match_key), progress)
    try:
        seen = _seen(house, file, match_key, shop.match_key)
        chunks = list(_list(house, file))
        for chunk in chunks:
            write(chunk)
        if not confirm:
            return seen
        _register(house, file, actor)
        task = linking(house, code, relink=True)
        done = listing_bulk.apply(house, File("the list of changes", lambda: iter(chunks)), task, house.by(actor))
        verb = shops.connect_shop(mall=shop.mall, mall_shop_id=shop.mall_shop_id, match_key=match_key, settings={})
        position = house.book.do(verb, house.by(actor)).position
        return replace(seen, done=replace(done, position=max(done.position, position)))
    finally:
        with house.pool.connection() as connection:
            imports.refuse(connection, file.import_id, f"read to see what the match key {match_key} names")


def _seen(house: House, file: ImportFile, match_key: str, now: str) -> Rekeyed:
    values = {"shop": file.shop, "id": file.import_id}
    with house.pool.connection() as connection:
        counts = connection.execute(
            "SELECT count(*) FILTER (WHERE r.sku = l.sku), count(*) FILTER (WHERE r.sku <> '' AND r.sku <> l.sku),"
            " count(DISTINCT r.sku) FILTER (WHERE r.sku <> '' AND r.sku <> l.sku AND s.sku IS NULL),"
            f" count(*) FILTER (WHERE r.sku = '') {_SEEN}".encode(),
            values,
        ).fetchone()
        joined = connection.execute(
            f"SELECT count(*) FROM (SELECT r.sku {_SEEN} AND r.sku <> '' GROUP BY r.sku HAVING count(DISTINCT l.sku) > 1) AS j".encode(),
            values,
        ).fetchone()
        absent = connection.execute(
            "SELECT count(*) FROM listings AS l WHERE l.shop = %(shop)s AND l.sku <> '' AND l.state <> 'retired' AND NOT EXISTS"
            " (SELECT 1 FROM import_rows AS r WHERE r.import_id = %(id)s AND r.item = l.item AND r.variant = l.variant)",
            values,
        ).fetchone()
    assert counts is not None
    assert joined is not None
    assert absent is not None
    same, other, new_skus, unnamed = counts
    return Rekeyed(match_key, now, same, other, new_skus, joined[0], unnamed, absent[0], file.problems)


def _list(house: House, file: ImportFile) -> Iterator[bytes]:
    """The listings that would name another SKU, as a list of links."""
    writer = TableWriter(HEADER)
    with house.pool.connection() as connection, connection.cursor(name="rekeyed") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(
            "SELECT r.sku, l.item, l.variant, l.units_per_listing, l.sku, s.sku IS NOT NULL"
            f" {_SEEN} AND r.sku <> '' AND r.sku <> l.sku ORDER BY l.item, l.variant".encode(),
            {"shop": file.shop, "id": file.import_id},
        )
        for sku, item, variant, units, now, registered in cursor:
            yield from writer.add((sku, item, variant, units, now, REGISTERED if registered else NEW))
    yield writer.rest()


def _register(house: House, file: ImportFile, actor: str) -> None:
    """SKUs that are named and do not exist are registered, without a number."""
    with house.pool.connection() as connection:
        rows = iter(
            connection.execute(
                "SELECT DISTINCT ON (r.sku) r.sku, r.name, r.jan, r.product"
                f" {_SEEN} AND r.sku <> '' AND r.sku <> l.sku AND s.sku IS NULL ORDER BY r.sku, r.row".encode(),
                {"shop": file.shop, "id": file.import_id},
            ).fetchall()
        )
    while page := list(islice(rows, REGISTER_ROWS)):
        verbs = [stock.register_sku(sku, name=name, jan=jan, product=product) for sku, name, jan, product in page]
        for answer in house.book.do_page([(verb, house.by(actor)) for verb in verbs]):
            if isinstance(answer, Exception):
                raise answer
