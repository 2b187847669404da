"""What a mall declares: one frozen record a mall; every skill is a function, ``NotOffered(source)`` or ``Gap(reason)``.

Malls are found by scanning ``adapters/``; nothing lists them. Screens, secret masking and the table of malls come from here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from adapters.kit.file_form import FileFormat, FileRow, RowProblem
from adapters.kit.order_form import OrderForm
from adapters.kit.own_items import OwnItem
from adapters.kit.profile import Profile
from ledger.terms import ListingKey, ListingLevel, ListingRead, Outcome, Result, Telling

if TYPE_CHECKING:
    from adapters.kit.push_file import PushFile


@dataclass(frozen=True, slots=True)
class NotOffered:
    """The mall itself has no such way. ``source``: where that is said."""

    source: str


@dataclass(frozen=True, slots=True)
class Gap:
    """The mall has it, Daicho does not yet. ``reason``: why."""

    reason: str


class LowersAt(StrEnum):
    """When the mall lowers its own number at its own sale (D1)."""

    ORDER = "order"
    PENDING = "pending"
    PAYMENT = "payment"
    NEVER = "never"


class RestoresOnCancel(StrEnum):
    """Whether the mall raises its own number at a cancel (D10). FLAG: per item, by the item's own flag."""

    YES = "yes"
    NO = "no"
    FLAG = "flag"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value a merchant enters for a shop. ``where``: how to find it at the mall, in Japanese.

    ``example``: an invented value of the right form, for forms and for the contract test. ``for_files``: of the server
    that stock files go to (``kit/file_settings.py``), needed only by a shop whose send type is file.
    """

    name: str
    label: str
    where: str
    secret: bool = False
    required: bool = True
    default: str = ""
    example: str = ""
    for_files: bool = False


@dataclass(frozen=True, slots=True)
class MatchKey:
    """同一商品判定キー: a field of the mall's file that may name our SKU."""

    name: str
    label: str


# ------------------------------------------------------------------ mail


@dataclass(frozen=True, slots=True)
class MailText:
    """A mail as text: decoded, quoting of a forwarder removed. Times UTC. Never logged, never quoted in errors.

    ``text`` has "\\n" as its only line break. ``replaced`` counts the characters whose bytes meant nothing. ``as_sent``: no
    quoting was removed; only then a proof of the sender is one of the text. ``attached``: the mail it was read from, inside another.
    """

    subject: str
    sender: str
    sent_at: datetime
    text: str
    message_id: str
    verified: bool = False
    replaced: int = 0
    as_sent: bool = True
    attached: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The message waits for a person. ``rule`` and ``line`` name what did not fit; message text is never quoted."""

    rule: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """The message is known and says nothing about orders. ``kind`` is a code (stock_zero_notice, bid_received…)."""

    kind: str


OrderReading: TypeAlias = Telling | Ignored | NotUnderstood


# ------------------------------------------------------------------ orders over the network


@dataclass(frozen=True, slots=True)
class OrderHint:
    """The mall says only that these orders are new or changed: they are to be fetched now."""

    orders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RawOrder:
    """One order as the mall's answer holds it, cut out of its page: it is kept (encrypted) before it is read.

    ``order`` is the mall's number; ``body`` is the mall's own text of this order and nothing else.
    """

    order: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OrdersAsked:
    """The orders placed or changed at or after ``since`` and before ``until`` (UTC). ``cursor`` goes on behind a page, "" first.

    ``orders``: only these, whenever they changed; () all.
    """

    since: datetime
    until: datetime
    cursor: str = ""
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """Orders in the mall's order. ``cursor`` asks for the next page; "": this was the last."""

    orders: tuple[RawOrder, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One call of a mall at our door: header names in lower case, the body as it came."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookAccepted:
    """The call is of this shop. ``event`` is the mall's id of it, the same when it is sent again; "": it has none."""

    event: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRefused:
    """The call is not proven to be of this shop, or is too old. ``rule`` is a code: signature, too_old, no_signature…"""

    rule: str


# ------------------------------------------------------------------ the mall over the network


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of the mall: status, body, headers with lower-case names."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    applied_from: datetime
    applied_until: datetime


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request never left us (name not found, refused, TLS failed): nothing was applied. ``reason`` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The request left and no complete answer came: it may have been applied. ``reason`` is a code."""

    reason: str


Reply: TypeAlias = Answer | NotSent | Lost


class MallHttp(Protocol):
    """HTTP to one mall for one shop; the only implementation is ``kit/http.py``. Never raises for what the mall does."""

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply: ...

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply: ...


@dataclass(frozen=True)
class ShopAccess:
    """Everything a skill needs to talk to one mall for one shop; built by wiring.

    ``settings`` and ``secrets`` are by the names the mall declares. ``remember`` stores a secret the mall renewed (a
    refreshed token) before it is used. ``now`` is the clock. ``base`` overrides the mall's host for emulators and tests.
    """

    http: MallHttp
    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    remember: Callable[[str, str], None]
    now: Callable[[], datetime]
    base: Mapping[str, str]
    profile: Profile

    def host(self, name: str) -> str:
        """Where the mall's host ``name`` is, without a slash at the end: the override, else the profile's ``hosts.name``."""
        found = self.base.get(name) or self.base.get("*") or self.profile.text(f"hosts.{name}")
        return found.rstrip("/")


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The mall did not say its numbers; ``result`` is throttled, transient or rejected_auth; of a reading of everything also
    rejected: it cannot go on from there.
    """

    result: Result
    code: str = ""
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StockPage:
    """Some of what the mall has, as rows of a file would say it. ``cursor`` asks for what follows; "": this was the last.

    ``wait_seconds``: the mall is still making its answer; ask again with the cursor after so long.
    """

    rows: tuple[FileRow | RowProblem, ...]
    cursor: str = ""
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DueWarning:
    """Something a person has to do by a date, found by the connection test: renew a key, log in again."""

    code: str
    message: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectionTested:
    """What the read-only connection test found."""

    ok: bool
    message: str
    warnings: tuple[DueWarning, ...] = ()


FetchOrders: TypeAlias = "Callable[[ShopAccess, OrdersAsked], OrdersPage | ReadFailed]"
ReadOrder: TypeAlias = "Callable[[bytes, Profile], OrderReading]"
ReadWebhook: TypeAlias = "Callable[[WebhookCall, Profile], OrderReading | OrderHint]"
# (the call, the shop's secrets of which one must prove it, now)
AcceptWebhook: TypeAlias = "Callable[[WebhookCall, Mapping[str, str], datetime], WebhookAccepted | WebhookRefused]"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderApi:
    """Orders asked for at the mall. ``fetch`` gives one page, ``read`` understands one order of it (a pure function).

    ``overlap_seconds``: how far each asking goes back before the one before (clocks, late listing). ``reach_days_max``: how
    far back the mall answers. ``pages_per_second``: how often ``fetch`` may be called. ``hides``: which states the mall does
    not list, in words; "" none.
    """

    fetch: FetchOrders
    read: ReadOrder
    overlap_seconds: int
    reach_days_max: int
    pages_per_second: float
    hides: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWebhook:
    """Orders the mall tells at our door. ``accept`` proves who calls; ``read`` is pure, given the body and the headers of
    ``reads_headers`` (lower case; none that holds a secret). A body of more than ``body_bytes_max`` is refused, and a call in
    which one of ``proof_headers`` (lower case) stands twice.
    """

    accept: AcceptWebhook
    read: ReadWebhook
    reads_headers: tuple[str, ...] = ()
    proof_headers: tuple[str, ...] = ()
    body_bytes_max: int = 1_000_000


ReadOrderMail: TypeAlias = Callable[[MailText, Profile], OrderReading]
PushByApi: TypeAlias = Callable[[ShopAccess, Sequence[ListingLevel]], list[Outcome]]
ReadBack: TypeAlias = Callable[[ShopAccess, Sequence[ListingKey]], "list[ListingRead] | ReadFailed"]
# Everything the mall has, a page at a time: (the access, the cursor, "" first)
ReadAll: TypeAlias = Callable[[ShopAccess, str], "StockPage | ReadFailed"]
TestConnection: TypeAlias = Callable[[ShopAccess], ConnectionTested]
WriteStock: TypeAlias = Callable[[Iterable[ListingLevel], Profile], Iterator[bytes]]
MakeEmulator: TypeAlias = Callable[..., object]  # an ASGI app; its keywords are in kit/emulator.py

SKILLS = (
    "products_in",
    "stock_in",
    "stock_out",
    "order_mail",
    "order_webhook",
    "order_api",
    "orders_in",
    "push_api",
    "push_file",
    "read_back",
    "read_all",
    "emulator",
)


_OWN_ORDER_FORM = Gap(
    "its own order file is not read yet; orders of its shops come in by our own order CSV (自社受注CSV)"
)
LISTINGS_ONLY = Gap(
    "its listings are read one by one as far as they are known here (read_back); no call that lists them all is used"
)


@dataclass(frozen=True, kw_only=True)
class Mall:
    """One mall. The folder under ``adapters/`` has the same name as ``code``.

    ``push_batch_max`` listings a request; ``requests_per_second`` the mall's limit for pushes. ``one_limit``: readings and
    pages of orders count against that limit too. ``request_seconds_max``: our own deadline for one request, after which it
    is Lost and ``dead_after`` counts from it. ``call_seconds_max``: the longest one call of a skill talks to the mall when
    it sends several requests (it starts none later than a request before that); None: one request, or three where tokens
    are renewed. ``own_items``: what it takes beside a number. ``connectable`` False: only a file form, no shop can be connected to it.
    """

    code: str
    name: str
    settings: tuple[Setting, ...]
    match_keys: tuple[MatchKey, ...]
    lowers_at: LowersAt
    restores_on_cancel: RestoresOnCancel
    sells_at_zero: str | None
    units_max: int
    products_in: tuple[FileFormat, ...] | NotOffered | Gap
    stock_in: tuple[FileFormat, ...] | NotOffered | Gap
    stock_out: WriteStock | NotOffered | Gap
    order_mail: ReadOrderMail | NotOffered | Gap
    order_webhook: OrderWebhook | NotOffered | Gap
    order_api: OrderApi | NotOffered | Gap
    orders_in: tuple[OrderForm, ...] | NotOffered | Gap = _OWN_ORDER_FORM
    push_api: PushByApi | NotOffered | Gap
    push_file: "PushFile | NotOffered | Gap"
    read_back: ReadBack | NotOffered | Gap
    emulator: MakeEmulator | NotOffered | Gap
    read_all: ReadAll | NotOffered | Gap = LISTINGS_ONLY
    connection_test: TestConnection | NotOffered | Gap
    push_batch_max: int = 1
    requests_per_second: float = 1.0
    one_limit: bool = False
    request_seconds_max: float = 30.0
    call_seconds_max: float | None = None
    read_batch_max: int = 1
    reads_per_second: float = 1.0
    mail_quiet_seconds: int = 120
    own_items: tuple[OwnItem, ...] = ()
    in_demo: bool = False
    connectable: bool = True
