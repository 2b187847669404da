"""The login of the emulated Yahoo!: opaque tokens, access for an hour, refresh for four weeks, on the emulator's clock."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.kit.emulator import EmulatedShop

ACCESS_SECONDS = 3_600
REFRESH_DAYS = 28
UNSIGNED_HOURS = 12  # a login whose order calls carry no public key

Grant = tuple[int, dict[str, str | int]]


class Login:
    """The tokens that are good now. What the shop's secrets hold at the beginning counts as given at that moment."""

    def __init__(self, shop: EmulatedShop) -> None:
        self._shop = shop
        self._serial = 0
        self._access: dict[str, datetime] = {}
        self._refresh: dict[str, datetime] = {}
        self._codes = {code for code in (shop.secrets.get("authorization_code", ""),) if code}
        now = shop.clock.now()
        if token := shop.secrets.get("access_token", ""):
            self._access[token] = now + timedelta(seconds=ACCESS_SECONDS)
        if token := shop.secrets.get("refresh_token", ""):
            self._refresh[token] = now + timedelta(days=REFRESH_DAYS)

    def accepts(self, authorization: str) -> bool:
        """Whether the header carries an access token that has not expired."""
        kind, _, token = authorization.partition(" ")
        until = self._access.get(token)
        return kind == "Bearer" and until is not None and self._shop.clock.now() < until

    def used_unsigned(self) -> None:
        """A call of the order API came without the public-key headers: every login ends in 12 hours."""
        end = self._shop.clock.now() + timedelta(hours=UNSIGNED_HOURS)
        self._refresh = {token: min(until, end) for token, until in self._refresh.items()}

    def expire_access(self) -> None:
        """No access token given so far is good any more."""
        self._access.clear()

    def expire_refresh(self) -> None:
        """A person has to log in again."""
        self._access.clear()
        self._refresh.clear()

    def allow_code(self, code: str) -> None:
        """A person has logged in: the code may be changed for tokens once."""
        self._codes.add(code)

    def grant(self, authorization: str, form: Mapping[str, str]) -> Grant:
        """Status and JSON for a request to the token endpoint. A refresh gives no new refresh token, a login does."""
        if not self._is_client(authorization):
            return 401, {"error": "invalid_client", "error_description": "client authentication failed"}
        match form.get("grant_type"):
            case "refresh_token":
                until = self._refresh.get(form.get("refresh_token", ""))
                if until is None or self._shop.clock.now() >= until:
                    return 400, {"error": "invalid_grant", "error_description": "refresh token is expired or invalid"}
                return 200, self._given({})
            case "authorization_code":
                if form.get("code", "") not in self._codes:
                    return 400, {
                        "error": "invalid_grant",
                        "error_description": "authorization code is expired or invalid",
                    }
                self._codes.discard(form["code"])
                refresh = self._new("refresh")
                self._refresh[refresh] = self._shop.clock.now() + timedelta(days=REFRESH_DAYS)
                return 200, self._given({"refresh_token": refresh})
            case _:
                return 400, {"error": "unsupported_grant_type", "error_description": "grant_type"}

    def _given(self, more: Mapping[str, str]) -> dict[str, str | int]:
        access = self._new("access")
        self._access[access] = self._shop.clock.now() + timedelta(seconds=ACCESS_SECONDS)
        return {"access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, **more}

    def _new(self, kind: str) -> str:
        self._serial += 1
        return f"{self._shop.settings.get('seller_id', '')}-{kind}-{self._serial:06d}"

    def _is_client(self, authorization: str) -> bool:
        kind, _, encoded = authorization.partition(" ")
        try:
            said = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return (
            kind == "Basic"
            and said == f"{self._shop.settings.get('client_id', '')}:{self._shop.secrets.get('client_secret', '')}"
        )
