"""Rows of one file held against each other: which cannot all be true, and which are parts of one number."""

from typing import Any

from psycopg import Connection

from ledger.load import DISAGREES, SEVERAL, SUMMED

SAME, DIVIDED = "same", "divided"
MEMORY_MB = 32  # of the server, for comparing the rows of a file with each other

# Which number is right is not ours to guess (D4): rows of one SKU that cannot all be true become problems, every one of them.
# A listing of n units shows the whole part of the SKU's number divided by n, so 10 and 3 agree when n is 3.
_STATED = """
    SELECT r.row, coalesce(nullif(l.sku, ''), r.sku) AS sku, r.units, coalesce(l.units_per_listing, 1) AS each
    FROM import_rows AS r LEFT JOIN listings AS l ON l.shop = %(shop)s AND l.item = r.item AND l.variant = r.variant
    WHERE r.import_id = %(id)s AND r.problem_expected IS NULL AND r.units IS NOT NULL AND NOT r.excluded
"""
_UNEQUAL = f"""
SELECT sku FROM ({_STATED}) AS stated WHERE sku <> ''
GROUP BY sku HAVING count(*) > 1 AND max(units * each) > min(units * each + each - 1)
"""
_DISAGREE = f"""
UPDATE import_rows AS r SET problem_column = 'units', problem_value = r.units::text,
    problem_expected = 'the same number in every row of SKU ' || s.sku
FROM ({_STATED}) AS s WHERE s.sku = ANY (%(unequal)s) AND r.import_id = %(id)s AND r.row = s.row
"""

# Our own form has one row for a SKU: of two, the second is the mistake.
_TWICE = """
WITH stated AS (
    SELECT row, sku, lag(row) OVER (PARTITION BY sku ORDER BY row) AS before
    FROM import_rows WHERE import_id = %(id)s AND problem_expected IS NULL
)
UPDATE import_rows AS r SET problem_column = 'sku', problem_value = r.sku,
    problem_expected = 'one row for each SKU; this one stood in row ' || s.before
FROM stated AS s WHERE s.before IS NOT NULL AND r.import_id = %(id)s AND r.row = s.row
"""

# A position that this ledger has not come to is of another one, and would make every later sale known to the number.
_OF_ANOTHER = """
UPDATE import_rows SET problem_column = 'position', problem_value = known_position::text,
    problem_expected = 'a position of this ledger; export the stock again'
WHERE import_id = %(id)s AND problem_expected IS NULL AND known_position > (SELECT position FROM ledger_head)
"""

# 追加 of a SKU that stands on several pages: whether they show the same stock or parts of it is for a person to say (D4).
# Divided stock is summed into the SKU's first row; the same stock counts once, and unequal numbers of it are nobody's guess.
_TOGETHER = f"""
WITH stated AS ({_STATED}), several AS (
    SELECT sku, min(row) AS first, sum(units * each) AS units,
        max(units * each) > min(units * each + each - 1) AS unequal
    FROM stated WHERE sku <> '' GROUP BY sku HAVING count(*) > 1
)
UPDATE import_rows AS r SET
    aside = CASE WHEN %(together)s::text IS NULL THEN '{SEVERAL}'
        WHEN %(together)s::text = '{DIVIDED}' AND s.row > g.first THEN '{SUMMED}'
        WHEN %(together)s::text = '{SAME}' AND g.unequal THEN '{DISAGREES}' END,
    sum_units = CASE WHEN %(together)s::text = '{DIVIDED}' AND s.row = g.first THEN g.units END
FROM stated AS s JOIN several AS g ON g.sku = s.sku WHERE r.import_id = %(id)s AND r.row = s.row
"""


def check(connection: Connection[Any], import_id: str, *, shop: str | None, mode: str, together: str | None) -> int:
    """Rows that contradict each other are problems too; how many became one. ``shop`` None: our own form."""
    _plan_for_new_rows(connection)
    values: dict[str, object] = {"id": import_id, "shop": shop}
    if shop is None:
        found = connection.execute(_TWICE.encode(), values).rowcount
        return found + connection.execute(_OF_ANOTHER.encode(), values).rowcount
    if mode == "add":
        put_together(connection, import_id, shop, together)
        return 0
    unequal = [row[0] for row in connection.execute(_UNEQUAL.encode(), values)]
    return connection.execute(_DISAGREE.encode(), {**values, "unequal": unequal}).rowcount if unequal else 0


def put_together(connection: Connection[Any], import_id: str, shop: str, together: str | None) -> None:
    """Rows of SKUs with several listings in an added file are as ``together`` says: same, divided, or None: they wait for it."""
    _plan_for_new_rows(connection)
    connection.execute(_TOGETHER.encode(), {"id": import_id, "shop": shop, "together": together})


def _plan_for_new_rows(connection: Connection[Any]) -> None:
    # Rows that have just come are not in the planner's statistics: it takes a million for one, and would compare each with each.
    for setting in ("enable_nestloop = off", f"work_mem = '{MEMORY_MB}MB'"):
        connection.execute(f"SET LOCAL {setting}".encode())
