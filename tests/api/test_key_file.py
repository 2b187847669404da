"""The secret key is made once, closed to others, and a spoilt one is never replaced silently."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.database import Database
from api.key_file import KeyFile
from api.settings import BadSetting
from tests.api.intake_rig import opened


def test_the_secret_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret.key"
    with ThreadPoolExecutor(8) as threads:
        seen = set(threads.map(lambda _: KeyFile(path).keys(), range(8)))
    assert len(seen) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["secret.key"]


def test_a_house_has_its_key_before_anything_is_taken(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as house:
        assert house.settings.key_file.exists()


def test_a_new_key_stands_before_the_old_one_and_the_file_stays_closed(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "secret.key")
    (old,) = file.keys()
    file.put_in_front()
    new, kept = file.keys()
    assert kept == old != new
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.keep_newest() == 1
    assert file.keys() == (new,)
    assert file.keep_newest() == 0


@pytest.mark.parametrize(("content", "sentence"), [(b"", "is empty"), (b"short\n", "key 1: not 32 bytes")])
def test_a_spoilt_key_file_is_said_and_kept(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(BadSetting, match=sentence):
        KeyFile(path).keys()
    assert path.read_bytes() == content
