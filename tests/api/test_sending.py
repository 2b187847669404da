"""送信タイプ and the test of a shop's file server: a fingerprint is seen and confirmed before anything of ours is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.kit.emulated_files import EmulatedFolders, FileFault
from adapters.kit.files_over import Fault, HostKeyRefused, Reached
from adapters.kit.mall import ReadFailed
from api import sending
from api.connecting import Connecting, connect_shop
from api.database import Database
from api.diagnosis_files import findings_of_batches
from api.sending import HostKeyNotAccepted
from api.shop_access import ShopAccesses
from ledger.book import shops
from ledger.shop import ShopNotAccepted, ShopNotReady
from ledger.terms import ListingKey
from tests.api.jobs.pushing import BY, Stage, stage
from tests.api.jobs.pushing_files import folders_of, told_by_file

SEEN = "ssh-ed25519 SHA256:AbCdEf0123456789AbCdEf0123456789AbCdEf01234"


class Server(EmulatedFolders):
    """Folders behind a server that is only spoken to once its key was confirmed. ``key``: the one it shows."""

    key = SEEN

    def confirm(self, confirmed: str) -> None:
        self.confirmed = confirmed

    def reach(self) -> Reached | HostKeyRefused | ReadFailed:
        if self.confirmed == self.key:
            return Reached(self.key)
        return HostKeyRefused(Fault.HOST_KEY_CHANGED if self.confirmed else Fault.HOST_KEY_UNCONFIRMED, self.key)


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def server(scene: Stage) -> Server:
    return Server(scene.clock.now)


@pytest.fixture
def accesses(scene: Stage, server: Server) -> Iterator[ShopAccesses]:
    found = ShopAccesses(scene.house)

    def files_of(one: object) -> Server:
        server.confirm(scene.shop("rakuten-one").settings.get("file_host_keys", ""))
        return server

    found.use_files(files_of)
    yield found
    found.close()


@pytest.fixture
def rakuten(scene: Stage) -> str:
    asked = Connecting(
        "rakuten", "one", "", {"file_user": "sample-user"}, {"file_password": "an-invented-password-of-a-file-server"}
    )
    return connect_shop(scene.house, asked, BY).code


def test_the_first_connection_shows_the_fingerprint_and_keeps_it_when_a_person_confirms_it(
    scene: Stage, rakuten: str, accesses: ShopAccesses
) -> None:
    found = sending.check_connections(accesses, scene.house, rakuten, BY)
    assert (found.ok, found.files is not None and found.files.seen) == (False, SEEN)
    assert scene.shop(rakuten).settings.get("file_host_keys") is None
    found = sending.check_connections(accesses, scene.house, rakuten, BY, accept_host_key=SEEN.split()[1])
    assert found.ok, found
    assert scene.shop(rakuten).settings["file_host_keys"] == SEEN
    assert sending.check_connections(accesses, scene.house, rakuten, BY).ok


def test_another_fingerprint_than_the_one_that_was_compared_is_not_kept(
    scene: Stage, rakuten: str, accesses: ShopAccesses
) -> None:
    with pytest.raises(HostKeyNotAccepted, match="the server shows ssh-ed25519 SHA256:AbC.*nothing was told"):
        sending.check_connections(accesses, scene.house, rakuten, BY, accept_host_key="SHA256:another")
    assert scene.shop(rakuten).settings.get("file_host_keys") is None


def test_a_changed_host_key_stops_the_shop_and_a_confirmed_new_one_resumes_it(scene: Stage, server: Server) -> None:
    with told_by_file(scene, "rakuten") as code:
        scene.do(shops.change_shop_settings(code, {"file_host_keys": "ssh-ed25519 SHA256:old"}))

        def files_of(one: object) -> Server:
            server.confirm(scene.shop(code).settings["file_host_keys"])
            return server

        scene.pushing.accesses.use_files(files_of)
        found = sending.check_files(scene.pushing.accesses, scene.house, code, BY)
        assert (found.ok, found.changed, found.seen) == (False, True, SEEN)
        assert scene.shop(code).paused == "host_key_changed"
        found = sending.check_files(scene.pushing.accesses, scene.house, code, BY, accept_host_key=SEEN)
        assert (found.ok, found.resumed, scene.shop(code).paused) == (True, True, None)


def test_sending_by_file_needs_a_mall_that_takes_files_and_a_confirmed_server(
    scene: Stage, rakuten: str, accesses: ShopAccesses
) -> None:
    with pytest.raises(ShopNotReady, match="host key .* is not confirmed.*daicho shop test rakuten-one"):
        sending.choose(scene.house, rakuten, "file", BY)
    sending.check_connections(accesses, scene.house, rakuten, BY, accept_host_key=SEEN)
    done = sending.choose(scene.house, rakuten, "file", BY)
    assert (done.answer["sendType"], done.answer["onTheirWay"]) == ("file", 0)
    assert scene.shop(rakuten).send_type == "file"
    sandbox = connect_shop(scene.house, Connecting("sandbox", "one", "", {}, {}), BY).code
    with pytest.raises(ShopNotAccepted, match="サンドボックス is not told by file"):
        sending.choose(scene.house, sandbox, "file", BY)
    shoplist = connect_shop(scene.house, Connecting("shoplist", "one", "", {"shop_id": "one"}, {}), BY)
    assert shoplist.missing == ("file_host", "file_user", "file_password")
    with pytest.raises(ShopNotAccepted, match="expected file: SHOPLIST offers no such way"):
        sending.choose(scene.house, shoplist.code, "api", BY)
    with pytest.raises(ShopNotReady, match="lacks file_host, file_user, file_password"):
        sending.choose(scene.house, shoplist.code, "file", BY)


def test_choosing_the_send_type_says_what_is_still_on_its_way(scene: Stage) -> None:
    with told_by_file(scene, "rakuten") as code:
        cup = ListingKey("cup", "blue")
        scene.stock("CUP", 40)
        scene.listing(code, cup, "CUP", shown=50)
        scene.push()
        scene.fold()
        assert sending.choose(scene.house, code, "api", BY).answer["onTheirWay"] == 1


def test_the_doctor_says_what_is_unfinished_and_what_keeps_files_back(scene: Stage) -> None:
    with told_by_file(scene, "rakuten") as code:
        scene.stock("CUP", 40)
        scene.listing(code, ListingKey("cup", "blue"), "CUP", shown=50)
        scene.push()
        scene.clock.sleep(300)
        found = {one.code: one for one in findings_of_batches(scene.house, code)}
        assert "5 minutes ago, stands at sent" in found["batch_unfinished"].english
        scene.push_until(lambda: not list(findings_of_batches(scene.house, code)), seconds=300, step=20)
        folders_of(scene, code).faults.append(FileFault("full", "put"))
        scene.stock("CUP", 60)
        scene.push(wait=60)
        (failing,) = findings_of_batches(scene.house, code)
        assert (failing.code, failing.next_step) == ("files_fail", f"daicho shop test {code}")
        assert "disk_full" in failing.english


def test_a_test_that_fails_says_why_and_what_to_do(scene: Stage) -> None:
    with told_by_file(scene, "rakuten") as code:
        folders_of(scene, code).faults.append(FileFault("refused", "list"))
        found = sending.check_files(scene.pushing.accesses, scene.house, code, BY)
        assert not found.ok
        assert "connection_refused" in found.message
