"""Order mails taken from shops' mailboxes over IMAP: a page of one mailbox a step, in the inbox before the mailbox is touched.

A page of messages and how far it came are one commit; only then they are marked or moved, as far as that was not done
before. So a process that dies in between loses nothing, takes nothing twice, and leaves nothing behind. A mailbox whose
uids became invalid is read again from its first day; messages that are known already count once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from api.jobs.worker import Loop
from api.mail.imap import MailboxFault, OpenMailbox, opened
from api.mailboxes import BY_A_PERSON, login_of, ways
from api.tables import inbox, mailboxes
from api.tables.inbox import Arrival
from api.tables.mailboxes import Polled
from api.wiring import House
from ledger.failpoint import reach
from ledger.terms import Door

LOOKS_AT_ONCE = 2  # by one process
PAGE_MAILS = 50
PAGE_BYTES = 8_000_000  # a page is closed by the message that passes it
CLAIM_SECONDS = 90.0  # more than CALL_SECONDS_MAX of a look; so long a mailbox waits when its worker died
BACK_OFF_SECONDS, BACK_OFF_SECONDS_MAX = 5.0, 300.0
PERSON_SECONDS = 600.0  # what a person has to put right is tried again after; more often would lock accounts
log = structlog.get_logger()


def loops(house: House) -> list[Loop]:
    """What a worker runs so that mailboxes are looked at, some at once: a server that hangs keeps no other waiting."""
    return [Loop(f"mailboxes-{n}", MailboxPolling(house).step) for n in range(1, LOOKS_AT_ONCE + 1)]


class MailboxPolling:
    """The step function of one process."""

    def __init__(self, house: House) -> None:
        self._house = house

    def step(self) -> int:
        """A page of the mailbox that is due the longest; the answer is 1, or 0 when none is due."""
        house = self._house
        with house.pool.connection() as connection:
            polled = mailboxes.claim(connection, now=house.clock.now(), claim_seconds=CLAIM_SECONDS)
        if polled is None:
            return 0
        reach("mailbox.claimed")
        try:
            self._look(polled)
        except MailboxFault as fault:
            self._failed(polled, fault.code)
        return 1

    def _look(self, polled: Polled) -> None:
        login = login_of(self._house, polled)
        if login is None:
            raise MailboxFault("secrets_missing")
        with opened(login, polled.folder, ways(self._house), readonly=polled.after_reading == "leave") as box:
            if polled.uid_validity != box.uid_validity:
                polled = replace(polled, uid_validity=box.uid_validity, last_uid=0, touched_uid=0)
            stored, more = self._take(polled, box)
            if stored is None:
                return  # somebody else has it by now
            reach("mailbox.stored")
            try:
                self._touch(stored, box)
            except MailboxFault as fault:
                self._failed(stored, fault.code)
                return
        reach("mailbox.touched")
        now = self._house.clock.now()
        wait = 0.0 if more else self._house.settings.mailbox_poll_seconds
        done = replace(
            stored, touched_uid=stored.last_uid, due_at=now + timedelta(seconds=wait), read_at=now, failures=0, code=""
        )
        self._keep(done)

    def _take(self, polled: Polled, box: OpenMailbox) -> tuple[Polled | None, bool]:
        """The next page is in the inbox; how the mailbox stands now (None: it is another's), and whether there is more."""
        waiting = box.uids(polled.last_uid + 1, None, polled.since)
        page = waiting[:PAGE_MAILS]
        sizes = box.sizes(page)
        size_max = self._house.settings.mail_bytes_max
        raws: list[bytes] = []
        size, too_large, last = 0, 0, polled.last_uid
        for uid in page:
            if size >= PAGE_BYTES:
                break
            last = uid
            raw = box.fetch(uid) if sizes.get(uid, size_max + 1) <= size_max else None
            if raw is not None and len(raw) <= size_max:
                raws.append(raw)
                size += len(raw)
            elif uid in sizes:
                too_large += 1
        after = replace(polled, last_uid=last, taken=polled.taken + len(raws), too_large=polled.too_large + too_large)
        return self._store(after, raws), bool(waiting) and waiting[-1] > last

    def _store(self, after: Polled, raws: Sequence[bytes]) -> Polled | None:
        """The messages and how far they go are one commit. None: the mailbox is another worker's, and nothing is stored."""
        house, now = self._house, self._house.clock.now()
        arrivals = [
            Arrival(after.shop, Door.MAIL, now, house.new_id(), raw, vouched_by=after.authserv_id)
            for raw in raws
            if raw.strip()
        ]
        with house.pool.connection() as connection:
            if not mailboxes.keep(connection, after, claimed_until=after.claimed_until):
                return None
            inbox.store(connection, house.database.schema, house.seals, arrivals)
        return after

    def _touch(self, stored: Polled, box: OpenMailbox) -> None:
        """What is in the inbox is marked or moved as declared; what was too large to be taken stays as it is."""
        if stored.after_reading == "leave" or stored.touched_uid >= stored.last_uid:
            return
        smaller_than = self._house.settings.mail_bytes_max + 1
        taken = box.uids(stored.touched_uid + 1, stored.last_uid, stored.since, smaller_than=smaller_than)
        if stored.after_reading == "seen":
            box.mark_seen(taken)
        else:
            box.move(taken, stored.move_to)

    def _failed(self, polled: Polled, code: str) -> None:
        seconds = min(BACK_OFF_SECONDS * 2.0 ** min(polled.failures, 16), BACK_OFF_SECONDS_MAX)
        if code in BY_A_PERSON:
            seconds = PERSON_SECONDS
        log.warning("mailbox_not_read", shop=polled.shop, code=code, failures=polled.failures + 1)
        due_at = self._house.clock.now() + timedelta(seconds=seconds)
        self._keep(replace(polled, due_at=due_at, failures=polled.failures + 1, code=code))

    def _keep(self, polled: Polled) -> None:
        with self._house.pool.connection() as connection:
            mailboxes.keep(connection, polled)
