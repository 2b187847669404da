"""What both tools for files promise alike: names, outcomes for listings, and what a call knows of its content."""

import socket
from collections.abc import Iterator

import pytest

from adapters.kit import files_over
from adapters.kit.file_call import Content, Ended, Progress, fault_of_network, says_full
from adapters.kit.files_over import NEEDS_A_PERSON, Fault, MallFiles, Naming, Put, outcome_of_put, read_failed
from adapters.kit.ftps import MallFtps
from adapters.kit.ftps_wire import FtpRefused
from adapters.kit.mall import Lost, NotSent
from adapters.kit.sftp import MallSftp
from adapters.kit.watchdog import DeadlinePassed
from ledger.terms import Outcome, Result
from tests.adapters.kit.sftp_shop import NOON

PROMISED: tuple[type[MallFiles], ...] = (MallSftp, MallFtps)  # mypy compares every signature.


def test_a_put_is_accepted_and_never_applied_before_the_mall_has_read_the_file() -> None:
    assert outcome_of_put(Put(12, Naming.RENAMED, NOON, NOON)) == Outcome(Result.ACCEPTED)
    assert outcome_of_put(Lost(Fault.CONNECTION_BROKEN)) == Outcome(Result.UNKNOWN, "connection_broken")
    assert outcome_of_put(NotSent(Fault.DISK_FULL)) == Outcome(Result.TRANSIENT, "disk_full")


@pytest.mark.parametrize("fault", sorted(NEEDS_A_PERSON))
def test_what_only_a_person_can_mend_stops_the_shop(fault: Fault) -> None:
    assert outcome_of_put(NotSent(fault)).result is Result.REJECTED_AUTH
    assert read_failed(fault).result is Result.REJECTED_AUTH


def test_the_name_until_a_file_is_whole_is_not_one_a_mall_looks_for() -> None:
    part = files_over.name_until_whole("normal-item.csv", "a1B2")
    assert not part.startswith("normal-item")
    assert not part.endswith(".csv")
    assert files_over.is_file_name(part)
    assert files_over.is_part(part)
    assert files_over.is_part_of(part, "normal-item.csv")
    assert not files_over.is_part_of(part, "normal-item_csv")
    assert not files_over.is_part_of(part, "item.csv")
    assert not files_over.is_part("normal-item.csv")


@pytest.mark.parametrize(
    ("name", "listed"), [("a b.csv", True), ("..", False), ("", False), ("a/b", False), ("a\nb", False)]
)
def test_a_name_that_a_server_lists_may_be_asked_for_unless_it_leads_elsewhere(name: str, listed: bool) -> None:
    assert files_over.is_listed_name(name) == listed


def test_content_says_whose_an_error_is_and_has_a_bound() -> None:
    def parts() -> Iterator[bytes]:
        yield b"12345"
        raise OSError("ours")

    content = Content(parts())
    assert (content.is_begun, content.is_asked) == (False, False)
    assert next(content) == b"12345"
    assert (content.is_begun, content.is_asked) == (True, False)
    with pytest.raises(OSError, match="ours"):
        next(content)
    assert content.is_asked
    with pytest.raises(Ended, match="file_too_large"):
        list(Content([b"12345", b"6"], bytes_max=5))


def test_only_an_answered_refusal_says_that_nothing_was_done() -> None:
    progress = Progress()
    with pytest.raises(FtpRefused), progress.unanswered(FtpRefused):
        raise FtpRefused(550)
    assert not progress.may_be_done
    with pytest.raises(ConnectionResetError), progress.unanswered(FtpRefused):
        raise ConnectionResetError
    assert progress.may_be_done


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (socket.gaierror(), Fault.NAME_NOT_FOUND),
        (ConnectionRefusedError(), Fault.CONNECTION_REFUSED),
        (TimeoutError(), Fault.DEADLINE_PASSED),
        (DeadlinePassed(), Fault.DEADLINE_PASSED),
        (BrokenPipeError(), Fault.CONNECTION_BROKEN),
        (EOFError(), Fault.CONNECTION_BROKEN),
        (ValueError(), None),
    ],
)
def test_an_error_of_the_network_has_its_fault(error: BaseException, fault: Fault | None) -> None:
    assert fault_of_network(error) == fault


@pytest.mark.parametrize("words", ["No space left on device", "Disk quota exceeded", "552 Quota exceeded"])
def test_a_server_may_say_in_words_that_it_is_full(words: str) -> None:
    assert says_full(words)
    assert not says_full("Failure")
    assert FtpRefused(452).full
    assert FtpRefused(552).full
    assert not FtpRefused(451).full
