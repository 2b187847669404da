"""Senders of order mails over SMTP, at an even pace: each mail an order of its own, each answer kept."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.kit.mail import write_mail
from tests.adapters.rakuten.mail_bodies import ORDER_SENDER, ORDER_SUBJECT, Item, order_text

MAILS_A_SESSION = 40


@dataclass
class Sent:
    """What was acknowledged (250): order numbers, and the seconds that each took. Mutable: senders add to it."""

    acknowledged: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    elapsed_seconds: float = 0.0


def order_mail(number: str, item: str) -> bytes:
    """An order of one, as 楽天市場 writes it."""
    return write_mail(
        subject=ORDER_SUBJECT,
        sender=ORDER_SENDER,
        recipient="shop@mail.test",
        sent_at=datetime.now(UTC),
        text=order_text(number, [Item("マグ", item)]),
        message_id=f"<{number}@example.com>",
    )


async def send(port: int, to: str, mails: Sequence[tuple[str, bytes]], *, a_second: float, senders: int) -> Sent:
    """Every mail is sent once, at this pace; the answers."""
    found, places = Sent(), itertools.count()
    began = time.perf_counter()

    async def sender() -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await _expect(reader, b"220")
            writer.write(b"EHLO bench.example\r\n")
            await _expect(reader, b"250")
            for _ in range(MAILS_A_SESSION):
                place = next(places)
                if place >= len(mails):
                    writer.close()
                    return
                await asyncio.sleep(max(0.0, began + place / a_second - time.perf_counter()))
                number, raw = mails[place]
                start = time.perf_counter()
                writer.write(b"MAIL FROM:<order@example.com>\r\n")
                await _expect(reader, b"250")
                writer.write(f"RCPT TO:<{to}>\r\n".encode())
                await _expect(reader, b"250")
                writer.write(b"DATA\r\n")
                await _expect(reader, b"354")
                writer.write(raw.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
                await _expect(reader, b"250")
                found.acknowledged.append(number)
                found.took.append(time.perf_counter() - start)
            writer.write(b"QUIT\r\n")
            writer.close()

    await asyncio.gather(*(sender() for _ in range(senders)))
    found.elapsed_seconds = time.perf_counter() - began
    return found


async def _expect(reader: asyncio.StreamReader, code: bytes) -> None:
    line = await reader.readuntil(b"\r\n")
    while line[3:4] == b"-":
        line = await reader.readuntil(b"\r\n")
    assert line.startswith(code), line
