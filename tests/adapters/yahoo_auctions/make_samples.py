"""Writes ``adapters/yahoo_auctions/samples``: run as ``python -m tests.adapters.yahoo_auctions.make_samples`` after a change."""

import json
from collections.abc import Mapping

import adapters
from tests.adapters.yahoo_auctions.sample_files import file_samples
from tests.adapters.yahoo_auctions.sample_mails import mail_samples

FOLDER = adapters.FOLDER / "yahoo_auctions" / "samples"


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
