"""``daicho orders``, by hand: take, change, cancel, import an order CSV, send a shipment CSV."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.listing import READ_BYTES, DryRun, Errors, FileNotAccepted, run_list
from api.cli.orders import JST, commands
from api.cli.output import Cell, Json, say, show_record, show_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.jobs.order_by_hand import AskedLine
    from ledger.writer import Done

ACTOR = "cli"
PROBLEMS_SHOWN_MAX = 20

OfShop = Annotated[str, typer.Option("--shop", help="The shop's code, as `daicho shop show` lists it.")]
Number = Annotated[str, typer.Option(help="The order's number; for the telephone or the counter your own.")]
Lines = Annotated[
    list[str],
    typer.Option(
        "--line",
        help="SKU=QUANTITY of your own SKU, or @ITEM=QUANTITY or @ITEM/VARIANT=QUANTITY of a listing; several times.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Refuse it when more is asked than is free.")]


class LineNotAccepted(ValueError):
    """A line is not SKU=QUANTITY or @ITEM/VARIANT=QUANTITY."""


@commands.command()
def take(
    shop: OfShop,
    number: Number,
    line: Lines,
    strict: Strict = False,
    hold: Annotated[str | None, typer.Option(help="Take the units of this hold (取り置き) with it.")] = None,
    ordered_at: Annotated[
        datetime | None, typer.Option(help="When it was ordered (Japan time); now when not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Take an order by hand (電話注文, 実店舗): its units are allocated. A number that is known is refused: change it."""
    from api.jobs import order_by_hand
    from api.settings import load
    from api.wiring import open_house

    at = None if ordered_at is None else ordered_at.replace(tzinfo=JST)
    asked = [_line(one) for one in line]
    with open_house(load()) as house:
        verb = order_by_hand.take(house, shop, number, asked, ordered_at=at, strict=strict, hold=hold, known=False)
        _show(shop, number, house.book.do(verb, house.by(ACTOR)), json=json)


@commands.command()
def change(shop: OfShop, number: Number, line: Lines, strict: Strict = False, json: Json = False) -> None:
    """Change an order by hand: it is these lines from here on, all of them; the difference is booked."""
    from api.jobs import order_by_hand
    from api.settings import load
    from api.wiring import open_house

    asked = [_line(one) for one in line]
    with open_house(load()) as house:
        verb = order_by_hand.take(house, shop, number, asked, strict=strict, known=True)
        _show(shop, number, house.book.do(verb, house.by(ACTOR)), json=json)


@commands.command()
def cancel(
    shop: OfShop,
    number: Number,
    reason: Annotated[
        str, typer.Option(help="buyer, unpaid, out_of_stock, defective or unknown: where the units go.")
    ] = "unknown",
    json: Json = False,
) -> None:
    """Cancel an order by hand; the reason says whether its units are for sale again."""
    from api.jobs import order_by_hand
    from api.settings import load
    from api.wiring import open_house

    with open_house(load()) as house:
        verb = order_by_hand.cancel(house, shop, number, reason)
        _show(shop, number, house.book.do(verb, house.by(ACTOR)), json=json)


@commands.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="The mall's order CSV (受注CSV), or our own form (自社受注CSV).")],
    shop: OfShop,
    made_at: Annotated[
        datetime | None,
        typer.Option(
            help="When the mall made the file (Japan time), for what its rows do not date; now when not given."
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take the orders of an order CSV (受注CSV取込), for the day when mail and API failed. The same file twice is harmless.

    Columns of persons are dropped at the door. Exit code 1 when rows were not understood: their orders are left out whole.
    """
    from api.jobs import order_import
    from api.settings import load
    from api.wiring import open_house

    at = None if made_at is None else made_at.replace(tzinfo=JST)
    with open_house(load()) as house:
        read = order_import.read_file(house, shop, file.name, _chunks(file), made_at=at)
        seen = order_import.preview(house, shop, read)
        record: dict[str, Cell] = {
            "form": read.form.name,
            "rows": read.rows,
            "orders": len(read.orders),
            "problems": len(read.problems),
            "expected": dict(sorted(seen.orders.items())),
            "unlinkedLines": seen.unlinked,
            "availableChanges": dict(sorted(seen.changes.items())),
        }
        if not dry_run:
            settled = order_import.take(house, shop, read, progress=_say_progress())
            record["became"] = {f"{s} {r}".strip(): count for (s, r), count in sorted(settled.states.items())}
            record["position"] = settled.position
    show_record(record, as_json=json)
    if read.problems:
        rows: list[dict[str, Cell]] = [
            {"row": one.row, "column": one.column, "value": one.value, "expected": one.expected}
            for one in read.problems[:PROBLEMS_SHOWN_MAX]
        ]
        if not json:
            show_rows(rows, ("row", "column", "value", "expected"), as_json=False)
        else:
            for one in read.problems[:PROBLEMS_SHOWN_MAX]:
                say(str(one))
        raise typer.Exit(1)


@commands.command()
def ship(
    file: Annotated[
        Path, typer.Argument(help="注文番号; 商品SKU and 出荷数, or neither: the whole order; 伝票番号, 出荷日.")
    ],
    shop: OfShop,
    dry_run: DryRun = False,
    errors: Errors = None,
    json: Json = False,
) -> None:
    """Tell what left (出荷実績CSV): whole orders, or SKUs by parcel (with slip) or as the units so far (without).

    The same file twice is harmless; a shipment whose order is not known yet waits for it. Exit code 1 when rows were refused.
    """
    from api.jobs import shipment_list

    run_list(file, lambda house: shipment_list.shipping(house, shop), dry_run=dry_run, errors=errors, json=json)


def _line(text: str) -> "AskedLine":
    from api.jobs.order_by_hand import AskedLine

    name, _, count = text.rpartition("=")
    if not name.lstrip("@") or not (count.isascii() and count.isdecimal() and 0 < int(count) <= 999_999):
        raise LineNotAccepted(
            f"line {text!r}; expected SKU=QUANTITY, @ITEM=QUANTITY or @ITEM/VARIANT=QUANTITY, 1 or more"
        )
    if not name.startswith("@"):
        return AskedLine(int(count), sku=name)
    item, _, variant = name[1:].partition("/")
    return AskedLine(int(count), item=item, variant=variant)


def _show(shop: str, number: str, done: "Done", *, json: bool) -> None:
    record: dict[str, Cell] = {"shop": shop, "number": number, "facts": done.facts, "position": done.position}
    for name in ("state", "units", "reviews"):
        value = done.answer.get(name)
        record[name] = value if isinstance(value, str | list | dict) else None
    show_record(record, as_json=json)


def _chunks(file: Path) -> "Iterator[bytes]":
    try:
        with file.open("rb") as opened:
            while chunk := opened.read(READ_BYTES):
                yield chunk
    except OSError as error:
        raise FileNotAccepted(f"{file}: {error.strerror or error}; expected a file that can be read") from None


def _say_progress() -> "Callable[[int, int], None]":
    said = 0

    def progress(done: int, whole: int) -> None:
        nonlocal said
        if done >= said + 1_000:
            said = done
            say(f"{done:,} of {whole:,} orders read")

    return progress
