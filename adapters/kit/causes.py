"""Plain causes of a mall's codes, in Japanese: each mall's ``causes.toml`` over those that every mall has in common."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FILE_NAME = "causes.toml"
OUTCOMES: Mapping[str, str] = {
    "rejected": "モールがこの商品の更新を拒否しました。",
    "rejected_auth": "モールが認証情報を受け付けません。キーやパスワードを入れ直してください。",
    "refused": "同じ送信の別の商品に問題があり、まとめて拒否されました。自動で送り直します。",
    "throttled": "モールへの送信回数が上限に達しました。間をおいて自動で送り直します。",
    "transient": "モールが一時的に応答できません。自動で送り直します。",
    "unknown": "反映されたか分かりません。自動で読み直して確認します。",
    "accepted": "モールが受け付けました。反映はこれからです。",
}


class CausesNotReadable(ValueError):
    """A ``causes.toml`` is not a table of texts; the message names the file and the entry."""


@cache
def causes_of(folder: Path) -> Mapping[str, str]:
    """By code, what the mall of this folder means; codes that no mall names stand in the common file. Raises CausesNotReadable."""
    common = Path(__file__).parent / FILE_NAME
    found: dict[str, str] = {}
    for path in (common, folder / FILE_NAME):
        if path.is_file():
            found |= _read(path)
    return found


def cause_of(folder: Path, outcome: str | None, code: str | None) -> str | None:
    """Why, in one plain sentence; None when there is nothing to explain (applied, or no answer yet)."""
    if outcome in (None, "applied"):
        return None
    known = causes_of(folder)
    return known.get(code or "") or OUTCOMES.get(outcome)


def _read(path: Path) -> Mapping[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("causes", {})
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CausesNotReadable(f"{path.parent.name}/{path.name}: {error}; expected a readable TOML file") from error
    wrong = next((name for name, text in table.items() if not isinstance(text, str)), None)
    if wrong is not None:
        raise CausesNotReadable(f"{path.parent.name}/{path.name}, {wrong}: expected a sentence in quotes")
    return {str(name): str(text) for name, text in table.items()}
