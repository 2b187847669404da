"""Raw bytes of a mail become MailText, or NotUnderstood; no bytes make it raise, and no text of it is ever quoted.

Order mails arrive forwarded by a merchant's mailbox: as they are, as an attachment (message/rfc822), or as text with a
forwarder's header and ">" marks. What the mall wrote is looked for in all three.
"""

import base64
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import format_datetime, parseaddr, parsedate_to_datetime

from adapters.kit.forwarded import Unwrapped, without_prefix, without_quotes
from adapters.kit.html_text import text_of_html
from adapters.kit.japanese import decode, decode_subject
from adapters.kit.japanese_writing import encode, encode_subject
from adapters.kit.mall import MailText, NotUnderstood

MAIL_BYTES_MAX = 10_000_000
PARTS_MAX = 100  # parts looked at; a mail of up to 1,000 parts is read as far as that
LINES_MAX = 200_000  # 10 MB of attachments have 130,000
BOUNDARIES_MAX = 50  # the parser's work grows with lines × nested boundaries
FORWARDS_MAX = 5  # a mail in a mail in a mail …
HEADER_CHARACTERS_MAX = 10_000
TEXT_BYTES_MAX = (
    1_000_000  # of one part, before it is decoded: an order mail has some thousands, and decoding takes its time
)
TEXT_CHARACTERS_MAX = 2_000_000  # of all parts
REPLACED_SHARE_MAX = 0.2  # more than this of a text unreadable: nothing in it can be trusted
YEAR_MIN = 2000

# Fields are not folded anew and nothing is encoded anew, so that a signature still fits (in its form "relaxed").
_AS_IT_CAME = compat32.clone(linesep="\r\n", max_line_length=0, cte_type="8bit")
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    replaced: int


def read_mail(raw: bytes, *, received_at: datetime) -> MailText | NotUnderstood:
    """The mail as text. ``received_at`` stands in for a Date that is missing, impossible or later than it.

    NotUnderstood says one of: mail_too_large, mail_empty, mail_too_deep, mail_without_text, mail_text_too_long,
    mail_text_not_readable, mail_several_forwarded.
    """
    assert received_at.tzinfo is not None, "receive time with its zone"
    if len(raw) > MAIL_BYTES_MAX or raw.count(b"\n") > LINES_MAX:
        return NotUnderstood("mail_too_large")
    if not raw.strip():
        return NotUnderstood("mail_empty")
    if len(_BOUNDARY.findall(raw)) > BOUNDARIES_MAX:
        return NotUnderstood("mail_too_deep")
    try:
        message = message_from_bytes(raw)
        innermost = _innermost(message)
    except RecursionError:
        return NotUnderstood("mail_too_deep")
    if isinstance(innermost, NotUnderstood):
        return innermost
    found = _best_text(innermost)
    if isinstance(found, NotUnderstood):
        return found
    attached = b"" if innermost is message else _as_it_came(innermost)
    return _mail_text(innermost, found, received_at=received_at, attached=attached)


def write_mail(
    *,
    subject: str,
    sender: str,
    recipient: str,
    sent_at: datetime,
    text: str,
    message_id: str,
    charset: str = "iso-2022-jp",
    transfer: str = "7bit",
) -> bytes:
    """A mail as a mall sends it, for emulators and tests. ``transfer``: 7bit, 8bit, base64 or quoted-printable.

    Raises UnicodeEncodeError for a character the charset has not.
    """
    body = encode(text, charset)
    if transfer == "base64":
        body = base64.encodebytes(body)
    elif transfer == "quoted-printable":
        body = quopri.encodestring(body)
    headers = (
        f"From: {sender}",
        f"To: {recipient}",
        f"Subject: {encode_subject(subject, charset)}",
        f"Date: {format_datetime(sent_at)}",
        f"Message-ID: {message_id}",
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={charset}",
        f"Content-Transfer-Encoding: {transfer}",
    )
    lines = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return "\r\n".join(headers).encode("ascii") + b"\r\n\r\n" + lines


# ------------------------------------------------------------------ private


def _mail_text(message: Message, found: _Text, *, received_at: datetime, attached: bytes | None) -> MailText:
    unwrapped: Unwrapped = without_quotes(found.text)
    subject = decode_subject(_header(message, "subject"))
    sender = decode_subject(_header(message, "from")).text
    return MailText(
        subject=without_prefix(unwrapped.subject or subject.text),
        sender=_address(unwrapped.sender or sender),
        sent_at=_sent_at(_header(message, "date"), received_at),
        text=unwrapped.text,
        message_id=_header(message, "message-id").strip()[:998],
        replaced=found.replaced + subject.replaced,
        as_sent=attached is not None and unwrapped == Unwrapped(found.text),
        attached=attached or b"",
    )


def _header(message: Message, name: str) -> str:
    """The first header of that name as it stands; bytes above ASCII are kept as surrogates for the decoder."""
    for key, value in message.raw_items():
        if key.lower() == name:
            return str(value)[:HEADER_CHARACTERS_MAX]
    return ""


def _address(text: str) -> str:
    return parseaddr(text.replace("\n", " "))[1].strip().lower()


def _sent_at(header: str, received_at: datetime) -> datetime:
    try:
        found = parsedate_to_datetime(header.strip())
        sent_at = (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, IndexError, TypeError, OverflowError):
        return received_at.astimezone(UTC)
    believed = sent_at.year >= YEAR_MIN and sent_at <= received_at
    return sent_at if believed else received_at.astimezone(UTC)


def _innermost(message: Message) -> Message | NotUnderstood:
    """The mail itself, or the one that is forwarded in it as an attachment."""
    for _ in range(FORWARDS_MAX):
        inner = [part for part in _parts(message) if part.get_content_type() == "message/rfc822"]
        inner = [part for part in inner if part is not message or part.is_multipart()]
        if not inner:
            return message
        if len(inner) > 1:
            return NotUnderstood("mail_several_forwarded")
        payload = inner[0].get_payload()
        attached = payload[0] if isinstance(payload, list) and payload else None
        if not isinstance(attached, Message):
            return message
        message = attached
    return NotUnderstood("mail_too_deep")


def _as_it_came(message: Message) -> bytes | None:
    """The bytes of a mail that is attached to another; None when the standard library cannot write what it read."""
    try:
        return message.as_bytes(policy=_AS_IT_CAME)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _parts(message: Message) -> Iterator[Message]:
    """The parts of this mail in order, without looking into mails that are attached to it; at most PARTS_MAX."""
    waiting = [message]
    for _ in range(PARTS_MAX):
        if not waiting:
            return
        part = waiting.pop(0)
        yield part
        payload = part.get_payload() if part.is_multipart() and part.get_content_maintype() == "multipart" else []
        if isinstance(payload, list):
            waiting[:0] = [child for child in payload if isinstance(child, Message)][:PARTS_MAX]


def _best_text(message: Message) -> _Text | NotUnderstood:
    plain: list[_Text] = []
    html: list[_Text] = []
    for part in _parts(message):
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or part.is_multipart() or _is_attachment(part):
            continue
        decoded = _part_text(part)
        if decoded is None:
            return NotUnderstood("mail_text_too_long")
        if decoded.text.strip():
            (plain if kind == "text/plain" else html).append(decoded)
    chosen = plain or [_Text(text_of_html(one.text), one.replaced) for one in html]
    text = "\n".join(one.text for one in chosen)
    replaced = sum(one.replaced for one in chosen)
    if not text.strip():
        return NotUnderstood("mail_without_text")
    if len(text) > TEXT_CHARACTERS_MAX:
        return NotUnderstood("mail_text_too_long")
    if replaced > len(text) * REPLACED_SHARE_MAX:
        return NotUnderstood("mail_text_not_readable")
    return _Text(text, replaced)


def _is_attachment(part: Message) -> bool:
    return _header(part, "content-disposition").strip().lower().startswith("attachment")


def _part_text(part: Message) -> _Text | None:
    """The part's text; None when it is too long to be decoded."""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    if len(raw) > TEXT_BYTES_MAX:
        return None
    decoded = decode(raw, _parameter(part, "charset"))
    text = decoded.text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if part.get_content_type() == "text/plain" and (_parameter(part, "format") or "").lower() == "flowed":
        text = _unflowed(text, joins=(_parameter(part, "delsp") or "").lower() == "yes")
    return _Text(text, decoded.replaced)


def _parameter(part: Message, name: str) -> str | None:
    """A parameter of Content-Type; the standard library's own reader raises for some bad ones."""
    found = re.search(rf"(?:^|;)\s*{name}\*?\s*=\s*(\"[^\"]*\"|[^;\s]*)", _header(part, "content-type"), re.IGNORECASE)
    return found[1].strip('"').rsplit("'", 1)[-1] if found else None


def _unflowed(text: str, *, joins: bool) -> str:
    """RFC 3676: a line that ends in a space goes on in the next of the same quote depth; "-- " is a signature."""
    out: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        flows = body.endswith(" ") and body != "-- "
        content = body[:-1] if flows and joins else body
        if open_depth == depth and body != "-- ":
            out[-1].append(content)
        else:
            out.append([">" * depth + (" " if depth else ""), content])
        open_depth = depth if flows else None
    return "\n".join("".join(line) for line in out)
