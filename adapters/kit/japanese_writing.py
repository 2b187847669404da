"""Writes Japanese text as mailers and malls send it; the other half of ``japanese.py``, for emulators, tests and files."""

import base64

from adapters.kit.japanese import known_charset

ENCODED_WORD_CHARACTERS_MAX = 75  # RFC 2047, section 2

_TO_ASCII, _TO_KANA, _TO_PAIRS = b"(B", b"(I", b"$B"


def encode_iso_2022_jp(text: str) -> bytes:
    """The text as a Japanese mailer sends it, ①㈱髙 and half-width kana included. Raises UnicodeEncodeError."""
    out = bytearray()
    mode = _TO_ASCII
    for place, character in enumerate(text):
        wanted, code = _encoded(character, text, place)
        if wanted != mode:
            out += b"\x1b" + wanted
            mode = wanted
        out += code
    if mode != _TO_ASCII:
        out += b"\x1b" + _TO_ASCII
    return bytes(out)


def encode(text: str, charset: str) -> bytes:
    """The text in one of the encodings this file reads. Raises UnicodeEncodeError, or LookupError for other names."""
    name = known_charset(charset)
    if name is None:
        raise LookupError(f"charset {charset!r}; expected iso-2022-jp, cp932, euc-jp or utf-8")
    if name == "utf-8":
        return text.encode(name)
    windows = _windows_dashes(text)
    if name == "iso-2022-jp":
        return encode_iso_2022_jp(windows)
    return (
        b"".join(_euc_of(*_encoded(c, windows, i)) for i, c in enumerate(windows))
        if name == "euc-jp"
        else windows.encode(name)
    )


def encode_subject(text: str, charset: str = "iso-2022-jp") -> str:
    """The header value by RFC 2047, base64, folded so that no encoded word is longer than 75 characters."""
    if text.isascii():
        return text
    room = (ENCODED_WORD_CHARACTERS_MAX - len(f"=?{charset}?B??=")) * 3 // 4
    words: list[str] = []
    run = ""
    for character in text:
        if run and len(encode(run + character, charset)) > room:
            words.append(run)
            run = ""
        run += character
    words.append(run)
    return "\r\n ".join(f"=?{charset}?B?{base64.b64encode(encode(word, charset)).decode('ascii')}?=" for word in words)


def _windows_dashes(text: str) -> str:
    """CP932 has only the full-width forms of the wave dash and the minus sign."""
    return text.replace("\N{WAVE DASH}", "\N{FULLWIDTH TILDE}").replace("\N{MINUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}")


def _euc_of(mode: bytes, code: bytes) -> bytes:
    if mode == _TO_ASCII:
        return code
    high = bytes(byte | 0x80 for byte in code)
    return b"\x8e" + high if mode == _TO_KANA else high


def _encoded(character: str, text: str, place: int) -> tuple[bytes, bytes]:
    if ord(character) < 0x80:
        return _TO_ASCII, character.encode("ascii")
    try:
        code = character.encode("cp932")
    except UnicodeEncodeError as error:
        raise UnicodeEncodeError("iso-2022-jp", text, place, place + 1, "no character of CP932") from error
    if len(code) == 1 and 0xA1 <= code[0] <= 0xDF:
        return _TO_KANA, bytes([code[0] & 0x7F])
    pair = _jis_pair(code) if len(code) == 2 else None
    if pair is None:
        raise UnicodeEncodeError("iso-2022-jp", text, place, place + 1, "no character of JIS rows 1 to 94")
    return _TO_PAIRS, pair


def _jis_pair(code: bytes) -> bytes | None:
    """The JIS pair of a Shift_JIS pair; IBM's rows (0xFA..0xFC) are sent as the NEC-selected ones (0xED, 0xEE)."""
    high, low = code
    if high >= 0xF0:
        same = _NEC_OF_IBM.get(code.decode("cp932"))
        if same is None:
            return None
        high, low = same
    row = (high - (0x81 if high < 0xA0 else 0xC1)) * 2 + 0x21
    if low >= 0x9F:
        return bytes([row + 1, low - 0x7E])
    return bytes([row, low - (0x20 if low > 0x7F else 0x1F)])


def _nec_selected() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for high in (0xED, 0xEE):
        for low in range(0x40, 0xFD):
            try:
                found.setdefault(bytes([high, low]).decode("cp932"), bytes([high, low]))
            except UnicodeDecodeError:
                continue
    return found


_NEC_OF_IBM = _nec_selected()
