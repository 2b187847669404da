"""Files over SFTP against OpenSSH and ProFTPD themselves: what arrives, who is talked to, what is refused."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from adapters.kit.files_over import Fault, Got, HostKeyRefused, Listed, Login, Naming, Put, Reached, Removed
from adapters.kit.mall import NotSent, ReadFailed
from adapters.kit.sftp import SftpWays
from ledger.terms import Result
from tests.adapters.kit.file_servers import (
    PASSWORD,
    USER,
    Ground,
    ed25519_key,
    fingerprint,
    ground,
    openssh,
    openssh_text,
    proftpd,
    rsa_key,
)
from tests.adapters.kit.relay import relayed
from tests.adapters.kit.sftp_shop import CONFIRMED, CSV, NAME, NOON, SftpShop

pytestmark = pytest.mark.needs_programs("sshd", "proftpd", "unshare")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Ground, int]]:
    with ground() as place, openssh(place, host_key=ed25519_key("host"), lets_in=[ed25519_key("merchant")]) as port:
        yield place, port


@pytest.fixture
def server(running: tuple[Ground, int]) -> Iterator[SftpShop]:
    place, port = running
    with relayed({0: ("127.0.0.1", port)}) as relay:
        yield SftpShop(place, relay)
    place.clear()


@pytest.fixture
def place() -> Iterator[Ground]:
    with ground() as found:
        yield found


# ------------------------------------------------------------------ what arrives


def test_a_file_is_put_listed_got_and_removed(server: SftpShop) -> None:
    files = server.opened()
    assert files.put("", NAME, [CSV[:10], CSV[10:]], replace=False) == Put(len(CSV), Naming.RENAMED, NOON, NOON)
    assert (server.place.files / NAME).read_bytes() == CSV
    listed = files.list("")
    assert isinstance(listed, Listed)
    assert [(entry.name, entry.size_bytes) for entry in listed.entries] == [(NAME, len(CSV))]
    assert files.get("", NAME, bytes_max=1_000) == Got(CSV)
    assert files.remove("", NAME) == Removed()
    assert files.remove("", NAME) == NotSent(Fault.FILE_NOT_THERE)
    assert files.list("") == Listed(())


def test_a_large_file_arrives_whole_in_pieces(server: SftpShop) -> None:
    piece = bytes(range(256)) * 999
    put = server.opened().put("", NAME, (piece for _ in range(40)), replace=False)
    assert isinstance(put, Put)
    assert put.size_bytes == 40 * len(piece)
    assert (server.place.files / NAME).read_bytes() == piece * 40


def test_a_folder_is_named_as_the_server_names_it(server: SftpShop) -> None:
    (server.place.files / "batch").mkdir()
    server.place.give(server.place.files / "batch")
    files = server.opened()
    assert isinstance(files.put(f"{server.place.files}/batch", NAME, [CSV], replace=False), Put)
    assert files.get("batch", NAME, bytes_max=1_000) == Got(CSV)
    assert files.put("nowhere", NAME, [CSV], replace=False) == NotSent(Fault.FOLDER_NOT_THERE)
    assert files.list("nowhere") == ReadFailed(Result.TRANSIENT, Fault.FOLDER_NOT_THERE)


def test_a_file_the_mall_has_not_taken_yet_is_left_alone_or_replaced_in_one_step(server: SftpShop) -> None:
    (server.place.files / NAME).write_bytes(b"pending")
    server.place.give(server.place.files / NAME)
    files = server.opened()
    assert files.put("", NAME, [CSV], replace=False) == NotSent(Fault.NAME_EXISTS)
    assert (server.place.files / NAME).read_bytes() == b"pending"
    assert files.put("", NAME, [CSV], replace=True) == Put(len(CSV), Naming.RENAMED_OVER, NOON, NOON)
    assert (server.place.files / NAME).read_bytes() == CSV


def test_a_name_that_is_given_while_we_write_is_not_replaced(server: SftpShop) -> None:
    def content() -> Iterator[bytes]:
        yield CSV
        (server.place.files / NAME).write_bytes(b"another's")

    assert server.opened().put("", NAME, content(), replace=False) == NotSent(Fault.NAME_EXISTS)
    assert server.names() == [NAME]
    assert (server.place.files / NAME).read_bytes() == b"another's"


def test_a_server_that_cannot_replace_has_the_former_file_removed_first_and_that_is_said(place: Ground) -> None:
    with (
        openssh(
            place,
            host_key=ed25519_key("host"),
            lets_in=[ed25519_key("merchant")],
            internal_options="-P posix-rename",
        ) as port,
        relayed({0: ("127.0.0.1", port)}) as relay,
    ):
        server = SftpShop(place, relay)
        files = server.opened()
        assert files.put("", NAME, [b"old"], replace=True) == Put(3, Naming.RENAMED, NOON, NOON)
        assert files.put("", NAME, [CSV], replace=True) == Put(len(CSV), Naming.REMOVED_THEN_RENAMED, NOON, NOON)
        assert (place.files / NAME).read_bytes() == CSV
        assert server.names() == [NAME]


def test_a_server_that_refuses_to_rename_says_so_and_takes_the_file_directly(place: Ground) -> None:
    with (
        openssh(
            place,
            host_key=ed25519_key("host"),
            lets_in=[ed25519_key("merchant")],
            internal_options="-P posix-rename,rename",
        ) as port,
        relayed({0: ("127.0.0.1", port)}) as relay,
    ):
        server = SftpShop(place, relay)
        ways = SftpWays(host_keys=CONFIRMED, direct=True)
        assert server.opened().put("", NAME, [CSV], replace=True) == NotSent(Fault.PERMISSION_DENIED)
        assert server.names() == []
        assert server.opened(ways).put("", NAME, [CSV], replace=True) == Put(len(CSV), Naming.DIRECT, NOON, NOON)
        assert server.names() == [NAME]


def test_what_an_earlier_put_left_behind_is_swept_away_and_never_listed(server: SftpShop) -> None:
    for name in (f"daicho-old1-{NAME}.part", "daicho-old2-another.csv.part"):
        (server.place.files / name).write_bytes(b"half")
        server.place.give(server.place.files / name)
    files = server.opened()
    assert files.list("") == Listed(())
    assert isinstance(files.put("", NAME, [CSV], replace=False), Put)
    assert server.names() == ["daicho-old2-another.csv.part", NAME]


def test_names_that_are_not_printable_ascii_are_counted_and_not_listed(server: SftpShop) -> None:
    (server.place.files / "在庫.csv").write_bytes(b"")
    (server.place.files / "log.csv").write_bytes(b"12")
    (server.place.files / "folder").mkdir()
    listed = server.opened().list("")
    assert isinstance(listed, Listed)
    assert [entry.name for entry in listed.entries] == ["log.csv"]
    assert listed.not_read == 1
    assert isinstance(listed.entries[0].modified_at, datetime)


@pytest.mark.parametrize(
    "name", ["", "../up.csv", ".hidden", "a/b.csv", "a b.csv", "在庫.csv", "x" * 151, "a\r\nDELE b"]
)
def test_a_name_we_would_not_write_under_is_not_sent(server: SftpShop, name: str) -> None:
    assert server.opened().put("", name, [CSV], replace=True) == NotSent(Fault.NAME_NOT_VALID)
    assert server.relay.connections == 0


# ------------------------------------------------------------------ who we talk to


def test_the_first_connection_shows_the_fingerprint_and_nothing_is_told_before_a_person_confirms_it(
    server: SftpShop,
) -> None:
    unconfirmed = server.opened(SftpWays())
    seen = unconfirmed.reach()
    assert isinstance(seen, HostKeyRefused)
    assert seen.fault == Fault.HOST_KEY_UNCONFIRMED
    assert seen.seen == fingerprint(ed25519_key("host"))
    assert unconfirmed.put("", NAME, [CSV], replace=True) == NotSent(Fault.HOST_KEY_UNCONFIRMED)
    assert unconfirmed.list("") == ReadFailed(Result.REJECTED_AUTH, Fault.HOST_KEY_UNCONFIRMED)
    assert server.opened(SftpWays(host_keys=(seen.seen,))).reach() == Reached(seen.seen)
    without_type = seen.seen.split()[1] + "="
    assert server.opened(SftpWays(host_keys=("SHA256:former", without_type))).reach() == Reached(seen.seen)


def test_a_changed_host_key_is_refused_and_said_so(server: SftpShop) -> None:
    ways = SftpWays(host_keys=("ssh-ed25519 SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",))
    found = server.opened(ways).reach()
    assert isinstance(found, HostKeyRefused)
    assert found.fault == Fault.HOST_KEY_CHANGED
    assert server.opened(ways).put("", NAME, [CSV], replace=True) == NotSent(Fault.HOST_KEY_CHANGED)
    assert server.names() == []


def test_old_algorithms_are_taken_only_where_the_shop_says_so(place: Ground) -> None:
    options = ["HostKeyAlgorithms ssh-rsa", "KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes128-cbc"]
    with (
        openssh(place, host_key=rsa_key(), lets_in=[ed25519_key("merchant")], options=options) as port,
        relayed({0: ("127.0.0.1", port)}) as relay,
    ):
        server = SftpShop(place, relay)
        assert server.opened(SftpWays()).reach() == ReadFailed(Result.REJECTED_AUTH, Fault.ALGORITHMS_TOO_OLD)
        seen = server.opened(SftpWays(old_algorithms=True)).reach()
        assert isinstance(seen, HostKeyRefused)
        ways = SftpWays(host_keys=(seen.seen,), old_algorithms=True)
        assert isinstance(server.opened(ways).put("", NAME, [CSV], replace=False), Put)


def test_a_key_the_server_does_not_know_is_refused(server: SftpShop) -> None:
    stranger = openssh_text(ed25519_key("stranger")).decode()
    login = Login(host="127.0.0.1", port=server.relay.port, user=server.place.account.pw_name, private_key=stranger)
    assert server.opened(login=login).put("", NAME, [CSV], replace=True) == NotSent(Fault.LOGIN_REFUSED)


def test_a_private_key_that_cannot_be_read_is_named_without_its_text(server: SftpShop) -> None:
    login = Login(host="127.0.0.1", port=server.relay.port, user="shop", private_key="-----BEGIN OPENSSH canary")
    assert server.opened(login=login).reach() == ReadFailed(Result.REJECTED_AUTH, Fault.PRIVATE_KEY_NOT_VALID)


def test_a_password_lets_in_and_a_wrong_one_does_not(place: Ground) -> None:
    host_key = place.keep("host_key", openssh_text(rsa_key()))
    directives = ["SFTPEngine on", f"SFTPHostKey {host_key}", "SFTPAuthMethods password"]
    with proftpd(place, directives=directives) as port, relayed({0: ("127.0.0.1", port)}) as relay:
        server = SftpShop(place, relay)
        right = Login(host="127.0.0.1", port=relay.port, user=USER, password=PASSWORD)
        wrong = Login(host="127.0.0.1", port=relay.port, user=USER, password="another")
        assert isinstance(server.opened(login=right).put("", NAME, [CSV], replace=True), Put)
        assert isinstance(server.opened(login=right).put("", NAME, [CSV], replace=True), Put)
        assert (place.files / NAME).read_bytes() == CSV
        assert server.opened(login=wrong).reach() == ReadFailed(Result.REJECTED_AUTH, Fault.LOGIN_REFUSED)
        assert server.opened().reach() == ReadFailed(Result.REJECTED_AUTH, Fault.LOGIN_KIND_REFUSED)


# ------------------------------------------------------------------ what is refused


def test_a_full_disk_is_told_apart_and_leaves_nothing(place: Ground) -> None:
    with (
        openssh(place, host_key=ed25519_key("host"), lets_in=[ed25519_key("merchant")], disk_bytes=262_144) as port,
        relayed({0: ("127.0.0.1", port)}) as relay,
    ):
        files = SftpShop(place, relay).opened()
        assert files.put("", NAME, [bytes(1_000_000)], replace=True) == NotSent(Fault.DISK_FULL)
        assert files.list("") == Listed(())
        assert isinstance(files.put("", NAME, [CSV], replace=True), Put)


def test_a_folder_we_may_not_write_to_is_told_apart(server: SftpShop) -> None:
    server.place.files.chmod(0o555)
    assert server.opened().put("", NAME, [CSV], replace=True) == NotSent(Fault.PERMISSION_DENIED)


def test_an_answer_larger_than_wanted_is_not_taken_in(server: SftpShop) -> None:
    (server.place.files / "log.csv").write_bytes(bytes(100_000))
    files = server.opened()
    assert files.get("", "log.csv", bytes_max=99_999) == ReadFailed(Result.TRANSIENT, Fault.FILE_TOO_LARGE)
    assert files.get("", "log.csv", bytes_max=100_000) == Got(bytes(100_000))
    assert files.get("", "nothing.csv", bytes_max=1) == ReadFailed(Result.TRANSIENT, Fault.FILE_NOT_THERE)
