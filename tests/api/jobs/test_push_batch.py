"""Numbers told by file: one file at a time, followed to its end, and nothing beside it but lower numbers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.kit.emulated_files import FileFault
from adapters.rakuten.emulated_batches import BATCH, ItemFolder, item_folder_of
from api.database import Database
from api.jobs import switching
from ledger.book import shops
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.terms import ListingKey
from tests.api.jobs.pushing import Stage, sent, stage
from tests.api.jobs.pushing_files import answers, batches, ends, folders_of, told_by_file

CUP = ListingKey("cup", "blue")
PEN = ListingKey("pen", "red")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def rakuten(scene: Stage) -> Iterator[str]:
    with told_by_file(scene, "rakuten") as code:
        yield code


@pytest.fixture
def by_file_alone(scene: Stage) -> Iterator[str]:
    """Nobody entered what the API needs."""
    with told_by_file(scene, "rakuten", keys=False) as code:
        yield code


def rms(scene: Stage, code: str) -> ItemFolder:
    return item_folder_of(scene.malls[code])


def first_file(scene: Stage, code: str) -> None:
    """A mall that cannot be read is quiet first."""
    scene.push_until(lambda: bool(batches(scene, code)), seconds=300, step=10)


def until_settled(scene: Stage, code: str, *, seconds: float = 4_000.0) -> None:
    scene.push_until(lambda: len(ends(scene, code)) == len(batches(scene, code)), seconds=seconds, step=20.0)


def two_listings(scene: Stage, code: str) -> None:
    scene.stock("CUP", 40)
    scene.stock("PEN", 30)
    scene.listing(code, CUP, "CUP", shown=50)
    scene.listing(code, PEN, "PEN", shown=50)


def test_a_file_is_three_facts_and_the_mall_shows_its_numbers(scene: Stage, rakuten: str) -> None:
    two_listings(scene, rakuten)
    assert scene.push() > 0
    (batch,) = batches(scene, rakuten)
    assert sorted(zip(batch.listings, batch.units, strict=True)) == [("cup:blue", 40), ("pen:red", 30)]
    assert list(folders_of(scene, rakuten).files) == [f"{BATCH}normal-item_daicho_{batch.request}.csv"]
    assert answers(scene, rakuten) == [["accepted", "accepted"]]
    until_settled(scene, rakuten)
    assert ends(scene, rakuten) == [["applied", "applied"]]
    assert (scene.shows(rakuten, CUP), scene.shows(rakuten, PEN)) == (40, 30)
    assert [type(fact) for fact in scene.facts(rakuten)] == [PushSent, PushAnswered, PushSettled]
    scene.clock.sleep(120)
    assert scene.push() == 0


def test_a_row_the_log_refuses_is_rejected_and_the_others_are_applied(scene: Stage, rakuten: str) -> None:
    rms(scene, rakuten).refuses.add(PEN)
    two_listings(scene, rakuten)
    scene.push()
    until_settled(scene, rakuten)
    told = dict(zip(batches(scene, rakuten)[0].listings, ends(scene, rakuten)[0], strict=True))
    assert told == {"cup:blue": "applied", "pen:red": "rejected"}
    scene.clock.sleep(120)
    assert scene.push() == 0, "it waits on the work list"


def test_no_file_is_added_while_another_waits_in_the_folder(scene: Stage, rakuten: str) -> None:
    rms(scene, rakuten).taking = False
    folders_of(scene, rakuten).files[BATCH + "normal-item_price.csv"] = b""
    scene.stock("CUP", 40)
    scene.listing(rakuten, CUP, "CUP", shown=30)
    scene.push()
    assert batches(scene, rakuten) == []
    del folders_of(scene, rakuten).files[BATCH + "normal-item_price.csv"]
    scene.push_until(lambda: bool(batches(scene, rakuten)), seconds=120)


def test_a_lowering_beside_an_unfinished_file_goes_at_once_and_again_after_it(scene: Stage, rakuten: str) -> None:
    """D8: the file says 40, applied late; two more were sold elsewhere meanwhile."""
    scene.stock("CUP", 40)
    scene.listing(rakuten, CUP, "CUP", shown=30)
    scene.push()
    assert len(batches(scene, rakuten)) == 1
    scene.stock("CUP", 12)
    scene.push()
    assert scene.shows(rakuten, CUP) == 12, "told by the API, while the file still waits"
    assert len(batches(scene, rakuten)) == 1
    until_settled(scene, rakuten)
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 12 and not scene.push(), seconds=300)
    assert scene.shows(rakuten, CUP) == 12, "the file undid it, and it was told again"
    assert [one.channel for one in sent(scene, rakuten)][:2] == ["file", "api"]
    assert len(sent(scene, rakuten)) >= 3


def test_a_raise_waits_for_the_end_of_the_file(scene: Stage, rakuten: str) -> None:
    scene.stock("CUP", 40)
    scene.listing(rakuten, CUP, "CUP", shown=50)
    scene.push()
    scene.stock("CUP", 45)
    for _ in range(3):
        scene.push(wait=1)
    assert len(sent(scene, rakuten)) == 1
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 45, seconds=600)


def test_a_mall_without_an_api_waits_for_the_end_of_its_file(scene: Stage) -> None:
    with told_by_file(scene, "shoplist") as code:
        dress = ListingKey("dress", "-s/-red")
        scene.stock("DRESS", 40)
        scene.listing(code, dress, "DRESS", shown=50)
        scene.push_until(lambda: bool(batches(scene, code)), seconds=600)
        scene.stock("DRESS", 3)
        scene.push(wait=5)
        assert len(sent(scene, code)) == 1
        scene.push_until(lambda: scene.shows(code, dress) == 3, seconds=1_200, step=10)


def test_items_and_choices_of_shoplist_are_two_files(scene: Stage) -> None:
    with told_by_file(scene, "shoplist") as code:
        plain, choice = ListingKey("bag", ""), ListingKey("dress", "-s/-red")
        for key, sku in ((plain, "BAG"), (choice, "DRESS")):
            scene.stock(sku, 5)
            scene.listing(code, key, sku, shown=50)
        scene.push_until(lambda: scene.shows(code, plain) == 5 == scene.shows(code, choice), seconds=1_200, step=10)
        assert sorted(one.listings for one in batches(scene, code)) == [["bag:"], ["dress:-s/-red"]]


def test_an_error_file_of_shoplist_rejects_its_rows(scene: Stage) -> None:
    with told_by_file(scene, "shoplist") as code:
        plain, gone = ListingKey("bag", ""), ListingKey("gone", "")
        for key in (plain, gone):
            scene.stock(key.item.upper(), 5)
            scene.listing(code, key, key.item.upper(), shown=50)
        del scene.malls[code].stock[gone]
        scene.push_until(lambda: bool(ends(scene, code)), seconds=1_200, step=10)
        told = dict(zip(batches(scene, code)[0].listings, ends(scene, code)[0], strict=True))
        assert told == {"bag:": "applied", "gone:": "rejected"}


# ------------------------------------------------------------------ what goes wrong


def test_a_full_disk_leaves_nothing_and_the_file_is_put_again(scene: Stage, by_file_alone: str) -> None:
    rakuten = by_file_alone
    folders_of(scene, rakuten).faults.append(FileFault("full", "put"))
    two_listings(scene, rakuten)
    first_file(scene, by_file_alone)
    assert answers(scene, rakuten) == [["transient", "transient"]]
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 40, seconds=900, step=5.0)
    assert len(batches(scene, rakuten)) == 2


def test_a_put_that_hangs_is_cut_and_tried_again(scene: Stage, by_file_alone: str) -> None:
    rakuten = by_file_alone
    folders_of(scene, rakuten).faults.append(FileFault("hang", "put"))
    two_listings(scene, rakuten)
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 40, seconds=900, step=5.0)
    assert [one[0] for one in answers(scene, rakuten)] == ["transient", "accepted"]


@pytest.mark.parametrize("kind", ["lost", "lost_before"])
def test_a_put_whose_answer_is_lost_is_looked_for_before_anything_else_goes(
    scene: Stage, by_file_alone: str, kind: str
) -> None:
    rakuten = by_file_alone
    folders_of(scene, rakuten).faults.append(FileFault(kind, "put"))
    two_listings(scene, rakuten)
    first_file(scene, by_file_alone)
    assert answers(scene, rakuten) == [["unknown", "unknown"]]
    scene.push(wait=5)
    assert len(batches(scene, rakuten)) == 1
    scene.push_until(
        lambda: scene.shows(rakuten, CUP) == 40 and scene.shows(rakuten, PEN) == 30, seconds=4_000, step=20.0
    )
    assert len(batches(scene, rakuten)) == (1 if kind == "lost" else 2)


def test_another_host_key_stops_the_shop_and_says_so(scene: Stage, rakuten: str) -> None:
    folders_of(scene, rakuten).faults.append(FileFault("host_key", times=100))
    two_listings(scene, rakuten)
    scene.push()
    assert scene.shop(rakuten).paused == "host_key_changed"
    assert batches(scene, rakuten) == []


def test_a_file_whose_log_never_comes_is_settled_by_what_the_mall_shows(scene: Stage, rakuten: str) -> None:
    rms(scene, rakuten).log_after_seconds = None
    two_listings(scene, rakuten)
    scene.push()
    until_settled(scene, rakuten, seconds=300)
    assert ends(scene, rakuten) == [["applied", "applied"]]


def test_a_file_that_was_half_applied_is_told_again(scene: Stage, rakuten: str) -> None:
    rms(scene, rakuten).half = True
    two_listings(scene, rakuten)
    scene.push()
    scene.push_until(
        lambda: scene.shows(rakuten, CUP) == 40 and scene.shows(rakuten, PEN) == 30, seconds=4_000, step=20.0
    )
    assert sorted(ends(scene, rakuten)[0]) == ["applied", "unknown"]


def test_a_log_that_comes_late_is_waited_for(scene: Stage, by_file_alone: str) -> None:
    rms(scene, by_file_alone).log_after_seconds = 400.0
    two_listings(scene, by_file_alone)
    first_file(scene, by_file_alone)
    until_settled(scene, by_file_alone, seconds=600)
    assert ends(scene, by_file_alone) == [["applied", "applied"]]


def test_a_file_that_nobody_takes_is_taken_back(scene: Stage, by_file_alone: str) -> None:
    rakuten = by_file_alone
    rms(scene, rakuten).taking = False
    two_listings(scene, rakuten)
    first_file(scene, by_file_alone)
    until_settled(scene, rakuten)
    assert ends(scene, rakuten) == [["transient", "transient"]]
    rms(scene, rakuten).taking = True
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 40, seconds=900, step=5.0)
    assert rms(scene, rakuten).taken == [f"normal-item_daicho_{batches(scene, rakuten)[-1].request}.csv"]


def test_a_file_that_was_doubled_ends_at_the_same_numbers(scene: Stage, rakuten: str) -> None:
    two_listings(scene, rakuten)
    scene.push()
    (name,) = folders_of(scene, rakuten).files
    folders_of(scene, rakuten).files[name.replace(".csv", "-copy.csv")] = folders_of(scene, rakuten).files[name]
    until_settled(scene, rakuten)
    scene.clock.sleep(120)
    scene.push()
    assert (scene.shows(rakuten, CUP), scene.shows(rakuten, PEN)) == (40, 30)


# ------------------------------------------------------------------ switches


def test_stop_says_how_many_numbers_are_on_their_way_and_their_end_is_still_seen(scene: Stage, rakuten: str) -> None:
    two_listings(scene, rakuten)
    scene.push()
    scene.fold()
    assert switching.stop_push(scene.house, rakuten, "user:1").answer["onTheirWay"] == 2
    until_settled(scene, rakuten)
    assert ends(scene, rakuten) == [["applied", "applied"]]
    scene.stock("CUP", 1)
    scene.push(wait=60)
    assert scene.shows(rakuten, CUP) == 40, "nothing is told after 停止"


def test_after_the_send_type_changed_listings_of_an_unfinished_file_wait_for_its_end(
    scene: Stage, rakuten: str
) -> None:
    two_listings(scene, rakuten)
    scene.push()
    scene.do(shops.choose_send_type(rakuten, "api"))
    scene.stock("CUP", 44)
    scene.push(wait=2)
    assert len(sent(scene, rakuten)) == 1
    scene.push_until(lambda: scene.shows(rakuten, CUP) == 44, seconds=900, step=5.0)
    assert sent(scene, rakuten)[-1].channel == "api"
    assert len(batches(scene, rakuten)) == 1


def test_a_lost_table_of_batches_is_made_again_from_the_facts(scene: Stage, rakuten: str) -> None:
    two_listings(scene, rakuten)
    scene.push()
    with scene.house.pool.connection() as connection:
        connection.execute("DELETE FROM push_batches")
    scene.stock("PEN", 2)
    until_settled(scene, rakuten)
    assert scene.shows(rakuten, CUP) == 40
