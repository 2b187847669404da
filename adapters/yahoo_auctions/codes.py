"""How an auction, a lot won in it, and the moment it ended are written."""

import re
from datetime import UTC, datetime, timedelta

from adapters.kit.order_mail import JST, date_jst, moment_jst
from ledger.terms import ListingKey

AUCTION = re.compile(r"[0-9A-Za-z]{6,20}", re.ASCII)
AUCTION_EXPECTED = "6 to 20 letters and digits (x1234567890)"
WINNER_JOINER = "-"  # not in an auction's id
_DAY_AND_TIME = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*日\D{0,12}?(\d{1,2})\s*(?::|時)\s*(\d{1,2})", re.ASCII)
_AHEAD_MAX = timedelta(days=1)  # a mail may be written a little before the end it names
# orderList and orderInfo: 2026-11-20T09:04:05+09:00, or 20261120090405 in Japan.
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})", re.ASCII)


def is_auction(text: str) -> bool:
    """Whether the text can be an auction's id."""
    return AUCTION.fullmatch(text) is not None


def order_number(auction: str, winner: int) -> str:
    """The order of the ``winner``-th lot (from 1): the auction's id, which is all a mail knows, and ``-2`` … behind it."""
    assert winner >= 1, winner
    return auction if winner == 1 else f"{auction}{WINNER_JOINER}{winner}"


def listing(auction: str) -> ListingKey:
    """The listing an auction is; auctions have no variants."""
    return ListingKey(auction)


def ended_at(text: str, told_at: datetime) -> datetime | None:
    """The moment of a mail's 終了日時, in UTC. Without a year (11月 7日 22時 10分) it is the last such day before the mail."""
    whole = moment_jst(text)
    if whole is not None or date_jst(text) is not None:
        return whole
    found = _DAY_AND_TIME.search(text[:200])
    if found is None:
        return None
    month, day, hour, minute = (int(group) for group in found.groups())
    year = told_at.astimezone(JST).year
    moments = (_moment(one, month, day, hour, minute) for one in (year + 1, year, year - 1))
    return next((one for one in moments if one is not None and one <= told_at + _AHEAD_MAX), None)


def service_moment(text: str) -> datetime | None:
    """A time as the store service writes it, as UTC; None when it is none."""
    digits = _DIGITS.fullmatch(text.strip())
    said = "{}-{}-{}T{}:{}:{}".format(*digits.groups()) if digits else text.strip()
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return moment_jst(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=JST)).astimezone(UTC)


def _moment(year: int, month: int, day: int, hour: int, minute: int) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, tzinfo=JST).astimezone(UTC)
    except ValueError:
        return None
