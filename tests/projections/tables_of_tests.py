"""Tables made for tests: one that can be told to refuse facts, and the same one of another version."""

from ledger.facts.sku import AliasAdded, SkuRegistered
from projections.page import Page
from projections.table import Connection, Inserts, Names, PoisonedFact, Relation, Row, Table, names_of

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
    """Whether the table refuses names now, how often it was asked to take one, and how often a folding one saved. Mutable."""

    def __init__(self) -> None:
        self.poisoned = True
        self.refused = 0
        self.saved = 0


def table(mood: Mood, *, version: int = 1, folding: bool = False) -> Table:
    """A table of SKUs and their aliases that refuses an alias called ``poison``, while the mood says so.

    ``folding``: a replay of it writes the rows of many pages at once.
    """
    fields = {"position": "int8", "stream": "text"} | ({"version": "int8"} if version > 1 else {})

    class Seen:
        def __init__(self, names: Names) -> None:
            self._rows = Inserts(names, "seen", fields)

        def forget(self) -> None:
            pass

        def write(self, connection: Connection, page: Page) -> None:
            self._rows.write(connection, self.rows_of(page))

        def rows_of(self, page: Page) -> list[Row]:
            rows: list[Row] = []
            for record in page.records:
                if isinstance(record.fact, AliasAdded) and record.fact.alias == POISONED and mood.poisoned:
                    mood.refused += 1
                    raise PoisonedFact(record.position, "poisoned_for_a_test")
                rows.append((record.position, record.stream, record.version)[: len(fields)])
            return rows

    class SeenFolded(Seen):
        is_full = False

        def __init__(self, names: Names) -> None:
            super().__init__(names)
            self._taken: list[Row] = []

        def forget(self) -> None:
            self._taken.clear()

        def write(self, connection: Connection, page: Page) -> None:
            self.take(connection, page)
            self.save(connection)

        def take(self, connection: Connection, page: Page) -> None:
            self._taken += self.rows_of(page)

        def save(self, connection: Connection) -> None:
            self._rows.write(connection, self._taken)
            self._taken.clear()
            mood.saved += 1

    facts = names_of((SkuRegistered, AliasAdded))
    relations, ddl = (Relation("seen", ("position",)),), DDL if version == 1 else WIDER_DDL
    return Table("seen", version, relations, ddl, facts, SeenFolded if folding else Seen)
