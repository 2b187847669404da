"""A shop told by file over a real OpenSSH, with the settings a merchant enters: confirmed, put, taken by the mall, read in its log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.rakuten.emulated_batches import item_folder_of
from api import sending
from api.database import Database
from api.tables import secrets
from ledger.book import shops
from ledger.shop import ShopNotReady
from ledger.terms import ListingKey
from tests.adapters.kit.file_servers import Ground, ed25519_key, fingerprint, ground, openssh, openssh_text
from tests.adapters.kit.files_on_disk import FilesOnDisk
from tests.api.jobs.pushing import BY, Stage, selling_at, stage
from tests.api.jobs.pushing_files import batches, ends, folders_of

pytestmark = pytest.mark.needs_programs("sshd")

CUP = ListingKey("cup", "blue")
SEEN = fingerprint(ed25519_key("host"))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Ground, int]]:
    with ground() as place, openssh(place, host_key=ed25519_key("host"), lets_in=[ed25519_key("merchant")]) as port:
        yield place, port


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def rakuten(scene: Stage, running: tuple[Ground, int]) -> Iterator[str]:
    """The account of the file server is entered, and nothing of it confirmed; RMS looks into the folders that are served."""
    place, port = running
    with selling_at(scene, "rakuten", "one") as code:
        folders_of(scene, code).files = FilesOnDisk(place.files)
        for folder in ("ritem", "ritem/batch", "ritem/logs"):
            (place.files / folder).mkdir(exist_ok=True)
            place.give(place.files / folder)
        settings = {
            "file_host": "127.0.0.1",
            "file_port": str(port),
            "file_user": place.account.pw_name,
            "profile.push_file.folder": "ritem/batch",
            "profile.push_file.log_folder": "ritem/logs",
        }
        scene.do(shops.change_shop_settings(code, settings))
        with scene.house.pool.connection() as connection:
            key, now = openssh_text(ed25519_key("merchant")).decode(), scene.clock.now()
            seals = scene.house.seals
            secrets.put(connection, seals, shop=code, name="file_private_key", value=key, changed_at=now)
        yield code
    place.clear()


def test_a_fingerprint_is_confirmed_and_numbers_go_by_file(
    scene: Stage, rakuten: str, running: tuple[Ground, int]
) -> None:
    accesses, house = scene.pushing.accesses, scene.house
    with pytest.raises(ShopNotReady, match="host key .* is not confirmed"):
        sending.choose(house, rakuten, "file", BY)
    found = sending.check_files(accesses, house, rakuten, BY)
    assert (found.ok, found.seen) == (False, SEEN)
    assert sending.check_files(accesses, house, rakuten, BY, accept_host_key=SEEN).ok
    sending.choose(house, rakuten, "file", BY)
    scene.stock("CUP", 40)
    scene.listing(rakuten, CUP, "CUP", shown=50)
    scene.push()
    (batch,) = batches(scene, rakuten)
    file = running[0].files / "ritem" / "batch" / f"normal-item_daicho_{batch.request}.csv"
    said = "商品管理番号（商品URL）,SKU管理番号,在庫数\r\ncup,blue,40\r\n"
    assert file.read_bytes() == said.encode("cp932")
    rms = item_folder_of(scene.malls[rakuten])
    scene.push_until(lambda: rms.take_due() >= 0 and bool(ends(scene, rakuten)), seconds=300, step=20)
    assert (ends(scene, rakuten), scene.shows(rakuten, CUP)) == ([["applied"]], 40)


def test_a_server_with_another_key_is_told_nothing_and_stops_the_shop(
    scene: Stage, rakuten: str, running: tuple[Ground, int]
) -> None:
    other = fingerprint(ed25519_key("somebody else"))
    scene.do(shops.change_shop_settings(rakuten, {"file_host_keys": other}))
    sending.choose(scene.house, rakuten, "file", BY)
    scene.stock("CUP", 40)
    scene.listing(rakuten, CUP, "CUP", shown=50)
    scene.push()
    assert scene.shop(rakuten).paused == "host_key_changed"
    assert list((running[0].files / "ritem" / "batch").iterdir()) == []
    found = sending.check_files(scene.pushing.accesses, scene.house, rakuten, BY, accept_host_key=SEEN)
    assert (found.ok, found.resumed) == (True, True)
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 40, seconds=120, step=5)
