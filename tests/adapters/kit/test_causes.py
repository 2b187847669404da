"""Plain causes: every mall's codes that have one, in Japanese; what nobody names falls back to what the outcome means."""

from pathlib import Path

import pytest

import adapters
from adapters.kit.causes import CausesNotReadable, cause_of, causes_of


def test_a_malls_own_code_goes_before_the_common_one() -> None:
    assert "失効" in (cause_of(adapters.FOLDER / "rakuten", "rejected_auth", "GE0011") or "")
    assert "在庫APIでは更新できません" in (cause_of(adapters.FOLDER / "rakuten", "rejected", "IE1101") or "")
    assert "商品コードがありません" in (cause_of(adapters.FOLDER / "sandbox", "rejected", "unknown_listing") or "")
    assert (
        cause_of(adapters.FOLDER / "qoo10", "transient", "http_503") == causes_of(adapters.FOLDER / "kit")["http_503"]
    )


def test_a_code_nobody_knows_is_explained_by_its_outcome_and_what_went_well_by_nothing() -> None:
    assert cause_of(adapters.FOLDER / "rakuten", "rejected", "XX9999") == "モールがこの商品の更新を拒否しました。"
    assert cause_of(adapters.FOLDER / "rakuten", "applied", "") is None
    assert cause_of(adapters.FOLDER / "rakuten", None, None) is None


def test_every_malls_causes_are_sentences() -> None:
    for code in adapters.codes():
        for name, text in causes_of(adapters.FOLDER / code).items():
            assert name.strip() == name
            assert text.endswith("。"), (code, name)


def test_a_file_that_is_none_names_itself(tmp_path: Path) -> None:
    (tmp_path / "causes.toml").write_text("[causes]\nA = 3\n", encoding="utf-8")
    with pytest.raises(CausesNotReadable, match="A: expected a sentence"):
        causes_of(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "causes.toml").write_text("causes", encoding="utf-8")
    with pytest.raises(CausesNotReadable, match=r"other/causes\.toml"):
        causes_of(other)
