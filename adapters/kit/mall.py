"""What a mall declares: one frozen record a mall; every skill is a function, ``NotOffered(source)`` or ``Gap(reason)``.

Malls are found by scanning ``adapters/`` (``adapters.malls()``); nothing lists them. Screens, documentation, secret
masking and the table of malls come from these records.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from ledger.terms import ListingKey, ListingLevel, ListingRead, Outcome, Result, Telling


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

    ``example``: an invented value of the right form, for forms and for the contract test.
    """

    name: str
    label: str
    where: str
    secret: bool = False
    required: bool = True
    default: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class MatchKey:
    """同一商品判定キー: a field of the mall's file that may name our SKU."""

    name: str
    label: str


# ------------------------------------------------------------------ files in


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """What a row of our own CSV form says beside its number; no mall's file says these.

    ``target`` is what the number of this row sets: available (想定) or on_hand (実). None and "": the cell was blank.
    ``mode``: overwrite or add. ``linked``: 連動 True, 停止 False.
    """

    target: str
    kept_back_units: int | None = None
    linked: bool | None = None
    place: str = ""
    counted_at: datetime | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One understood row of a product or stock file.

    ``row`` is the line number in the file where the row begins (header = 1). ``units`` None: the row states no number
    (blank, unlimited: ``unlimited``), which is not zero. ``matches`` gives for each match key's name the row's value.
    ``codes``: further codes by which the mall names the listing elsewhere (mails). ``flags`` names what the mall's own
    flags say: "sells_at_zero", "restores_on_cancel", "excluded", "preorder".
    """

    row: int
    key: ListingKey
    units: int | None
    unlimited: bool = False
    matches: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    name: str = ""
    jan: str = ""
    product: str = ""
    flags: frozenset[str] = frozenset()
    own: OwnColumns | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One row that is not understood: which cell, what it says, what was expected. Quotes cells of stock files only."""

    row: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column}: {self.value!r}; expected {self.expected}"


@dataclass(frozen=True, slots=True)
class NotThisFormat:
    """The header or name is not of this format. ``reason`` names the first thing that does not fit."""

    reason: str


# Reads cells (without the header row) into rows; the header decides where each column stands.
# Each element of the input is (line number, cells).
RowReader: TypeAlias = Callable[[Iterable[tuple[int, Sequence[str]]]], Iterator[FileRow | RowProblem]]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One kind of file a mall gives out.

    ``open`` takes the header cells and the settings of the shop's profile; it answers a reader or why the file is
    not of this format. ``target`` is what the numbers set: available (想定) for a mall's own file.
    """

    name: str
    label: str
    kind: str  # "stock", "products" or "both"
    file_name_patterns: tuple[str, ...]
    delimiter: str
    encodings: tuple[str, ...]
    open: Callable[[Sequence[str], "Profile"], RowReader | NotThisFormat]
    target: str = "available"


# ------------------------------------------------------------------ mail


@dataclass(frozen=True, slots=True)
class MailText:
    """A mail as text: decoded, quoting of a forwarder removed. Times UTC. Never logged, never quoted in errors.

    ``text`` has "\\n" as its only line break. ``replaced`` counts the characters whose bytes meant nothing.
    """

    subject: str
    sender: str
    sent_at: datetime
    text: str
    message_id: str
    verified: bool = False
    replaced: int = 0


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The message waits for a person. ``rule`` and ``line`` name what did not fit; message text is never quoted."""

    rule: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """The message is known and says nothing about orders. ``kind`` is a code (stock_zero_notice, bid_received…)."""

    kind: str


MailReading: TypeAlias = Telling | Ignored | NotUnderstood


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

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes,
    ) -> Reply: ...


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
    profile: "Profile"

    def host(self, name: str) -> str:
        """Where the mall's host ``name`` is, without a slash at the end: the override, else the profile's ``hosts.name``."""
        found = self.base.get(name) or self.base.get("*") or self.profile.text(f"hosts.{name}")
        return found.rstrip("/")


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The mall did not say its numbers; ``result`` is throttled, transient or rejected_auth."""

    result: Result
    code: str = ""
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


@dataclass(frozen=True)
class Profile:
    """The mall's unverified wire facts (``profile.toml``), with a shop's corrections laid over."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.values[name]
        assert isinstance(value, str), (name, value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values[name]
        assert isinstance(value, (list, tuple)), (name, value)
        assert all(isinstance(v, str) for v in value), (name, value)
        return tuple(str(v) for v in value)

    def number(self, name: str) -> int:
        value = self.values[name]
        assert isinstance(value, int), (name, value)
        assert not isinstance(value, bool), (name, value)
        return value


# ------------------------------------------------------------------ the record

ReadOrderMail: TypeAlias = Callable[[MailText, Profile], MailReading]
PushByApi: TypeAlias = Callable[[ShopAccess, Sequence[ListingLevel]], list[Outcome]]
ReadBack: TypeAlias = Callable[[ShopAccess, Sequence[ListingKey]], "list[ListingRead] | ReadFailed"]
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
    "push_api",
    "push_file",
    "read_back",
    "emulator",
)


@dataclass(frozen=True, kw_only=True)
class Mall:
    """One mall. The folder under ``adapters/`` has the same name as ``code``.

    ``push_batch_max`` listings a request; ``requests_per_second`` the mall's limit for pushes; ``request_seconds_max``
    our own deadline for one request, after which it is Lost and ``dead_after`` counts from it. ``connectable`` False:
    only a file form, no shop can be connected to it.
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
    order_webhook: NotOffered | Gap
    order_api: NotOffered | Gap
    push_api: PushByApi | NotOffered | Gap
    push_file: NotOffered | Gap
    read_back: ReadBack | NotOffered | Gap
    emulator: MakeEmulator | NotOffered | Gap
    connection_test: TestConnection | NotOffered | Gap
    push_batch_max: int = 1
    requests_per_second: float = 1.0
    request_seconds_max: float = 30.0
    read_batch_max: int = 1
    reads_per_second: float = 1.0
    mail_quiet_seconds: int = 120
    in_demo: bool = False
    connectable: bool = True
