"""Login with Amazon of the emulated mall: opaque tokens, access for an hour, a refresh token that may be rotated."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.kit.emulator import EmulatedShop

ACCESS_SECONDS = 3_600

Grant = tuple[int, dict[str, str | int]]


class Login:
    """The tokens that are good now. What the shop's secrets hold at the beginning counts as given at that moment."""

    def __init__(self, shop: EmulatedShop) -> None:
        self._shop = shop
        self._serial = 0
        self._access: dict[str, datetime] = {}
        self._refresh = shop.secrets.get("refresh_token", "")
        self.rotates = False
        if token := shop.secrets.get("access_token", ""):
            self._access[token] = shop.clock.now() + timedelta(seconds=ACCESS_SECONDS)

    def accepts(self, token: str, now: datetime) -> bool:
        """Whether the access token has been given and has not expired."""
        until = self._access.get(token)
        return until is not None and now < until

    def expire_access(self) -> None:
        """No access token given so far is good any more."""
        self._access.clear()

    def revoke(self) -> None:
        """The merchant took the authorization back: a person has to authorize the application again."""
        self._access.clear()
        self._refresh = ""

    def grant(self, form: Mapping[str, str]) -> Grant:
        """Status and JSON for a request to the token endpoint."""
        ours = (self._shop.settings.get("client_id", ""), self._shop.secrets.get("client_secret", ""))
        if (form.get("client_id", ""), form.get("client_secret", "")) != ours:
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed"}
        if form.get("grant_type") != "refresh_token":
            return 400, {"error": "unsupported_grant_type", "error_description": "grant_type"}
        if not self._refresh or form.get("refresh_token", "") != self._refresh:
            return 400, {"error": "invalid_grant", "error_description": "The request has an invalid grant parameter"}
        if self.rotates:
            self._refresh = self._new("Atzr")
        access = self._new("Atza")
        self._access[access] = self._shop.clock.now() + timedelta(seconds=ACCESS_SECONDS)
        return 200, {
            "access_token": access,
            "refresh_token": self._refresh,
            "token_type": "bearer",
            "expires_in": ACCESS_SECONDS,
        }

    def _new(self, kind: str) -> str:
        self._serial += 1
        return f"{kind}|{self._shop.settings.get('seller_id', '')}-{self._serial:06d}"
