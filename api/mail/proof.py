"""Whether an order mail is proven to be the mall's: by its DKIM signature, by our own mail server, or by a listed forwarder.

What is proven may raise stock again; what is not may only lower it. Nothing here is ever a reason not to take a mail.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from email.utils import getaddresses

from api.mail.arc import NO_CHAIN, first_results
from api.mail.authentication_results import Results, read_results
from api.mail.dkim import LENGTH, LookUpTxt, Signature, broken_rule, read_signature
from api.mail.fields import RawMail, parted

SIGNATURES_MAX = 3  # looked at; each may ask DNS
# Fields that a reader takes the first of and a signature the last of.
ONCE = (b"from", b"subject", b"date", b"content-type", b"content-transfer-encoding", b"mime-version", b"message-id")
DKIM, RESULTS, ARC = "dkim", "authentication_results", "arc"
BY = (DKIM, RESULTS, ARC)

# Why a mail is not proven, beside the rules of api/mail/dkim.py.
NO_DOMAIN = "no_sending_domain"  # nobody said from where this mall sends
FORWARDED_INSIDE = "forwarded_inside"  # the mall's mail is quoted: the signature is the forwarder's
HEADER_NOT_READABLE = "header_not_readable"
FIELD_TWICE = "field_twice"
OTHER_SENDER = "sender_of_another_domain"
NO_SIGNATURE = "no_signature"


@dataclass(frozen=True, slots=True)
class Believed:
    """Who is believed: the domains a mall's mails are from, those it signs as, our own mail server, forwarders that seal.

    ``authserv_id`` "": no server's results.
    """

    sending_domains: tuple[str, ...]
    signing_domains: tuple[str, ...]
    authserv_id: str = ""
    arc_sealers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """``by``: dkim, authentication_results or arc; "" : it is not proven, and ``rule`` says why."""

    by: str
    rule: str = ""

    @property
    def verified(self) -> bool:
        return bool(self.by)

    @property
    def code(self) -> str:
        """What is kept of it beside the message."""
        return self.by or self.rule


def prove(raw: bytes, believed: Believed, look_up: LookUpTxt, now: datetime) -> Proof:
    """How the mail is proven to be from one of the sending domains, or why it is not. Never raises for what it says."""
    if not believed.sending_domains:
        return Proof("", NO_DOMAIN)
    mail = parted(raw)
    if mail is None:
        return Proof("", HEADER_NOT_READABLE)
    if any(sum(1 for _ in mail.named(name)) > 1 for name in ONCE):
        return Proof("", FIELD_TWICE)
    if _sender_domain(mail) not in believed.sending_domains:
        return Proof("", OTHER_SENDER)
    signatures = [read_signature(field) for field in mail.named(b"dkim-signature")]
    ours = [one for one in signatures if one.domain in believed.signing_domains]
    if any(one.problem == LENGTH for one in ours):
        return Proof("", LENGTH)  # what stands behind the signed part is anybody's, whoever says "pass"
    rule = NO_SIGNATURE
    for one in ours[:SIGNATURES_MAX]:
        rule = broken_rule(mail, one, look_up, now)
        if not rule:
            return Proof(DKIM)
    if _says_pass(_own_results(mail, believed.authserv_id), believed, ours):
        return Proof(RESULTS)
    if believed.arc_sealers:
        found = first_results(mail, believed.arc_sealers, look_up, now)
        if isinstance(found, Results) and _says_pass(found, believed, ours):
            return Proof(ARC)
        if isinstance(found, str) and found != NO_CHAIN and rule == NO_SIGNATURE:
            rule = found
    return Proof("", rule)


def _sender_domain(mail: RawMail) -> str:
    """The domain of the one address in From, "" when there is not exactly one."""
    text = next((field.value for field in mail.named(b"from")), b"").decode("ascii", "replace")
    found = [address for _, address in getaddresses([text]) if address]
    local, at, domain = found[0].rpartition("@") if len(found) == 1 else ("", "", "")
    plain = re.fullmatch(r"[a-z0-9.-]+", domain.lower())
    return domain.lower() if local and at and plain else ""


def _own_results(mail: RawMail, authserv_id: str) -> Results | None:
    """What our own server found: the topmost field, when it says that it is ours; others may be anybody's."""
    topmost = next(mail.named(b"authentication-results"), None)
    if not authserv_id or topmost is None:
        return None
    found = read_results(topmost.value)
    return found if found is not None and found.authserv_id == authserv_id else None


def _says_pass(results: Results | None, believed: Believed, ours: Collection[Signature]) -> bool:
    """Whether DKIM passed for a domain that signs for the mall, or DMARC for one it sends from. SPF alone says too little."""
    for one in () if results is None else results.found:
        if one.result != "pass":
            continue
        if one.method == "dkim":
            signed = one.properties.get("header.d") or one.properties.get("header.i", "").rpartition("@")[2]
            if signed in believed.signing_domains and any(each.domain == signed for each in ours):
                return True
        if one.method == "dmarc" and one.properties.get("header.from") in believed.sending_domains:
            return True
    return False
