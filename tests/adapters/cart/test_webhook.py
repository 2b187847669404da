"""Orders by signed webhook: the public client of the standard is taken, everything else is refused by a rule."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

import adapters
from adapters.cart.webhook import accept, read
from adapters.kit.mall import Ignored, NotUnderstood, WebhookAccepted, WebhookCall, WebhookRefused
from adapters.kit.standard_webhooks import SecretNotAccepted, key_of
from ledger.terms import Door, OrderState, Telling

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PROFILE = adapters.profile("cart")
SAMPLES = sorted((adapters.FOLDER / "cart" / "samples").glob("*.want.json"))
PLACED: dict[str, Any] = {
    "type": "order.placed",
    "timestamp": "2026-11-23T12:00:00+09:00",
    "data": {
        "number": "A-1001",
        "ordered_at": "2026-11-23T11:59:58+09:00",
        "lines": [{"item": "cap", "variant": "red", "quantity": 2}],
    },
}


def signed(body: bytes, *, secret: str = SECRET, at: datetime = NOW, event: str = "msg_1") -> WebhookCall:
    """A call as the public client signs it."""
    headers = {
        "webhook-id": event,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event, at, body.decode()),
    }
    return WebhookCall(headers, body)


def document(**changes: Any) -> bytes:
    return json.dumps({**PLACED, **changes}, ensure_ascii=False).encode()


def reads(body: object) -> object:
    return read(WebhookCall({}, json.dumps(body).encode()), PROFILE)


def of(**data: Any) -> object:
    """What is read of an order that differs so; a None takes the field away."""
    merged = {name: value for name, value in {**PLACED["data"], **data}.items() if value is not None}
    return reads({**PLACED, "data": merged})


# ------------------------------------------------------------------ the proof


def test_the_public_client_of_the_standard_is_taken() -> None:
    body = document()
    call = signed(body)
    assert accept(call, {"signing_secret": SECRET}, NOW) == WebhookAccepted("msg_1")
    assert Webhook(SECRET).sign("msg_1", NOW, body.decode()) == call.headers["webhook-signature"]


def test_two_secrets_are_taken_while_one_is_replaced() -> None:
    both = {"signing_secret": SECRET, "next_signing_secret": OTHER}
    for secret in (SECRET, OTHER):
        assert accept(signed(document(), secret=secret), both, NOW) == WebhookAccepted("msg_1")
    call = signed(document())
    several = {**call.headers, "webhook-signature": "v2,AAAA v1,!! " + call.headers["webhook-signature"]}
    assert accept(WebhookCall(several, call.body), both, NOW) == WebhookAccepted("msg_1")


@pytest.mark.parametrize(("seconds", "rule"), [(-301, "too_old"), (301, "too_new"), (-299, None), (299, None)], ids=str)
def test_a_call_of_more_than_five_minutes_away_is_refused(seconds: int, rule: str | None) -> None:
    call = signed(document(), at=NOW + timedelta(seconds=seconds))
    found = accept(call, {"signing_secret": SECRET}, NOW)
    assert found == (WebhookAccepted("msg_1") if rule is None else WebhookRefused(rule))


def test_what_was_altered_after_it_was_signed_is_refused() -> None:
    call, known = signed(document()), {"signing_secret": SECRET}
    refused = WebhookRefused("signature")
    assert accept(WebhookCall(call.headers, call.body + b" "), known, NOW) == refused
    assert accept(WebhookCall({**call.headers, "webhook-id": "msg_2"}, call.body), known, NOW) == refused
    assert accept(WebhookCall({**call.headers, "webhook-timestamp": "1"}, call.body), known, NOW) == refused
    assert accept(signed(document(), secret=OTHER), known, NOW) == refused
    assert accept(call, {}, NOW) == refused
    assert accept(call, {"signing_secret": "not base64 at all"}, NOW) == refused


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_call_without_one_of_its_headers_is_refused(name: str) -> None:
    call = signed(document())
    headers = {key: value for key, value in call.headers.items() if key != name}
    assert accept(WebhookCall(headers, call.body), {"signing_secret": SECRET}, NOW) == WebhookRefused("no_signature")


def test_a_signed_body_that_is_no_object_is_refused() -> None:
    for body in (b"[]", b"{", b"", b'"x"'):
        assert accept(signed(body), {"signing_secret": SECRET}, NOW) == WebhookRefused("not_json")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "whsec_é", "x" * 200])
def test_a_secret_of_another_form_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(SecretNotAccepted) as refused:
        key_of(secret)
    assert len(secret) < 7 or secret not in str(refused.value)


# ------------------------------------------------------------------ the document


@pytest.mark.parametrize("want", SAMPLES, ids=lambda path: path.name.removesuffix(".want.json"))
def test_a_sample_is_read_as_its_want_says(want: Path) -> None:
    sample = want.with_name(want.name.replace(".want.json", ".json"))
    found = read(WebhookCall({}, sample.read_bytes()), PROFILE)
    wanted = json.loads(want.read_text("utf-8"))
    if isinstance(found, Telling):
        said: dict[str, Any] = {
            "order": found.order,
            "state": str(found.state),
            "complete": found.complete,
            "lines": [[line.item, line.variant, line.quantity] for line in found.lines],
        }
        if found.reason is not None:
            said["reason"] = str(found.reason)
    elif isinstance(found, NotUnderstood):
        said = {"not_understood": found.rule, "line": found.line}
    else:
        assert isinstance(found, Ignored)
        said = {"ignored": found.kind}
    assert said == wanted


def test_an_order_states_all_of_it() -> None:
    found = reads(PLACED)
    assert isinstance(found, Telling)
    assert (found.order, found.door, found.state, found.complete, found.verified) == (
        "A-1001",
        Door.WEBHOOK,
        OrderState.CONFIRMED,
        True,
        True,
    )
    assert found.ordered_at == datetime(2026, 11, 23, 2, 59, 58, tzinfo=UTC)
    assert found.told_at == NOW


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"number": None}, "data.number"),
        ({"number": 7}, "data.number"),
        ({"number": "x" * 101}, "data.number"),
        ({"number": "a\x00"}, "data.number"),
        ({"ordered_at": None}, "data.ordered_at"),
        ({"ordered_at": "2026-11-23T12:00:00"}, "data.ordered_at"),
        ({"ordered_at": "yesterday"}, "data.ordered_at"),
        ({"lines": None}, "data.lines"),
        ({"lines": []}, "data.lines"),
        ({"lines": [1]}, "data.lines.line"),
        ({"lines": [{"quantity": 1}]}, "data.lines.item"),
        ({"lines": [{"item": "a", "quantity": 0}]}, "data.lines.quantity"),
        ({"lines": [{"item": "a", "quantity": 1.5}]}, "data.lines.quantity"),
        ({"lines": [{"item": "a", "quantity": True}]}, "data.lines.quantity"),
        ({"lines": [{"item": "a", "quantity": "2"}]}, "data.lines.quantity"),
        ({"lines": [{"item": "a", "quantity": 10**12}]}, "data.lines.quantity"),
        ({"lines": [{"item": "a", "quantity": 1, "variant": 3}]}, "data.lines.variant"),
        ({"lines": [{"item": "a", "quantity": 1, "line_id": "1"}] * 2}, "data.lines.line_id"),
        ({"state": "paid"}, "data.state"),
        ({"revision": -1}, "data.revision"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named_by_its_field(data: dict[str, Any], rule: str) -> None:
    found = of(**data)
    assert isinstance(found, NotUnderstood)
    assert found.rule == rule


def test_a_cancel_may_name_no_line_and_has_a_reason() -> None:
    found = reads({"type": "order.cancelled", "timestamp": PLACED["timestamp"], "data": {"number": "A-1001"}})
    assert isinstance(found, Telling)
    assert (found.state, found.complete, found.lines, str(found.reason)) == (OrderState.CANCELLED, False, (), "unknown")
    wrong = {**PLACED, "type": "order.cancelled", "data": {"number": "A-1001", "reason": "whim"}}
    assert reads(wrong) == NotUnderstood("data.reason")


def test_another_type_of_event_is_ignored() -> None:
    assert reads({**PLACED, "type": "customer.created"}) == Ignored("other_event")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_any_json_is_read_or_named_and_never_a_fault(data: object) -> None:
    assert isinstance(reads({**PLACED, "data": data}), Telling | NotUnderstood)
    assert isinstance(reads({**PLACED, "type": data}), Telling | NotUnderstood | Ignored)
    assert isinstance(reads(data), Telling | NotUnderstood | Ignored)
