"""A receiver in a process of its own takes one mail of 50 MB; says the answer, and by how many megabytes it grew at most."""

import resource
import sys
from pathlib import Path

from api.database import Database
from api.mail.smtp import receiving
from tests.api.inbound.test_smtp import SENDER, client
from tests.api.intake_rig import RAKUTEN, address, opened

LINE = b"x" * 74 + b"\r\n"


def main(url: str, schema: str, home: str) -> None:
    """The mail is sent by this process, too: its own pieces are small."""
    with (
        opened(Database(url, schema), Path(home), mail_bytes_max=60_000_000) as house,
        receiving(house, host="127.0.0.1", port=0) as receiver,
        client(receiver) as smtp,
    ):
        smtp.ehlo()
        smtp.mail(SENDER)
        smtp.rcpt(address(house, RAKUTEN))
        smtp.docmd("DATA")
        smtp.send(b"Subject: large\r\n\r\n")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(670):
            smtp.send(LINE * 1_000)
        code, _ = smtp.docmd(".")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(code, grown // 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
