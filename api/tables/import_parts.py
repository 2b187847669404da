"""The files of one import, what they say of products for each other, and how their rows fit together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from adapters.kit.file_form import Parent

PART_ROWS = 10_000_000  # lines of one file; so a row of the 200th still is a 32-bit number
PARTS_MAX = 200
EXTRA_ROWS = PART_ROWS // 2  # further listings of one line are numbered from here; a file that has such has fewer lines


@dataclass(frozen=True, slots=True)
class ImportPart:
    """One file of an import."""

    part: int
    file_name: str
    file_digest: str
    format: str
    encoding: str
    reason: str

    @property
    def rows(self) -> tuple[int, int]:
        """The numbers of its rows: the first that may be, and the one behind the last."""
        return self.part * PART_ROWS, (self.part + 1) * PART_ROWS


def add(connection: Connection[Any], import_id: str, part: ImportPart) -> None:
    """The import has this file."""
    connection.execute(
        "INSERT INTO import_parts (import_id, part, file_name, file_digest, format, encoding, reason)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (import_id, part.part, part.file_name, part.file_digest, part.format, part.encoding, part.reason),
    )


def of(connection: Connection[Any], import_id: str) -> list[ImportPart]:
    """The files of the import, in their order."""
    rows = connection.execute(
        "SELECT part, file_name, file_digest, format, encoding, reason FROM import_parts WHERE import_id = %s ORDER BY part",
        (import_id,),
    )
    return [ImportPart(*row) for row in rows]


def note_lines(connection: Connection[Any], import_id: str, lines: Mapping[int, int]) -> None:
    """These rows stand in lines that have several."""
    connection.execute(
        "INSERT INTO import_lines (import_id, row, line) SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[])",
        (import_id, list(lines), list(lines.values())),
    )


def forget(connection: Connection[Any], import_id: str, first_part: int) -> None:
    """The files from this one on were never sent."""
    connection.execute(
        "DELETE FROM import_rows WHERE import_id = %s AND row >= %s", (import_id, first_part * PART_ROWS)
    )
    connection.execute(
        "DELETE FROM import_lines WHERE import_id = %s AND row >= %s", (import_id, first_part * PART_ROWS)
    )
    for table in ("import_pieces", "import_parts"):
        connection.execute(f"DELETE FROM {table} WHERE import_id = %s AND part >= %s".encode(), (import_id, first_part))


def add_parents(connection: Connection[Any], import_id: str, parents: Iterable[Parent]) -> None:
    """These products are known; of one that stands there twice the first row holds."""
    known = list(parents)
    connection.execute(
        "INSERT INTO import_parents (import_id, key, number, name, divided, preorder)"
        " SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bool[], %s::bool[]) ON CONFLICT DO NOTHING",
        (
            import_id,
            [one.key for one in known],
            [one.number for one in known],
            [one.name for one in known],
            [one.divided for one in known],
            [one.preorder for one in known],
        ),
        prepare=True,
    )


def parents_of(connection: Connection[Any], import_id: str, keys: Sequence[str]) -> Mapping[str, Parent]:
    """The known products among these."""
    rows = connection.execute(
        "SELECT key, number, name, divided, preorder FROM import_parents WHERE import_id = %s AND key = ANY (%s)",
        (import_id, list(keys)),
        prepare=True,
    )
    return {row[0]: Parent(*row) for row in rows}


def forget_parents(connection: Connection[Any], import_id: str) -> None:
    """They are needed no more."""
    connection.execute("DELETE FROM import_parents WHERE import_id = %s", (import_id,))


# A product whose variants have rows of their own has no stock of its own, whatever number its row has.
_PRODUCTS_WITH_VARIANTS = """
DELETE FROM import_rows AS r USING (
    SELECT DISTINCT item, variant FROM import_rows
    WHERE import_id = %(id)s AND item IS NOT NULL AND row >= %(first)s AND row < %(end)s
) AS v
WHERE r.import_id = %(id)s AND r.problem_expected IS NULL AND r.row >= %(products_first)s AND r.row < %(products_end)s
    AND r.item = v.item AND (r.variant = '' OR r.variant = v.variant OR r.excluded)
"""


def without_products_of(connection: Connection[Any], import_id: str, products: ImportPart, variants: ImportPart) -> int:
    """Rows of products whose variants stand in the other file are taken away; how many."""
    _plan_for_new_rows(connection)
    values = {"id": import_id, "first": variants.rows[0], "end": variants.rows[1]}
    values |= {"products_first": products.rows[0], "products_end": products.rows[1]}
    return connection.execute(_PRODUCTS_WITH_VARIANTS.encode(), values).rowcount


_IN_TWO_FILES = """
WITH stated AS (
    SELECT row, item, variant, min(row) OVER (PARTITION BY item, variant) AS before
    FROM import_rows WHERE import_id = %(id)s AND problem_expected IS NULL AND item IS NOT NULL
)
UPDATE import_rows AS r SET problem_column = '', problem_value = trim(trailing '/' FROM s.item || '/' || s.variant),
    problem_expected = 'each listing in one of the files; it stands in ' || p.file_name || ', row ' || s.before %% %(rows)s
FROM stated AS s JOIN import_parts AS p ON p.import_id = %(id)s AND p.part = s.before / %(rows)s
WHERE s.before / %(rows)s < s.row / %(rows)s AND r.import_id = %(id)s AND r.row = s.row
"""


def in_two_files(connection: Connection[Any], import_id: str) -> int:
    """Rows of listings that an earlier file has too become problems; how many."""
    _plan_for_new_rows(connection)
    return connection.execute(_IN_TWO_FILES.encode(), {"id": import_id, "rows": PART_ROWS}).rowcount


_READ_TWICE = """
DELETE FROM import_rows AS r USING import_rows AS later
WHERE r.import_id = %(id)s AND later.import_id = %(id)s AND later.item = r.item AND later.variant = r.variant AND later.row > r.row
    AND r.problem_expected IS NULL AND later.problem_expected IS NULL
"""


def without_read_twice(connection: Connection[Any], import_id: str) -> int:
    """Of a listing that a mall said twice, because its pages moved while they were read, the later row stays; how many went."""
    _plan_for_new_rows(connection)
    return connection.execute(_READ_TWICE.encode(), {"id": import_id}).rowcount


def divided_without_rows(connection: Connection[Any], import_id: str) -> int:
    """How many products have their stock with variants of which no row has come."""
    row = connection.execute(
        "SELECT count(*) FROM import_parents AS p WHERE p.import_id = %(id)s AND p.divided AND NOT EXISTS"
        " (SELECT 1 FROM import_rows AS r WHERE r.import_id = %(id)s AND r.item = p.key)",
        {"id": import_id},
    ).fetchone()
    assert row is not None
    return int(row[0])


def _plan_for_new_rows(connection: Connection[Any]) -> None:
    # Rows that have just come are not in the planner's statistics: it takes a million for one, and would compare each with each.
    connection.execute("SET LOCAL enable_nestloop = off")
