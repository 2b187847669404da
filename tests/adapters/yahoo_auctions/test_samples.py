"""The samples of Yahoo! auctions are what make_samples writes, and nobody's."""

import re

from adapters.kit.mall import NotOffered
from adapters.yahoo_auctions import MALL
from tests.adapters.yahoo_auctions.make_samples import FOLDER, samples
from tests.adapters.yahoo_auctions.sample_mails import mail_samples


def test_the_folder_holds_exactly_what_the_script_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == samples()


def test_there_are_mails_enough_and_no_real_address_in_them() -> None:
    mails = list(mail_samples())
    assert len(mails) >= 20
    hosts = {host for _, raw, _ in mails for host in re.findall(rb"@([a-z.-]+)", raw)}
    assert hosts <= {b"mail.yahoo.co.jp", b"example.jp"}


def test_the_declaration_names_each_secret_and_asks_a_seller_without_a_store_for_none() -> None:
    secret = {setting.name for setting in MALL.settings if setting.secret}
    assert secret == {
        "client_secret",
        "authorization_code",
        "refresh_token",
        "access_token",
        "logged_in_at",
        "public_key",
    }
    assert [setting.name for setting in MALL.settings if setting.required] == ["yahoo_id"]


def test_an_auction_is_told_no_number_and_the_reason_is_said() -> None:
    assert isinstance(MALL.push_api, NotOffered)
    assert "a person's task" in MALL.push_api.source
