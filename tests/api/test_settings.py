"""The secret key is made once, closed to others, and a spoilt one is never replaced silently."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.settings import BadSetting, Settings, secret_keys


def _settings(home: Path) -> Settings:
    return Settings(home=home)


def test_the_secret_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "home")
    with ThreadPoolExecutor(8) as threads:
        seen = {tuple(keys) for keys in threads.map(lambda _: secret_keys(settings), range(8))}
    assert len(seen) == 1
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["secret.key"]


def test_a_rotated_key_stands_before_the_old_one(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    (old,) = secret_keys(settings)
    new = old[:-2] + b"A="
    settings.key_file.write_bytes(new + b"\n" + old + b"\n")
    assert secret_keys(settings) == [new, old]


@pytest.mark.parametrize(("content", "sentence"), [(b"", "is empty"), (b"short\n", "key 1: not 32 bytes")])
def test_a_spoilt_key_file_is_said_and_kept(tmp_path: Path, content: bytes, sentence: str) -> None:
    settings = _settings(tmp_path)
    settings.key_file.write_bytes(content)
    with pytest.raises(BadSetting, match=sentence):
        secret_keys(settings)
    assert settings.key_file.read_bytes() == content
