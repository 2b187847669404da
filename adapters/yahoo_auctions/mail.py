"""Read Yahoo! auction mails: won and cancelled become tellings; ended unsold, relisted and bids are news of an auction.

A mail names an auction by its id and nothing else: no SKU, and normally no quantity. So the order's number is the auction's
id, and which SKU it is says the link made when the auction was listed or imported. Sources: NOTES.md, "Mails".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from adapters.kit.auctions import AuctionEnded, AuctionNews, AuctionRelisted, BidReceived
from adapters.kit.japanese import label_key, normalised
from adapters.kit.mall import Ignored, MailText, NotUnderstood, OrderReading
from adapters.kit.order_mail import LabelFound, Line, count_in, find_label, lines_of
from adapters.kit.profile import Profile
from adapters.yahoo_auctions.codes import ended_at, order_number
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Telling, TellingLine

PARSER_VERSION = 1


@dataclass(frozen=True, slots=True)
class _Quantity:
    """Lots won. ``known`` False: several were offered, and the mail does not say how many this one won."""

    lots: int
    known: bool


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order; Ignored for one that says nothing of an order, with the kind of its news."""
    if any(mail.sender.startswith(one) for one in profile.texts("mail.reminder_senders")):
        return Ignored("reminder")
    subject = _head(mail, profile)
    if subject is None:
        return NotUnderstood("subject")
    if _said_in(subject, profile.texts("mail.won_words")):
        return _of_our_seller(mail, profile) or _won(mail, profile)
    if _said_in(subject, profile.texts("mail.cancel_words")):
        if _said_in(subject, profile.texts("mail.cancel_request_words")):
            return NotUnderstood("cancel_request")  # Asked for, not done: the lot is still sold.
        return _of_our_seller(mail, profile) or _cancelled(mail, profile)
    news = _news(subject, mail, profile)
    if isinstance(news, NotUnderstood):
        return news
    if news is not None:
        return Ignored(_kind(news))
    for name in sorted(profile.values):
        if name.startswith("mail.ignored.") and _said_in(subject, profile.texts(name)):
            return Ignored(name.removeprefix("mail.ignored."))
    return NotUnderstood("subject")


def auction_news(mail: MailText, profile: Profile) -> AuctionNews | NotUnderstood | None:
    """What the mail says of an auction beside orders: relisted under a new id, ended, bid on. None: it says none of these."""
    subject = _head(mail, profile)
    return None if subject is None else _news(subject, mail, profile)


def _news(subject: str, mail: MailText, profile: Profile) -> AuctionNews | NotUnderstood | None:
    for name in ("relist", "unsold", "won", "bid"):
        if not _said_in(subject, profile.texts(f"mail.{name}_words")):
            continue
        wrong = _of_our_seller(mail, profile)
        if wrong is not None:
            return wrong
        if name == "relist":
            return _relisted(mail, profile)
        auction = _auction(mail, profile)
        if isinstance(auction, NotUnderstood):
            return auction
        return BidReceived(auction) if name == "bid" else AuctionEnded(auction, sold=name == "won")
    return None


def _kind(news: AuctionNews) -> str:
    match news:
        case AuctionRelisted():
            return "auction_relisted"
        case AuctionEnded(sold=sold):
            return "auction_won" if sold else "auction_ended_unsold"
        case BidReceived():
            return "bid_received"
        case _:
            assert_never(news)


# ------------------------------------------------------------------ orders


def _won(mail: MailText, profile: Profile) -> Telling | NotUnderstood:
    auction = _auction(mail, profile)
    if isinstance(auction, NotUnderstood):
        return auction
    lines = lines_of(mail.text)
    ended = find_label(lines, *profile.texts("mail.ended_at_labels"))
    moment = ended_at(ended.value, mail.sent_at) if isinstance(ended, LabelFound) else None
    if isinstance(ended, LabelFound) and moment is None:
        return NotUnderstood("ended_at", ended.line.number)
    won = _quantity(lines, profile)
    if isinstance(won, NotUnderstood):
        return won
    return Telling(
        order=order_number(auction, 1),
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=mail.verified,
        lines=(TellingLine(auction, "", won.lots, won.known, line_id="1"),),
        parser_version=PARSER_VERSION,
        ordered_at=moment,
    )


def _cancelled(mail: MailText, profile: Profile) -> Telling | NotUnderstood:
    auction = _auction(mail, profile)
    if isinstance(auction, NotUnderstood):
        return auction
    return Telling(
        order=order_number(auction, 1),
        door=Door.MAIL,
        told_at=mail.sent_at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=mail.verified,
        lines=(),
        parser_version=PARSER_VERSION,
        reason=_reason(lines_of(mail.text), profile),
    )


def _quantity(lines: Sequence[Line], profile: Profile) -> _Quantity | NotUnderstood:
    """An auction is one lot. Where several are offered, only 落札個数 says how many were won."""
    won = _count(lines, profile.texts("mail.won_units_labels"))
    if isinstance(won, NotUnderstood):
        return won
    if won is not None:
        return _Quantity(won, known=True)
    offered = _count(lines, profile.texts("mail.offered_units_labels"))
    if isinstance(offered, NotUnderstood):
        return offered
    return _Quantity(1, known=offered in (None, 1))


def _count(lines: Sequence[Line], labels: Sequence[str]) -> int | NotUnderstood | None:
    found = find_label(lines, *labels)
    if isinstance(found, NotUnderstood) or not found.value:
        return None
    units = count_in(found.value.removesuffix("個"))
    return units if units is not None and 1 <= units <= UNITS_MAX else NotUnderstood("quantity", found.line.number)


def _reason(lines: Sequence[Line], profile: Profile) -> CancelReason:
    found = find_label(lines, *profile.texts("mail.reason_labels"))
    stated = found.value if isinstance(found, LabelFound) else ""
    # Defects and missing goods first: their units must not be sold again because a buyer is named beside them.
    for reason in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNPAID, CancelReason.BUYER):
        if any(normalised(one) in stated for one in profile.texts(f"mail.cancel_reasons.{reason.value}")):
            return reason
    return CancelReason.UNKNOWN


# ------------------------------------------------------------------ auctions


def _auction(mail: MailText, profile: Profile) -> str | NotUnderstood:
    """The one auction the mail is about, by its label; the subject's id must be the same, and stands in for a missing label."""
    named = pattern(profile, "subject_auction_id").search(normalised(mail.subject).strip())
    said = _labelled(lines_of(mail.text), profile.texts("mail.auction_labels"), profile)
    if isinstance(said, NotUnderstood):
        return said
    if not said:
        return named["value"] if named else NotUnderstood("auction_id")
    if len(set(said)) > 1:
        return NotUnderstood("several_auctions")
    return said[0] if named is None or named["value"] == said[0] else NotUnderstood("auction_id_of_subject")


def _relisted(mail: MailText, profile: Profile) -> AuctionRelisted | NotUnderstood:
    """The old id and the new one: by their labels, else the one id that the text's links have beside the old one."""
    lines = lines_of(mail.text)
    new = _labelled(lines, profile.texts("mail.new_auction_labels"), profile)
    old = _labelled(lines, profile.texts("mail.auction_labels"), profile)
    if isinstance(new, NotUnderstood):
        return new
    if isinstance(old, NotUnderstood):
        return old
    subject = pattern(profile, "subject_auction_id").search(normalised(mail.subject).strip())
    olds = list(dict.fromkeys(old)) or ([subject["value"]] if subject else [])
    if not olds:
        return NotUnderstood("auction_id")
    linked = [found["value"] for line in lines for found in pattern(profile, "auction_link").finditer(line.text)]
    candidates = {one for one in (new or (*olds, *linked)) if one != olds[0]}
    if len(candidates) != 1:
        return NotUnderstood("new_auction_id")
    return AuctionRelisted(old=olds[0], new=candidates.pop())


def _labelled(lines: Sequence[Line], labels: Sequence[str], profile: Profile) -> list[str] | NotUnderstood:
    """Every id behind one of the labels, in order."""
    found: list[str] = []
    for line in lines:
        said = find_label((line,), *labels)
        if isinstance(said, NotUnderstood):
            continue
        match = pattern(profile, "auction_id").fullmatch(said.value)
        if match is None:
            return NotUnderstood("auction_id", line.number)
        found.append(match["value"])
    return found


def _of_our_seller(mail: MailText, profile: Profile) -> NotUnderstood | None:
    """Another seller's mail is not ours; a mail without a salutation may be."""
    ours = profile.text("mail.yahoo_id")
    for line in lines_of(mail.text) if ours else ():
        named = pattern(profile, "salutation").fullmatch(line.text)
        if named is not None:
            return None if named["value"].lower() == ours.lower() else NotUnderstood("another_seller", line.number)
    return None


def _head(mail: MailText, profile: Profile) -> str | None:
    """The subject from the mall's name up to the colon before the product's name; None when it has no such name."""
    subject = label_key(mail.subject)
    at = next((at for one in profile.texts("mail.mall_words") if (at := subject.find(label_key(one))) >= 0), None)
    return None if at is None else subject[at:].partition(":")[0]


def _said_in(key: str, phrases: Sequence[str]) -> bool:
    """Whether one of the phrases stands in a text that ``label_key`` has made comparable."""
    return any(label_key(phrase) in key for phrase in phrases)


def pattern(profile: Profile, name: str) -> re.Pattern[str]:
    """The profile's pattern ``mail.<name>``, whatever the case of letters."""
    return _compiled(profile.text(f"mail.{name}"))


@lru_cache(maxsize=64)
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
