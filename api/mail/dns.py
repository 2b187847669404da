"""TXT records, asked for in bounded time and kept for a while; while DNS is away nobody waits for it again and again."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

SECONDS_MAX = 0.9  # of one question: a mail whose signer's DNS is slow must not keep the others waiting
KEPT_SECONDS, NONE_KEPT_SECONDS = 600.0, 60.0
AWAY_SECONDS = 10.0  # nothing is asked for so long after a question without an answer
KEPT_MAX = 1_000
NAME_CHARACTERS_MAX = 253
RECORD_BYTES_MAX = 8_000


@dataclass(frozen=True, slots=True)
class _Kept:
    records: tuple[bytes, ...]
    until: float


class TxtRecords:
    """The records of a name, () when there are none, None when nobody answered. Threads may share it."""

    def __init__(self, ask: Callable[[str], tuple[bytes, ...] | None], monotonic: Callable[[], float]) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}
        self._away_until = float("-inf")

    def __call__(self, name: str) -> tuple[bytes, ...] | None:
        now = self._monotonic()
        with self._lock:
            kept = self._kept.get(name)
            away = now < self._away_until
        if kept is not None and now < kept.until:
            return kept.records
        if away or len(name) > NAME_CHARACTERS_MAX:
            return None if away else ()
        records = self._ask(name)
        with self._lock:
            if records is None:
                self._away_until = self._monotonic() + AWAY_SECONDS
                return None
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[name] = _Kept(records, now + (KEPT_SECONDS if records else NONE_KEPT_SECONDS))
        return records


def ask_system(name: str) -> tuple[bytes, ...] | None:
    """What the machine's own name servers say."""
    import dns.exception
    import dns.resolver

    try:
        found = dns.resolver.Resolver().resolve(f"{name}.", "TXT", lifetime=SECONDS_MAX, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, dns.name.EmptyLabel, UnicodeError):
        return ()
    except (dns.exception.DNSException, OSError):
        return None
    return tuple(b"".join(one.strings)[:RECORD_BYTES_MAX] for one in found)
