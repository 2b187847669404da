"""The samples of SHOPLIST are what make_samples writes, and nobody's."""

import re

from adapters.shoplist import MALL
from tests.adapters.shoplist.make_samples import FOLDER, samples
from tests.adapters.shoplist.sample_mails import mail_samples


def test_the_folder_holds_exactly_what_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_there_are_mails_enough_and_no_real_address_in_them() -> None:
    mails = list(mail_samples())
    assert len(mails) >= 20
    hosts = {host for _, raw, _ in mails for host in re.findall(rb"@([a-z.-]+)", raw)}
    assert hosts <= {b"shoplist.invalid", b"example.jp"}


def test_the_declaration_promises_nothing_that_was_not_found() -> None:
    assert MALL.sells_at_zero is None
    keys = [setting.name for setting in MALL.settings if setting.secret and not setting.for_files]
    assert not keys, "without an API there is no key"
