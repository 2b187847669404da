"""在庫照合: the mall is read back, each difference has its class and evidence, and is mended by facts."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.drift_classes import Drift
from api.jobs.reconcile import reconcile
from ledger import keys
from ledger.facts.push import DriftFound
from ledger.terms import ListingKey
from tests.api.jobs.pushing import BY, selling_at
from tests.api.labelled_drift import Labelled
from tests.api.telling_rig import Telling, telling

CUP = ListingKey("cup", "blue")


@pytest.fixture
def told(database: Database, tmp_path: Path) -> Iterator[Telling]:
    with telling(database, tmp_path) as found:
        yield found


@pytest.mark.parametrize(("mall", "count"), [("rakuten", 160), ("sandbox", 160)])
def test_at_least_95_of_100_differences_are_put_in_their_class(told: Telling, mall: str, count: int) -> None:
    with selling_at(told.scene, mall, "one") as code:
        labels = Labelled(told.scene, code, count, seed=7).play()
        ran = reconcile(told.scene.house, code, BY)
        found = dict.fromkeys(labels, Drift.SAME)
        for record in told.scene.records(keys.read(code)):
            fact = record.fact
            if isinstance(fact, DriftFound) and fact.run == ran.run:
                names = (keys.listing_key(text) for text in fact.listings)
                found |= {key: Drift(each) for key, each in zip(names, fact.classes, strict=True)}
        wrong = Counter((str(label), str(found[key])) for key, label in labels.items() if found[key] is not label)
        assert ran.listings == count
        assert 1 - wrong.total() / count >= 0.95, wrong
