"""Connecting a shop: what the mall declares becomes the shop's settings, so that facts alone say how it behaves."""

from collections.abc import Mapping

import adapters
from adapters.kit.mall import Mall
from ledger.book import Verb, shops


class SettingNotAccepted(ValueError):
    """A setting the mall does not have, a required one that is missing, or a secret given as a setting."""


def connect(mall_code: str, mall_shop_id: str, *, match_key: str, settings: Mapping[str, str]) -> Verb:
    """The verb that connects the shop. ``match_key`` "" takes the mall's first. Secrets are sealed apart, before or after.

    The mall's traits stand among the settings as ``mall.…``: the expected number of a listing follows from them.
    Raises UnknownMall, SettingNotAccepted, ShopNotAccepted.
    """
    mall = adapters.mall(mall_code)
    check_settings(mall, settings)
    known = [one.name for one in mall.match_keys]
    chosen = match_key or known[0]
    if chosen not in known:
        raise SettingNotAccepted(f"match key {match_key!r}; expected one of {', '.join(known)}")
    return shops.connect_shop(
        mall=mall.code, mall_shop_id=mall_shop_id, match_key=chosen, settings={**settings, **traits(mall)}
    )


def check_settings(mall: Mall, settings: Mapping[str, str]) -> None:
    """Raises SettingNotAccepted for a name the mall does not declare, or one that is a secret."""
    declared = {one.name: one for one in mall.settings}
    for name in settings:
        if name.startswith(("base.", "profile.")):
            continue  # an emulator's address, or a merchant's correction of the mall's profile.toml
        if name not in declared:
            raise SettingNotAccepted(f"setting {name!r}; expected one of {', '.join(declared)}")
        if declared[name].secret:
            raise SettingNotAccepted(
                f"setting {name!r} is a secret; expected it to be given as one (it is sealed, never a fact)"
            )


def traits(mall: Mall) -> dict[str, str]:
    """What of the declaration the ledger's readers need, as settings."""
    return {
        "mall.lowers_at": str(mall.lowers_at),
        "mall.restores_on_cancel": str(mall.restores_on_cancel),
        "mall.units_max": str(mall.units_max),
    }
