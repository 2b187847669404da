"""推定: SKUs whose on_hand_units rest on shipments that were only assumed since they were counted last (D12)."""

from collections.abc import Mapping

from psycopg import sql

from projections.table import Connection

CAUSE = "no_shipping_source"  # stands in the envelope of facts that close lines because nobody tells shipments


def estimated(connection: Connection, schema: str, counted: Mapping[str, int]) -> set[str]:
    """Of these SKUs, each with the position of its last count (0: none), those with a shipment assumed behind it."""
    if not counted:
        return set()
    rows = connection.execute(
        sql.SQL(
            "SELECT w.sku FROM unnest(%s::text[], %s::bigint[]) AS w (sku, position) WHERE EXISTS (SELECT FROM {} AS c"
            " WHERE c.sku = w.sku AND c.position > w.position AND c.kind = 'StockShipped' AND c.cause = %s)"
        ).format(sql.Identifier(schema, "change_log")),
        (list(counted), list(counted.values()), CAUSE),
        prepare=True,
    ).fetchall()
    return {str(row[0]) for row in rows}
