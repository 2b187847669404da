"""A network that gives the answers it was told to give and keeps what it was asked."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import adapters
from adapters.kit.mall import Answer, Reply, ShopAccess

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRETS = {"service_secret": "SP123_secret", "license_key": "SL123_key"}


def answer(status: int, body: object = None, **headers: str) -> Answer:
    """A whole answer; ``body`` bytes as they are, anything else as JSON, None nothing."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode("utf-8")
    return Answer(status, content, {name.replace("_", "-"): value for name, value in headers.items()}, NOW, NOW)


class Scripted:
    """A MallHttp with one reply after the other, the last for ever."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        return self._reply(
            url + "?" + "&".join(f"{name}={value}" for name, value in (params or {}).items()), headers, b""
        )

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        assert method == "POST", method
        return self._reply(url, headers, content)

    def _reply(self, url: str, headers: Mapping[str, str], content: bytes) -> Reply:
        self.asked.append((url, headers, content))
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def access(*replies: Reply) -> tuple[ShopAccess, Scripted]:
    """A shop whose mall answers as scripted."""
    http = Scripted(*replies)
    return ShopAccess(http, {}, SECRETS, lambda _name, _value: None, lambda: NOW, {}, adapters.profile("rakuten")), http
