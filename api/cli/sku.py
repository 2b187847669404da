"""``daicho sku``: SKUs that were registered separately are found and made one; their codes and names."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.listing import DryRun, Errors, run_list, written
from api.cli.lists import cells, fed_house
from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from api.jobs.alike import LikeGroup

commands = typer.Typer(
    name="sku", help="SKUs: look-alikes made one (バラバラに登録), further codes, names.", no_args_is_help=True
)

ACTOR = "cli"
Sku = Annotated[str, typer.Argument(help="The merchant's own code.")]
NOT_RESTORED = {
    "number_was_the_other_one": "the number that counted was the other one's: set one by `daicho overwrite-stock`",
    "number_not_known": "it had no number that can be given back: set one by `daicho overwrite-stock`",
    "counted_since": "the other one was counted since, so how much is whose is not known: set a number",
    "units_sold_since": "units were sold since; what is left was given back",
    "sets_stay": "sets go on with the other one: `daicho set define` gives them this one",
    "listings_changed_since": "listings that were linked anew since stay as they are",
}


@commands.command()
def alike(
    rows: Annotated[int, typer.Option(min=1, max=10_000, help="How many groups.")] = 50,
    csv: Annotated[
        Path | None, typer.Option(help="Write all pairs to this new CSV: fill in 在庫 and send it by `unify-file`.")
    ] = None,
    json: Json = False,
) -> None:
    """Show SKUs that look the same: codes that differ only by case, width or hyphens, the same JAN, the same name."""
    from api.jobs import alike as jobs

    with fed_house() as house:
        if csv is not None:
            with written(csv) as sink:
                assert sink is not None
                for chunk in jobs.as_csv(jobs.every_group(house)):
                    sink(chunk)
            show_record({"file": str(csv)}, as_json=json)
            return
        found = [row for group in islice(jobs.every_group(house), rows) for row in _rows(group)]
    show_rows(
        found,
        ("reason", "key", "sku", "onHandUnits", "allocatedUnits", "openOrders", "listings", "name", "into"),
        as_json=json,
    )


def _rows(group: "LikeGroup") -> list[dict[str, Cell]]:
    return [
        {
            "reason": group.alike.reason,
            "key": group.alike.key,
            "sku": one.row.sku,
            "onHandUnits": one.stock.on_hand_units,
            "allocatedUnits": one.stock.allocated_units,
            "openOrders": one.open_orders,
            "listings": list(one.listings),
            "listingCount": one.listing_count,
            "name": one.row.name,
            "jan": one.row.jan,
            "into": one.row.sku == group.into,
        }
        for one in group.skus
    ]


@commands.command()
def unify(
    from_sku: Annotated[str, typer.Argument(metavar="FROM", help="The SKU that becomes a code of the other one.")],
    into_sku: Annotated[str, typer.Argument(metavar="INTO", help="The SKU that stays.")],
    stock: Annotated[
        str | None, typer.Option(help="Whose units on hand (実在庫数) count: sum, from or into. Asked when not given.")
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make two SKUs one: listings, open orders, holds and sets go on with the one that stays. `undo-unify` parts them again.

    Without --stock, and with --dry-run, the two numbers and what each choice would leave are shown and nothing is changed.
    """
    from api.jobs import unify as jobs
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        by = house.by(ACTOR)
        seen = jobs.preview(house, from_sku, into_sku, stock, by)
        refused = seen.refused
        done = None
        if stock is not None and not dry_run and not refused:
            numbers = (seen.from_stock.on_hand_units, seen.into_stock.on_hand_units)
            done = jobs.make_one(house, from_sku, into_sku, stock, by, seen=numbers)
    record: dict[str, Cell] = {
        "from": from_sku,
        "into": into_sku,
        "onHandFrom": seen.from_stock.on_hand_units,
        "onHandInto": seen.into_stock.on_hand_units,
        "openOrders": seen.open_orders,
        "choices": [cells(one) for one in seen.choices],
        "pages": [cells(one) for one in seen.pages],
    }
    record |= _answered(done.answer if done is not None else seen.answer)
    if done is not None:
        record["position"] = done.position
    show_record(record, as_json=json)
    if refused:
        say(refused)
        raise typer.Exit(1)
    if stock is None:
        say("nothing was changed: say whose units count by --stock sum, from or into")
        raise typer.Exit(1)


@commands.command()
def undo_unify(from_sku: Sku, dry_run: DryRun = False, json: Json = False) -> None:
    """Part a SKU from the one it was made one with, as far as that can be undone; what cannot is said.

    Its listings wait to be confirmed (確認待ち): a person sees the mall's number beside ours first.
    """
    from api.jobs import unify as jobs
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        by = house.by(ACTOR)
        if dry_run:
            record = _answered(jobs.preview_part(house, from_sku, by))
        else:
            done = jobs.part(house, from_sku, by)
            record = {**_answered(done.answer), "position": done.position}
    show_record({"sku": from_sku, **record}, as_json=json)
    left = record.get("notRestored", ())
    for code in left if isinstance(left, list) else ():
        say(NOT_RESTORED[str(code)])


def _answered(answer: Any) -> dict[str, Cell]:
    return {str(name): value for name, value in (answer or {}).items()}


@commands.command()
def unify_file(
    file: Annotated[
        Path, typer.Argument(help="統一元SKU, 統一先SKU, 在庫 (合計, 統一元 or 統一先): `alike --csv` writes it.")
    ],
    dry_run: DryRun = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Make SKUs one by CSV, row by row; rows with a blank 在庫 stay as they are. Exit code 1 when rows were refused."""
    from api.jobs import sku_lists

    run_list(file, sku_lists.unifying, dry_run=dry_run, errors=errors, json=json)


@commands.command()
def alias(
    file: Annotated[Path, typer.Argument(help="商品SKU統一コード, 商品SKU; 削除 where one is taken away.")],
    dry_run: DryRun = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Give SKUs further codes (商品SKU統一コード) by CSV, or take them away; files, orders and links may name the SKU by them.

    Exit code 1 when rows were refused: a code that means something else already is named with what it means.
    """
    from api.jobs import sku_lists

    run_list(file, lambda _house: sku_lists.naming(), dry_run=dry_run, errors=errors, json=json)


@commands.command()
def register_file(
    file: Annotated[
        Path, typer.Argument(help="商品SKU; 商品名, JANコード, 商品コード; 別商品 (はい) confirms a look-alike.")
    ],
    dry_run: DryRun = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Register SKUs and give them names, JANs and products by CSV; a blank cell leaves things as they are.

    Exit code 1 when rows were refused: a new code that looks like a registered one has to be confirmed.
    """
    from api.jobs import sku_lists
    from api.projecting import catch_up

    def task(house: Any) -> Any:
        catch_up(house)
        return sku_lists.registering(house)

    run_list(file, task, dry_run=dry_run, errors=errors, json=json)


Name = Annotated[str, typer.Option(help="商品名. As it was when not given.")]
Jan = Annotated[str, typer.Option(help="JAN code. As it was when not given.")]
Product = Annotated[str, typer.Option(help="商品コード: the product whose variant it is. As it was when not given.")]


@commands.command()
def register(
    sku: Sku,
    name: Name = "",
    jan: Jan = "",
    product: Product = "",
    confirm: Annotated[
        bool, typer.Option("--confirm", help="It is not the goods of the SKU that it looks like.")
    ] = False,
    json: Json = False,
) -> None:
    """Register a SKU; it has no number yet (在庫未登録). One that differs from another only by case, width or hyphens is refused."""
    _named(sku, name, jan, product, confirm=confirm, new=True, json=json)


@commands.command()
def rename(sku: Sku, name: Name = "", jan: Jan = "", product: Product = "", json: Json = False) -> None:
    """Give a registered SKU another name, JAN or product."""
    _named(sku, name, jan, product, confirm=False, new=False, json=json)


class SkuNotKnown(ValueError):
    """There is no such SKU."""


def _named(sku: str, name: str, jan: str, product: str, *, confirm: bool, new: bool, json: bool) -> None:
    from api.jobs import alike as jobs
    from ledger import keys
    from ledger import sku as skus
    from ledger.book import stock

    with fed_house() as house:
        if not new and not house.look(keys.sku(sku), skus.FOLD).registered:
            raise SkuNotKnown(f"{sku} is not registered; expected one that is: `daicho sku register {sku}`")
        like = [] if confirm else jobs.like(house, [sku]).get(sku, [])
        verb = stock.register_sku(sku, name=name, jan=jan, product=product, alike=like)
        done = house.book.do(verb, house.by(ACTOR))
    show_record({"sku": sku, "facts": done.facts, "position": done.position}, as_json=json)


@commands.command()
def show(sku: Sku, json: Json = False) -> None:
    """Show everything known of a SKU: its codes, numbers, listings, sets and holds. Exit code 1 when it was never mentioned."""
    from api.sku_facts import known
    from api.stock_rows import LISTING_COLUMNS, listings_of

    with fed_house() as house:
        found = known(house, sku)
    if found is None:
        say(f"{sku} was never mentioned")
        raise typer.Exit(1)
    stock: Any = dict(found.stock or {})
    listed = [{"sku": found.sku, **one} for one in listings_of(stock)] if stock else []
    record: dict[str, Cell] = {
        "asked": found.asked,
        "sku": found.sku,
        "registered": found.registered,
        "name": found.name,
        "jan": found.jan,
        "product": found.product,
        "codes": [{"code": one.sku, "unified": one.unified} for one in found.codes],
        "components": [{"sku": code, "units": units} for code, units in found.components],
        "sets": list(found.sets),
        "holds": [cells(one) for one in found.holds],
        "openOrders": found.open_orders,
        **{name: value for name, value in stock.items() if name not in ("sku", "listings")},
    }
    if json:
        show_record({**record, "listings": listed}, as_json=True)
        return
    show_record(record, as_json=False)
    if listed:
        say("")
        show_rows(listed, LISTING_COLUMNS, as_json=False)
