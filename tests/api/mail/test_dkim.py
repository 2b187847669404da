"""DKIM and ARC: what Debian's own signer signed is proven, what was changed since is not, and nothing takes long."""

import base64
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as some

from adapters.kit.mail import write_mail
from api.mail.proof import Believed, Proof, prove
from tests.api.mail import signing
from tests.api.mail.signing import HEADERS, Dns, sealed
from tests.api.mail_programs import signed as program_signed

MALL, OWN, FORWARDER = "mall.example", "mx.shop.example", "forwarder.example"
BELIEVED = Believed((f"mail.{MALL}", MALL), (MALL,), arc_sealers=(FORWARDER,))
NOW = datetime.now(UTC)


def order(sender: str = f"order@mail.{MALL}", text: str = "注文番号 1\n\n商品  A\t x 2  \n\n\n") -> bytes:
    return write_mail(
        subject="ご注文の確認",
        sender=sender,
        recipient="shop@shop.example",
        sent_at=NOW,
        text=text,
        message_id="<1@mall.example>",
    )


def dns() -> Dns:
    return Dns().knows(MALL).knows(FORWARDER)


def proof(raw: bytes, believed: Believed = BELIEVED, known: Dns | None = None) -> str:
    return prove(raw, believed, dns() if known is None else known, NOW).code


# ------------------------------------------------------------------ another hand's signatures


@pytest.mark.needs_programs("dkimsign")
@pytest.mark.parametrize("header_form", ["simple", "relaxed"])
@pytest.mark.parametrize("body_form", ["simple", "relaxed"])
@pytest.mark.parametrize("text", ["", "\n\n", "一行\n", "a  b\t\n \n\n", "末尾に改行なし", "." * 3_000])
def test_what_debian_s_signer_signed_is_proven(tmp_path: Path, header_form: str, body_form: str, text: str) -> None:
    private = tmp_path / "key"
    private.write_bytes(signing.pem(signing.key(MALL)))
    forms = ("--hcanon", header_form, "--bcanon", body_form)
    raw = program_signed("dkimsign", order(text=text), *forms, "s1", MALL, str(private))
    assert proof(raw) == "dkim"
    assert proof(raw.replace(b"\r\n", b"\n")) == "dkim"  # a door that changed the ends of lines
    assert proof(raw.replace(b"Subject: ", b"Subject: x")) == "signature_wrong"
    assert proof(raw + b"more\r\n") == "body_changed"


@pytest.mark.needs_programs("dkimsign")
def test_a_signature_by_ed25519_is_proven(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    private = tmp_path / "key"
    private.write_bytes(base64.b64encode(seed))
    raw = program_signed("dkimsign", order(), "--signalg", "ed25519-sha256", "s1", MALL, str(private))
    known = Dns({f"s1._domainkey.{MALL}": (b"v=DKIM1; k=ed25519; p=" + public,)})
    assert proof(raw, known=known) == "dkim"
    assert proof(raw.replace(b"Subject: ", b"Subject: x"), known=known) == "signature_wrong"
    assert proof(raw) == "key_not_usable"  # a key of another kind


@pytest.mark.needs_programs("arcsign")
def test_a_chain_that_debian_s_sealer_sealed_is_proven(tmp_path: Path) -> None:
    private = tmp_path / "key"
    private.write_bytes(signing.pem(signing.key(FORWARDER)))
    results = f"Authentication-Results: {FORWARDER}; arc=none; dkim=pass header.d={MALL}\r\n".encode()
    changed = signing.signed(order(), MALL).replace(b"\r\n\r\n", b"\r\n\r\n[forwarded]\r\n", 1)
    assert proof(changed) == "body_changed"
    raw = program_signed("arcsign", results + changed, "s1", FORWARDER, str(private), FORWARDER)
    assert proof(raw) == "arc"
    assert proof(raw + b"more\r\n") == "body_changed"


# ------------------------------------------------------------------ what proves nothing


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"l": "5"}, "length_tag"),
        ({"a": "rsa-sha1"}, "signature_not_readable"),
        ({"c": "odd/odd"}, "signature_not_readable"),
        ({"v": "2"}, "signature_not_readable"),
        ({"i": "@else.example"}, "signature_not_readable"),
        ({"i": f"order@mail.{MALL}"}, "dkim"),
        ({"x": str(int((NOW - timedelta(days=1)).timestamp()))}, "signature_expired"),
        ({"x": str(int((NOW + timedelta(days=1)).timestamp()))}, "dkim"),
        ({"x": "9" * 400}, "dkim"),
        ({"t": str(int((NOW + timedelta(days=1)).timestamp()))}, "signature_expired"),
        ({"selector": "other"}, "key_not_there"),
    ],
)
def test_a_signature_is_read_strictly(tags: dict[str, str], code: str) -> None:
    assert proof(signing.signed(order(), MALL, **tags)) == code  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["from", "subject", "date"])
def test_a_signature_that_leaves_out_what_decides_proves_nothing(missing: str) -> None:
    headers = tuple(name for name in HEADERS if name != missing)
    assert proof(signing.signed(order(), MALL, headers=headers)) == "header_not_signed"


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"t": "y"}, "key_not_usable"),  # the signer only tries it out
        ({"s": "tlsrpt"}, "key_not_usable"),
        ({"h": "sha1"}, "key_not_usable"),
        ({"v": "DKIM2"}, "key_not_usable"),
        ({"k": "ed25519"}, "key_not_usable"),
        ({"s": "email", "h": "sha1:sha256", "t": "s"}, "dkim"),
    ],
)
def test_a_key_is_used_as_its_owner_says(record: dict[str, str], code: str) -> None:
    assert proof(signing.signed(order(), MALL), known=Dns().knows(MALL, **record)) == code


def test_a_key_that_was_taken_back_is_small_or_not_one_proves_nothing() -> None:
    raw, name = signing.signed(order(), MALL), f"s1._domainkey.{MALL}"
    small = signing.record(signing.key("small", 1024)).replace(b"p=M", b"p=X")
    for records in ((b"v=DKIM1; p=",), (small,), (b"nonsense",), (signing.record(signing.key(MALL)),) * 2):
        assert proof(raw, known=Dns({name: records})) == "key_not_usable"


def test_dns_that_does_not_answer_proves_nothing() -> None:
    assert proof(signing.signed(order(), MALL), known=Dns(away=True)) == "dns_away"


def test_a_signature_of_somebody_else_proves_nothing_and_dns_is_not_asked() -> None:
    known = dns().knows("else.example")
    assert proof(signing.signed(order(), "else.example"), known=known) == "no_signature"
    assert proof(signing.signed(order("order@else.example"), MALL), known=known) == "sender_of_another_domain"
    assert known.asked == []


@pytest.mark.parametrize(
    "sender",
    [
        "order@else.example",
        f"order@mail.{MALL}.else.example",
        f"order@buyers.{MALL}",
        f'"order@mail.{MALL}" <x@else.example>',
        f"x@else.example, order@mail.{MALL}",
        f"order@mail.{MALL}, x@else.example",
        "",
        "undisclosed:;",
    ],
)
def test_a_mail_is_only_from_a_domain_that_the_mall_sends_from(sender: str) -> None:
    assert proof(signing.signed(order(sender), MALL)) == "sender_of_another_domain"


@pytest.mark.parametrize(
    "name", ["From", "Subject", "Date", "Content-Type", "content-transfer-encoding", "MIME-Version"]
)
def test_a_field_put_above_a_signed_mail_proves_nothing(name: str) -> None:
    raw = signing.signed(order(), MALL)
    assert proof(f"{name}: other\r\n".encode() + raw) == "field_twice"


def test_without_the_mall_s_domains_nothing_is_proven() -> None:
    assert proof(signing.signed(order(), MALL), Believed((), ())) == "no_sending_domain"


def test_one_good_signature_of_several_is_enough() -> None:
    broken = signing.signed(order(), MALL).replace(b"b=", b"b=AAAA", 1)
    assert proof(signing.signed(order(), MALL)) == "dkim"
    assert prove(b"".join([broken.partition(b"From")[0], signing.signed(order(), MALL)]), BELIEVED, dns(), NOW).verified


# ------------------------------------------------------------------ Authentication-Results


def results(said: str, raw: bytes | None = None) -> bytes:
    return f"Authentication-Results: {said}\r\n".encode() + (order() if raw is None else raw)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (f"{OWN}; dmarc=pass (p=reject) header.from=mail.{MALL}", "authentication_results"),
        (
            f"{OWN} 1;\r\n spf=fail smtp.mailfrom=x;\r\n dmarc = pass header.from = mail.{MALL}",
            "authentication_results",
        ),
        (f"MX.Shop.Example; DMARC=Pass header.From={MALL}", "authentication_results"),
        (f"{OWN}; dmarc=fail header.from=mail.{MALL}", "no_signature"),
        (f"{OWN}; dmarc=pass header.from=else.example", "no_signature"),
        (f"{OWN}; spf=pass smtp.mailfrom=order@mail.{MALL}", "no_signature"),
        (f"{OWN}; none", "no_signature"),
        (f"other.example; dmarc=pass header.from=mail.{MALL}", "no_signature"),
        (f'{OWN}; x="a; dmarc=pass header.from=mail.{MALL}"', "no_signature"),
        (f"{OWN}; x=(a; dmarc=pass header.from=mail.{MALL})", "no_signature"),
        (f"(comment) {OWN}; dmarc=pass (a (nested) one\\)) header.from=mail.{MALL}", "authentication_results"),
        (f"{OWN}; dkim=pass header.d={MALL}", "no_signature"),  # there is no signature that it could be of
    ],
)
def test_what_our_own_server_found_is_believed_as_far_as_it_says(said: str, code: str) -> None:
    believed = Believed(BELIEVED.sending_domains, BELIEVED.signing_domains, authserv_id=OWN)
    assert proof(results(said), believed) == code


def test_results_below_the_topmost_are_anybody_s() -> None:
    believed = Believed(BELIEVED.sending_domains, BELIEVED.signing_domains, authserv_id=OWN)
    good = f"{OWN}; dmarc=pass header.from=mail.{MALL}"
    assert proof(results("other.example; none", results(good)), believed) == "no_signature"
    assert proof(results(good)) == "no_signature"  # nobody vouches for this door
    assert proof(results(good, results("other.example; none")), believed) == "authentication_results"


def test_a_server_that_saw_the_signature_pass_is_believed_after_the_body_was_changed() -> None:
    believed = Believed(BELIEVED.sending_domains, BELIEVED.signing_domains, authserv_id=OWN)
    raw = signing.signed(order(), MALL) + b"-- \r\nlist\r\n"
    assert proof(results(f"{OWN}; dkim=pass header.d={MALL}", raw), believed) == "authentication_results"
    assert proof(results(f"{OWN}; dkim=pass header.i=@{MALL}", raw), believed) == "authentication_results"
    partly = signing.signed(order(), MALL, l="5") + b"forged\r\n"
    assert proof(results(f"{OWN}; dkim=pass header.d={MALL}", partly), believed) == "length_tag"


# ------------------------------------------------------------------ ARC


def forwarded(*, sealer: str = FORWARDER, said: str = f"dmarc=pass header.from=mail.{MALL}") -> bytes:
    return sealed(order(), sealer, results=said)


def test_a_chain_is_believed_only_of_sealers_that_are_listed() -> None:
    known = dns().knows("else.example")
    assert proof(forwarded()) == "arc"
    assert proof(forwarded(said="dmarc=fail")) == "no_signature"
    assert proof(forwarded(sealer="else.example"), known=known) == "sealer_unknown"
    twice = sealed(forwarded(), FORWARDER, results="dmarc=fail", number=2, validity="pass")
    assert proof(twice) == "arc"  # what the first one saw
    by_else = sealed(forwarded(sealer="else.example"), FORWARDER, results="x", number=2, validity="pass")
    assert proof(by_else, known=known) == "sealer_unknown"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((b"cv=none", b"cv=pass"), "chain_broken"),
        ((b"ARC-Seal: i=1", b"ARC-Seal: i=2"), "chain_broken"),
        ((b"ARC-Authentication-Results: i=1", b"X-Results: i=1"), "chain_broken"),
        ((b"dmarc=pass", b"dmarc=PASS"), "signature_wrong"),
        ((b"Subject: ", b"Subject: x"), "signature_wrong"),
    ],
)
def test_a_chain_that_was_changed_proves_nothing(change: tuple[bytes, bytes], code: str) -> None:
    assert proof(forwarded().replace(*change)) == code


def test_a_chain_that_ends_where_nobody_answers_proves_nothing() -> None:
    assert proof(forwarded(), known=Dns(away=True)) == "dns_away"
    assert proof(forwarded(), known=Dns()) == "key_not_there"


# ------------------------------------------------------------------ anything at all


@given(
    some.binary(max_size=300), some.sampled_from([b"DKIM-Signature: ", b"ARC-Seal: i=1; ", b"Authentication-Results: "])
)
def test_nothing_in_a_field_makes_it_raise(value: bytes, name: bytes) -> None:
    believed = Believed(BELIEVED.sending_domains, BELIEVED.signing_domains, OWN, (FORWARDER,))
    raw = name + b"d=" + MALL.encode() + b"; " + value + b"\r\n" + order()
    assert isinstance(prove(raw, believed, dns(), NOW), Proof)


@pytest.mark.parametrize(
    "part",
    [
        b" " * 5_000_000 + b"x",
        b"\t \r\n" * 1_000_000 + b"x",
        b"\r\n" * 2_000_000 + b"x",
        b"=" * 5_000_000,
        (b"x" * 70 + b"\r\n") * 70_000,
    ],
)
def test_no_body_takes_long(part: bytes) -> None:
    raw = signing.signed(order(), MALL) + part
    began = time.process_time()
    assert proof(raw) == "body_changed"
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("value", [b" " * 200_000, b"(" * 15_000, b";" * 200_000, b"b=" * 100_000, b"a=b; " * 40_000])
@pytest.mark.parametrize("name", [b"DKIM-Signature", b"ARC-Seal", b"Authentication-Results", b"From"])
def test_no_header_takes_long(name: bytes, value: bytes) -> None:
    believed = Believed(BELIEVED.sending_domains, BELIEVED.signing_domains, OWN, (FORWARDER,))
    began = time.process_time()
    prove(name + b": x " + value + b"\r\n" + signing.signed(order(), MALL), believed, dns(), NOW)
    assert time.process_time() - began < 1.0
