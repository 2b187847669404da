"""Writes adapters/qoo10/samples: run it with python -m tests.adapters.qoo10.make_samples.

What each sample means is written by hand beside it; nothing is taken from the readers. The bytes are the same at every
run, and a test compares them with the files.
"""

import json
from pathlib import Path

from tests.adapters.qoo10.sample_files import file_samples
from tests.adapters.qoo10.sample_orders import order_samples

FOLDER = Path(__file__).parents[3] / "adapters" / "qoo10" / "samples"


def samples() -> dict[str, bytes]:
    """Every file of the folder by its name, the wants included."""
    files: dict[str, bytes] = {}
    for stem, row, want in order_samples():
        files[f"{stem}.json"], files[f"{stem}.want.json"] = _json(row), _json(want)
    for name, raw, want in file_samples():
        stem = name.rsplit(".", 1)[0] if not name.endswith(".xlsx") else name
        assert f"{stem}.want.json" not in files, stem
        files[name], files[f"{stem}.want.json"] = raw, _json(want)
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


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


if __name__ == "__main__":
    main()
