"""``daicho order``: one order with its way, and what a person decides about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lists import cells, fed_house
from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from ledger.book import Verb

commands = typer.Typer(name="order", help="One order: its way, what serves it, what is checked, what came back.")

ACTOR = "cli"
Number = Annotated[str, typer.Argument(help="The mall's order number.")]
Shop = Annotated[str, typer.Option(help="The shop's code.")]
Sku = Annotated[str, typer.Option(help="The merchant's own code.")]
Units = Annotated[int, typer.Option(min=1, help="How many.")]

ORDER = ("shop", "number", "orderState", "orderedAt", "toldAt", "door", "verified", "reviews", "priority", "reason")
LINES = ("line", "state", "item", "variant", "sku", "partSku", "quantity", "openUnits", "servedUnits", "shippedUnits")
MESSAGES = ("id", "door", "state", "reason", "receivedAt", "position")
FACTS = ("position", "recordedAt", "kind", "says", "booked", "actor")
CHANGES = ("position", "sku", "kind", "units", "before", "after", "onHand")
PUSHES = ("position", "shop", "item", "variant", "expectedBefore", "units", "trigger", "outcome", "appliedUntil")


@commands.command()
def show(number: Number, shop: Shop, json: Json = False) -> None:
    """Show the order's lines, and its way: message, facts, changes of stock, and the pushes that told the malls."""
    from api.one_order import way_of

    with fed_house() as house:
        way = way_of(house, shop, number)
    lines = [cells(part) for part in way.parts]
    parts: Sequence[tuple[str, tuple[str, ...], list[dict[str, Cell]]]] = (
        ("lines", LINES, lines),
        ("messages", MESSAGES, [cells(one) for one in way.messages]),
        ("facts", FACTS, [cells(one) for one in way.facts]),
        ("changes", CHANGES, [cells(one) for one in way.changes]),
        ("pushes", PUSHES, [cells(one) for one in way.pushes]),
    )
    head: dict[str, Cell] = {name: lines[0][name] for name in ORDER} if lines else {"shop": shop, "number": number}
    if json:
        show_record(head | {name: rows for name, _, rows in parts}, as_json=True)
        return
    show_record(head, as_json=False)
    for name, columns, rows in parts:
        if rows:
            say("")
            say(name)
            show_rows(rows, columns, as_json=False)


@commands.command()
def move(
    number: Number,
    shop: Shop,
    sku: Annotated[str, typer.Option(help="The SKU that is allocated: of a set the component.")],
    units: Units,
    to: Annotated[str, typer.Option(help="The order number that they serve from now on.")],
    to_shop: Annotated[str | None, typer.Option(help="Its shop, when it is another one.")] = None,
    json: Json = False,
) -> None:
    """引当の付け替え: units on hand that serve this order serve the other one."""
    from ledger.book import serving

    _do(serving.move_served(shop, number, sku, units, to_shop or shop, to), as_json=json)


@commands.command()
def priority(
    number: Number, shop: Shop, value: Annotated[int, typer.Argument(help="Higher first.")], json: Json = False
) -> None:
    """The order is served before those of lower priority; 0 is usual."""
    from ledger.book import serving

    _do(serving.set_priority(shop, number, value), as_json=json)


@commands.command()
def verify(number: Number, shop: Shop, json: Json = False) -> None:
    """未検証: what unverified mails told of the order is true."""
    from ledger.book import orders

    _do(orders.verify_order(shop, number, "person"), as_json=json)


@commands.command()
def reviewed(
    number: Number,
    shop: Shop,
    what: Annotated[str, typer.Argument(help="A code of the order's reviews, such as date_only.")],
    answer: Annotated[str, typer.Option(help="A code of what was found.")] = "seen",
    json: Json = False,
) -> None:
    """要確認 is closed."""
    from ledger.book import orders

    _do(orders.close_review(shop, number, what, answer), as_json=json)


@commands.command()
def settle(
    number: Number,
    shop: Shop,
    sku: Sku,
    to: Annotated[str, typer.Option(help="sale (販売可能へ戻す), short_pick (欠品) or defective (不良).")],
    json: Json = False,
) -> None:
    """欠品調査中: a person looked for units that were released while the SKU was owed."""
    from ledger.book import orders

    _do(orders.settle_undecided(shop, number, sku, to), as_json=json)


@commands.command()
def uncount(number: Number, shop: Shop, sku: Sku, json: Json = False) -> None:
    """計上済 is reversed: the number that was set had not known this order; available falls."""
    from ledger.book import orders

    _do(orders.reverse_counted(shop, number, sku), as_json=json)


@commands.command(name="return")
def take_return(
    number: Number,
    shop: Shop,
    sku: Annotated[str, typer.Option(help="The SKU as it was ordered: of a set its components come back.")],
    units: Units,
    to: Annotated[str, typer.Option(help="good, defective, or scrap: also what is gone for good.")] = "good",
    json: Json = False,
) -> None:
    """返品 of units that have left; the answer says how many are still awaited (返品待ち)."""
    from ledger.book import returns

    _do(returns.take_return(shop, number, sku, units, to), as_json=json)


def _do(verb: "Verb", *, as_json: bool) -> None:
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        done = house.book.do(verb, house.by(ACTOR))
    record: dict[str, Cell] = {"position": done.position, "facts": done.facts, **_plain(done.answer)}
    show_record(record, as_json=as_json)
    if not done.facts:
        say("nothing new was said")


def _plain(answer: object) -> dict[str, Cell]:
    assert isinstance(answer, dict), answer
    return dict(answer)
