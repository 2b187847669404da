"""The doors of an empty house."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from tests.api.doors_rig import Doors, doors


@pytest.fixture
def open_doors(database: Database, tmp_path: Path) -> Iterator[Doors]:
    """An empty house with its doors open."""
    with doors(database, tmp_path) as found:
        yield found
