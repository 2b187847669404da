"""How MakeShop names a listing: system codes on the wire, the shop's own codes in mails and on other malls.

The key of a listing is システム商品コード and variation id. 独自商品コード and オプション独自コード name it a second time; every reader
makes that second name by ``own_name``, so that a mail finds the listing a file brought.
"""

import re

ORDER_NUMBER = re.compile(r"P[A-Z]{0,2}[0-9]{16,18}")  # NOTES.md, "Orders"


def own_name(own_code: str, option_code: str) -> str:
    """The listing's name by the shop's own codes; "" when there is no own code."""
    return f"{own_code}/{option_code}" if own_code and option_code else own_code
