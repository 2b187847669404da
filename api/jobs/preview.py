"""What an import would change, before it does: counted from the very rows that apply takes."""

from dataclasses import dataclass

from adapters.kit.mall import RowProblem
from api.cli.output import Cell
from api.jobs.imports import PROBLEMS_SHOWN_MAX, staged
from api.tables import imports
from api.wiring import House

LISTED_MAX = 100

# The SKU of a row is that of its listing when it is linked, else what the match key names. A number counts as changed when
# it differs from available_units now; orders that come in between are applied on top.
_COUNTS = """
WITH r AS (
    SELECT r.row, coalesce(l.sku, r.sku) AS sku, r.units * coalesce(l.units_per_listing, 1) AS units, r.target,
           r.item IS NOT NULL AND l.sku IS NULL AS unlinked, r.excluded
    FROM import_rows AS r
    LEFT JOIN listings AS l ON l.shop = %(shop)s AND l.item = r.item AND l.variant = r.variant
    WHERE r.import_id = %(id)s AND r.problem_expected IS NULL
)
SELECT count(*) FILTER (WHERE r.sku = ''),
       count(*) FILTER (WHERE r.sku <> '' AND r.unlinked),
       count(DISTINCT r.sku) FILTER (WHERE r.sku <> '' AND s.sku IS NULL),
       count(*) FILTER (WHERE r.units IS NULL OR r.excluded),
       count(*) FILTER (WHERE r.sku <> '' AND NOT r.excluded AND r.units IS NOT NULL AND s.on_hand IS NULL),
       count(*) FILTER (WHERE NOT r.excluded AND s.on_hand IS NOT NULL AND r.units <> now.units),
       count(*) FILTER (WHERE NOT r.excluded AND s.on_hand IS NOT NULL AND r.units = now.units),
       count(*) FILTER (WHERE NOT r.excluded AND r.units = 0 AND now.units > 0)
FROM r
LEFT JOIN stock_levels AS s ON s.place = 'main' AND s.sku = r.sku
CROSS JOIN LATERAL (SELECT CASE WHEN r.target = 'available' THEN s.on_hand - s.allocated ELSE s.on_hand END AS units) AS now
"""


@dataclass(frozen=True, slots=True)
class Preview:
    """Rows by what would happen to them. ``no_sku``: the match key names none; ``new_numbers``: SKUs that get their first number."""

    rows: int
    problems: int
    no_sku: int
    new_listings: int
    new_skus: int
    no_number: int
    new_numbers: int
    changed: int
    unchanged: int
    to_zero: int
    same_file: str | None

    def cells(self) -> dict[str, Cell]:
        """As the command line and the doors show it."""
        cells: dict[str, Cell] = {
            "rows": self.rows,
            "problems": self.problems,
            "withoutSku": self.no_sku,
            "newListings": self.new_listings,
            "newSkus": self.new_skus,
            "withoutNumber": self.no_number,
            "firstNumbers": self.new_numbers,
            "wouldChange": self.changed,
            "same": self.unchanged,
            "toZero": self.to_zero,
        }
        if self.same_file is not None:
            cells["sameFileAs"] = self.same_file
        return cells


def preview(house: House, import_id: str) -> Preview:
    """What applying the staged import would change now. Raises ImportNotKnown, FileRefused."""
    file = staged(house, import_id)
    with house.pool.connection() as connection:
        row = connection.execute(_COUNTS, {"shop": file.shop, "id": import_id}).fetchone()
        same = imports.same_file(connection, file)
    assert row is not None
    return Preview(file.rows, file.problems, *(int(count) for count in row), same_file=same)


def problems(house: House, import_id: str) -> list[RowProblem]:
    """The first rows that were not understood, up to PROBLEMS_SHOWN_MAX."""
    with house.pool.connection() as connection:
        return list(imports.problems_of(connection, import_id, PROBLEMS_SHOWN_MAX))


def listed(house: House) -> list[dict[str, Cell]]:
    """The newest imports, up to LISTED_MAX, newest first."""
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT import_id, shop, mall || ':' || format, mode, state, rows, problems, made_at, refused FROM import_files"
            " ORDER BY made_at DESC, import_id DESC LIMIT %s",
            (LISTED_MAX,),
        ).fetchall()
    names = ("import", "shop", "format", "mode", "state", "rows", "problems")
    return [dict(zip(names, row[:7], strict=True)) | {"madeAt": row[7].isoformat(), "refused": row[8]} for row in rows]
