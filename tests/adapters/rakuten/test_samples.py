"""The samples folder holds exactly what the script makes; the shared contract judges how they are read."""

from tests.adapters.rakuten.make_samples import FOLDER, contents


def test_the_samples_on_disk_are_the_ones_the_script_makes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == contents()


def test_every_sample_has_a_want_and_no_person() -> None:
    made = contents()
    samples = [name for name in made if not name.endswith(".want.json")]
    assert len([name for name in samples if name.endswith(".eml")]) >= 20
    assert all(name.rsplit(".", 1)[0] + ".want.json" in made for name in samples)
