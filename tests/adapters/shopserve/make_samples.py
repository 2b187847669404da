"""Writes adapters/shopserve/samples: run it with python -m tests.adapters.shopserve.make_samples.

What each sample means is written here by hand, beside it; nothing is taken from the readers. Every shop, order and
product is invented. The bytes are the same at every run, and a test compares them with the files.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.adapters.shopserve.sample_files import file_samples
from tests.adapters.shopserve.sample_mails import mail_samples

FOLDER = Path(__file__).parents[3] / "adapters" / "shopserve" / "samples"


def samples() -> dict[str, bytes]:
    """Every file of the folder by its name, the wants included."""
    files: dict[str, bytes] = {}
    for name, raw, want in (*mail_samples(), *file_samples()):
        stem = name.rsplit(".", 1)[0]
        assert f"{stem}.want.json" not in files, stem
        files[name] = raw
        files[f"{stem}.want.json"] = _json(want)
    return files


def main() -> None:
    """The folder holds exactly the samples."""
    FOLDER.mkdir(exist_ok=True)
    files = samples()
    for path in FOLDER.iterdir():
        if path.name not in files:
            path.unlink()
    for name, raw in files.items():
        (FOLDER / name).write_bytes(raw)


def _json(want: Mapping[str, object]) -> bytes:
    return (json.dumps(want, ensure_ascii=False, indent=1) + "\n").encode()


if __name__ == "__main__":
    main()
