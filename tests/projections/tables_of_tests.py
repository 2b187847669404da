"""Tables made for tests: one that can be told to refuse facts, and the same one of another version."""

from ledger.facts.sku import AliasAdded, SkuRegistered
from projections.page import Page
from projections.table import Connection, Inserts, Names, PoisonedFact, Relation, Table, names_of

DDL = """
CREATE TABLE {seen} (
    position bigint PRIMARY KEY,
    stream   text COLLATE "C" NOT NULL
);
"""
WIDER_DDL = """
CREATE TABLE {seen} (
    position bigint PRIMARY KEY,
    stream   text COLLATE "C" NOT NULL,
    version  bigint NOT NULL
);
"""
POISONED = "poison"


class Mood:
    """Which names the table refuses now, and how often it was asked to take one. Mutable: the test mends it."""

    def __init__(self) -> None:
        self.poisoned = True
        self.refused = 0


def table(mood: Mood, *, version: int = 1) -> Table:
    """A table of SKUs and their aliases that refuses an alias called ``poison``, while the mood says so."""
    fields = {"position": "int8", "stream": "text"} | ({"version": "int8"} if version > 1 else {})

    class Seen:
        def __init__(self, names: Names) -> None:
            self._rows = Inserts(names, "seen", fields)

        def forget(self) -> None:
            pass

        def write(self, connection: Connection, page: Page) -> None:
            rows = []
            for record in page.records:
                if isinstance(record.fact, AliasAdded) and record.fact.alias == POISONED and mood.poisoned:
                    mood.refused += 1
                    raise PoisonedFact(record.position, "poisoned_for_a_test")
                rows.append((record.position, record.stream, record.version)[: len(fields)])
            self._rows.write(connection, rows)

    facts = names_of((SkuRegistered, AliasAdded))
    return Table("seen", version, (Relation("seen", ("position",)),), DDL if version == 1 else WIDER_DDL, facts, Seen)
