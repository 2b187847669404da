"""A push begins, and what the mall takes of it, now or later, is judged by what was known when it began."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.kit.emulator import PushSeen
from ledger.terms import ListingLevel
from tests.simulator.malls import Call, Shop
from tests.simulator.truth import Sent, Truth
from tests.simulator.wire import Judge


def begun(one: Shop, levels: Sequence[ListingLevel], now: datetime, free: Mapping[str, int], truth: Truth) -> Judge:
    """A call of the mall's push begins, with ``free`` units of each SKU; the judge of what the mall takes of it."""
    sent = Sent(now, free, truth.known(), one.mall.units_max, callable(one.mall.read_back))
    call = Call({level.key: level.units for level in levels}, sent)
    one.calls.append(call)
    return lambda pushes: arrived(one, pushes, truth, call)


def arrived(one: Shop, pushes: Sequence[PushSeen], truth: Truth, call: Call | None = None) -> None:
    """The mall took numbers: of this call, or of one that it accepted a while ago. What it left as it was is no push."""
    for push in pushes:
        if id(push) in one.judged:  # it came while the mall was being asked for something else
            continue
        one.judged.add(id(push))
        for (key, units), before in zip(push.levels, push.before, strict=True):
            if call is not None and call.units.get(key) == units:
                truth.pushed(one.code, key, units, before, call.sent, push.at)
            elif units != before:
                earlier = [known for known in one.calls if known.units.get(key) == units]
                if earlier:
                    truth.pushed(one.code, key, units, before, earlier[-1].sent, push.at)
                else:
                    truth.faults.append(f"{push.at:%H:%M:%S} {one.code} {key} shows {units}, which was not told")
