"""R5: random worlds in which malls sell from their own numbers and tell late; no push of ours makes an oversell.

Each world has malls of its own, drawn from all that are told numbers by API; some worlds of a soak have all of them.
Repeat by the seed: ``DAICHO_TEST_SEED=17 pytest -n0 tests/simulator``, or several, 17,18. A soak raises the number of seeds.
"""

import os
from pathlib import Path

import pytest

from api.database import Database
from tests.ledger.rig import TIMES
from tests.simulator.run import Simulation

AGREED_SHARE = 0.85  # times are cut to the second, answers have no exact moment, and a restate is a raise to one and none to the other
GROUPS = 4  # for workers that run beside each other
SEEDS_A_GROUP = 6 * TIMES
CHOSEN_SEEDS = [int(seed) for seed in os.environ.get("DAICHO_TEST_SEED", "").split(",") if seed]


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_push_of_ours_oversells_in_random_worlds(database: Database, tmp_path: Path, group: int) -> None:
    seeds = range(1 + group * SEEDS_A_GROUP, 1 + (group + 1) * SEEDS_A_GROUP)
    chosen = CHOSEN_SEEDS[group::GROUPS] if CHOSEN_SEEDS else seeds
    runs = [Simulation(database, tmp_path, seed).run() for seed in chosen]
    sales, raises = sum(run.sales for run in runs), sum(run.raises for run in runs)
    print(
        f"{len(runs)} worlds, {sales} sales, {raises} raises, {sum(run.oversold_units for run in runs)} units oversold"
    )
    faults = [f"seed {run.seed}: {fault}" for run in runs for fault in run.faults]
    assert not faults, "\n".join([*faults, "repeat one: DAICHO_TEST_SEED=<seed> pytest -n0 tests/simulator"])
    assert sum(run.oversold_as_ours for run in runs) == 0
    assert raises > 0 or CHOSEN_SEEDS
    steps, agreed = sum(run.steps for run in runs), sum(run.steps_agreed for run in runs)
    print(f"{steps} steps of oversold sales, {agreed} as the judge says")
    assert agreed >= AGREED_SHARE * steps, f"the report names {agreed} of {steps} steps as the judge does"
