"""What every resolver has at hand: the house, the caller, the bridge to sync code; and waiting for a position."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from strawberry.types import Info

from api.keys import Caller
from api.threads import Bridge
from api.wiring import House
from ledger.book import Verb
from ledger.writer import Done

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """One request's context."""

    house: House
    caller: Caller
    bridge: Bridge

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The one way from a resolver to readers and to the book."""
        return await self.bridge.in_thread(function, *args, **kwargs)

    async def do(self, verb: Verb, key: str | None) -> Done:
        """The verb is done and durable, by this caller. ``key`` is the client's idempotency key."""
        scope = f"graphql:{self.caller.key_id}"
        by = self.house.by(self.caller.actor)
        return await self.in_thread(self.house.book.do, verb, by, key=None if key is None else (scope, key))


Asked = Info[Context, None]
