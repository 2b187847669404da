"""A program that takes order mails by SMTP and makes orders of them, and says each order that was acknowledged; killed at it.

Run as ``python -m tests.api.inbound.crash_child POINT URL SCHEMA HOME``: after the first order was taken, the POINT kills it
when it is reached for the third time.
"""

import signal
import smtplib
import sys
import threading
from functools import partial
from pathlib import Path

from adapters.kit.mail import write_mail
from api.database import Database
from api.jobs.intake import drain
from api.jobs.worker import Loop, working
from api.mail.smtp import Receiver, receiving
from api.tables import inbox
from ledger import failpoint
from tests import crashes
from tests.adapters.yahoo_shopping.mail_text import Item, order_text, sent
from tests.api.intake_rig import YAHOO, KnownListings, address, opened, rows

SENDERS = 3
TIMES = 3
MAILS_MAX = 300  # each; far more than the kill needs


def mail_of(number: int) -> bytes:
    """The mail of one order for one MUG."""
    return write_mail(
        subject="【Yahoo!ショッピング】注文確認：サンプルストア",
        sender="store-shopping-order-master@mail.yahoo.co.jp",
        recipient="store@example.com",
        sent_at=sent(),
        text=order_text(number, [Item("マグ", "test1234", 1, 900)]),
        message_id=f"<{number}@example.com>",
    )


def run(point: str, url: str, schema: str, home: str) -> None:
    """Every line says what is true before it is read: ``sent N`` before the mail is sent, ``done N`` after its 250."""
    with opened(Database(url, schema), Path(home)) as house, receiving(house, host="127.0.0.1", port=0) as receiver:
        to = address(house, YAHOO)
        loop = Loop("intake", partial(drain, house, KnownListings()), (inbox.channel(schema),))
        with working(house, [loop]):
            send(receiver, to, 1)
            taken = threading.Event()
            while rows(house)[0].state != "read":
                taken.wait(0.01)
            failpoint.arm(crashes.at(point, TIMES, signal.SIGKILL))
            senders = [threading.Thread(target=send_many, args=(receiver, to, n)) for n in range(SENDERS)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()


def send_many(receiver: Receiver, to: str, sender: int) -> None:
    for n in range(MAILS_MAX):
        send(receiver, to, 1_000 * (sender + 1) + n)


def send(receiver: Receiver, to: str, number: int) -> None:
    with smtplib.SMTP("127.0.0.1", receiver.port, timeout=30) as smtp:
        crashes.say(f"sent {number}")
        smtp.sendmail("forwarder@example.com", [to], mail_of(number))
        crashes.say(f"done {number}")


if __name__ == "__main__":
    run(*sys.argv[1:])
