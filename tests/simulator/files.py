"""Shops of a world that are told by file, upload or feed: folders with weather, and malls that apply batches in their own time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from adapters.amazon.emulator import state_of as amazon_state
from adapters.kit.emulated_files import FOLDERS, EmulatedFolders, FileFault
from adapters.kit.emulator import EmulatedShop, PushSeen
from adapters.kit.files_over import Got, HostKeyRefused, Listed, PutReply, Reached, RemoveReply
from adapters.kit.mall import Mall, ReadFailed
from adapters.kit.push_file import Batch, BatchAccess, Given, PushFile
from adapters.rakuten.emulated_batches import item_folder_of
from adapters.yahoo_shopping.emulator import state_of as yahoo_state
from ledger.terms import ListingLevel
from tests.simulator.malls import Shop
from tests.simulator.wire import Judge, Wire
from tests.simulator.world import World

T = TypeVar("T")
UNKNOWN_AFTER_SECONDS, LOOK_SECONDS = 600.0, 10.0  # a world lasts an hour; no mall here takes longer than these
LOG_DELAYS_SECONDS = (0.0, 20.0, 120.0, None)
HANG_SECONDS = 30.0


def takes_batches(mall: Mall) -> bool:
    """Whether a shop of this mall can be told by batches in a world."""
    return isinstance(mall.push_file, PushFile)


def folders_of(code: str, shops: Mapping[str, Shop]) -> EmulatedFolders:
    """The folders of this shop's mall."""
    found = shops[code].emulated.extra[FOLDERS]
    assert isinstance(found, EmulatedFolders), found
    return found


def hurried(mall: Mall, sending: Callable[[Sequence[ListingLevel]], Judge], wire_of: Callable[[], Wire]) -> Mall:
    """The same mall, asked oftener and given up sooner; what was known when a batch left is remembered for its numbers."""
    batches = mall.push_file
    if not isinstance(batches, PushFile):
        return mall
    hand_over = batches.submit

    def submit(access: BatchAccess, batch: Batch) -> Given:
        with wire_of().judged(sending(batch.levels)):
            return hand_over(access, batch)

    told = replace(
        batches, submit=submit, unknown_after_seconds=UNKNOWN_AFTER_SECONDS, look_seconds=LOOK_SECONDS, per_second=0.5
    )
    return replace(mall, push_file=told)


def applies(emulated: EmulatedShop, world: World) -> Callable[[], Sequence[PushSeen]] | None:
    """What lets the mall apply the batches that are due, and gives what it applied. None: it has none."""
    settle = _settling(emulated, world)
    if settle is None:
        return None

    def applied() -> Sequence[PushSeen]:
        before = len(emulated.pushes)
        settle()
        return emulated.pushes[before:]

    return applied


def _settling(emulated: EmulatedShop, world: World) -> Callable[[], None] | None:
    if FOLDERS in emulated.extra:
        folders = emulated.extra[FOLDERS]
        assert isinstance(folders, EmulatedFolders)
        if "rakuten_files" in emulated.extra:
            rms = item_folder_of(emulated)
            rms.taken_after_seconds = world.chance.choice([5.0, 40.0, 100.0])
            rms.log_after_seconds = world.chance.choice(LOG_DELAYS_SECONDS)
        return lambda: _nothing(folders.take_due())
    if "yahoo_shopping" in emulated.extra:
        uploads = yahoo_state(emulated).uploads
        uploads.apply_seconds = world.chance.choice([1.0, 30.0, 90.0])
        return lambda: uploads.settle(emulated, world.now())
    if "amazon" in emulated.extra:
        state = amazon_state(emulated)
        state.feeds.work_seconds = world.chance.choice([5.0, 60.0, 150.0])
        return lambda: state.feeds.settle(emulated, state.listings, world.now())
    return None


def _nothing(_count: int) -> None:
    return None


@dataclass
class FolderWire:
    """The way to a shop's folders: it takes time, and some calls go wrong. Mutable: in the end the weather is ``stopped``."""

    world: World
    wire: Wire
    folders: EmulatedFolders

    def reach(self) -> Reached | HostKeyRefused | ReadFailed:
        return self._call("", self.folders.reach)

    def put(self, folder: str, name: str, content: Iterable[bytes], *, replace: bool) -> PutReply:
        whole = list(content)
        return self._call("put", lambda: self.folders.put(folder, name, whole, replace=replace))

    def list(self, folder: str) -> Listed | ReadFailed:
        return self._call("list", lambda: self.folders.list(folder))

    def get(self, folder: str, name: str, *, bytes_max: int) -> Got | ReadFailed:
        return self._call("get", lambda: self.folders.get(folder, name, bytes_max=bytes_max))

    def remove(self, folder: str, name: str) -> RemoveReply:
        return self._call("remove", lambda: self.folders.remove(folder, name))

    def _call(self, call: str, ask: Callable[[], T]) -> T:
        world, weather = self.world, self.wire.weather
        world.sleep(world.chance.uniform(0.05, 1.5))
        self.folders.hang = lambda: world.sleep(HANG_SECONDS)
        if not self.wire.stopped and weather.lost and world.maybe(0.1):
            kinds = ["full", "lost", "lost_before", "hang", "refused"] if call == "put" else ["refused", "hang"]
            self.folders.faults.append(FileFault(world.chance.choice(kinds), call))
        before = len(self.wire.shop.pushes)
        reply = ask()
        if taken := self.wire.shop.pushes[before:]:
            self.wire.otherwise(taken)
        world.sleep(world.chance.uniform(0.05, 0.5))
        return reply
