"""Japanese text as mailers really send it, both ways."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.kit.japanese import REPLACED, decode, decode_iso_2022_jp, decode_subject, normalised, same_label
from adapters.kit.japanese_writing import encode, encode_iso_2022_jp, encode_subject

SENT = "①㈱髙～－ Ⅲ﨑 ﾃｽﾄ ガ 楽天abc\n￣＝（１）"


def _sendable() -> str:
    """Every character that CP932 keeps apart from its twins, so that it comes back as it went."""
    found = []
    for code in range(0x20, 0x10000):
        character = chr(code)
        try:
            back = character.encode("cp932").decode("cp932")
            encode_iso_2022_jp(character)
        except UnicodeError:
            continue
        if back == character and not "\ue000" <= character <= "\uf8ff":
            found.append(character)
    return "".join(found)


SENDABLE = _sendable()
texts = st.text(st.sampled_from(SENDABLE + "\n"), max_size=60)


def test_machine_dependent_characters_come_through_iso_2022_jp() -> None:
    raw = encode_iso_2022_jp(SENT)
    assert raw.isascii()
    assert decode_iso_2022_jp(raw).text == SENT


def test_every_character_windows_can_send_comes_back() -> None:
    assert len(SENDABLE) > 7000
    raw = encode_iso_2022_jp(SENDABLE)
    assert decode_iso_2022_jp(raw).replaced == 0
    assert decode_iso_2022_jp(raw).text == SENDABLE


@given(texts, st.sampled_from(["iso-2022-jp", "cp932", "euc-jp", "utf-8"]))
def test_a_text_declared_rightly_comes_back(text: str, charset: str) -> None:
    read = decode(encode(text, charset), charset)
    assert read.replaced == 0
    if charset in ("iso-2022-jp", "utf-8"):
        assert read.text == text


@pytest.mark.parametrize(
    "name", ["Shift_JIS", "shift-jis", "SJIS", "x-sjis", "Windows-31J", "ms_kanji", "cp932", "MS932", '"Shift_JIS"']
)
def test_every_name_of_shift_jis_means_what_windows_writes(name: str) -> None:
    assert decode(SENT.encode("cp932"), name).text == SENT


@pytest.mark.parametrize("charset", ["iso-2022-jp", "cp932", "euc-jp", "utf-8"])
@pytest.mark.parametrize(
    "declared", [None, "us-ascii", "utf-8", "shift_jis", "iso-2022-jp", "iso-8859-1", "no-such-charset"]
)
def test_a_missing_or_lying_charset_is_found_out(charset: str, declared: str | None) -> None:
    text = "注文番号：402853-20261120-0220534167\nサンプルTシャツ（限定）① 数量：２個"
    assert decode(encode(text, charset), declared).text == text


def test_half_width_kana_by_shift_out_or_in_eight_bits_is_read() -> None:
    assert decode_iso_2022_jp(b"\x0eC=D\x0f abc").text == "ﾃｽﾄ abc"
    assert decode_iso_2022_jp(b"abc \xc3\xbd\xc4").text == "abc ﾃｽﾄ"


def test_a_line_break_ends_a_broken_run() -> None:
    assert decode_iso_2022_jp(b"\x1b$B4A\nabc").text == "漢\nabc"


def test_jis_roman_and_the_old_kanji_escape_are_read() -> None:
    assert decode_iso_2022_jp(b"\x1b$@4A\x1b(Jabc").text == "漢abc"


@pytest.mark.parametrize(
    "raw", [b"\x1b$B\x7f\x7f\x1b(B", b"\x1b$B4", b"\x1bX", b"\x1b$B4\x1b(B", b"\xff", b"\x1b$(D0!\x1b(B"]
)
def test_bytes_that_mean_nothing_are_replaced_and_counted(raw: bytes) -> None:
    read = decode_iso_2022_jp(raw)
    assert read.replaced == read.text.count(REPLACED) > 0


@given(st.binary(max_size=200), st.sampled_from([None, "iso-2022-jp", "cp932", "euc-jp", "utf-8", "?", "latin1"]))
def test_no_bytes_raise_and_none_vanish(raw: bytes, charset: str | None) -> None:
    read = decode(raw, charset)
    assert read.replaced >= 0
    assert bool(read.text) or not raw.strip(b"\x1b$@(BJIH)DC\x0e\x0f\xef\xbb\xbf")


def test_a_long_subject_is_folded_and_comes_back() -> None:
    subject = "【楽天市場】注文内容ご確認（自動配信メール）①㈱髙 " * 4
    header = encode_subject(subject)
    assert all(len(line.strip()) <= 75 for line in header.split("\r\n"))
    assert decode_subject(header).text == subject.strip()


@pytest.mark.parametrize("cut", range(1, 30))
@pytest.mark.parametrize("charset", ["iso-2022-jp", "utf-8", "shift_jis"])
def test_a_subject_cut_in_the_middle_of_a_character_is_joined(cut: int, charset: str) -> None:
    raw = encode("【楽天市場】ご注文①㈱髙", charset)
    words = [f"=?{charset}?B?{base64.b64encode(part).decode()}?=" for part in (raw[:cut], raw[cut:])]
    assert decode_subject("\r\n ".join(words)).text == "【楽天市場】ご注文①㈱髙"


def test_a_subject_mixes_plain_words_quoted_printable_and_base64() -> None:
    assert (
        decode_subject("Fwd: =?utf-8?Q?=E6=B3=A8=E6=96=87_1?= new =?ISO-2022-JP?B?GyRCQ21KOBsoQg==?=").text
        == "Fwd: 注文 1 new 注文"
    )


def test_a_subject_in_raw_bytes_is_read() -> None:
    assert decode_subject("注文".encode("cp932").decode("ascii", "surrogateescape")).text == "注文"
    assert decode_subject(encode_iso_2022_jp("注文①").decode("ascii")).text == "注文①"


@given(st.text(max_size=300))
def test_no_subject_raises(header: str) -> None:
    decode_subject(header)


@given(st.text(max_size=200))
def test_normalising_keeps_line_breaks(text: str) -> None:
    assert normalised(text).count("\n") == text.count("\n")


def test_labels_are_the_same_in_any_width_and_dash() -> None:
    assert same_label("商品管理番号（商品URL）", "商品管理番号(商品ｕｒｌ)")
    assert same_label("10:00〜12:00", "10:00～12:00")
    assert same_label("Ａ−１", "a-1")
    assert same_label("ｻﾌﾞｺｰﾄﾞ", "サブコード")
    assert not same_label("商品管理番号", "商品番号")
    assert normalised("￣￣") == "￣￣"


def test_what_windows_cannot_say_is_refused_when_written() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode_iso_2022_jp("注文😀")
    with pytest.raises(LookupError):
        encode("注文", "big5")


def test_where_the_standard_library_can_read_a_pair_both_read_the_same() -> None:
    twins = str.maketrans("〜−‖¢£¬", "～－∥￠￡￢")  # CP932 has only the second of each
    compared = 0
    for high in range(0x21, 0x7F):
        for low in range(0x21, 0x7F):
            raw = b"\x1b$B" + bytes([high, low]) + b"\x1b(B"
            try:
                known = raw.decode("iso2022_jp")
            except UnicodeDecodeError:
                continue
            compared += 1
            assert decode_iso_2022_jp(raw).text == known.translate(twins), (high, low)
    assert compared == 6879  # JIS X 0208
