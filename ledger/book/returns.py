"""返品: units that had left by an order come back, or are known to be gone."""

from ledger import codes, keys
from ledger.book import Verb
from ledger.book.evidence import known
from ledger.book.orders import OrderNotAccepted
from ledger.facts.order import ReturnTaken
from ledger.stock import take_back
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

DESTINATIONS = ("good", "defective", "scrap")


def take_return(shop: str, number: str, code: str, units: int, to: str) -> Verb:
    """``units`` of the SKU told are back: ``to`` good, defective, or scrap, which is also what is gone for good.

    Of a set its components come back, by the recipe they left with. Never more than have left and are not back; the answer
    says how many are still awaited (返品待ち). Raises OrderNotKnown, OrderNotAccepted, NumberMissing.
    """
    if to not in DESTINATIONS:
        raise OrderNotAccepted(f"to {to!r}; expected one of {', '.join(DESTINATIONS)}")
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        order = known(view, shop, number)
        back = order.came_back.get(code, 0)
        left = order.holding.shipped_units(code) - back
        if not 0 < units <= left:
            expected = f"1 to {left}, those that have left" if left > 0 else "none: none that have left are still away"
            raise OrderNotAccepted(f"{units} units of {code} to take back; expected {expected}")
        left_parts = order.holding.left_parts(code, units, already=back)
        view.need(streams=map(keys.sku, left_parts))
        parts: dict[str, int] = {}
        for sku, count in left_parts.items():  # they come back to what the SKU is now
            meant = codes.meant_by(view, sku)
            parts[meant] = parts.get(meant, 0) + count
        view.need(skus=parts)
        name = keys.order_name(shop, number)
        drafts = [Draft(keys.stock(sku), take_back(view.stock(sku), name, n, to)) for sku, n in sorted(parts.items())]
        taken = Draft(stream, ReturnTaken(sku=code, units=units, to=to))
        return Decision([taken, *drafts], {"awaited": max(0, order.awaited_units(code) - units)})

    return Verb("take_return", decide, (shop, number, code, units, to), Wanted(streams={stream}))
