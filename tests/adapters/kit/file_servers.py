"""Debian's own servers for files, started by a test as an ordinary account on this machine: OpenSSH, and ProFTPD with TLS or SFTP."""

import base64
import grp
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.programs import UNPACKED, NotRun, program

USER, PASSWORD = "shop", "invented-Password1"
# PASSWORD as `openssl passwd -6` writes it.
_HASH = "$6$daicho$/t6ox2khxGOWvVgnFFezBec/rRsNUtc474rxkDN8UZhfNyWQvB2fsouMIf69s7IO7FhTqloF6Lo9aEEAEGnzg0"
_TRIES = 5


@dataclass(frozen=True)
class Ground:
    """A place the account of the servers owns. ``files`` is the folder that is served."""

    path: Path
    account: pwd.struct_passwd

    @property
    def files(self) -> Path:
        return self.path / "files"

    def keep(self, name: str, content: bytes) -> Path:
        """A file only the account reads."""
        path = self.path / name
        path.write_bytes(content)
        path.chmod(0o600)
        self.give(path)
        return path

    def clear(self) -> None:
        """No file is served any more."""
        self.files.chmod(0o755)
        for path in self.files.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)


@contextmanager
def ground() -> Iterator[Ground]:
    """A new place; it is gone afterwards."""
    # Not nobody: systemd tells unprivileged programs that its account is locked, and OpenSSH believes that.
    account = pwd.getpwnam("games") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="daicho-files-") as name:
        place = Ground(Path(name), account)
        place.path.chmod(0o755)
        place.give(place.path)
        place.files.mkdir()
        place.give(place.files)
        yield place


@cache
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ed25519_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def openssh_text(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def public_line(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


def fingerprint(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    """As `ssh-keygen -l` writes it, with the key's type before it."""
    kind, encoded = public_line(key).split()[:2]
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(encoded)).digest()).decode().rstrip("=")
    return f"{kind.decode()} SHA256:{digest}"


@contextmanager
def openssh(
    place: Ground,
    *,
    host_key: RSAPrivateKey | Ed25519PrivateKey,
    lets_in: Sequence[Ed25519PrivateKey],
    options: Sequence[str] = (),
    internal_options: str = "",
    disk_bytes: int | None = None,
) -> Iterator[int]:
    """OpenSSH serves the place's files over SFTP; its port. ``internal_options``: those of sftp-server(8).
    ``disk_bytes``: they lie on a file system of that size."""
    keeps = place.keep("host_key", openssh_text(host_key) + b"\n")
    allowed = place.keep("authorized_keys", b"\n".join(public_line(key) for key in lets_in) + b"\n")
    lines = [
        *options,
        "ListenAddress 127.0.0.1",
        f"HostKey {keeps}",
        "PidFile none",
        "UsePAM no",
        "StrictModes no",
        "UseDNS no",
        "MaxStartups 100",
        f"AuthorizedKeysFile {allowed}",
        f"ForceCommand internal-sftp -d {place.files} {internal_options}",
        "Subsystem sftp internal-sftp",
    ]
    settings = place.keep("sshd_config", "\n".join(lines).encode() + b"\n")
    sshd = _reachable("sshd", place)

    def command(port: int) -> list[str]:
        run = [str(sshd), "-D", "-e", "-f", str(settings), "-p", str(port)]
        return run if disk_bytes is None else [*_on_a_disk_of(disk_bytes, place), *run]

    with _started(command, place, says=b"Server listening") as port:
        yield port


@contextmanager
def proftpd(
    place: Ground, *, directives: Sequence[str], address: str = "127.0.0.1", disk_bytes: int | None = None
) -> Iterator[int]:
    """ProFTPD serves the place's files to USER with PASSWORD; its port."""
    account = place.account
    users = place.keep("users", f"{USER}:{_HASH}:{account.pw_uid}:{account.pw_gid}::{place.files}:/bin/sh\n".encode())
    server = _reachable("proftpd", place)

    def command(port: int) -> list[str]:
        lines = [
            "ServerType standalone",
            "ServerName files",
            f"DefaultAddress {address}",
            "SocketBindTight on",
            f"Port {port}",
            f"ModulePath {server.parents[1] / 'lib' / 'proftpd'}",
            "LoadModule mod_tls.c",
            "LoadModule mod_sftp.c",
            f"User {account.pw_name}",
            f"Group {grp.getgrgid(account.pw_gid).gr_name}",
            f"AuthUserFile {users}",
            "AuthOrder mod_auth_file.c",
            "RequireValidShell off",
            "UseReverseDNS off",
            "WtmpLog off",
            "TransferLog none",
            f"ScoreboardFile {place.path / 'scoreboard'}",
            f"PidFile {place.path / 'pid'}",
            "DelayEngine off",
            *directives,
            "AllowOverwrite on",  # The first of two is heard.
        ]
        settings = place.keep("proftpd.conf", "\n".join(lines).encode() + b"\n")
        run = [str(server), "-n", "-c", str(settings)]
        return run if disk_bytes is None else [*_on_a_disk_of(disk_bytes, place), *run]

    with _started(command, place, says=b"STARTUP", address=address) as port:
        yield port


def free_ports(count: int, *addresses: str) -> list[int]:
    """Ports that nothing listens on at any of the addresses, at this moment."""
    found: list[int] = []
    held: list[socket.socket] = []
    try:
        while len(found) < count:
            first = socket.create_server((addresses[0], 0))
            held.append(first)
            port = first.getsockname()[1]
            try:
                held += [socket.create_server((address, port)) for address in addresses[1:]]
            except OSError:
                continue
            found.append(port)
    finally:
        for one in held:
            one.close()
    return found


# ------------------------------------------------------------------ private


@contextmanager
def _started(
    command: Callable[[int], list[str]], place: Ground, *, says: bytes, address: str = "127.0.0.1"
) -> Iterator[int]:
    """The server runs and has said that it listens. Its port was free a moment before, so another may be tried."""
    as_root = os.geteuid() == 0
    for _ in range(_TRIES):
        port = free_ports(1, address)[0]
        server = subprocess.Popen(
            command(port),
            cwd="/",
            env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": _libraries(place)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            user=place.account.pw_uid if as_root else None,
            group=place.account.pw_gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
        assert server.stderr is not None
        said = b""
        for line in server.stderr:
            said += line
            if says in line:
                break
        else:
            server.wait(10)
            server.stderr.close()
            continue
        drain = threading.Thread(target=server.stderr.read, daemon=True)
        drain.start()
        try:
            _await_answer(port, address)
            yield port
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(10)
            drain.join(10)
            server.stderr.close()
        return
    raise AssertionError(f"the server did not start: {said.decode(errors='replace')}")


def _await_answer(port: int, address: str) -> None:
    """ProFTPD says that it starts a moment before it listens."""
    pause = threading.Event()
    for _ in range(200):
        try:
            socket.create_connection((address, port), 5).close()
        except ConnectionRefusedError:
            pause.wait(0.01)
        else:
            return
    raise AssertionError("the server does not listen")


def _on_a_disk_of(size_bytes: int, place: Ground) -> list[str]:
    """What runs a command with the place's files on a small file system of its own, seen by that command alone.

    Raises NotRun where ordinary accounts may not make name spaces.
    """
    probe = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    if subprocess.run(probe, check=False, capture_output=True).returncode != 0:
        raise NotRun("this machine does not let a test make a small file system")
    account = place.account
    script = (
        f"mount -t tmpfs -o size={size_bytes},mode=777 none '{place.files}' && "
        f'exec unshare --user --map-user={account.pw_uid} --map-group={account.pw_gid} "$@"'
    )
    return [*probe[:-1], "sh", "-c", script, "sh"]


def _reachable(name: str, place: Ground) -> Path:
    """The program, where the account can run it: a copy when the repository lies under a folder of root alone."""
    found = program(name)
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o005 == 0o005 for folder in found.parents):
        return found
    copied = place.path / "usr"
    if not copied.exists():
        for part in ("sbin", "lib"):
            shutil.copytree(UNPACKED / part, copied / part, symlinks=True)
    return copied / "sbin" / name


def _libraries(place: Ground) -> str:
    """The folders of what came unpacked with the servers."""
    roots = [place.path / "usr", UNPACKED, UNPACKED.parent]
    return os.pathsep.join(str(folder) for root in roots for folder in sorted(root.glob("lib/*-linux-gnu*")))
