"""What a file leaves open is asked once for all of it; the answer is kept with the file, and the preview is made anew."""

from api.jobs.imports import FileRefused, staged
from api.jobs.preview import Preview, preview
from api.tables import imports
from api.wiring import House
from ledger import keys, load


def answer(house: House, import_id: str, *, owed: str | None, together: str | None) -> Preview:
    """The staged file has these answers, None: as before; the preview with them. Raises ImportNotKnown, FileRefused,
    AnswerNotAccepted.
    """
    file = staged(house, import_id)
    state = house.look(keys.load(import_id), load.FOLD)
    if state.state != load.NOT_STARTED:
        raise FileRefused(
            f"import {import_id} is {state.state}; expected one that is not applied yet: send the file again"
        )
    with house.pool.connection() as connection:
        imports.answer(connection, file, owed=owed, together=together)
    return preview(house, import_id)
