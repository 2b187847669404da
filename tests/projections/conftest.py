"""Fixtures of the tests of projections: ``ledger``, an empty merchant's ledger with its tables."""

from collections.abc import Iterator

import pytest

from api.database import Database
from tests.projections.rig import Ledger, opened


@pytest.fixture
def ledger(database: Database) -> Iterator[Ledger]:
    """An empty ledger, driven by the test."""
    with opened(database) as one:
        yield one
