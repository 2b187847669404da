"""The scan for malls, and the profiles beside them."""

from pathlib import Path

import pytest

import adapters
from adapters.kit.profile import Profile, ProfileNotReadable, corrected, load_profile


def test_our_own_form_is_found_but_is_no_mall_to_connect() -> None:
    assert "house" in adapters.codes()
    assert "house" not in adapters.malls()
    assert any(candidate.mall == "house" for candidate in adapters.candidates())
    with pytest.raises(adapters.UnknownMall, match="'house' is a file form, not a mall"):
        adapters.mall("house")


def test_a_mall_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(adapters.UnknownMall, match="mall 'nowhere'; expected one of .*sandbox"):
        adapters.mall("nowhere")


def test_every_skill_is_told_with_its_source_or_reason() -> None:
    told = {skill: (answer, reason) for skill, answer, reason in adapters.skills(adapters.mall("sandbox"))}
    assert told["push_api"] == ("yes", "")
    assert told["order_api"][0] == "not offered"
    assert told["push_file"][0] == "gap"
    assert told["push_file"][1]


def test_a_profile_is_flattened_and_a_shop_s_correction_is_laid_over_it(tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text('[mail]\nsubjects = ["注文"]\n[api]\nseconds = 3\n', encoding="utf-8")
    profile = load_profile(tmp_path)
    assert profile.texts("mail.subjects") == ("注文",)
    assert profile.number("api.seconds") == 3
    assert corrected(profile, {"mail.subjects": ["ご注文"]}).texts("mail.subjects") == ("ご注文",)


@pytest.mark.parametrize(
    ("corrections", "message"),
    [({"mail.subject": "x"}, "no such entry"), ({"mail.subjects": "x"}, "str; expected list")],
)
def test_a_correction_that_does_not_fit_is_refused(corrections: dict[str, object], message: str) -> None:
    with pytest.raises(ProfileNotReadable, match=message):
        corrected(Profile({"mail.subjects": ["注文"]}), corrections)


def test_a_profile_that_cannot_be_read_says_where(tmp_path: Path) -> None:
    with pytest.raises(ProfileNotReadable, match="expected a readable TOML file"):
        load_profile(tmp_path)
    (tmp_path / "profile.toml").write_text("[", encoding="utf-8")
    with pytest.raises(ProfileNotReadable, match="expected a readable TOML file"):
        load_profile(tmp_path)
