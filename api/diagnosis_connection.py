"""What the last test of a shop's connection says to the doctor: a mall that refuses us, and what is due by when."""

from collections.abc import Iterator

from adapters.kit.mall import DueWarning
from api.finding import PROBLEM, WAITS, Finding
from api.tables import connection_tests
from api.wiring import House

URGENT_DAYS = 7


def findings_of_connection(house: House, code: str) -> Iterator[Finding]:
    """What a person has to do so that the mall goes on to answer; nothing before the first test."""
    with house.pool.connection() as connection:
        last = connection_tests.of_shop(connection, code)
    if last is None or last.tested_at is None:
        return
    if not last.found.ok:
        yield Finding(
            "pushes",
            "connection_refused",
            PROBLEM,
            f"接続テスト（{last.tested_at.isoformat()}）が失敗しました: {last.found.message}",
            "The last connection test failed; the Japanese sentence has the mall's reason.",
            f"daicho shop test {code}",
        )
    for warning in last.found.warnings:
        yield _due(house, code, warning)


def _due(house: House, code: str, warning: DueWarning) -> Finding:
    due_at = warning.due_at
    if due_at is None:
        english, level = f"Until when the mall lets us in is not known ({warning.code}).", WAITS
    else:
        days = (due_at - house.clock.now()).total_seconds() / 86_400
        english = f"Something is due by {due_at.isoformat()} ({warning.code}); after it the mall refuses us."
        level = PROBLEM if days <= URGENT_DAYS else WAITS
    return Finding("pushes", warning.code, level, warning.message, english, f"daicho shop show {code}")
