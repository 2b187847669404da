"""What a diagnosis says of a shop that is told by file, upload or feed: what is unfinished, and what keeps the next one back."""

from collections.abc import Iterator

from api.finding import WAITS, Finding
from api.tables import mall_paces, push_batches, push_breakers
from api.wiring import House


def findings_of_batches(house: House, code: str) -> Iterator[Finding]:
    """The shop's unfinished batches, and why none can be handed over now."""
    now = house.clock.now()
    with house.pool.connection() as connection:
        rows = push_batches.of_shop(connection, code)
        breaker = push_breakers.of_shop(connection, code, mall_paces.BATCH)
    for row in rows:
        minutes = int((now - row.sent_at).total_seconds() // 60)
        name = row.ticket or row.request
        yield Finding(
            "pushes",
            "batch_unfinished",
            WAITS,
            f"まとめて送った在庫（{name}）をモールが処理中です（{minutes}分前、状態: {row.code or 'sent'}）。"
            "終わるまで、その商品には少なくなる数だけをAPIで送ります。",
            f"The mall has not finished {name} (handed over {minutes} minutes ago, stands at {row.code or 'sent'});"
            " until it has, its listings are told only lower numbers, by API.",
        )
    opens_at = breaker.opens_at()
    if opens_at is not None and opens_at > now:
        yield Finding(
            "pushes",
            "files_fail",
            WAITS,
            f"ファイルを渡せないため {opens_at.isoformat()} まで待っています（{breaker.code}）。",
            f"The file could not be handed over ({breaker.code}); it is tried again at {opens_at.isoformat()}.",
            f"daicho shop test {code}",
        )
