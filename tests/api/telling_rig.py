"""A merchant with emulated malls and a clock that moves, its doors open: GraphQL with a key, and the command line."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from api import cli, keys
from api.app import build
from api.database import Database
from api.permissions import SCOPES
from tests.api.doors_rig import Doors
from tests.api.jobs.pushing import Stage, stage


@dataclass(frozen=True)
class Telling:
    """The stage, and its doors. Commands run over the same database with the machine's own clock."""

    scene: Stage
    doors: Doors
    home: Path

    def ask(self, query: str, **variables: object) -> Any:
        """The data of an operation that goes well; the tables hold what was committed before."""
        self.scene.fold()
        said = self.doors.post(query, variables)
        assert (said.status, said.errors) == (200, []), said
        return said.data

    def refused(self, query: str, **variables: object) -> str:
        """The sentence with which it is refused."""
        self.scene.fold()
        said = self.doors.post(query, variables)
        assert said.codes == ["REFUSED"], said
        return said.sentences[0]

    def daicho(self, *arguments: str) -> tuple[int, Any]:
        """(exit code, what the command prints as JSON)"""
        self.scene.fold()
        database, before = self.scene.house.database, dict(os.environ)
        os.environ |= {
            "DAICHO_DATABASE_URL": database.url,
            "DAICHO_SCHEMA": database.schema,
            "DAICHO_HOME": str(self.home),
        }
        try:
            with redirect_stdout(StringIO()) as said, redirect_stderr(StringIO()):
                code = cli.run([*arguments, "--json"])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return code, json.loads(said.getvalue()) if said.getvalue() else None


@contextmanager
def telling(database: Database, home: Path) -> Iterator[Telling]:
    """The stage is set and its doors are open."""
    with (
        stage(database, home, shares=True) as scene,
        TestClient(build(scene.house), raise_server_exceptions=False) as client,
    ):
        yield Telling(scene, Doors(scene.house, client, keys.add(scene.house, "all", SCOPES), scene.runner), home)
