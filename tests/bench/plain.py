"""The yardstick of P1: the eventsourcing library as its documentation shows it, one aggregate for each SKU."""

import random
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError
from psycopg.conninfo import conninfo_to_dict

SCHEMA = "bench_plain"
POOL = 16
TRIES_MAX = 20


class Shelf(Aggregate):
    """Units of one SKU."""

    @event("Received")
    def __init__(self, sku: str, units: int) -> None:
        self.sku = sku
        self.available = units

    @staticmethod
    def create_id(sku: str, units: int = 0) -> UUID:
        return uuid5(NAMESPACE_URL, f"/{sku}")

    @event("Allocated")
    def allocate(self, order: str, listing: str, units: int) -> None:
        self.available -= units


class PlainApplication:
    """So many aggregates of so many events each, and callers that allocate one unit of any."""

    def __init__(self, url: str, skus: int, facts: int) -> None:
        self._url = url
        self._skus = skus
        self._facts = facts
        self._chances = [random.Random(caller) for caller in range(POOL)]

    def __enter__(self) -> "PlainApplication":
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
            connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
        parts = conninfo_to_dict(self._url)
        self._application: Application[UUID] = Application(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_SCHEMA": SCHEMA,
                "POSTGRES_DBNAME": str(parts.get("dbname") or ""),
                "POSTGRES_HOST": str(parts.get("host") or ""),
                "POSTGRES_USER": str(parts.get("user") or ""),
                "POSTGRES_PASSWORD": str(parts.get("password") or ""),
                "POSTGRES_POOL_SIZE": str(POOL),
                "POSTGRES_MAX_OVERFLOW": "0",
            }
        )
        for first in range(0, self._skus, 100):
            shelves = [Shelf(f"SKU-{n:05}", 1_000_000) for n in range(first, min(first + 100, self._skus))]
            for shelf in shelves:
                for n in range(self._facts - 1):
                    shelf.allocate(f"bench:fill-{n}", "", 1)
            self._application.save(*shelves)
        return self

    def __exit__(self, *_: object) -> None:
        self._application.close()

    def call(self, caller: int, n: int) -> None:
        """One unit of one SKU; two callers who meet on a SKU are told so by the library, and one tries again."""
        identity = Shelf.create_id(f"SKU-{self._chances[caller].randrange(self._skus):05}")
        for _ in range(TRIES_MAX):
            shelf: Shelf = self._application.repository.get(identity)
            shelf.allocate(f"bench:{caller}-{n}", "", 1)
            try:
                self._application.save(shelf)
            except IntegrityError:
                continue
            return
        raise AssertionError(f"no luck in {TRIES_MAX} tries")
