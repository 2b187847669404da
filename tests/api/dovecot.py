"""Debian's Dovecot, started by a test as an ordinary account on this machine: mailboxes over IMAP, plain, STARTTLS and TLS.

Its paths are compiled in, so where it is only unpacked it runs in a name space of its own in which it looks installed.
"""

import grp
import imaplib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.adapters.kit.file_servers import Ground, free_ports, ground
from tests.api.inbound.certificate import write_certificate
from tests.programs import UNPACKED, NotRun, program

USER, PASSWORD = "orders@shop.example", "invented-Password1"
_TRIES = 5


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot at 127.0.0.1, known as localhost. ``certificate`` signed itself."""

    place: Ground
    port: int
    tls_port: int
    certificate: Path

    @contextmanager
    def client(self, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """The mailbox as another program sees it."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as client:
            client.login(USER, PASSWORD)
            assert client.select(folder)[0] == "OK", folder
            yield client

    def deliver(self, *raws: bytes, folder: str = "INBOX") -> None:
        """The messages are in the folder, unread."""
        with self.client() as client:
            for raw in raws:
                assert client.append(folder, "", "", raw)[0] == "OK"

    def make(self, folder: str) -> None:
        with self.client() as client:
            assert client.create(folder)[0] == "OK"

    def drop(self, folder: str) -> None:
        with self.client() as client:
            assert client.delete(folder)[0] == "OK"

    def count(self, folder: str = "INBOX", which: str = "ALL") -> int:
        """How many messages of the folder are ALL, SEEN, UNSEEN or DELETED."""
        with self.client(folder) as client:
            return len(client.search(None, which)[1][0].split())


@contextmanager
def dovecot(*options: str) -> Iterator[Dovecot]:
    """Dovecot runs, with one empty mailbox of USER. Raises NotRun where a test may not make a name space."""
    with ground() as place:
        certificate, key = write_certificate(place.path, "localhost")
        for path in (certificate, key):
            place.give(path)
        place.keep("users", f"{USER}:{{PLAIN}}{PASSWORD}\n".encode())
        for _ in range(_TRIES):
            port, tls_port = free_ports(2, "127.0.0.1")
            with _started(place, Dovecot(place, port, tls_port, certificate), options) as running:
                if running is not None:
                    yield running
                    return
    raise AssertionError("Dovecot did not start")


@contextmanager
def _started(place: Ground, server: Dovecot, options: Sequence[str]) -> Iterator[Dovecot | None]:
    account = place.account
    group = grp.getgrgid(account.pw_gid).gr_name
    text = _SETTINGS.format(place=place.path, server=server, account=account, group=group)
    settings = place.keep("dovecot.conf", "\n".join([text, *options]).encode() + b"\n")
    as_root = os.geteuid() == 0
    process = subprocess.Popen(
        [*_as_installed(place), "/usr/sbin/dovecot", "-F", "-c", str(settings)],
        cwd="/",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=account.pw_uid if as_root else None,
        group=account.pw_gid if as_root else None,
        extra_groups=[] if as_root else None,
    )
    try:
        yield server if _answers(server, process) else None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _answers(server: Dovecot, process: "subprocess.Popen[bytes]") -> bool:
    pause = threading.Event()
    for _ in range(500):
        if process.poll() is not None:
            return False
        try:
            with server.client():
                return True
        except (OSError, imaplib.IMAP4.error):
            pause.wait(0.02)
    return False


def _as_installed(place: Ground) -> list[str]:
    """What runs a program so that it finds everything of Dovecot where it is compiled to be."""
    found = program("dovecot")
    if UNPACKED not in found.parents:
        return []
    unpacked = _reachable(place)
    account = place.account
    script = (
        f"mount -t overlay overlay -o 'lowerdir={unpacked}:/usr' /usr && "
        f'exec unshare --user --map-user={account.pw_uid} --map-group={account.pw_gid} "$@"'
    )
    spaces = ["unshare", "--user", "--map-root-user", "--mount"]
    as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    probe = [*spaces, "sh", "-c", script, "sh", "true"]
    if subprocess.run(probe, check=False, capture_output=True, cwd="/", **as_account).returncode != 0:  # type: ignore[call-overload]
        raise NotRun("this machine does not let a test make a name space with a file system laid over another")
    return [*spaces, "sh", "-c", script, "sh"]


def _reachable(place: Ground) -> Path:
    """What was unpacked, where the account can read it: a copy when the repository lies under a folder of root alone."""
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o005 == 0o005 for folder in (UNPACKED, *UNPACKED.parents)):
        return UNPACKED
    copied = place.path / "usr"
    for part in ("sbin", "bin", "lib"):
        shutil.copytree(UNPACKED / part, copied / part, symlinks=True)
    return copied


_SETTINGS = """\
base_dir = {place}/run
state_dir = {place}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_internal_user = {account.pw_name}
default_internal_group = {group}
default_login_user = {account.pw_name}
ssl = yes
ssl_cert = <{server.certificate}
ssl_key = <{place}/certificate.key
disable_plaintext_auth = no
mail_location = maildir:{place}/files/%u
mail_uid = {account.pw_uid}
mail_gid = {account.pw_gid}
first_valid_uid = 1
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = username_format=%u {place}/users
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={place}/files/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {server.port}
  }}
  inet_listener imaps {{
    port = {server.tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
