"""Reads the order mails of カラーミーショップ; their layout is a template the merchant may edit, so it stands in profile.toml.

A mail names a product by its 型番, which is no part of the listing's key: a line's ``codes`` say it, and ``files.py``
gives the listing the same code.
"""

from adapters.kit.labelled_mail import MailItem, read_labelled_mail
from adapters.kit.mall import MailText, OrderReading
from adapters.kit.profile import Profile
from ledger.terms import TellingLine

PARSER_VERSION = 1


def read_order_mail(mail: MailText, profile: Profile) -> OrderReading:
    """What the mail says of one order, Ignored for a known mail without an order, else NotUnderstood with its rule."""
    return read_labelled_mail(mail, profile, parser_version=PARSER_VERSION, line_of=_line)


def _line(item: MailItem, ordinal: str, _profile: Profile) -> TellingLine:
    return TellingLine(
        item=item.code,
        variant="",
        quantity=item.quantity or 1,
        quantity_known=item.quantity is not None,
        line_id=ordinal,
        codes=(item.code,),
    )
