"""Proves a call by the Standard Webhooks scheme: HMAC-SHA256 over ``id.timestamp.body``, compared in constant time.

Source: Standard Webhooks 1.0.0 (standardwebhooks.com): headers webhook-id, webhook-timestamp (seconds since 1970),
webhook-signature (``v1,<base64>`` entries apart by spaces, several while a secret is rotated), 5 minutes of tolerance.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from adapters.kit.mall import WebhookAccepted, WebhookCall, WebhookRefused

TOLERANCE_SECONDS = 300
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PROOF_HEADERS = (ID, TIMESTAMP, SIGNATURE)
PREFIX = "whsec_"
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
ID_CHARACTERS_MAX = 200
SIGNATURES_MAX = 20


class SecretNotAccepted(ValueError):
    """A signing secret is not of the form ``whsec_`` and base64 of 24 to 64 bytes; the message never has it."""


def key_of(secret: str) -> bytes:
    """The key behind ``whsec_<base64>``. Raises SecretNotAccepted."""
    text = secret.strip().removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise SecretNotAccepted(
            f"the signing secret is not accepted: expected {PREFIX} and the base64 of"
            f" {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes"
        )
    return key


def prove(call: WebhookCall, secrets: Iterable[str], now: datetime) -> WebhookAccepted | WebhookRefused:
    """Whether one of these secrets signed the call within the last five minutes. A secret that is not of the form proves nothing."""
    event, stamp = call.headers.get(ID, ""), call.headers.get(TIMESTAMP, "")
    if not event or not stamp or not call.headers.get(SIGNATURE):
        return WebhookRefused("no_signature")
    if len(event) > ID_CHARACTERS_MAX or not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return WebhookRefused("signature")
    apart = now.timestamp() - int(stamp)
    signed = f"{event}.{stamp}.".encode() + call.body
    given = list(_given(call.headers[SIGNATURE]))
    proven = False
    for secret in secrets:
        try:
            wanted = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        except SecretNotAccepted:
            continue
        for one in given:
            proven |= hmac.compare_digest(wanted, one)
    if not proven:
        return WebhookRefused("signature")
    if abs(apart) > TOLERANCE_SECONDS:
        return WebhookRefused("too_old" if apart > 0 else "too_new")
    return WebhookAccepted(event)


def _given(header: str) -> Iterable[bytes]:
    for entry in header.split(" ")[:SIGNATURES_MAX]:
        version, _, text = entry.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue
