"""The HTTP doors of a house on a test's database: a client, keys, and the tables fed by hand."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from api import keys
from api.app import build
from api.database import Database
from api.permissions import SCOPES
from api.projecting import runner
from api.settings import Settings
from api.wiring import House, open_house
from ledger.writer import Clock
from projections.runner import Runner


@dataclass(frozen=True)
class Said:
    """An answer of GraphQL: its HTTP status, ``data`` and ``errors``."""

    status: int
    data: Any
    errors: Sequence[Mapping[str, Any]]

    @property
    def sentences(self) -> list[str]:
        return [str(error["message"]) for error in self.errors]

    @property
    def codes(self) -> list[str]:
        return [str(error["extensions"]["code"]) for error in self.errors]


@dataclass(frozen=True)
class Doors:
    """The doors. ``key`` has every scope."""

    house: House
    client: TestClient
    key: str
    tables: Runner

    def with_scopes(self, *scopes: str) -> str:
        """A key that has these scopes alone."""
        return keys.add(self.house, "test", scopes)

    def post(self, query: str, variables: Mapping[str, object] | None = None, *, key: str | None = None) -> Said:
        """One operation as it is answered."""
        answer = self.client.post(
            "/graphql",
            json={"query": query, "variables": dict(variables or {})},
            headers={"Authorization": f"Bearer {key or self.key}"},
        )
        body = answer.json()
        return Said(answer.status_code, body.get("data"), body.get("errors", []))

    def ask(self, query: str, **variables: object) -> Any:
        """The data of an operation that goes well; every list that it asks for holds what was committed before."""
        if not query.lstrip().startswith("mutation"):
            self.feed()
        said = self.post(query, variables)
        assert (said.status, said.errors) == (200, []), said
        return said.data

    def feed(self) -> None:
        """Every table holds every fact."""
        self.tables.run_once()


@contextmanager
def doors(database: Database, home: Path, *, clock: Clock | None = None, **settings: object) -> Iterator[Doors]:
    """The doors are open."""
    chosen = Settings(home=home, mail_domain="mail.test", **settings)  # type: ignore[arg-type]
    with open_house(chosen, database=database, clock=clock) as house:
        tables = runner(house)
        try:
            with TestClient(build(house), raise_server_exceptions=False) as client:
                yield Doors(house, client, keys.add(house, "all", SCOPES), tables)
        finally:
            tables.close()
