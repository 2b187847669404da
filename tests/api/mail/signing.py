"""A signer for tests: DKIM signatures with any tags, ARC sets, and the DNS that knows the keys. Invented domains."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

HEADERS = ("from", "to", "subject", "date", "message-id", "mime-version", "content-type")


@cache
def key(name: str, bits: int = 1024) -> RSAPrivateKey:
    del name  # which of the test's keys
    return generate_private_key(public_exponent=65537, key_size=bits)


def pem(one: RSAPrivateKey) -> bytes:
    return one.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def record(one: RSAPrivateKey, **tags: str) -> bytes:
    """The TXT record of a key."""
    public = one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    said = {"v": "DKIM1", "k": "rsa", **tags, "p": base64.b64encode(public).decode()}
    return "; ".join(f"{name}={value}" for name, value in said.items()).encode()


@dataclass
class Dns:
    """Name servers that know these records. ``away``: they do not answer. Mutable: tests change it, and it counts."""

    records: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    away: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> tuple[bytes, ...] | None:
        self.asked.append(name)
        return None if self.away else self.records.get(name, ())

    def knows(self, domain: str, selector: str = "s1", **tags: str) -> "Dns":
        self.records[f"{selector}._domainkey.{domain}"] = (record(key(domain), **tags),)
        return self


def signed(raw: bytes, domain: str, *, headers: tuple[str, ...] = HEADERS, selector: str = "s1", **tags: str) -> bytes:
    """The mail with a DKIM signature of the domain above it (relaxed, relaxed)."""
    return _field("DKIM-Signature", raw, domain, headers, {"v": "1", "s": selector, **tags}) + raw


def sealed(raw: bytes, domain: str, *, results: str, number: int = 1, validity: str = "none") -> bytes:
    """The mail with an ARC set of the domain above it."""
    found = f"ARC-Authentication-Results: i={number}; {domain}; {results}\r\n".encode()
    message = _field("ARC-Message-Signature", raw, domain, HEADERS, {"i": str(number), "s": "s1"})
    tags = f"i={number}; a=rsa-sha256; cv={validity}; d={domain}; s=s1; b="
    own = f"ARC-Seal: {tags}\r\n".encode()
    earlier = [line for line in _lines(raw) if line.split(b":")[0].lower().startswith(b"arc-")]
    by_step = sorted(earlier, key=lambda line: (re.search(rb"i=(\d+)", line)[1], _ARC.index(_name(line))))  # type: ignore[index]
    signed_part = b"".join(_relaxed(line) for line in [*by_step, found, message, own]).removesuffix(b"\r\n")
    value = base64.b64encode(key(domain).sign(signed_part, PKCS1v15(), SHA256()))
    return own.removesuffix(b"\r\n") + value + b"\r\n" + message + found + raw


_ARC = (b"arc-authentication-results", b"arc-message-signature", b"arc-seal")


def _field(name: str, raw: bytes, domain: str, headers: tuple[str, ...], more: Mapping[str, str]) -> bytes:
    _, _, body = raw.partition(b"\r\n\r\n")
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip() for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    relaxed_body = b"".join(line + b"\r\n" for line in lines)
    if "l" in more:
        relaxed_body = relaxed_body[: int(more["l"])]
    digest = base64.b64encode(hashlib.sha256(relaxed_body).digest()).decode()
    tags = {"a": "rsa-sha256", "c": "relaxed/relaxed", "d": domain, **more, "h": ":".join(headers), "bh": digest}
    unsigned = f"{name}: {'; '.join(f'{tag}={value}' for tag, value in tags.items())}; b=".encode()
    left = {each: [line for line in _lines(raw) if _name(line) == each.encode()] for each in headers}
    chosen = [left[each].pop() for each in headers if left[each]]
    bytes_signed = b"".join(_relaxed(line) for line in chosen) + _relaxed(unsigned).removesuffix(b"\r\n")
    value = base64.b64encode(key(domain).sign(bytes_signed, PKCS1v15(), SHA256()))
    return unsigned + value + b"\r\n"


def _lines(raw: bytes) -> list[bytes]:
    """The header's fields, unfolded."""
    return re.sub(rb"\r\n([ \t])", rb"\1", raw.partition(b"\r\n\r\n")[0]).split(b"\r\n")


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def _relaxed(line: bytes) -> bytes:
    value = re.sub(rb"[ \t]+", b" ", line.partition(b":")[2].replace(b"\r\n", b"")).strip()
    return _name(line) + b":" + value + b"\r\n"
