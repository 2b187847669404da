"""What the doctor says of a shop's mails: confirmation mails that wait, the mailbox, senders that were not proven."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from api.finding import FINE, PROBLEM, WAITS, Finding
from api.jobs.message_reading import FORWARDING_CONFIRMATION
from api.mail.dkim import DNS_AWAY
from api.mail.proof import BY
from api.mailboxes import BY_A_PERSON, FAULTS
from api.tables import mailboxes
from api.tables.mailboxes import Polled
from api.wiring import House
from ledger.terms import Door

IDS_SHOWN = 3
PROOF_DAYS = 7
RULES_SHOWN = 3


def findings_of_mail(house: House, code: str) -> Iterator[Finding]:
    """What was found of the shop's mails; nothing where there is nothing to say."""
    since = house.clock.now() - timedelta(days=PROOF_DAYS)
    with house.pool.connection() as connection:
        asked = confirmations(house, code)
        mailbox = mailboxes.of_shop(connection, code)
        proofs = connection.execute(
            "SELECT proof, count(*) FROM inbox WHERE shop = %s AND door = %s AND state = 'read' AND proof <> ''"
            " AND received_at > %s GROUP BY proof ORDER BY count(*) DESC, proof",
            (code, Door.MAIL, since),
        ).fetchall()
    if asked:
        yield _confirmation(asked)
    if mailbox is not None:
        yield from _mailbox(mailbox)
    yield from _proofs(code, {str(proof): int(count) for proof, count in proofs})


def confirmations(house: House, code: str) -> list[int]:
    """The inbox rows of confirmation mails (転送確認メール) that nobody has dealt with, newest first."""
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT id FROM inbox WHERE shop = %s AND state = 'quarantined' AND reason = %s ORDER BY id DESC",
            (code, FORWARDING_CONFIRMATION),
        ).fetchall()
    return [int(row[0]) for row in rows]


def _confirmation(ids: Sequence[int]) -> Finding:
    first = ids[0]
    shown = ", ".join(map(str, ids[:IDS_SHOWN]))
    return Finding(
        "orders",
        FORWARDING_CONFIRMATION,
        PROBLEM,
        f"転送の確認メールが{len(ids)}通届いています（{shown}）。確認が済むまで受注メールは転送されません。",
        f"{len(ids)} mails ask to confirm the forwarding ({shown}); nothing is forwarded before that.",
        f"daicho inbox read {first}; 本文のリンクまたは確認コードで確認する / follow its link or enter its code; daicho inbox ignore {first}",
    )


def _mailbox(mailbox: Polled) -> Iterator[Finding]:
    if mailbox.code:
        japanese, english, step = FAULTS[mailbox.code]
        level = PROBLEM if mailbox.code in BY_A_PERSON or mailbox.read_at is None else WAITS
        again = f"（{mailbox.failures}回目、次は {mailbox.due_at.isoformat()}）"
        tail = f" (failure {mailbox.failures}, next at {mailbox.due_at.isoformat()})"
        yield Finding("orders", f"mailbox_{mailbox.code}", level, japanese + again, english + tail, step)
    elif mailbox.read_at is None:
        yield Finding(
            "orders",
            "mailbox_not_read_yet",
            WAITS,
            "メールボックスはまだ読まれていません。減らなければ work プロセスが動いていません。",
            "The mailbox was not looked at yet; if that stays, no worker runs.",
            "daicho up",
        )
    else:
        yield Finding(
            "orders",
            "mailbox_read",
            FINE,
            f"メールボックスを最後に確認した時刻 {mailbox.read_at.isoformat()}、これまでに{mailbox.taken}通。",
            f"The mailbox was last looked at {mailbox.read_at.isoformat()}; {mailbox.taken} mails were taken from it.",
        )
    if mailbox.too_large:
        yield Finding(
            "orders",
            "mailbox_too_large",
            PROBLEM,
            f"大きすぎるメール{mailbox.too_large}通をメールボックスに残しました。",
            f"{mailbox.too_large} mails were too large and were left in the mailbox.",
            "受注メールなら DAICHO_MAIL_BYTES_MAX を上げて登録し直す / if they are orders, raise DAICHO_MAIL_BYTES_MAX and add the mailbox again",
        )


def _proofs(code: str, counts: dict[str, int]) -> Iterator[Finding]:
    if away := counts.get(DNS_AWAY, 0):
        yield Finding(
            "orders",
            "dns_away",
            PROBLEM,
            f"DNSが応答しなかったため、{away}通の差出人を確認できませんでした（在庫は引き当て済み、キャンセルは未検証）。",
            f"DNS did not answer, so the senders of {away} mails are not proven (stock was lowered; cancels wait).",
            f"daicho inbox reread --shop {code}",
        )
    wrong = {rule: count for rule, count in counts.items() if rule not in (*BY, DNS_AWAY)}
    if wrong:
        reasons = ", ".join(f"{rule}: {count}" for rule, count in list(wrong.items())[:RULES_SHOWN])
        total = sum(wrong.values())
        yield Finding(
            "orders",
            "sender_not_proven",
            FINE,
            f"この{PROOF_DAYS}日間の受注メール{total}通は差出人が未検証です（{reasons}）。在庫は減らし、キャンセルでは戻しません。",
            f"The senders of {total} order mails of {PROOF_DAYS} days are not proven ({reasons}): they lower stock and never raise it.",
            "docs/guides/mail.md",
        )
