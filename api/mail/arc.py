"""ARC (RFC 8617): what forwarders that are believed found before they passed a mail on.

A chain counts when every seal in it is by a domain that is listed, all seals are right, and the newest message signature is
of this mail as it came. What the first of them found is then what that server saw.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from api.mail.authentication_results import Results, read_results
from api.mail.dkim import HEADER, NOT_READABLE, LookUpTxt, Signature, broken_rule, key_of, read_signature, signed_by
from api.mail.fields import Field, RawMail, tags_of, without_signature

INSTANCES_MAX = 10  # of the 50 that the standard allows; each costs two keys
RESULTS, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
NO_CHAIN = "no_chain"
CHAIN_BROKEN = "chain_broken"
SEALER_UNKNOWN = "sealer_unknown"
_INSTANCE = re.compile(rb"\s*i\s*=\s*(\d{1,2})\s*;(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one forwarder added."""

    results: Field
    message: Field
    seal: Field


def first_results(mail: RawMail, sealers: Collection[str], look_up: LookUpTxt, now: datetime) -> Results | str:
    """What the first forwarder found; or the rule that the chain breaks."""
    steps = _steps(mail)
    if isinstance(steps, str):
        return steps
    for number, step in enumerate(steps, 1):
        tags = tags_of(step.seal.value) or {}
        if tags.get("d", "").lower() not in sealers:
            return SEALER_UNKNOWN
        if tags.get("cv") != ("none" if number == 1 else "pass") or "h" in tags:
            return CHAIN_BROKEN
    newest = read_signature(steps[-1].message)
    if newest.domain not in sealers:
        return SEALER_UNKNOWN
    if rule := broken_rule(mail, newest, look_up, now):
        return rule
    for number in range(len(steps), 0, -1):
        if rule := _seal_rule(steps[:number], look_up):
            return rule
    found = _INSTANCE.fullmatch(steps[0].results.value)
    return (read_results(found[2]) if found else None) or CHAIN_BROKEN


def _steps(mail: RawMail) -> tuple[_Step, ...] | str:
    """The chain from its first step on, each complete and single."""
    kept: dict[tuple[int, bytes], Field] = {}
    for field in mail.fields:
        if field.name not in (RESULTS, MESSAGE, SEAL):
            continue
        number = _instance(field)
        if number is None or (number, field.name) in kept:
            return CHAIN_BROKEN
        kept[number, field.name] = field
    if not kept:
        return NO_CHAIN
    last = max(number for number, _ in kept)
    wanted = [(number, name) for number in range(1, last + 1) for name in (RESULTS, MESSAGE, SEAL)]
    if last > INSTANCES_MAX or len(kept) != len(wanted) or any(each not in kept for each in wanted):
        return CHAIN_BROKEN
    return tuple(_Step(*(kept[number, name] for name in (RESULTS, MESSAGE, SEAL))) for number in range(1, last + 1))


def _instance(field: Field) -> int | None:
    if field.name == RESULTS:
        found = _INSTANCE.fullmatch(field.value)
        return int(found[1]) if found else None
    said = (tags_of(field.value) or {}).get("i", "")
    return int(said) if said.isdecimal() and len(said) <= 2 else None


def _seal_rule(steps: tuple[_Step, ...], look_up: LookUpTxt) -> str:
    """ "" when the newest of these steps sealed all of them (RFC 8617, 5.1.1)."""
    seal = steps[-1].seal
    one: Signature = read_signature(seal)
    if not one.value or not one.domain or not one.selector:
        return NOT_READABLE
    key = key_of(one, look_up)
    if isinstance(key, str):
        return key
    parts = [field.relaxed() for step in steps for field in (step.results, step.message, step.seal)]
    parts[-1] = Field(seal.name, without_signature(seal.line)).relaxed().removesuffix(b"\r\n")
    return "" if signed_by(key, b"".join(parts), one.value) else HEADER
