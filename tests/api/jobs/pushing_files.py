"""A shop that is told by file: its mall's folders are the emulator's own, without a network."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.kit.emulated_files import FOLDERS, EmulatedFolders
from api.shop_access import ConnectedShop
from api.tables import secrets
from ledger.book import shops
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from tests.api.jobs.pushing import Stage, selling_at


def folders_of(scene: Stage, code: str) -> EmulatedFolders:
    found = scene.malls[code].extra[FOLDERS]
    assert isinstance(found, EmulatedFolders)
    return found


@contextmanager
def told_by_file(scene: Stage, mall: str, shop_id: str = "one", *, keys: bool = True) -> Iterator[str]:
    """The shop pushes, by file. ``keys`` False: nobody entered what the mall's API needs."""

    def files_of(one: ConnectedShop) -> EmulatedFolders:
        return folders_of(scene, one.code)

    scene.pushing.accesses.use_files(files_of)
    with selling_at(scene, mall, shop_id) as code:
        if FOLDERS in scene.malls[code].extra:
            folders_of(scene, code).hang = lambda: scene.clock.sleep(30)
        if scene.shop(code).send_type == "api":
            scene.do(shops.choose_send_type(code, "file"))
        if not keys:
            with scene.house.pool.connection() as connection:
                secrets.delete(connection, shop=code)
        yield code


def batches(scene: Stage, code: str) -> list[PushSent]:
    """Every batch that was recorded, in order."""
    return [fact for fact in scene.facts(code) if isinstance(fact, PushSent) and fact.channel != "api"]


def ends(scene: Stage, code: str) -> list[list[str]]:
    """The outcomes of every settled batch, in order."""
    mine = {fact.request for fact in batches(scene, code)}
    return [fact.outcomes for fact in scene.facts(code) if isinstance(fact, PushSettled) and fact.request in mine]


def answers(scene: Stage, code: str) -> list[list[str]]:
    mine = {fact.request for fact in batches(scene, code)}
    return [fact.outcomes for fact in scene.facts(code) if isinstance(fact, PushAnswered) and fact.request in mine]
