"""The samples are what make_samples writes, and nobody's; the declaration names each secret."""

import re

from adapters.amazon import MALL
from tests.adapters.amazon.make_samples import FOLDER, samples
from tests.adapters.amazon.sample_mails import mail_samples


def test_the_folder_holds_exactly_what_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_there_are_mails_enough_and_no_real_address_in_them() -> None:
    mails = list(mail_samples())
    assert len(mails) >= 20
    hosts = {host for _, raw, _ in mails for host in re.findall(rb"@([a-z][a-z.-]+[.][a-z]{2,})", raw)}
    assert hosts <= {b"amazon.co.jp", b"marketplace.amazon.co.jp", b"example.jp"}


def test_the_declaration_names_each_secret() -> None:
    secret = {setting.name for setting in MALL.settings if setting.secret}
    assert secret == {
        "client_secret",
        "refresh_token",
        "access_token",
        "notification_key",
        "notification_key_before",
    }
    required = {setting.name for setting in MALL.settings if setting.required}
    assert required == {"seller_id", "client_id", "client_secret", "refresh_token"}
