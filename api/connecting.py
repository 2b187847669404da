"""Connecting a shop as a person does it: settings as facts, secrets sealed, an order-mail address of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import adapters
from adapters.kit.mall import Mall
from api.cli.output import Cell
from api.diagnosis_mail import confirmations
from api.exposure import windows
from api.jobs.imports import shop_of
from api.projecting import catch_up
from api.sending import missing_for_files
from api.shop_access import FILE, ConnectedShop
from api.shops import SettingNotAccepted, connect
from api.tables import addresses, connection_tests, mailboxes, order_polls, secrets
from api.wiring import House
from ledger import shop as shops
from ledger.book import By


@dataclass(frozen=True, slots=True)
class Connecting:
    """What a person gives. ``secrets`` never reach facts, logs or errors."""

    mall: str
    mall_shop_id: str
    match_key: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Connected:
    """The shop's code, its order-mail address, and the required settings and secrets that are still missing."""

    code: str
    mail_address: str
    missing: tuple[str, ...]


def connect_shop(house: House, asked: Connecting, by: By) -> Connected:
    """The shop is connected; again with more settings or secrets it resumes. Raises UnknownMall, SettingNotAccepted, ShopNotAccepted."""
    mall = adapters.mall(asked.mall)
    declared = {one.name for one in mall.settings if one.secret}
    unknown = next((name for name in asked.secrets if name not in declared), None)
    if unknown is not None:
        raise SettingNotAccepted(f"secret {unknown!r}; expected one of {', '.join(sorted(declared)) or 'none'}")
    code = shops.code_of(mall.code, asked.mall_shop_id)
    now, seals = house.clock.now(), house.seals
    with house.pool.connection() as connection:
        for name, value in asked.secrets.items():
            secrets.put(connection, seals, shop=code, name=name, value=value, changed_at=now)
    house.book.do(connect(mall.code, asked.mall_shop_id, match_key=asked.match_key, settings=asked.settings), by)
    return Connected(code, mail_address(house, code), missing(house, mall, code))


def mail_address(house: House, code: str) -> str:
    """The shop's own order-mail address (受注メール転送先メールアドレス), made when it has none."""
    with house.pool.connection() as connection:
        token = addresses.ensure(
            connection, house.seals, shop=code, new_secret=house.new_secret, made_at=house.clock.now()
        )
    return f"{token}@{house.settings.mail_domain}"


def missing(house: House, mall: Mall, code: str) -> tuple[str, ...]:
    """Required settings and secrets the shop does not have yet. One that is told by file needs its file server's instead of
    the keys of the mall's API.
    """
    one = ConnectedShop(code, shop_of(house, code), mall)
    by_file = one.send_type == FILE
    settings = one.shop.settings
    with house.pool.connection() as connection:
        sealed = secrets.names_of_shop(connection, code)
    required = [
        setting.name
        for setting in mall.settings
        if setting.required
        and not setting.default
        and not (by_file and setting.secret)
        and setting.name not in (sealed if setting.secret else settings)
    ]
    return (*required, *(missing_for_files(house, one) if by_file else ()))


def described(house: House, code: str | None) -> list[Mapping[str, Cell]]:
    """Shops as ``daicho shop show`` prints them, by code. Raises ShopNotReady for one that is not connected."""
    catch_up(house)  # the list of shops is one of the lists
    codes = [code] if code is not None else _codes(house)
    found = [_description(house, one) for one in codes]
    return found if code is None else [{**one, "windows": measured(house, code)} for one in found]


def measured(house: House, code: str) -> Mapping[str, Cell]:
    """The shop's windows over the last days, median and 95th percentile in seconds; null where nothing was measured."""
    found = windows(house, code)
    named = {
        "orderToTold": found.order_to_told,
        "toldToSent": found.told_to_sent,
        "sentToApplied": found.sent_to_applied,
    }
    return {
        "days": found.days,
        **{name: {"count": s.count, "median": s.median_seconds, "p95": s.p95_seconds} for name, s in named.items()},
    }


def _description(house: House, code: str) -> Mapping[str, Cell]:
    shop = shop_of(house, code)
    with house.pool.connection() as connection:
        asked = order_polls.of_shop(connection, code)
        mailbox = mailboxes.of_shop(connection, code)
        tested = connection_tests.of_shop(connection, code)
    return {
        "shop": code,
        "mall": shop.mall,
        "matchKey": shop.match_key,
        "intake": shop.intake,
        "proven": shop.intake_proven,
        "push": shop.push,
        "paused": shop.paused,
        "sendType": shop.send_type,
        "shippingSource": shop.settings.get("shipping.source", ""),
        "mail": mail_address(house, code),
        "confirmationMails": confirmations(house, code),
        "mailbox": None if mailbox is None else mailbox.host,
        "mailboxProblem": "" if mailbox is None else mailbox.code,
        "ordersAskedAt": None if asked is None or asked.asked_at is None else asked.asked_at.isoformat(),
        "ordersProblem": "" if asked is None else asked.code,
        "testedAt": None if tested is None or tested.tested_at is None else tested.tested_at.isoformat(),
        "connectionProblem": "" if tested is None or tested.found.ok else tested.found.message,
        "warnings": [] if tested is None else [one.message for one in tested.found.warnings],
        "settings": dict(shop.settings),
        "missing": list(missing(house, adapters.mall(shop.mall), code)),
    }


def _codes(house: House) -> list[str]:
    with house.pool.connection() as connection:
        rows = connection.execute("SELECT shop FROM shops ORDER BY shop").fetchall()
    return [str(row[0]) for row in rows]
