"""Japanese text as really sent: ISO-2022-JP with ①㈱髙 and half-width kana, Windows' Shift_JIS, EUC-JP, and back.

The standard library has no codec for what Japanese mailers send under the name ISO-2022-JP (CP50221: JIS pairs of
NEC row 13 and the NEC-selected IBM rows, kana by ``ESC ( I``): it raises, or gives U+FFFD. A JIS pair is therefore
turned into its Shift_JIS pair and read as CP932. Bytes that mean nothing become U+FFFD and are counted, never dropped.
"""

import base64
import binascii
import quopri
import re
import unicodedata
from dataclasses import dataclass

NO_CHARACTERS_OF_CP932 = (
    "\x80\uf8f0\uf8f1\uf8f2\uf8f3"  # what Python makes of the bytes 80, A0, FD, FE, FF, which are none
)
REPLACED = "\N{REPLACEMENT CHARACTER}"

_CP932_NAMES = frozenset(
    {
        "shift_jis",
        "shift-jis",
        "sjis",
        "x-sjis",
        "ms_kanji",
        "windows-31j",
        "cp932",
        "ms932",
        "cswindows31j",
        "csshiftjis",
        "shiftjis",
    }
)
_JIS_NAMES = frozenset(
    {
        "iso-2022-jp",
        "iso2022jp",
        "iso-2022-jp-ms",
        "cp50220",
        "cp50221",
        "cp50222",
        "csiso2022jp",
        "iso-2022-jp-1",
        "jis",
    }
)
_EUC_NAMES = frozenset({"euc-jp", "eucjp", "x-euc-jp", "x-euc", "cp51932", "eucjp-ms", "cseucpkdfmtjapanese"})
_UTF8_NAMES = frozenset({"utf-8", "utf8", "utf_8", "unicode-1-1-utf-8"})

_ESCAPES = {b"(B": "ascii", b"(J": "ascii", b"(H": "ascii", b"(I": "kana", b"$B": "pairs", b"$@": "pairs"}
_ESCAPES_LONG = {b"$(B": "pairs", b"$(@": "pairs", b"$(D": "unknown pairs"}
_LATIN_OF_JIS = "§¨°±´¶×÷"
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
_DIGITS = str.maketrans("０１２３４５６７８９，", "0123456789,")
_LABEL_TABLE = str.maketrans(
    {
        "\N{WAVE DASH}": "~",
        "\N{FULLWIDTH TILDE}": "~",
        "\N{TILDE OPERATOR}": "~",
        "\N{MINUS SIGN}": "-",
        "\N{FULLWIDTH HYPHEN-MINUS}": "-",
        "\N{HYPHEN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{FIGURE DASH}": "-",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL BAR}": "-",
        "\N{NO-BREAK SPACE}": " ",
        "\r": None,
        "\N{ZERO WIDTH NO-BREAK SPACE}": None,
    }
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the encoding that fitted, and how many characters had to be replaced because their bytes mean nothing."""

    text: str
    charset: str
    replaced: int


# ------------------------------------------------------------------ reading


def decode(raw: bytes, charset: str | None) -> Decoded:
    """The text of ``raw``: as ``charset`` says when that fits, else as the first of the known encodings that does.

    A missing, unknown or lying charset is common in forwarded mail. What fits without a bad byte wins: first the
    declared one, unless it gives a text of stray kana or Latin letters where another gives none. When nothing fits, the
    declared one (else the one with the fewest bad bytes) is read with replacements.
    """
    name = known_charset(charset)
    if name == "iso-2022-jp" or _has_escape(raw):
        found = decode_iso_2022_jp(raw)
        if found.replaced == 0 or raw.isascii():
            return found
    tried = [n for n in dict.fromkeys((name, "utf-8", "cp932", "euc-jp")) if n is not None and n != "iso-2022-jp"]
    fitting = [Decoded(text, n, 0) for n in tried if (text := _strict(raw, n)) is not None]
    if not fitting:
        read = [_replaced(raw, n) for n in tried]
        return read[0] if read[0].charset == name else min(read, key=lambda decoded: decoded.replaced)
    certain = next((d for d in fitting if d.charset == "utf-8" and any(c > "\u07ff" for c in d.text)), None)
    return certain or next((d for d in fitting if _strangeness(d.text) == 0), fitting[0])


def decode_iso_2022_jp(raw: bytes) -> Decoded:
    """The text of bytes in ISO-2022-JP as mailers write it (CP50221), with SO/SI kana and 8-bit kana tolerated.

    A line break returns to ASCII as RFC 1468 demands, so one broken line never swallows the next.
    """
    out: list[str] = []
    mode, at = "ascii", 0
    while at < len(raw):
        byte = raw[at]
        if byte == 0x1B:
            escaped = _escape_at(raw, at)
            if escaped is not None:
                mode, at = escaped
            else:
                out.append(REPLACED)
                at += 1
        elif byte in (0x0A, 0x0D):
            out.append(chr(byte))
            mode, at = "ascii", at + 1
        elif byte in (0x0E, 0x0F):  # SO and SI: kana and back, JIS X 0201 in 7 bits
            mode, at = ("kana" if byte == 0x0E else "ascii"), at + 1
        else:
            text, at = _character(raw, at, mode)
            out.append(text)
    text = "".join(out)
    return Decoded(text, "iso-2022-jp", text.count(REPLACED))


def decode_subject(header: str) -> Decoded:
    """The text of a header by RFC 2047 with this file's decoders; folded, and cut inside a character as mailers do.

    Neighbouring encoded words of one charset are joined as bytes before they are decoded. An ISO-2022-JP word starts in
    ASCII by the rule, but real mailers cut in the middle of a run: such a word goes on in the mode of the one before.
    """
    unfolded = re.sub(r"\r?\n[ \t]+", " ", header)
    parts: list[tuple[str | None, bytes]] = []
    plain: list[str] = []
    end = 0
    for match in _ENCODED_WORD.finditer(unfolded):
        between = unfolded[end : match.start()]
        if between.strip() or not parts:
            parts.append((None, b""))
            plain.append(between)
        parts.append((match[1].split("*")[0].lower(), _word_bytes(match[2], match[3])))
        plain.append("")
        end = match.end()
    parts.append((None, b""))
    plain.append(unfolded[end:])
    return _joined(parts, plain)


def known_charset(charset: str | None) -> str | None:
    """The one name this package has for a charset: iso-2022-jp, cp932, euc-jp, utf-8 or cp1252; None for others."""
    name = (charset or "").strip().strip("\"'").lower().replace(" ", "")
    for known, names in (
        ("iso-2022-jp", _JIS_NAMES),
        ("cp932", _CP932_NAMES),
        ("euc-jp", _EUC_NAMES),
        ("utf-8", _UTF8_NAMES),
    ):
        if name in names:
            return known
    return "cp1252" if name in {"iso-8859-1", "latin1", "windows-1252"} else None


def normalised(text: str) -> str:
    """The text for comparing labels: NFKC, one wave dash, one hyphen; line breaks and their number are kept.

    ￣ stays itself (NFKC alone makes it a space and a combining mark), because mails draw lines with it.
    """
    folded = unicodedata.normalize("NFKC", text.translate(_LABEL_TABLE))
    return folded.replace(" \N{COMBINING MACRON}", "\N{FULLWIDTH MACRON}").translate(_LABEL_TABLE)


def half_width_digits(text: str) -> str:
    """The text with ０ to ９ and ， as ASCII and nothing else changed: ① and ² are no digits of a count."""
    return text.translate(_DIGITS)


def same_label(one: str, other: str) -> bool:
    """Whether two labels are the same apart from width, dashes, white space and case."""
    return label_key(one) == label_key(other)


def label_key(label: str) -> str:
    """The label without what ``same_label`` does not look at."""
    return "".join(normalised(label).split()).casefold()


# ------------------------------------------------------------------ private


def _has_escape(raw: bytes) -> bool:
    return b"\x1b$" in raw or b"\x1b(" in raw


def _strangeness(text: str) -> int:
    """How many characters a Japanese text seldom has: half-width kana, private use, Latin letters with accents."""
    return sum(
        "\uff61" <= c <= "\uff9f" or "\ue000" <= c <= "\uf8ff" or ("\x80" <= c <= "\u024f" and c not in _LATIN_OF_JIS)
        for c in text
    )


def _strict(raw: bytes, name: str) -> str | None:
    try:
        text = _euc(raw, "strict") if name == "euc-jp" else raw.decode(name)
    except UnicodeDecodeError:
        return None
    return None if name == "cp932" and any(one in text for one in NO_CHARACTERS_OF_CP932) else text


def _replaced(raw: bytes, name: str) -> Decoded:
    text = _euc(raw, "replace") if name == "euc-jp" else raw.decode(name, "replace")
    if name == "cp932":
        text = text.translate(dict.fromkeys(map(ord, NO_CHARACTERS_OF_CP932), REPLACED))
    return Decoded(text, name, text.count(REPLACED))


def _euc(raw: bytes, errors: str) -> str:
    """EUC-JP as Windows writes it (CP51932): pairs by way of CP932, so ①㈱髙 are there; 0x8E is half-width kana."""
    out: list[str] = []
    at = 0
    while at < len(raw):
        byte = raw[at]
        if byte < 0x80:
            out.append(chr(byte))
            at += 1
            continue
        size = 3 if byte == 0x8F else 2
        piece = raw[at : at + size]
        text = _euc_character(piece)
        if text is None and errors == "strict":
            raise UnicodeDecodeError("euc-jp", raw, at, at + 1, "no character of CP51932")
        out.append(text or REPLACED)
        at += size if text else 1
    return "".join(out)


def _euc_character(piece: bytes) -> str | None:
    if len(piece) == 2 and piece[0] == 0x8E and 0xA1 <= piece[1] <= 0xDF:
        return piece[1:].decode("cp932")
    if len(piece) == 2 and piece[0] >= 0xA1 and piece[1] >= 0xA1:
        found = _pair(piece[0] & 0x7F, piece[1] & 0x7F)
        return None if found == REPLACED else found
    if len(piece) == 3 and piece[0] == 0x8F:
        try:
            return piece.decode("euc_jp")
        except UnicodeDecodeError:
            return None
    return None


def _escape_at(raw: bytes, at: int) -> tuple[str, int] | None:
    short, long = raw[at + 1 : at + 3], raw[at + 1 : at + 4]
    if long in _ESCAPES_LONG:
        return _ESCAPES_LONG[long], at + 4
    if short in _ESCAPES:
        return _ESCAPES[short], at + 3
    return None


def _character(raw: bytes, at: int, mode: str) -> tuple[str, int]:
    byte = raw[at]
    if 0xA1 <= byte <= 0xDF:  # kana in 8 bits, as CP50220 writers leave it
        return bytes([byte]).decode("cp932"), at + 1
    if byte < 0x21 or mode == "ascii":
        return (chr(byte) if byte < 0x80 else REPLACED), at + 1
    if byte > 0x7E:
        return REPLACED, at + 1
    if mode == "kana":
        return (bytes([byte | 0x80]).decode("cp932") if byte <= 0x5F else REPLACED), at + 1
    if at + 1 >= len(raw) or not 0x21 <= raw[at + 1] <= 0x7E:
        return REPLACED, at + 1
    return (_pair(byte, raw[at + 1]) if mode == "pairs" else REPLACED), at + 2


def _pair(high: int, low: int) -> str:
    low += 0x1F if high & 1 else 0x7E
    if high & 1 and low >= 0x7F:
        low += 1
    high = ((high - 0x21) >> 1) + 0x81
    high += 0x40 if high > 0x9F else 0
    try:
        return bytes([high, low]).decode("cp932")
    except UnicodeDecodeError:
        return REPLACED


def _word_bytes(coding: str, text: str) -> bytes:
    if coding in "bB":
        kept = re.sub(r"[^A-Za-z0-9+/]", "", text)
        kept = kept[:-1] if len(kept) % 4 == 1 else kept
        try:
            return base64.b64decode(kept + "=" * (-len(kept) % 4))
        except binascii.Error:
            return text.encode("ascii", "replace")
    return quopri.decodestring(text.replace("_", "=20").encode("ascii", "replace"))


def _joined(parts: list[tuple[str | None, bytes]], plain: list[str]) -> Decoded:
    out: list[str] = []
    replaced, charset = 0, "ascii"
    at = 0
    while at < len(parts):
        name, raw = parts[at]
        if name is None:
            raw_text = decode(plain[at].encode("utf-8", "surrogateescape"), None)
            out.append(raw_text.text)
            replaced += raw_text.replaced
            at += 1
            continue
        while at + 1 < len(parts) and parts[at + 1][0] == name:
            at += 1
            raw += parts[at][1]
        decoded = decode(raw, name)
        out.append(decoded.text)
        replaced, charset = replaced + decoded.replaced, decoded.charset
        at += 1
    return Decoded("".join(out).strip(), charset, replaced)
