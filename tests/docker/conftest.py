"""Fixtures of the container's tests: the built ``image``, and a ``compound`` of what compose gives a container."""

import faulthandler
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from api import localpg_place
from api.localpg import DATABASE, OWNER, LocalPostgres
from tests import postgres
from tests.conftest import RUN
from tests.docker import image as images
from tests.docker.image import ROOT, Image

USER_ID = 10001
CANARY = "canary-6f1d0a-must-stay-out"
CANARIES = (
    ".env",
    ".daicho/secret.key",
    "api/.env",
    "adapters/rakuten/private.key",
    "adapters/rakuten/samples/order.eml",
    "docker/secrets/database_password",
    "tests/canary.py",
    "notes.txt",
)


@dataclass(frozen=True)
class Compound:
    """What a container is given in ``docker/compose.yaml``, here: settings, and folders of this machine by their place in it."""

    settings: Mapping[str, str]
    volumes: Mapping[Path, str]
    home: Path


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image, built from a copy of the checkout in which canaries lie where secrets and tests would."""
    # Building may take longer than a test that hangs is given; every command of it has a limit of its own.
    faulthandler.cancel_dump_traceback_later()
    context = tmp_path_factory.mktemp("context")
    images.copy_of_the_checkout(context)
    for name in CANARIES:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(f"{CANARY}\n")
    with images.built(context) as made:
        yield made


@pytest.fixture
def compound(request: pytest.FixtureRequest) -> Iterator[Compound]:
    """A new PostgreSQL, prepared by ``docker/database.sh`` alone, and an empty volume for the home."""
    folder = Path(tempfile.mkdtemp(prefix="home-container-", dir=request.config.stash[RUN].folder))
    place = localpg_place.choose(folder, None)
    open_door = Path(tempfile.mkdtemp(prefix="daicho-door-"))
    home = Path(tempfile.mkdtemp(prefix="daicho-volume-"))
    try:
        os.chown(open_door, place.account.user_id, place.account.group_id)
        open_door.chmod(0o755)
        os.chown(home, USER_ID, USER_ID)
        settings = {
            **postgres.NOT_DURABLE,
            "unix_socket_directories": f'"{place.socket_folder}", "{open_door}"',
            "unix_socket_permissions": "0777",
        }
        LocalPostgres(folder, None, sleep=time.sleep, settings=settings).start()
        _prepare(place.socket_folder, home.with_name(f"{home.name}-password"))
        yield Compound(
            {
                "DAICHO_DATABASE_URL": f"postgresql://daicho_login@/{DATABASE}?host=/run/postgresql",
                "DAICHO_HTTP_HOST": "127.0.0.1",
                "DAICHO_SMTP_HOST": "127.0.0.1",
            },
            {open_door: "/run/postgresql", home: "/var/lib/daicho"},
            home,
        )
    finally:
        postgres.remove_home(folder)
        for left in (open_door, home):
            shutil.rmtree(left, ignore_errors=True)


def _prepare(socket_folder: Path, password: Path) -> None:
    password.write_text("a password with a quote: '\n")
    psql = localpg_place.shipped_binaries()
    environment = {
        "PATH": f"{psql}:/usr/bin:/bin",
        "PGHOST": str(socket_folder),
        "POSTGRES_USER": OWNER,
        "POSTGRES_DB": DATABASE,
        "POSTGRES_PASSWORD_FILE": str(password),
    }
    try:
        subprocess.run(["sh", ROOT / "docker" / "database.sh"], env=environment, check=True, timeout=30)
    finally:
        password.unlink()
