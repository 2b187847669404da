"""DKIM (RFC 6376, RFC 8463): whether a signature is the signer's and of this mail; what is not proves nothing and is named.

Stricter than the standard where a mail decides about stock: a signature of a part of the body (``l=``), one by SHA-1 or a
key below 1,024 bits, and one that leaves out From, Subject or Date count as none.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from api.mail.fields import Field, RawMail, tags_of, without_signature

RSA_BITS_MIN, RSA_BITS_MAX = 1_024, 4_096
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")
FORMS = ("simple", "relaxed")
SIGNED_AT_LEAST = ("from", "subject", "date")
CLOCKS_DIFFER = timedelta(hours=1)
_SPACES = re.compile(rb"[ \t]+")

# Rules a signature breaks.
NOT_READABLE = "signature_not_readable"
LENGTH = "length_tag"
PARTLY = "header_not_signed"
EXPIRED = "signature_expired"
BODY = "body_changed"
HEADER = "signature_wrong"
NO_KEY = "key_not_there"
BAD_KEY = "key_not_usable"
DNS_AWAY = "dns_away"

# The TXT records of a name, () when there are none; None: nobody answered.
LookUpTxt: TypeAlias = Callable[[str], "tuple[bytes, ...] | None"]
PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature's field (``origin``) says. ``problem``: the rule it breaks by itself, "" none."""

    origin: Field = field(repr=False)
    domain: str
    selector: str
    algorithm: str
    header_form: str
    body_form: str
    signed: tuple[str, ...]
    body_hash: bytes = field(repr=False)
    value: bytes = field(repr=False)
    strict_identity: bool
    problem: str


def read_signature(one: Field) -> Signature:
    """The field read; ``problem`` says what is wrong with it. Any field can be read."""
    tags = tags_of(one.value) or {}
    forms = [*tags.get("c", "simple/simple").split("/"), "simple"][:2]
    signed = tuple(name.strip().lower() for name in tags.get("h", "").split(":"))
    body_hash, value = _base64(tags.get("bh", "")), _base64(tags.get("b", ""))
    domain = tags.get("d", "").lower()
    _, at, identity = tags.get("i", "").lower().rpartition("@")  # in ARC it is a number
    identity = identity if at else ""
    known = tags.get("a") in ALGORITHMS and all(form in FORMS for form in forms)
    aligned = not identity or identity == domain or identity.endswith(f".{domain}")
    problem = ""
    if (
        not (known and aligned and domain and tags.get("s") and body_hash and value)
        or tags.get("v", "1") != "1"
        or tags.get("q", "dns/txt") != "dns/txt"
    ):
        problem = NOT_READABLE
    elif "l" in tags:
        problem = LENGTH
    elif not set(SIGNED_AT_LEAST) <= set(signed):
        problem = PARTLY
    return Signature(
        one,
        domain,
        tags.get("s", "").lower(),
        tags.get("a", ""),
        forms[0],
        forms[1],
        signed,
        body_hash,
        value,
        identity in ("", domain),
        problem,
    )


def broken_rule(mail: RawMail, one: Signature, look_up: LookUpTxt, now: datetime) -> str:
    """ "" when the signature is its domain's and of this mail, else the rule it breaks."""
    if one.problem:
        return one.problem
    if _expired(one, now):
        return EXPIRED
    if hashlib.sha256(body_in(one.body_form, mail.body)).digest() != one.body_hash:
        return BODY
    key = key_of(one, look_up)
    if isinstance(key, str):
        return key
    return "" if signed_by(key, _signed_header(mail, one), one.value) else HEADER


def key_of(one: Signature, look_up: LookUpTxt) -> PublicKey | str:
    """The signer's public key, or the rule: not there, not usable, nobody answered."""
    records = look_up(f"{one.selector}._domainkey.{one.domain}")
    if records is None:
        return DNS_AWAY
    if not records:
        return NO_KEY
    tags = tags_of(records[0]) if len(records) == 1 else None
    if tags is None or tags.get("v", "DKIM1") != "DKIM1" or not tags.get("p"):  # an empty p: the key was taken back
        return BAD_KEY
    kind, flags = tags.get("k", "rsa"), tags.get("t", "").split(":")
    for_mail = {"*", "email"} & set(tags.get("s", "*").split(":"))
    by_sha256 = "sha256" in tags.get("h", "sha256").split(":")
    tried_out, strict = "y" in flags, "s" in flags
    if not for_mail or not by_sha256 or tried_out or not one.algorithm.startswith(f"{kind}-"):
        return BAD_KEY
    if strict and not one.strict_identity:
        return BAD_KEY
    return _public_key(kind, _base64(tags["p"])) or BAD_KEY


def signed_by(key: PublicKey, signed: bytes, value: bytes) -> bool:
    """Whether the owner of the key signed these bytes."""
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(value, signed, PKCS1v15(), SHA256())
        else:
            key.verify(value, hashlib.sha256(signed).digest())
    except InvalidSignature:
        return False
    return True


def body_in(form: str, body: bytes) -> bytes:
    """The body in this form (RFC 6376, 3.4.3 and 3.4.4), in time that grows with its size alone."""
    if form == "relaxed":
        spaced = _SPACES.sub(b" ", body).replace(b" \r\n", b"\r\n")
        body = spaced if spaced.endswith(b"\r\n") else spaced.rstrip(b" ")
    end = len(body)
    while body[end - 2 : end] == b"\r\n":
        end -= 2
    return body[:end] + b"\r\n" if end or form == "simple" else b""


# ------------------------------------------------------------------ private


def _signed_header(mail: RawMail, one: Signature) -> bytes:
    """The fields that were signed, and the signature's own without its value (RFC 6376, 3.7)."""
    left: dict[bytes, list[Field]] = {}
    for each in mail.fields:
        left.setdefault(each.name, []).append(each)
    relaxed = one.header_form == "relaxed"
    parts: list[bytes] = []
    for name in one.signed:
        waiting = left.get(name.encode())
        if waiting:  # from the bottom; a name that is not there was signed as absent
            chosen = waiting.pop()
            parts.append(chosen.relaxed() if relaxed else chosen.line)
    own = without_signature(one.origin.line)
    parts.append(Field(one.origin.name, own).relaxed().removesuffix(b"\r\n") if relaxed else own)
    return b"".join(parts)


def _expired(one: Signature, now: datetime) -> bool:
    tags = tags_of(one.origin.value) or {}
    until, since = tags.get("x", ""), tags.get("t", "")
    seconds = now.timestamp()
    slack = CLOCKS_DIFFER.total_seconds()
    if until and (not until.isdecimal() or int(until[:12]) < seconds - slack):
        return True
    return bool(since) and (not since.isdecimal() or int(since[:12]) > seconds + slack)


def _public_key(kind: str, encoded: bytes) -> PublicKey | None:
    try:
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(encoded)
        found = load_der_public_key(encoded)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(found, RSAPublicKey) or not RSA_BITS_MIN <= found.key_size <= RSA_BITS_MAX:
        return None
    return found


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
