"""The samples are what make_samples writes, and nobody's."""

import re

from adapters.shopserve import MALL
from tests.adapters.shopserve.make_samples import FOLDER, samples
from tests.adapters.shopserve.sample_mails import mail_samples


def test_the_folder_holds_exactly_what_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_there_are_mails_enough_and_no_real_address_in_them() -> None:
    mails = list(mail_samples())
    assert len(mails) >= 20
    hosts = {host for _, raw, _ in mails for host in re.findall(rb"@([a-z-]+[.][a-z.-]+)", raw)}
    assert hosts <= {b"example.jp"}


def test_the_declaration_names_each_secret_and_what_is_needed() -> None:
    assert {setting.name for setting in MALL.settings if setting.secret} == {"manager_key"}
    assert {setting.name for setting in MALL.settings if setting.required} == {"shop_id", "manager_key"}
