"""The mailbox of a shop: declared, tested, removed, and what is said of it: a sentence for each thing that may be wrong.

``docs/guides/mail.md`` says how mailboxes of common providers are declared.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone
from typing import TypeAlias

from api.jobs.imports import shop_of
from api.mail.imap import PLAIN, STARTTLS, TLS, MailboxFault, MailboxLogin, Ways, opened, tls_context
from api.settings import BadSetting, Settings
from api.tables import mailboxes, secrets
from api.tables.mailboxes import PASSWORD, USER, Mailbox, Polled
from api.wiring import House

PORTS = {TLS: 993, STARTTLS: 143, PLAIN: 143}
AFTER_READING = ("leave", "seen", "move")
LOCAL = ("127.0.0.1", "::1", "localhost")
NAME_CHARACTERS_MAX = 250
JST = timezone(timedelta(hours=9))
Sentence: TypeAlias = tuple[str, str, str]  # Japanese, English, the next step

# Codes of what may be wrong with a mailbox; the first are the person's to put right.
FAULTS: Mapping[str, Sentence] = {
    "login_refused": (
        "メールサーバーがユーザー名かパスワードを受け付けません。",
        "The mail server does not accept the user or the password.",
        "正しいパスワード（Gmailなどではアプリパスワード）で登録し直す / add the mailbox again with the right password (Gmail: an app password)",
    ),
    "secrets_missing": (
        "メールボックスのユーザー名かパスワードがありません。",
        "The mailbox has no user or password.",
        "メールボックスを登録し直す / add the mailbox again",
    ),
    "folder_unknown": (
        "フォルダが見つかりません。",
        "The server has no such folder.",
        "フォルダ名を確認する / see the folders: daicho mailbox test SHOP",
    ),
    "read_only": (
        "フォルダに書き込めないため、既読にも移動にもできません。",
        "The folder cannot be written to: mails can be neither marked nor moved.",
        "--after leave で登録し直す / add it again with --after leave",
    ),
    "certificate_not_trusted": (
        "メールサーバーの証明書を確認できません。",
        "The mail server's certificate is not trusted, or is for another name.",
        "ホスト名を確認する。自前の認証局なら DAICHO_MAILBOX_CA_FILE / check the host name; DAICHO_MAILBOX_CA_FILE for an authority of your own",
    ),
    "tls_failed": (
        "暗号化された接続ができません。",
        "No encrypted connection could be made.",
        "ポートと --tls（tls は 993、starttls は 143）を確認する / check the port and --tls",
    ),
    "host_not_found": (
        "メールサーバーのホスト名が見つかりません。",
        "The mail server's host name is not known.",
        "ホスト名を確認する / check the host name",
    ),
    "cannot_connect": (
        "メールサーバーに接続できません。",
        "The mail server does not answer.",
        "ホスト名とポート、ファイアウォールを確認する / check host, port and firewall",
    ),
    "connection_lost": (
        "メールサーバーが接続を切りました。",
        "The mail server ended the connection.",
        "自動で再試行します / it is tried again by itself",
    ),
    "timed_out": (
        "メールサーバーの応答が遅すぎます。",
        "The mail server is too slow.",
        "自動で再試行します / it is tried again by itself",
    ),
    "refused": (
        "メールサーバーがコマンドを拒否しました。",
        "The mail server refused a command.",
        "移動先のフォルダを確認する / check the folder that mails are moved to: daicho mailbox test SHOP",
    ),
    "not_understood": (
        "メールサーバーの応答を理解できません。",
        "The mail server's answer is not understood.",
        "IMAP4rev1 のサーバーか確認する / check that it is an IMAP4rev1 server",
    ),
}
BY_A_PERSON = ("login_refused", "secrets_missing", "folder_unknown", "read_only", "certificate_not_trusted")


class MailboxNotAccepted(ValueError):
    """The mailbox cannot be declared so; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person declares. ``port`` None: the usual one. ``since`` None: from today on, in Japan."""

    shop: str
    host: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    port: int | None = None
    tls: str = TLS
    folder: str = "INBOX"
    after_reading: str = "leave"
    move_to: str = ""
    authserv_id: str = ""
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found by looking, and nothing was changed. ``code`` "" : it can be read. ``to_take``: mails not taken yet."""

    code: str
    messages: int = 0
    to_take: int = 0
    folders: tuple[str, ...] = ()


def declare(house: House, asked: Asked) -> Mailbox:
    """The shop's mailbox is looked at from now on. Raises ShopNotReady, MailboxNotAccepted, SecretNotAccepted."""
    shop_of(house, asked.shop)
    _check(asked)
    now = house.clock.now()
    mailbox = Mailbox(
        shop=asked.shop,
        host=asked.host,
        port=PORTS[asked.tls] if asked.port is None else asked.port,
        tls=asked.tls,
        folder=asked.folder,
        after_reading=asked.after_reading,
        move_to=asked.move_to,
        authserv_id=asked.authserv_id.lower(),
        since=asked.since or now.astimezone(JST).date(),
    )
    with house.pool.connection() as connection:
        for name, value in ((USER, asked.user), (PASSWORD, asked.password)):
            secrets.put(connection, house.seals, shop=asked.shop, name=name, value=value, changed_at=now)
        mailboxes.declare(connection, mailbox, now=now)
    return mailbox


def remove(house: House, shop: str) -> None:
    """The mailbox is not looked at any more, and its password is gone; what came from it stays. Raises MailboxNotAccepted."""
    with house.pool.connection() as connection:
        if not mailboxes.remove(connection, shop):
            raise MailboxNotAccepted(f"shop {shop!r} has no mailbox; expected one that `daicho mailbox show` lists")
        secrets.delete(connection, shop=shop, names=(USER, PASSWORD))


def shown(house: House, shop: str | None = None) -> list[Polled]:
    """The mailbox of the shop, or all of them."""
    with house.pool.connection() as connection:
        found = mailboxes.all_of_them(connection)
    return [one for one in found if shop in (None, one.shop)]


def tried(house: House, shop: str) -> Tried:
    """The mailbox is opened and looked into, nothing is taken or changed. Raises MailboxNotAccepted, BadSetting."""
    found = shown(house, shop)
    if not found:
        raise MailboxNotAccepted(f"shop {shop!r} has no mailbox; add one with `daicho mailbox add`")
    one = found[0]
    login = login_of(house, one)
    if login is None:
        return Tried("secrets_missing")
    folders: tuple[str, ...] = ()
    try:
        with opened(login, "INBOX", ways(house), readonly=True) as box:
            folders = tuple(box.folders())
        with opened(login, one.folder, ways(house), readonly=one.after_reading == "leave") as box:
            first = one.last_uid + 1 if one.uid_validity == box.uid_validity else 1
            waiting = box.uids(first, None, one.since)
            code = "folder_unknown" if one.after_reading == "move" and one.move_to not in folders else ""
            return Tried(code, box.messages, len(waiting), folders)
    except MailboxFault as fault:
        return Tried(fault.code, folders=folders)


def login_of(house: House, mailbox: Mailbox) -> MailboxLogin | None:
    """With user and password opened; None: they are not there. Raises CannotOpen."""
    with house.pool.connection() as connection:
        known = secrets.of_shop(connection, house.seals, mailbox.shop)
    if USER not in known or PASSWORD not in known:
        return None
    return MailboxLogin(mailbox.host, mailbox.port, mailbox.tls, known[USER], known[PASSWORD])


def ways(house: House) -> Ways:
    """How this house reaches mailboxes. Raises BadSetting when the file of authorities cannot be read."""
    return Ways(_context(house.settings), house.clock.monotonic, house.start_thread)


def _context(settings: Settings) -> ssl.SSLContext:
    try:
        return tls_context(settings.mailbox_ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise BadSetting(
            f"DAICHO_MAILBOX_CA_FILE {settings.mailbox_ca_file}: {error.strerror or type(error).__name__};"
            " expected a readable PEM file of certificate authorities"
        ) from None


def _check(asked: Asked) -> None:
    if asked.tls not in PORTS:
        raise MailboxNotAccepted(f"tls {asked.tls!r}; expected one of {', '.join(PORTS)}")
    if asked.tls == PLAIN and asked.host not in LOCAL:
        raise MailboxNotAccepted(
            f"tls {PLAIN!r} for host {asked.host!r}: the password would cross the network for all to read;"
            f" expected {TLS} or {STARTTLS} ({PLAIN} only for {', '.join(LOCAL)})"
        )
    if asked.after_reading not in AFTER_READING:
        raise MailboxNotAccepted(f"after {asked.after_reading!r}; expected one of {', '.join(AFTER_READING)}")
    if (asked.after_reading == "move") != bool(asked.move_to):
        raise MailboxNotAccepted("after 'move' and a folder to move to belong together; expected both or neither")
    if asked.move_to and asked.move_to == asked.folder:
        raise MailboxNotAccepted(f"mails would be moved to where they are ({asked.folder!r}); expected another folder")
    if asked.port is not None and not 1 <= asked.port <= 65_535:
        raise MailboxNotAccepted(f"port {asked.port}; expected 1 to 65535")
    given = {"host": asked.host, "folder": asked.folder, "user": asked.user}
    named = {**given, "move_to": asked.move_to or "x", "authserv_id": asked.authserv_id or "x"}
    for name, value in named.items():
        if not value.strip() or len(value) > NAME_CHARACTERS_MAX or not value.isprintable():
            seen = f"{len(value)} characters" if name == "user" else repr(value[:60])
            raise MailboxNotAccepted(f"{name}: {seen}; expected 1 to {NAME_CHARACTERS_MAX} printable characters")
    if not asked.password.isprintable() or not asked.password:
        raise MailboxNotAccepted("password: empty, or not of printable characters; expected the mailbox's own password")
