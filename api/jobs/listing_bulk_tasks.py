"""What each kind of list asks of the ledger: links to a shop, replaced codes, settings, sets."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta, timezone
from typing import Any

import psycopg

import adapters
from adapters.kit.file_form import RowProblem
from adapters.kit.japanese import normalised
from api.jobs.imports import FileRefused, shop_of
from api.jobs.listing_bulk import Item, Line, Outcome, Task, one_by_one
from api.jobs.listing_bulk_rows import (
    LINK,
    RECIPE,
    REPLACE,
    SET,
    SETTINGS,
    SHOWN_MAX,
    ComponentAsked,
    LinkAsked,
    ReplaceAsked,
    Said,
    SetAsked,
    own_columns,
    read_component,
    read_link,
    read_replace,
    reading_sets,
)
from api.jobs.switching import GUARD_TO_ZERO, would_want
from api.wiring import House
from ledger import keys, listing
from ledger.book import Verb
from ledger.book.list_rows import define_set_rows, link_row, replace_row, set_row
from ledger.book.shops import LISTINGS_PAGE_MAX
from ledger.sku import COMPONENTS_MAX
from ledger.terms import MAIN_PLACE, ListingKey
from ledger.view import View
from projections import listing_list
from projections.listing_list import ListingNow

JAPAN = timezone(timedelta(hours=9))
SET_ROWS_MAX = 200_000  # rows of sets are held in memory, because those of one set need not stand together
SKUS_ASKED_MAX = 100  # in one question for the listings of SKUs


class NotConfirmed(ValueError):
    """So many pages would show 0 that a person has to say so."""


def check_guard(house: House, shop: str, seen: Outcome) -> None:
    """Raises NotConfirmed when by this preview more pages would show 0 than the shop's guard lets pass."""
    zeroes, most = seen.effects["toZero"], int(shop_of(house, shop).settings.get("guard.to_zero", GUARD_TO_ZERO))
    if zeroes > most:
        raise NotConfirmed(
            f"{zeroes} pages of {shop} would show 0; expected at most {most}: look at the preview, then send the list confirmed"
        )


def linking(house: House, shop: str, *, relink: bool) -> Task[LinkAsked]:
    """一括更新:取り扱いショップ. ``relink``: rows may give listings another SKU than they sell now. Raises ShopNotReady."""
    shop_of(house, shop)

    def verbs(rows: Sequence[tuple[int, LinkAsked]]) -> list[Verb | RowProblem]:
        unknown = _alike(house, {row.sku for _, row in rows})
        return [
            RowProblem(line, LINK["sku"][0], row.sku[:SHOWN_MAX], f"a SKU that is registered, as {unknown[row.sku]} is")
            if row.sku in unknown
            else link_row(shop, row.key, row.sku, units_per_listing=row.units_per_listing, relink=relink)
            for line, row in rows
        ]

    items = one_by_one(LINK, read_link, lambda row: keys.listing_text(row.key))
    return Task(LINK, ("sku", "item"), items, verbs, what="link", shop=shop)


def replacing(house: House, shop: str) -> Task[ReplaceAsked]:
    """Codes that the check list replaces. Raises ShopNotReady."""
    shop_of(house, shop)

    def verbs(rows: Sequence[tuple[int, ReplaceAsked]]) -> list[Verb | RowProblem]:
        return [
            RowProblem(line, REPLACE["new_item"][0], str(row.new)[:SHOWN_MAX], "other codes than the listing has")
            if row.key == row.new
            else replace_row(shop, row.key, row.new)
            for line, row in rows
        ]

    items = one_by_one(REPLACE, read_replace, lambda row: keys.listing_text(row.key))
    return Task(REPLACE, ("item", "new_item"), items, verbs, apart=False, what="replace", shop=shop)


def setting(house: House, shop: str) -> Task[SetAsked]:
    """入数, rules, what is kept back, states. The lists of listings have caught up before. Raises ShopNotReady."""
    task = _Settings(house, shop, adapters.mall(shop_of(house, shop).mall).units_max)
    own = adapters.mall(shop_of(house, shop).mall).own_items
    columns, saying = {**SET, **own_columns(own)}, (*SETTINGS, *(item.name for item in own))
    read = reading_sets(own)
    items = one_by_one(columns, read, lambda row: keys.listing_text(row.key) if row.key else f"\0{row.change.sku}")
    return Task(columns, (), items, task.verbs, saying, task.effects, what="set", shop=shop)


def defining() -> Task[tuple[ComponentAsked, ...]]:
    """セット商品: all rows of a set are its recipe, done together."""

    def verbs(rows: Sequence[tuple[int, tuple[ComponentAsked, ...]]]) -> list[Verb | RowProblem]:
        return [
            define_set_rows(
                parts[0].sku, [p.component for p in parts if p.component], [p.units for p in parts if p.component]
            )
            for _, parts in rows
        ]

    return Task(RECIPE, ("sku", "component"), _sets, verbs, apart=False, what="recipe")


# ------------------------------------------------------------------ links


def _alike(house: House, codes: set[str]) -> dict[str, str]:
    """Of the codes that are no SKU: a registered one that differs only by case, width or spaces around, where there is one (D30)."""
    alike = {code: _spellings(code) for code in codes}
    asked = codes.union(*alike.values())
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT sku FROM stock_levels WHERE place = %s AND sku = ANY (%s) AND sku_version > 0",
            (MAIN_PLACE, sorted(asked)),
            prepare=True,
        )
        registered = {str(row[0]) for row in rows}
    found = {code: next((one for one in alike[code] if one in registered), None) for code in codes - registered}
    return {code: one for code, one in found.items() if one is not None}


def _spellings(code: str) -> list[str]:
    plain = normalised(code).strip()
    return list(dict.fromkeys((code.strip(), plain, plain.upper(), plain.lower())))


# ------------------------------------------------------------------ settings


class _Settings:
    """The rows of settings of one pass. Mutable: what each SKU is to keep back is remembered, and the page's listings."""

    def __init__(self, house: House, shop: str, units_max: int) -> None:
        self._house, self._shop, self._units_max = house, shop, units_max
        self._kept_back: dict[str, tuple[int, int]] = {}  # units and row, by SKU
        self._now: Mapping[ListingKey, ListingNow] = {}
        self._of_sku: Mapping[str, Sequence[ListingKey]] = {}
        self._kept_before: Mapping[str, int] = {}

    def verbs(self, rows: Sequence[tuple[int, SetAsked]]) -> list[Verb | RowProblem]:
        """What the ledger is asked, row by row, or why it is not."""
        schema = self._house.database.schema
        with self._house.pool.connection() as connection:
            for way in (
                "seqscan",
                "hashjoin",
                "mergejoin",
            ):  # a page of rows is asked for, whatever the planner thinks of its size
                connection.execute(f"SET LOCAL enable_{way} = off".encode())
            self._of_sku = _listings_of(
                connection, self._shop, [r.change.sku for _, r in rows if r.key is None and r.change.sku]
            )
            asked = {key for _, row in rows for key in self._keys(row)}
            self._now = listing_list.of_keys(connection, schema, self._shop, asked)
            self._kept_before = _kept_back_of(connection, {now.sku for now in self._now.values()})
        return [self._verb(line, row) for line, row in rows]

    def effects(self, view: View, asked: SetAsked) -> Mapping[str, int]:
        """How many pages would show another number, and how many of them 0 that show more now."""
        counts = {"numbersChange": 0, "toZero": 0, **({"restockPast": 1} if self._is_past(asked) else {})}
        for key in self._keys(asked):
            now = self._now.get(key)
            if now is None:
                continue
            state = view.state(keys.listing(self._shop, key), listing.FOLD)
            free = now.free_units
            if asked.change.kept_back_units is not None and free is not None:
                free -= asked.change.kept_back_units - self._kept_before.get(now.sku, 0)
            after = listing.wanted(state, free, units_max=self._units_max, stopped=listing.Stopped(now.stopped_since))
            shown = now.numbers.expected_units if now.numbers.expected_units is not None else now.wanted_units
            counts["numbersChange"] += after is not None and after != now.wanted_units
            counts["toZero"] += after == 0 and shown != 0
        return counts

    def _is_past(self, asked: SetAsked) -> bool:
        """The row says a restock date that is over: it is kept, and the mall is not told it."""
        said = asked.change.rules.get("restock_on")
        return isinstance(said, str) and said <= self._house.clock.now().astimezone(JAPAN).date().isoformat()

    def _keys(self, asked: SetAsked) -> Sequence[ListingKey]:
        return [asked.key] if asked.key is not None else self._of_sku.get(asked.change.sku or "", ())

    def _verb(self, line: int, row: SetAsked) -> Verb | RowProblem:
        found = self._keys(row)
        if not found or len(found) > LISTINGS_PAGE_MAX:
            expected = f"a SKU with 1 to {LISTINGS_PAGE_MAX} listings in {self._shop}; it has {len(found) or 'none'}"
            return RowProblem(line, SET["sku"][0], (row.change.sku or "")[:SHOWN_MAX], expected)
        return (
            self._contradicted(line, row, found)
            or self._unseen(line, row, found)
            or set_row(self._shop, found, row.change)
        )

    def _contradicted(self, line: int, row: SetAsked, found: Sequence[ListingKey]) -> RowProblem | None:
        """What is kept back is the SKU's: two rows of it cannot say two numbers."""
        units = row.change.kept_back_units
        if units is None:
            return None
        for code in {now.sku for key in found if (now := self._now.get(key)) is not None and now.sku}:
            before, said_in = self._kept_back.setdefault(code, (units, line))
            if before != units:
                expected = f"{before}, as row {said_in} says: it is one number of SKU {code}"
                return RowProblem(line, SET["kept_back_units"][0], str(units), expected)
        return None

    def _unseen(self, line: int, row: SetAsked, found: Sequence[ListingKey]) -> RowProblem | None:
        """A listing that waits is confirmed by a person who saw the numbers that stand beside each other now (D21)."""
        if row.change.state != listing.LINKED or row.change.seen is None:
            return None
        for key in found:
            now = self._now.get(key)
            if now is None or now.state != listing.TO_CONFIRM:
                continue
            if now.numbers.read_at is None or not now.numbers.read_found:
                expected = f"blank: {key} was not read; `daicho shop start {self._shop} --review` reads it"
                return RowProblem(line, SET["read_units"][0], _shown(row.change.seen[0]), expected)
            would = would_want(now, self._units_max)
            for column, said, stands in zip(
                ("read_units", "wanted_units"), row.change.seen, (now.numbers.read_units, would), strict=True
            ):
                if said != stands:
                    expected = f"{_shown(stands) or 'blank'}, which is the number of {key} now"
                    return RowProblem(line, SET[column][0], _shown(said), expected)
        return None


def _shown(units: int | None) -> str:
    return "" if units is None else str(units)


def _listings_of(connection: psycopg.Connection[Any], shop: str, codes: Sequence[str]) -> dict[str, list[ListingKey]]:
    """The listings of these SKUs in the shop that are sold still, one more than may be asked at the most."""
    found: dict[str, list[ListingKey]] = {}
    for start in range(0, len(codes), SKUS_ASKED_MAX):
        rows = connection.execute(
            "SELECT w.sku, l.item, l.variant FROM unnest(%s::text[]) AS w (sku), LATERAL (SELECT item, variant FROM listings AS s"
            " WHERE s.shop = %s AND s.sku = w.sku AND s.state <> %s ORDER BY item, variant LIMIT %s) AS l",
            (list(codes[start : start + SKUS_ASKED_MAX]), shop, listing.RETIRED, LISTINGS_PAGE_MAX + 1),
            prepare=True,
        )
        for code, item, variant in rows:
            found.setdefault(code, []).append(ListingKey(item, variant))
    return found


def _kept_back_of(connection: psycopg.Connection[Any], codes: set[str]) -> dict[str, int]:
    rows = connection.execute(
        "SELECT sku, kept_back FROM stock_levels WHERE place = %s AND sku = ANY (%s)",
        (MAIN_PLACE, sorted(codes)),
        prepare=True,
    )
    return {str(code): int(units) for code, units in rows}


# ------------------------------------------------------------------ sets


def _sets(
    lines: Iterable[Line], said_of: Callable[[Sequence[str]], Said], _outcome: Outcome
) -> Iterator[Item[tuple[ComponentAsked, ...]]]:
    """The sets in the order of their first rows; a wrong row keeps its whole set from being done."""
    rows: dict[str, list[tuple[Line, ComponentAsked | RowProblem]]] = {}
    for count, (line, cells) in enumerate(lines, start=1):
        if count > SET_ROWS_MAX:
            raise FileRefused(
                f"more than {SET_ROWS_MAX:,} rows of sets; expected at most so many: split the file between sets"
            )
        said = said_of(cells)
        rows.setdefault(said.get("sku", ""), []).append(((line, cells), read_component(line, said)))
    for found in rows.values():
        yield Item([line for line, _ in found], _recipe([(line, one) for (line, _), one in found]))


def _recipe(rows: Sequence[tuple[int, ComponentAsked | RowProblem]]) -> tuple[ComponentAsked, ...] | RowProblem:
    """All rows of one set, or the first thing that is wrong with them."""
    asked: dict[str, ComponentAsked] = {}
    for line, one in rows:
        if isinstance(one, RowProblem):
            return one
        if one.component in asked:
            shown = one.component[:SHOWN_MAX] or "なし"
            return RowProblem(line, RECIPE["component"][0], shown, "each component of a set once")
        asked[one.component] = one
    first = rows[0][0]
    if "" in asked and len(asked) > 1:
        return RowProblem(first, RECIPE["component"][0], "なし", "なし alone, or the components of the set")
    if len(asked) > COMPONENTS_MAX:
        return RowProblem(first, RECIPE["component"][0], f"{len(asked)} rows", f"at most {COMPONENTS_MAX} components")
    return tuple(asked.values())
