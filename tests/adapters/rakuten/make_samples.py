"""Writes adapters/rakuten/samples; run ``python -m tests.adapters.rakuten.make_samples`` after a change of the samples."""

import json
from pathlib import Path

from tests.adapters.rakuten import sample_files, sample_mails, sample_old_files

FOLDER = Path(__file__).parents[3] / "adapters" / "rakuten" / "samples"


def contents() -> dict[str, bytes]:
    """Every file of the folder by its name."""
    made: dict[str, bytes] = {}
    for kind, samples in (
        (".eml", sample_mails.samples()),
        (".csv", sample_files.samples()),
        (".csv", sample_old_files.samples()),
    ):
        for name, raw, want in samples:
            assert f"{name}.want.json" not in made, name
            made[name + kind] = raw
            made[f"{name}.want.json"] = (json.dumps(want, ensure_ascii=False, indent=1) + "\n").encode("utf-8")
    return made


def main() -> None:
    """The folder holds exactly the samples."""
    FOLDER.mkdir(exist_ok=True)
    made = contents()
    for path in FOLDER.iterdir():
        if path.name not in made:
            path.unlink()
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
