"""Waiting until what was just written can be read: queries take the position a mutation answered with."""

from collections.abc import Sequence

from api.wiring import House

WAIT_SECONDS_MAX = 5.0
LOOK_SECONDS = 0.005


class NotThereYet(ValueError):
    """The tables have not come to the position within 5 seconds; they catch up by themselves: ask again."""


def await_position(house: House, tables: Sequence[str], position: int) -> None:
    """These tables hold every fact up to the position. Raises NotThereYet."""
    until = house.clock.monotonic() + WAIT_SECONDS_MAX
    while True:
        with house.pool.connection() as connection:
            row = connection.execute(
                "SELECT count(*), min(position) FROM projection_checkpoints WHERE projection = ANY (%s)",
                (list(tables),),
            ).fetchone()
        assert row is not None
        count, least = row
        if count == len(tables) and least >= position:
            return
        if house.clock.monotonic() > until:
            raise NotThereYet(
                f"position {position} is not in {', '.join(tables)} yet (at {least or 0}); ask again in a moment"
            )
        house.clock.sleep(LOOK_SECONDS)
