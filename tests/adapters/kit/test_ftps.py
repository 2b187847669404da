"""Files over FTP with TLS against ProFTPD itself: what arrives, what is refused, and what is known when the wire breaks."""

import logging
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.kit.files_over import Fault, Got, Listed, Naming, Put, Reached, Removed
from adapters.kit.ftps import FtpWays
from adapters.kit.ftps_wire import Security
from adapters.kit.mall import Lost, NotSent, ReadFailed
from ledger.terms import Result
from tests.adapters.kit.file_servers import Ground, ground
from tests.adapters.kit.ftps_shop import TLS, FtpsShop, ftps_shop
from tests.adapters.kit.sftp_shop import CSV, NAME, NOON

pytestmark = pytest.mark.needs_programs("proftpd", "unshare")

BIG = bytes(20_000_000)


@pytest.fixture(scope="module")
def running() -> Iterator[FtpsShop]:
    with ground() as place, ftps_shop(place) as shop:
        yield shop


@pytest.fixture
def shop(running: FtpsShop) -> Iterator[FtpsShop]:
    yield running
    running.relay.mend()
    running.place.clear()


@pytest.fixture
def place() -> Iterator[Ground]:
    with ground() as found:
        yield found


# ------------------------------------------------------------------ what arrives


def test_a_file_is_put_listed_got_and_removed(shop: FtpsShop) -> None:
    files = shop.opened()
    assert files.reach() == Reached()
    assert files.put("", NAME, [CSV[:10], CSV[10:]], replace=False) == Put(len(CSV), Naming.RENAMED, NOON, NOON)
    assert (shop.place.files / NAME).read_bytes() == CSV
    listed = files.list("")
    assert isinstance(listed, Listed)
    assert [(entry.name, entry.size_bytes) for entry in listed.entries] == [(NAME, len(CSV))]
    modified_at = listed.entries[0].modified_at
    assert modified_at is not None
    assert abs(datetime.now(UTC) - modified_at) < timedelta(minutes=5)
    assert files.get("", NAME, bytes_max=1_000) == Got(CSV)
    assert files.remove("", NAME) == Removed()
    assert files.remove("", NAME) == NotSent(Fault.FILE_NOT_THERE)
    assert files.list("") == Listed(())


def test_a_large_file_arrives_whole_in_pieces(shop: FtpsShop) -> None:
    piece = bytes(range(256)) * 999
    put = shop.opened().put("", NAME, (piece for _ in range(40)), replace=False)
    assert isinstance(put, Put)
    assert put.size_bytes == 40 * len(piece)
    assert (shop.place.files / NAME).read_bytes() == piece * 40


def test_a_folder_is_named_as_the_server_names_it(shop: FtpsShop) -> None:
    (shop.place.files / "item").mkdir()
    shop.place.give(shop.place.files / "item")
    files = shop.opened()
    assert isinstance(files.put("item", NAME, [CSV], replace=False), Put)
    assert files.get(f"{shop.place.files}/item", NAME, bytes_max=1_000) == Got(CSV)
    assert files.put("nowhere", NAME, [CSV], replace=False) == NotSent(Fault.FOLDER_NOT_THERE)
    assert files.list("nowhere") == ReadFailed(Result.TRANSIENT, Fault.FOLDER_NOT_THERE)


def test_a_file_the_mall_has_not_taken_yet_is_left_alone_or_replaced_in_one_step(shop: FtpsShop) -> None:
    (shop.place.files / NAME).write_bytes(b"pending")
    shop.place.give(shop.place.files / NAME)
    files = shop.opened()
    assert files.put("", NAME, [CSV], replace=False) == NotSent(Fault.NAME_EXISTS)
    assert (shop.place.files / NAME).read_bytes() == b"pending"
    assert files.put("", NAME, [CSV], replace=True) == Put(len(CSV), Naming.RENAMED_OVER, NOON, NOON)
    assert (shop.place.files / NAME).read_bytes() == CSV


def test_a_name_that_is_given_while_we_write_is_not_replaced(shop: FtpsShop) -> None:
    def content() -> Iterator[bytes]:
        yield CSV
        (shop.place.files / NAME).write_bytes(b"another's")

    assert shop.opened().put("", NAME, content(), replace=False) == NotSent(Fault.NAME_EXISTS)
    assert shop.names() == [NAME]
    assert (shop.place.files / NAME).read_bytes() == b"another's"


def test_a_server_that_cannot_replace_has_the_former_file_removed_first_and_that_is_said(place: Ground) -> None:
    with ftps_shop(place, directives=[*TLS, "AllowOverwrite off"]) as shop:
        files = shop.opened()
        assert files.put("", NAME, [b"old"], replace=True) == Put(3, Naming.RENAMED, NOON, NOON)
        assert files.put("", NAME, [CSV], replace=True) == Put(len(CSV), Naming.REMOVED_THEN_RENAMED, NOON, NOON)
        assert (place.files / NAME).read_bytes() == CSV
        assert shop.names() == [NAME]


def test_a_server_that_refuses_to_rename_says_so_and_takes_the_file_directly(place: Ground) -> None:
    with ftps_shop(place, directives=[*TLS, "<Limit RNTO>", "DenyAll", "</Limit>"]) as shop:
        assert shop.opened().put("", NAME, [CSV], replace=True) == NotSent(Fault.RENAME_REFUSED)
        assert shop.names() == []
        put = shop.opened(FtpWays(direct=True)).put("", NAME, [CSV], replace=True)
        assert put == Put(len(CSV), Naming.DIRECT, NOON, NOON)
        assert shop.names() == [NAME]


def test_a_folder_that_may_not_be_listed_takes_files_all_the_same(place: Ground) -> None:
    with ftps_shop(place, directives=[*TLS, "<Limit MLSD NLST LIST>", "DenyAll", "</Limit>"]) as shop:
        assert isinstance(shop.opened().put("", NAME, [CSV], replace=False), Put)
        assert shop.opened().list("") == ReadFailed(Result.TRANSIENT, Fault.PERMISSION_DENIED)


def test_what_an_earlier_put_left_behind_is_swept_away_and_never_listed(shop: FtpsShop) -> None:
    for name in (f"daicho-old1-{NAME}.part", "daicho-old2-another.csv.part"):
        (shop.place.files / name).write_bytes(b"half")
        shop.place.give(shop.place.files / name)
    files = shop.opened()
    assert files.list("") == Listed(())
    assert isinstance(files.put("", NAME, [CSV], replace=False), Put)
    assert shop.names() == ["daicho-old2-another.csv.part", NAME]


def test_names_that_are_not_printable_ascii_are_counted_and_folders_are_not_files(shop: FtpsShop) -> None:
    (shop.place.files / "在庫.csv").write_bytes(b"")
    (shop.place.files / "log.csv").write_bytes(b"12")
    (shop.place.files / "folder").mkdir()
    listed = shop.opened().list("")
    assert isinstance(listed, Listed)
    assert [entry.name for entry in listed.entries] == ["log.csv"]
    assert listed.not_read == 1


# ------------------------------------------------------------------ who we talk to


def test_a_certificate_that_is_not_trusted_is_refused_before_the_login(shop: FtpsShop) -> None:
    stranger = shop.opened(certificates=ssl.create_default_context())
    assert stranger.put("", NAME, [CSV], replace=True) == NotSent(Fault.CERTIFICATE_REFUSED)
    assert stranger.reach() == ReadFailed(Result.REJECTED_AUTH, Fault.CERTIFICATE_REFUSED)


def test_a_context_that_does_not_verify_is_our_own_mistake(shop: FtpsShop) -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    with pytest.raises(AssertionError):
        shop.opened(certificates=lax)


def test_a_server_without_tls_is_not_spoken_to_unless_plain_is_declared(place: Ground) -> None:
    with ftps_shop(place, directives=["TLSEngine off"]) as shop:
        assert shop.opened().put("", NAME, [CSV], replace=True) == NotSent(Fault.TLS_NOT_OFFERED)
        plain = FtpWays(security=Security.PLAIN)
        assert shop.opened(plain).put("", NAME, [CSV], replace=True) == NotSent(Fault.PLAIN_NOT_DECLARED)
        declared = FtpWays(security=Security.PLAIN, plain_declared=True)
        assert isinstance(shop.opened(declared).put("", NAME, [CSV], replace=True), Put)


def test_tls_from_the_first_byte_is_spoken_where_the_shop_says_so(place: Ground) -> None:
    with ftps_shop(place, directives=[*TLS, "TLSOptions UseImplicitSSL"]) as shop:
        files = shop.opened(FtpWays(security=Security.IMPLICIT_TLS))
        assert isinstance(files.put("", NAME, [CSV], replace=True), Put)
        assert files.get("", NAME, bytes_max=1_000) == Got(CSV)


def test_a_wrong_password_is_refused_and_one_that_cannot_be_sent_is_not(shop: FtpsShop) -> None:
    assert shop.opened(password="another").reach() == ReadFailed(Result.REJECTED_AUTH, Fault.LOGIN_REFUSED)
    for password in ("ｆｕｌｌ－ｗｉｄｔｈ", "a\r\nDELE b"):
        assert shop.opened(password=password).reach() == ReadFailed(Result.REJECTED_AUTH, Fault.LOGIN_NOT_VALID)


# ------------------------------------------------------------------ what is refused


def test_no_room_for_the_file_is_told_apart_and_leaves_nothing(place: Ground) -> None:
    with ftps_shop(place, directives=[*TLS, "MaxStoreFileSize 200 Kb"]) as shop:
        files = shop.opened()
        assert files.put("", NAME, [bytes(100_000)] * 100, replace=True) == NotSent(Fault.DISK_FULL)
        assert shop.names() == []
        assert isinstance(files.put("", NAME, [CSV], replace=True), Put)


def test_a_full_disk_that_the_server_calls_an_error_is_refused_and_leaves_nothing(place: Ground) -> None:
    with ftps_shop(place, disk_bytes=262_144) as shop:
        files = shop.opened()
        assert files.put("", NAME, [bytes(100_000)] * 100, replace=True) == NotSent(Fault.REFUSED)
        assert files.list("") == Listed(())
        assert isinstance(files.put("", NAME, [CSV], replace=True), Put)


def test_a_folder_we_may_not_write_to_is_told_apart(shop: FtpsShop) -> None:
    shop.place.files.chmod(0o555)
    assert shop.opened().put("", NAME, [CSV], replace=True) == NotSent(Fault.PERMISSION_DENIED)


def test_an_answer_larger_than_wanted_is_not_taken_in(shop: FtpsShop) -> None:
    (shop.place.files / "log.csv").write_bytes(bytes(100_000))
    files = shop.opened()
    assert files.get("", "log.csv", bytes_max=99_999) == ReadFailed(Result.TRANSIENT, Fault.FILE_TOO_LARGE)
    assert files.get("", "log.csv", bytes_max=100_000) == Got(bytes(100_000))
    assert files.get("", "nothing.csv", bytes_max=1) == ReadFailed(Result.TRANSIENT, Fault.FILE_NOT_THERE)


# ------------------------------------------------------------------ when the wire breaks


def test_a_connection_cut_in_the_middle_leaves_no_file_of_that_name(shop: FtpsShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(500_000)
        shop.relay.cut()
        yield BIG

    files = shop.opened()
    assert files.put("", NAME, content(), replace=True) == NotSent(Fault.CONNECTION_BROKEN)
    assert NAME not in shop.names()
    assert isinstance(files.put("", NAME, [CSV], replace=True), Put), "the whole file is sent again"


def test_a_renaming_whose_answer_is_lost_may_have_been_done(shop: FtpsShop) -> None:
    asked = threading.Event()

    def now() -> datetime:
        shop.relay.hold_answers_after(1)  # The one to RNFR: the clock is read just before the renaming is asked for.
        asked.set()
        return NOON

    files = shop.opened(now=now, deadline_seconds=1.0)
    assert files.put("", NAME, [CSV], replace=True) == Lost(Fault.DEADLINE_PASSED)
    assert asked.is_set()
    assert (shop.place.files / NAME).read_bytes() == CSV


def test_a_connection_cut_while_a_file_is_written_directly_may_have_left_a_part(shop: FtpsShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(500_000)
        shop.relay.cut()
        yield BIG

    files = shop.opened(FtpWays(direct=True))
    assert files.put("", NAME, content(), replace=True) == Lost(Fault.CONNECTION_BROKEN)


def test_a_put_that_hangs_is_ended_from_outside(shop: FtpsShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(100_000)
        shop.relay.hold_requests()
        yield BIG

    began = time.monotonic()
    assert shop.opened(deadline_seconds=0.6).put("", NAME, content(), replace=True) == NotSent(Fault.DEADLINE_PASSED)
    assert time.monotonic() - began < 3


def test_a_server_that_drips_is_ended_by_the_deadline_of_the_whole_call(shop: FtpsShop) -> None:
    shop.relay.drip_answers()
    began = time.monotonic()
    assert shop.opened(deadline_seconds=0.6).list("") == ReadFailed(Result.TRANSIENT, Fault.DEADLINE_PASSED)
    assert time.monotonic() - began < 3


def test_what_the_content_raises_goes_through_and_nothing_has_the_name(shop: FtpsShop) -> None:
    def content() -> Iterator[bytes]:
        yield bytes(100_000)
        raise OSError("the table could not be read")

    with pytest.raises(OSError, match="the table could not be read"):
        shop.opened().put("", NAME, content(), replace=True)
    assert shop.names() == []


# ------------------------------------------------------------------ what is never said


def test_no_log_line_and_no_repr_holds_a_secret_a_host_or_a_path(
    shop: FtpsShop, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    files = shop.opened(password="canary-password")
    said = [repr(files), repr(files.put("canary-folder", "canary-name.csv", [CSV], replace=True))]
    said += [repr(shop.opened().list("canary-folder")), caplog.text, *capsys.readouterr()]
    assert not [text for text in said if "canary" in text]
    assert not caplog.records
