"""Files by path like an emulated mall's, kept in a folder of this machine: what a real server serves, or what outlives a process."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path


class FilesOnDisk(MutableMapping[str, bytes]):
    """Paths begin with a slash. A file that is written appears whole."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __getitem__(self, path: str) -> bytes:
        try:
            return self._at(path).read_bytes()
        except FileNotFoundError:
            raise KeyError(path) from None

    def __setitem__(self, path: str, content: bytes) -> None:
        place = self._at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f"half-{place.name}")
        part.write_bytes(content)
        part.rename(place)

    def __delitem__(self, path: str) -> None:
        try:
            self._at(path).unlink()
        except FileNotFoundError:
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        found = (place for place in self._root.rglob("*") if place.is_file() and not place.name.startswith("half-"))
        return iter(sorted(f"/{place.relative_to(self._root).as_posix()}" for place in found))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")
