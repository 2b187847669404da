"""The samples are what make_samples writes, and nobody's."""

import re

from adapters.qoo10 import MALL
from tests.adapters.qoo10.make_samples import FOLDER, samples


def test_the_folder_holds_exactly_what_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_there_are_samples_enough_and_no_real_address_in_them() -> None:
    told = [name for name in samples() if not name.endswith(".want.json")]
    assert len([name for name in told if name.endswith(".json")]) >= 20
    assert len([name for name in told if not name.endswith(".json")]) >= 15
    hosts = {host for raw in samples().values() for host in re.findall(rb"@([a-z.-]+)", raw)}
    assert hosts <= {b"example.jp"}


def test_the_declaration_names_each_secret() -> None:
    assert {setting.name for setting in MALL.settings if setting.secret} == {"seller_auth_key", "api_key", "password"}
    assert {setting.name for setting in MALL.settings if setting.required} == {"user_id"}
