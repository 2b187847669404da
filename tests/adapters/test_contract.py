"""The contract: what is true of every mall that the scan finds, with nothing added per mall.

A mall is judged by its declaration, its samples and its own emulator over real HTTP. The form of the samples' wants is
described in ``adapters/sandbox/samples/README.md``; ``want.py`` reads them, ``emulated.py`` connects a shop.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat
from adapters.kit.mall import SKILLS, ConnectionTested, LowersAt, Mall, ReadFailed
from adapters.kit.profile import FILE_NAME
from adapters.kit.table import open_table
from ledger.terms import ListingKey, ListingLevel, OrderState, Outcome, Result, Telling
from tests.adapters import want
from tests.adapters.emulated import Connected, closed_port, key_of

CODES = [code for code in adapters.codes() if adapters.declared(code).connectable]
MAILS = [(code, path) for code in adapters.codes() for path in want.samples_of(code, want.MAIL_SUFFIXES)]
FILES = [(code, path) for code in adapters.codes() for path in want.samples_of(code, want.FILE_SUFFIXES)]

PLACES = {
    "push_api": ("push",),
    "read_back": ("read_back", "push"),
    "read_all": ("all_listings",),
    "order_mail": ("mail",),
    "stock_out": ("files",),
    "emulator": ("emulator",),
}
PUSHING = [code for code in CODES if callable(adapters.declared(code).push_api)]
READING = [code for code in CODES if callable(adapters.declared(code).read_back)]
MAILING = [code for code in CODES if callable(adapters.declared(code).order_mail)]

NO_ANSWER = ("drop", "half", "garbage_after")


def first(shop: Connected) -> ListingKey:
    return key_of(shop.mall, 1)


def results(outcomes: list[Outcome]) -> set[Result]:
    return {outcome.result for outcome in outcomes}


# ------------------------------------------------------------------ the folder and the declaration


@pytest.mark.parametrize("code", adapters.codes())
def test_the_folder_has_the_files_every_mall_has(code: str) -> None:
    folder = adapters.FOLDER / code
    missing = [name for name in ("__init__.py", "NOTES.md", FILE_NAME, "samples") if not (folder / name).exists()]
    assert not missing, f"adapters/{code} lacks {missing}"
    assert adapters.declared(code).code == code
    assert adapters.profile(code).values, f"adapters/{code}/{FILE_NAME} says nothing"


@pytest.mark.parametrize("code", adapters.codes())
def test_the_notes_say_where_each_fact_comes_from_and_how_sure_it_is(code: str) -> None:
    notes = (adapters.FOLDER / code / "NOTES.md").read_text(encoding="utf-8")
    table = re.search(
        r"^\|\s*fact\s*\|\s*source\s*\|\s*confidence\s*\|\n\|[\s:|-]+\|\n((?:\|.*\|\n?)+)", notes, re.MULTILINE
    )
    assert table, f"adapters/{code}/NOTES.md has no table | fact | source | confidence |"
    for row in table[1].strip().split("\n"):
        assert len([cell for cell in re.split(r"(?<!\\)\|", row.strip().strip("|")) if cell.strip()]) == 3, row


@pytest.mark.parametrize("code", adapters.codes())
def test_each_skill_stands_in_the_file_of_its_name(code: str) -> None:
    mall = adapters.declared(code)
    for skill, files in PLACES.items():
        found = getattr(mall, skill)
        if callable(found):
            assert found.__module__ in {f"adapters.{code}.{file}" for file in files}, (skill, found.__module__)


@pytest.mark.parametrize("code", adapters.codes())
def test_every_skill_that_is_missing_says_why(code: str) -> None:
    told = adapters.skills(adapters.declared(code))
    assert [skill for skill, *_ in told] == list(SKILLS)
    assert all(answer == "yes" or reason.strip() for _, answer, reason in told), told


@pytest.mark.parametrize("code", adapters.codes())
def test_the_declaration_has_limits_and_names_once(code: str) -> None:
    mall = adapters.declared(code)
    assert mall.units_max > 0
    assert mall.push_batch_max > 0
    assert mall.read_batch_max > 0
    assert mall.requests_per_second > 0
    assert mall.request_seconds_max > 0
    names = [setting.name for setting in mall.settings]
    assert len(names) == len(set(names))
    assert all(setting.label and setting.where for setting in mall.settings), "each setting says how to find it"
    assert len({key.name for key in mall.match_keys}) == len(mall.match_keys)


@pytest.mark.parametrize("code", CODES)
def test_a_mall_that_takes_mail_or_files_shows_samples_of_them(code: str) -> None:
    mall = adapters.declared(code)
    if callable(mall.order_mail):
        assert want.samples_of(code, want.MAIL_SUFFIXES), "order mail without a sample"
    if isinstance(mall.stock_in, tuple):
        assert want.samples_of(code, want.FILE_SUFFIXES), "files without a sample"


# ------------------------------------------------------------------ samples


@pytest.mark.parametrize(("code", "sample"), MAILS, ids=[f"{code}-{path.stem}" for code, path in MAILS])
def test_a_mail_sample_is_read_as_its_want_says(code: str, sample: Path) -> None:
    reading = want.mail_reading(adapters.declared(code), sample.read_bytes())
    said = want.mail_said(reading)
    assert said == want.complete_mail_want(want.want_of(sample), said)
    if isinstance(reading, Telling):
        assert reading.door == "mail"
        assert reading.parser_version >= 1
        assert not reading.verified, "only the receiver may say verified"


@pytest.mark.parametrize(("code", "sample"), FILES, ids=[f"{code}-{path.stem}" for code, path in FILES])
def test_a_file_sample_is_read_as_its_want_says(code: str, sample: Path) -> None:
    said = want.file_said(sample.name, sample.read_bytes(), mall=code)
    assert said == want.complete_file_want(want.want_of(sample), said, mall=code)


@pytest.mark.parametrize("code", MAILING)
def test_a_mail_of_another_mall_is_never_taken_for_an_order(code: str) -> None:
    for other, sample in MAILS:
        if other != code:
            reading = want.mail_reading(adapters.mall(code), sample.read_bytes())
            assert not isinstance(reading, Telling), f"{code} takes {other}'s {sample.name} for its own"


@pytest.mark.parametrize("code", CODES)
def test_a_written_stock_file_reads_back_as_the_numbers_written(code: str) -> None:
    mall = adapters.declared(code)
    if not callable(mall.stock_out) or not isinstance(mall.stock_in, tuple):
        return
    levels = [ListingLevel(key_of(mall, number), number * 7) for number in range(1, 4)]
    content = b"".join(mall.stock_out(levels, adapters.profile(code)))
    readers = [
        (
            table := open_table([content], delimiter=one.delimiter, encodings=one.encodings),
            one.open(table.header, adapters.profile(code)),
        )
        for one in mall.stock_in
    ]
    table, reader = next((table, reader) for table, reader in readers if not isinstance(reader, NotThisFormat))
    assert not isinstance(reader, NotThisFormat)
    rows = [row for row in reader(table.rows) if isinstance(row, FileRow)]
    assert [(row.key, row.units) for row in rows] == [(level.key, level.units) for level in levels]


# ------------------------------------------------------------------ pushing, over real HTTP


def test_a_push_is_applied_and_the_mall_shows_it(shop: Connected) -> None:
    keys = [key_of(shop.mall, 1), key_of(shop.mall, 2)]
    outcomes = shop.push((keys[0], 4), (keys[1], 0))
    assert outcomes == [Outcome(Result.APPLIED)] * 2
    assert shop.shown(keys) == [4, 0]


def test_the_second_identical_push_changes_nothing(shop: Connected) -> None:
    once = shop.push((first(shop), 4))
    twice = shop.push((first(shop), 4))
    assert once == twice
    assert shop.shown([first(shop)]) == [4]


def test_a_key_that_is_not_accepted_is_rejected_auth(shop: Connected) -> None:
    shop.meets("status", status=401)
    assert results(shop.push((first(shop), 4))) == {Result.REJECTED_AUTH}
    assert shop.shown([first(shop)]) == [9]


def test_a_mall_that_is_busy_throttles_and_says_how_long(shop: Connected) -> None:
    shop.meets("status", status=429, retry_after=7)
    outcomes = shop.push((first(shop), 4))
    assert results(outcomes) == {Result.THROTTLED}
    assert {outcome.wait_seconds for outcome in outcomes} == {7.0}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_mall_that_is_broken_is_transient(shop: Connected, status: int) -> None:
    shop.meets("status", status=status)
    assert results(shop.push((first(shop), 4), (key_of(shop.mall, 2), 1))) == {Result.TRANSIENT}
    assert shop.shown([first(shop)]) == [9]


def test_a_connection_that_is_refused_is_transient(shop: Connected) -> None:
    right = shop.base["*"]
    shop.base["*"] = f"http://127.0.0.1:{closed_port()}"
    try:
        assert shop.push((first(shop), 4)) == [Outcome(Result.TRANSIENT, "connection_refused")]
    finally:
        shop.base["*"] = right


@pytest.mark.parametrize("kind", NO_ANSWER)
def test_an_answer_lost_after_applying_is_unknown(shop: Connected, kind: str) -> None:
    shop.meets(kind)
    assert results(shop.push((first(shop), 4))) == {Result.UNKNOWN}
    assert shop.shown([first(shop)]) == [4]


@pytest.mark.parametrize("kind", ["garbage", "drop_before"])
def test_garbage_or_silence_is_never_taken_for_applied(shop: Connected, kind: str) -> None:
    shop.meets(kind)
    assert results(shop.push((first(shop), 4))) == {Result.UNKNOWN}
    assert shop.shown([first(shop)]) == [9]


def test_a_negative_number_is_never_sent(shop: Connected) -> None:
    seen = shop.shop.requests_seen
    with pytest.raises(AssertionError):
        shop.push((first(shop), -1))
    with pytest.raises(AssertionError):
        shop.push((first(shop), shop.mall.units_max + 1))
    assert shop.shop.requests_seen == seen


def test_the_batch_limit_is_kept(shop: Connected) -> None:
    full = [(key_of(shop.mall, number), number % 50) for number in range(shop.mall.push_batch_max + 1)]
    for key, _ in full:
        shop.shop.set_stock(key, 9)
    assert results(shop.push(*full[:-1])) == {Result.APPLIED}
    seen = shop.shop.requests_seen
    with pytest.raises(AssertionError):
        shop.push(*full)
    with pytest.raises(AssertionError):
        shop.push()
    assert shop.shop.requests_seen == seen


def test_a_listing_named_twice_in_one_batch_ends_at_its_last_number(shop: Connected) -> None:
    outcomes = shop.push((first(shop), 3), (key_of(shop.mall, 2), 6), (first(shop), 5))
    assert results(outcomes) == {Result.APPLIED}
    assert len(outcomes) == 3
    assert shop.shown([first(shop), key_of(shop.mall, 2)]) == [5, 6]


def test_no_secret_is_ever_seen(shop: Connected, caplog: pytest.LogCaptureFixture) -> None:
    seen = [repr(shop.access), repr(shop.access.http)]
    with caplog.at_level("DEBUG"):
        for kind in ("", "status", "garbage", "drop", "drop_before", "half"):
            for status in (401, 403, 429, 500) if kind == "status" else (0,):
                if kind:
                    shop.meets(kind, status=status)
                seen += [repr(shop.push((first(shop), 4))), _read(shop), repr(_test_connection(shop))]
    seen += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    texts = shop.secret_texts()
    assert texts, "no secret to look for"
    assert not [secret for secret in texts if any(secret in one for one in seen)]


# ------------------------------------------------------------------ reading back, the connection test


def test_what_is_read_back_is_what_the_mall_shows(shop: Connected) -> None:
    if not callable(shop.mall.read_back):
        return
    keys = [key_of(shop.mall, 1), key_of(shop.mall, 2), ListingKey("not-there", "v9")]
    shop.push((keys[0], 4))
    read = shop.mall.read_back(shop.access, keys)
    assert not isinstance(read, ReadFailed), read
    assert [(one.key, one.units) for one in read[:2]] == [(keys[0], 4), (keys[1], 9)]
    assert [(one.key, one.found) for one in read[2:]] == [(keys[2], False)]
    with pytest.raises(AssertionError):
        shop.mall.read_back(shop.access, [keys[0]] * (shop.mall.read_batch_max + 1))


@pytest.mark.parametrize(
    ("kind", "status", "result"),
    [
        ("status", 401, Result.REJECTED_AUTH),
        ("status", 429, Result.THROTTLED),
        ("status", 500, Result.TRANSIENT),
        ("garbage", 0, Result.TRANSIENT),
        ("half", 0, Result.TRANSIENT),
        ("drop", 0, Result.TRANSIENT),
    ],
)
def test_a_read_that_fails_says_so_and_gives_no_number(shop: Connected, kind: str, status: int, result: Result) -> None:
    if not callable(shop.mall.read_back):
        return
    shop.meets(kind, status=status)
    read = shop.mall.read_back(shop.access, [first(shop)])
    assert isinstance(read, ReadFailed)
    assert read.result == result


def test_the_connection_test_says_whether_the_key_is_accepted(shop: Connected) -> None:
    if not callable(shop.mall.connection_test):
        return
    before = dict(shop.shop.stock), len(shop.shop.pushes)
    assert shop.mall.connection_test(shop.access).ok
    for kind, status in (("status", 401), ("status", 503), ("garbage", 0), ("drop", 0)):
        shop.meets(kind, status=status)
        told = shop.mall.connection_test(shop.access)
        assert not told.ok, (kind, status)
        assert told.message
    assert (dict(shop.shop.stock), len(shop.shop.pushes)) == before, "the connection test only reads"


# ------------------------------------------------------------------ the emulator is a mall


def test_the_mall_lowers_its_own_number_at_its_own_sale(shop: Connected) -> None:
    shop.push((first(shop), 5))
    order = shop.shop.sell(first(shop), 2)
    assert order is not None
    lowers = shop.mall.lowers_at is not LowersAt.NEVER
    assert shop.shown([first(shop)]) == [3 if lowers else 5]
    assert shop.shop.sell(first(shop), 99) is None, "it sells from its own number only"


def test_an_order_is_told_late_by_a_mail_our_reader_understands(shop: Connected) -> None:
    if not callable(shop.mall.order_mail):
        return
    order = shop.shop.sell_lines(((first(shop), 2), (key_of(shop.mall, 2), 1)), delay_seconds=240)
    assert order is not None
    told: list[bytes] = []
    assert shop.shop.deliver_due(told.append) == 0
    while shop.shop.clock.now() < order.ordered_at + timedelta(seconds=240):
        pass
    assert shop.shop.deliver_due(told.append) == 1
    reading = want.mail_reading(shop.mall, told[0])
    assert isinstance(reading, Telling), reading
    assert (reading.order, reading.complete) == (order.number, True)
    assert reading.ordered_at is None or abs(reading.ordered_at - order.ordered_at) < timedelta(seconds=1)
    assert [line.quantity for line in reading.lines] == [2, 1]
    for line, (key, _) in zip(reading.lines, order.lines, strict=True):
        assert {line.item, line.variant, *line.codes} & {key.item, key.variant}, "the mail names no code of the listing"


def test_a_cancel_is_told_as_a_cancel_or_not_at_all(shop: Connected) -> None:
    if not callable(shop.mall.order_mail):
        return
    order = shop.shop.sell(first(shop), 1)
    assert order is not None
    shop.shop.outbox.clear()
    shop.shop.cancel(order.number)
    told: list[bytes] = []
    shop.shop.deliver_due(told.append)
    readings = [want.mail_reading(shop.mall, raw) for raw in told]
    for reading in readings:
        assert isinstance(reading, Telling)
        assert (reading.order, reading.state) == (order.number, OrderState.CANCELLED)


def _read(shop: Connected) -> str:
    return repr(shop.mall.read_back(shop.access, [first(shop)])) if callable(shop.mall.read_back) else ""


def _test_connection(shop: Connected) -> ConnectionTested | None:
    return shop.mall.connection_test(shop.access) if callable(shop.mall.connection_test) else None


def test_the_scan_finds_a_mall_that_can_be_connected() -> None:
    assert all(isinstance(adapters.mall(code), Mall) for code in CODES)
    with pytest.raises(adapters.UnknownMall, match="expected one of"):
        adapters.mall("no-such-mall")
