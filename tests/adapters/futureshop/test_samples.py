"""The samples are what make_samples writes, and nobody's; the declaration names each secret."""

import re

from adapters.futureshop import MALL
from tests.adapters.futureshop.make_samples import FOLDER, samples
from tests.adapters.futureshop.sample_mails import mail_samples


def test_the_folder_holds_exactly_what_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_there_are_samples_enough_and_no_real_address_in_them() -> None:
    mails = list(mail_samples())
    assert len(mails) >= 20
    hosts = {host for _, raw, _ in mails for host in re.findall(rb"@([a-z.-]+)", raw)}
    assert hosts <= {b"example.jp"}


def test_the_declaration_names_each_secret() -> None:
    assert {setting.name for setting in MALL.settings if setting.secret} == {"client_secret", "access_token"}
    assert {setting.name for setting in MALL.settings if setting.required} == {
        "shop_key",
        "api_domain",
        "client_id",
        "client_secret",
    }
