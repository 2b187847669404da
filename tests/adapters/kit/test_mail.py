"""Raw mails become text, however they were forwarded; nothing raises."""

import base64
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.forwarded import without_prefix, without_quotes
from adapters.kit.html_text import text_of_html
from adapters.kit.mail import BOUNDARIES_MAX, MAIL_BYTES_MAX, PARTS_MAX, read_mail, write_mail
from adapters.kit.mall import MailText, NotUnderstood

RECEIVED_AT = datetime(2026, 11, 21, tzinfo=UTC)
SENT_AT = datetime(2026, 11, 20, 0, 5, tzinfo=UTC)
BODY = "[受注番号] 402853-20261120-0220534167\n[日時]     2026-11-20 08:55:46\n[商品]\nサンプルTシャツ①(c3ps390)\n価格 2,980(円) x 2(個)\n**********\n"
SUBJECT = "【楽天市場】注文内容ご確認（自動配信メール）"


def written(text: str = BODY, subject: str = SUBJECT, charset: str = "iso-2022-jp", transfer: str = "7bit") -> bytes:
    return write_mail(
        subject=subject,
        sender="order@mail.example.invalid",
        recipient="shop@daicho.invalid",
        sent_at=SENT_AT,
        text=text,
        message_id="<1@mail.example.invalid>",
        charset=charset,
        transfer=transfer,
    )


def read(raw: bytes) -> MailText:
    mail = read_mail(raw, received_at=RECEIVED_AT)
    assert isinstance(mail, MailText), mail
    return mail


def refused(raw: bytes) -> str:
    mail = read_mail(raw, received_at=RECEIVED_AT)
    assert isinstance(mail, NotUnderstood), mail
    assert mail.line is None
    return mail.rule


@pytest.mark.parametrize(
    ("charset", "transfer"),
    [
        ("iso-2022-jp", "7bit"),
        ("iso-2022-jp", "base64"),
        ("iso-2022-jp", "quoted-printable"),
        ("utf-8", "base64"),
        ("utf-8", "quoted-printable"),
        ("utf-8", "8bit"),
        ("shift_jis", "base64"),
        ("shift_jis", "8bit"),
        ("euc-jp", "8bit"),
    ],
)
def test_a_mail_is_the_same_in_every_encoding(charset: str, transfer: str) -> None:
    mail = read(written(charset=charset, transfer=transfer))
    assert (mail.text, mail.subject) == (BODY, SUBJECT)
    assert (mail.sender, mail.message_id) == ("order@mail.example.invalid", "<1@mail.example.invalid>")
    assert (mail.sent_at, mail.replaced, mail.verified) == (SENT_AT, 0, False)


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Fri, 99 Nov 2026 00:05:00 +0000",
        "Fri, 20 Nov 1970 00:05:00 +0000",
        "Sat, 20 Nov 2027 00:05:00 +0000",
    ],
)
def test_a_date_that_is_not_believed_gives_the_receive_time(date: str) -> None:
    raw = written().replace(b"Date: Fri, 20 Nov 2026 00:05:00 +0000", f"Date: {date}".encode())
    assert read(raw).sent_at == RECEIVED_AT


def test_a_date_in_japan_is_kept_in_utc() -> None:
    raw = written().replace(b"Fri, 20 Nov 2026 00:05:00 +0000", b"Fri, 20 Nov 2026 09:05:00 +0900")
    assert read(raw).sent_at == SENT_AT


def test_a_mail_forwarded_as_an_attachment_is_read_as_the_mall_sent_it() -> None:
    outer = MIMEMultipart()
    outer["Subject"] = "Fwd: see attached"
    outer["From"] = "merchant@example.invalid"
    outer.attach(MIMEText("please read"))
    outer.attach(MIMEMessage(BytesParser().parsebytes(written())))
    mail = read(outer.as_bytes())
    assert (mail.text, mail.subject, mail.sender, mail.sent_at) == (
        BODY,
        SUBJECT,
        "order@mail.example.invalid",
        SENT_AT,
    )


def test_two_attached_mails_are_not_one_order() -> None:
    outer = MIMEMultipart()
    for _ in range(2):
        outer.attach(MIMEMessage(BytesParser().parsebytes(written())))
    assert refused(outer.as_bytes()) == "mail_several_forwarded"


@pytest.mark.parametrize(
    "header",
    [
        "---------- Forwarded message ---------\nFrom: 楽天 <order@mail.example.invalid>\nDate: 2026年11月20日\nSubject: {subject}\nTo: <a@b>\n\n",
        "-----Original Message-----\nFrom: order@mail.example.invalid\nSent: Friday\nTo: a\nSubject: {subject}\n\n",
        "Begin forwarded message:\n\nFrom: order@mail.example.invalid\nSubject: {subject}\nDate: x\n\n",
        "差出人: order@mail.example.invalid\n送信日時: 2026年11月20日\n宛先: a@b\n件名: {subject}\n\n",
        "-------- 転送メッセージ --------\n件名: \t{subject}\n日付: \tx\n差出人: \torder@mail.example.invalid\n宛先: \ta\n\n",
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_forwarder_s_header_and_marks_are_taken_off(header: str, quoted: bool) -> None:
    inner = header.format(subject=SUBJECT) + BODY
    text = "転送します\n\n" + ("".join(f"> {line}\n" for line in inner.split("\n")) if quoted else inner)
    mail = read(written(text, subject=f"Fwd: Re: {SUBJECT}", charset="utf-8", transfer="base64"))
    assert mail.text.strip() == BODY.strip()
    assert mail.subject == SUBJECT
    assert mail.sender == "order@mail.example.invalid"


def test_a_mail_without_a_forwarder_is_not_touched() -> None:
    text = "From the shop\n> one line of the buyer\n日時: 2026-11-20\n商品: a\n件名なし\n"
    assert without_quotes(text).text == text


@pytest.mark.parametrize("prefix", ["Fwd: ", "FW:", "Re: ", "転送: ", "Fwd: Re: FW: ", "fwd：", "[Fwd: "])
def test_marks_in_front_of_a_subject_are_taken_off(prefix: str) -> None:
    assert without_prefix(prefix + SUBJECT) == SUBJECT


def test_plain_text_is_preferred_to_html_and_attachments_are_no_text() -> None:
    message = EmailMessage()
    message.set_content("本文です\n")
    message.add_alternative("<p>HTML</p>", subtype="html")
    message.add_attachment("添付です", filename="note.txt")
    assert read(message.as_bytes()).text.strip() == "本文です"


def test_html_alone_is_read_as_text() -> None:
    html = "<html><style>p{}</style><table><tr><td>注文ID</td><td>：a-1</td></tr><tr><td>2&times;&#65297;</td></tr></table>x<br>y<script>z</script>"
    message = MIMEText(html, "html", "utf-8")
    assert [line for line in read(message.as_bytes()).text.split("\n") if line] == ["注文ID ：a-1", "2×１", "x", "y"]


def test_flowed_lines_are_joined_and_fixed_ones_are_not() -> None:
    raw = written("long line \ngoes on\n-- \nsignature\n", charset="utf-8").replace(
        b"charset=utf-8", b"charset=utf-8; format=flowed"
    )
    assert read(raw).text == "long line goes on\n-- \nsignature\n"
    assert read(written("two \nlines\n")).text == "two \nlines\n"


def test_too_much_of_anything_is_not_understood() -> None:
    assert refused(b"") == "mail_empty"
    assert refused(b"Subject: x\r\n\r\n") == "mail_without_text"
    assert refused(b"a" * (MAIL_BYTES_MAX + 1)) == "mail_too_large"
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(BOUNDARIES_MAX + 1)
    )
    assert refused(nested) == "mail_too_deep"
    assert (
        refused(written("\x1b$B" + "\x7f\x7f" * 50, charset="utf-8").replace(b"charset=utf-8", b"charset=iso-2022-jp"))
        == "mail_text_not_readable"
    )


def test_a_mail_of_a_thousand_parts_is_read_as_far_as_the_limit() -> None:
    message = MIMEMultipart()
    for number in range(1000):
        message.attach(MIMEText(f"part {number}\n"))
    text = read(message.as_bytes()).text
    assert "part 1\n" in text
    assert f"part {PARTS_MAX}\n" not in text


def test_a_mail_in_a_mail_in_a_mail_is_followed_to_its_limit() -> None:
    raw = written()
    for depth in range(1, 9):
        outer = MIMEMultipart()
        outer.attach(MIMEMessage(BytesParser().parsebytes(raw)))
        raw = outer.as_bytes()
        if depth < 5:
            assert read(raw).text == BODY
    assert refused(raw) == "mail_too_deep"


def test_a_mail_nested_beyond_what_can_be_parsed_is_not_understood() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 3000 + b"Subject: x\r\n\r\nbody"
    assert refused(raw) == "mail_too_deep"


def test_wrong_bytes_are_counted_and_the_rest_is_read() -> None:
    raw = written(BODY * 3).replace(b"\x1b$B%5%s", b"\x1b$B\x7f\x7f%s", 1)
    mail = read(raw)
    assert mail.replaced == 2
    assert "402853-20261120-0220534167" in mail.text


HEADERS = st.sampled_from(
    [
        b"Subject: =?ISO-2022-JP?B?GyRCQ21K?=",
        b"Subject: =?x?q?=FF?= =?utf-8?B?====?=",
        b"Content-Type: text/plain; charset",
        b"Content-Type: text/html; charset*=x'y'%ff; format=flowed",
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: message/rfc822",
        b'Content-Type: multipart/alternative; boundary="\xff"',
        b"Content-Type: message/delivery-status",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Disposition: attachment; filename*0*=x",
        b"Date: Fri, 20 Nov 99999999999 00:00:00 +9999999",
        b"Date: 1",
        b"From: \xff <a@b",
        b"From: (((((",
        b"Message-ID: <\x00>",
    ]
)
BITS = st.sampled_from(
    [
        b"\r\n",
        b"\n\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"\x1b$B4C",
        b"<![foo[",
        b"<p>",
        b"begin 644 x\n",
        b"> ",
        b"From: x\n",
        b"=?",
        b"\x00",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.one_of(HEADERS.map(lambda line: line + b"\r\n"), BITS, st.binary(max_size=40)), max_size=30))
def test_no_bytes_make_the_reader_raise(parts: list[bytes]) -> None:
    mail = read_mail(b"".join(parts), received_at=RECEIVED_AT)
    if isinstance(mail, MailText):
        assert mail.sent_at <= RECEIVED_AT
        assert mail.text.strip() or mail.text
    else:
        assert mail.rule.startswith("mail_")


@settings(max_examples=300)
@given(st.lists(st.one_of(HEADERS.map(lambda line: line + b"\r\n"), BITS, st.binary(max_size=40)), max_size=30))
def test_no_bytes_of_an_attached_mail_make_the_reader_raise(parts: list[bytes]) -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" + b"".join(parts)
    mail = read_mail(raw, received_at=RECEIVED_AT)
    assert isinstance(mail, NotUnderstood) or mail.attached or not mail.as_sent


@settings(max_examples=200)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"base64", b"quoted-printable", b"x-uuencode", b"8bit"]),
    st.sampled_from([b"utf-8", b"iso-2022-jp", b"x"]),
)
def test_no_body_makes_the_reader_raise(body: bytes, transfer: bytes, charset: bytes) -> None:
    read_mail(
        b"Content-Type: text/plain; charset="
        + charset
        + b"\r\nContent-Transfer-Encoding: "
        + transfer
        + b"\r\n\r\n"
        + body,
        received_at=RECEIVED_AT,
    )


@given(st.text(st.sampled_from("<>![]-/&;#x1ap \n\"'=pre"), max_size=120))
def test_no_html_makes_the_reader_raise(html: str) -> None:
    text_of_html(html)


@given(
    st.lists(
        st.sampled_from(["> a", ">> b", "", "From: x", "Subject: y", "To: z", "-- Forwarded message --", "text", ">"]),
        max_size=40,
    )
)
def test_taking_marks_off_ends_and_keeps_what_is_no_mark(lines: list[str]) -> None:
    found = without_quotes("\n".join(lines))
    assert found.text.count("text") <= "\n".join(lines).count("text")


def test_a_bad_base64_body_is_read_as_far_as_it_goes() -> None:
    raw = (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode("注文番号 1".encode())[:-3]
    )
    assert isinstance(read_mail(raw, received_at=RECEIVED_AT + timedelta(days=1)), MailText | NotUnderstood)


HOSTILE = {
    "comments that never end": b"Content-Type: text/html\n\n" + b"<!--" * 100_000,
    "tags that never end": b"Content-Type: text/html\n\n" + b"<a b='\"" * 100_000,
    "headers of a forwarder": b"Subject: x\n\n" + b"From: x\n" * 190_000,
    "marks": b"Subject: x\n\n" + b"> > > - - - -\n" * 140_000,
    "flowed lines": b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 190_000,
    "white space": b"Subject: x\n\n-" + b" " * 1_900_000 + b"-",
    "boundaries": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(50))
    + b"--\n" * 190_000,
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 60_000,
    "escapes": b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B4A\x1b(B" * 200_000,
    "encoded words": b"Subject: " + b"=?utf-8?B?44GC?= " * 100_000 + b"\n\nx",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_mail_made_to_take_long_does_not(raw: bytes) -> None:
    started = time.process_time()
    read_mail(raw, received_at=RECEIVED_AT)
    assert time.process_time() - started < 10.0
