"""SFTP requests one by one: the importer of paramiko. Its files are not used, since they swallow what a server says at closing.

Every write is acknowledged and every refusal keeps its code. Which key exchange, ciphers and host keys are taken is
decided here. All calls raise; ``sftp.py`` makes outcomes of that.
"""

import hashlib
import io
import logging
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import paramiko  # type: ignore[import-untyped]
import paramiko.kex_group14  # type: ignore[import-untyped]
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko import sftp as protocol

from adapters.kit.file_call import says_full
from adapters.kit.files_over import CHUNK_BYTES

# What the transport, its thread and a malformed answer can end in.
WIRE_ERRORS = (paramiko.SSHException, paramiko.SFTPError, EOFError, OSError, ValueError, struct.error, LookupError)

NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, UNSUPPORTED = 2, 3, 4, 8
FILE_EXISTS, DISK_FULL, QUOTA_USED = 11, 14, 15  # Of later drafts of the protocol; some servers of version 3 say them.
UNACKNOWLEDGED_MAX = 32
# CBC and SHA-1 or MD5 digests: https://www.rfc-editor.org/rfc/rfc9142 and the defaults of OpenSSH since 6.7.
OLD_CIPHERS = ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc")
OLD_DIGESTS = ("hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96")


class Refused(Exception):
    """The server answered a request with a status that is not success. ``full``: it said that its disk or quota is."""

    def __init__(self, code: int, *, full: bool = False) -> None:
        super().__init__(f"status {code}")
        self.code = code
        self.full = full or code in (DISK_FULL, QUOTA_USED)


class KeyNotRead(ValueError):
    """The private key's text is not one of an RSA, ECDSA or Ed25519 key, or the passphrase does not open it."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """One entry as the server lists it. ``is_file`` None: the server does not say."""

    name: bytes
    size_bytes: int | None
    modified_seconds: int | None
    is_file: bool | None


class _OldRsaKey(paramiko.RSAKey):  # type: ignore[misc]
    """A host key that signs with SHA-1, which the library itself no longer takes."""

    HASHES = paramiko.RSAKey.HASHES | {"ssh-rsa": hashes.SHA1}


class _OldGroup14(paramiko.kex_group14.KexGroup14SHA256):  # type: ignore[misc]
    name = "diffie-hellman-group14-sha1"
    hash_algo = hashlib.sha1


class _OldTransport(paramiko.Transport):  # type: ignore[misc]
    """Takes SHA-1 host keys and key exchange too, after everything else."""

    _preferred_keys = (*paramiko.Transport._preferred_keys, "ssh-rsa")  # noqa: SLF001
    _preferred_kex = (*paramiko.Transport._preferred_kex, _OldGroup14.name)  # noqa: SLF001
    _key_info = paramiko.Transport._key_info | {"ssh-rsa": _OldRsaKey}  # noqa: SLF001
    _kex_info = paramiko.Transport._kex_info | {_OldGroup14.name: _OldGroup14}  # noqa: SLF001


def transport_over(connection: object, *, old_algorithms: bool, host_keys: Sequence[str]) -> paramiko.Transport:
    """A transport that has not begun. Host keys of the confirmed types are asked for first, as OpenSSH does it."""
    silence_the_library()
    kind = _OldTransport if old_algorithms else paramiko.Transport
    old = {} if old_algorithms else {"ciphers": OLD_CIPHERS, "macs": OLD_DIGESTS}
    transport = kind(connection, disabled_algorithms=old)
    transport.daemon = True
    options = transport.get_security_options()
    confirmed = {key.split()[0] for key in host_keys if " " in key.strip()}
    options.key_types = sorted(options.key_types, key=lambda algorithm: _type_of(algorithm) not in confirmed)
    return transport


def fingerprint_of(transport: paramiko.Transport) -> str:
    """The server's host key as ``ssh-keygen -l`` writes it, with its type before it: ``ssh-ed25519 SHA256:…``."""
    key = transport.get_remote_server_key()
    return f"{key.get_name()} {str(key.fingerprint).rstrip('=')}"


def is_confirmed(seen: str, host_keys: Sequence[str]) -> bool:
    """Whether the fingerprint is one of those; they may stand with or without their type and padding."""
    found = seen.split()[-1]
    return any(key.split()[-1].rstrip("=") == found for key in host_keys if key.strip())


def private_key(text: str, passphrase: str) -> paramiko.PKey:
    """The key of this text: OpenSSH or PEM. Raises KeyNotRead, whose message never holds any of it."""
    raw, opened_by = text.strip().encode() + b"\n", passphrase.encode() or None
    load = serialization.load_ssh_private_key if b"BEGIN OPENSSH" in raw[:64] else serialization.load_pem_private_key
    try:
        key = load(raw, opened_by)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyNotRead("the private key could not be read") from None
    kinds = {rsa.RSAPrivateKey: paramiko.RSAKey, ec.EllipticCurvePrivateKey: paramiko.ECDSAKey}
    kinds[ed25519.Ed25519PrivateKey] = paramiko.Ed25519Key
    for kind, wanted in kinds.items():
        if isinstance(key, kind):
            plain = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
            return wanted.from_private_key(io.StringIO(plain.decode()))
    raise KeyNotRead("the private key is of a kind that is not known")


class SftpWire(paramiko.SFTPClient):  # type: ignore[misc]
    """One SFTP session. Paths are the server's. Every call raises Refused or one of WIRE_ERRORS."""

    def create(self, path: str, *, new: bool) -> bytes:
        """The file is open for writing and empty; its handle. ``new``: refused when something has the name."""
        flags = protocol.SFTP_FLAG_WRITE | protocol.SFTP_FLAG_CREATE
        flags |= protocol.SFTP_FLAG_EXCL if new else protocol.SFTP_FLAG_TRUNC
        return self._handle(protocol.CMD_OPEN, path, flags, paramiko.SFTPAttributes())

    def write_all(self, handle: bytes, content: Iterable[bytes]) -> int:
        """All of the content is acknowledged; how many bytes. At most UNACKNOWLEDGED_MAX chunks are on their way at once."""
        acknowledged = _Acknowledgements(self)
        size_bytes = 0
        for chunk in _chunks(content):
            self._async_request(acknowledged, protocol.CMD_WRITE, handle, protocol.int64(size_bytes), chunk)
            size_bytes += len(chunk)
            acknowledged.sent += 1
            while acknowledged.sent - acknowledged.came >= UNACKNOWLEDGED_MAX:
                self.hear_one()
            acknowledged.check()
        acknowledged.finish()
        return size_bytes

    def hear_one(self) -> None:
        """One more answer has been taken in."""
        self._read_response()

    def read_all(self, handle: bytes) -> Iterator[bytes]:
        """The file's content from its beginning."""
        offset = 0
        while True:
            try:
                kind, answer = self._request(protocol.CMD_READ, handle, protocol.int64(offset), CHUNK_BYTES)
            except EOFError:
                return
            self._expect(kind, protocol.CMD_DATA)
            part: bytes = answer.get_binary()
            if not part:
                return
            offset += len(part)
            yield part

    def open_for_reading(self, path: str) -> bytes:
        """The handle of an open file."""
        return self._handle(protocol.CMD_OPEN, path, protocol.SFTP_FLAG_READ, paramiko.SFTPAttributes())

    def finish(self, handle: bytes) -> None:
        """The file is closed; what the server says to that is heard."""
        self._request(protocol.CMD_CLOSE, handle)

    def size_of(self, path: str) -> int | None:
        """The size of what has the name; when the server does not say it, what reading it gives; None: nothing has it."""
        try:
            told: int | None = self.stat(path).st_size
        except Refused as refused:
            if refused.code == NO_SUCH_FILE:
                return None
            raise
        if told is not None:
            return told
        handle = self.open_for_reading(path)
        size_bytes = sum(len(part) for part in self.read_all(handle))
        self.finish(handle)
        return size_bytes

    def size_of_open(self, handle: bytes) -> int | None:
        """The size of an open file; None: the server does not say."""
        kind, answer = self._request(protocol.CMD_FSTAT, handle)
        self._expect(kind, protocol.CMD_ATTRS)
        told: int | None = paramiko.SFTPAttributes._from_msg(answer).st_size  # noqa: SLF001
        return told

    def entries(self, folder: str) -> Iterator[FolderEntry]:
        """What the folder holds, in the server's order, without the folder itself and its parent."""
        handle = self._handle(protocol.CMD_OPENDIR, folder)
        while True:
            try:
                kind, answer = self._request(protocol.CMD_READDIR, handle)
            except EOFError:
                self.finish(handle)
                return
            self._expect(kind, protocol.CMD_NAME)
            for _ in range(answer.get_int()):
                name: bytes = answer.get_binary()
                answer.get_binary()  # The line `ls -l` would show.
                told = paramiko.SFTPAttributes._from_msg(answer)  # noqa: SLF001
                if name not in (b".", b".."):
                    is_file = None if told.st_mode is None else told.st_mode & 0o170000 in (0, 0o100000)
                    yield FolderEntry(name, told.st_size, told.st_mtime, is_file)

    def has_no_space(self, folder: str) -> bool:
        """Whether the disk of the folder has no room for one more chunk; False where the server cannot say."""
        try:
            kind, answer = self._request(protocol.CMD_EXTENDED, "statvfs@openssh.com", folder)
            self._expect(kind, protocol.CMD_EXTENDED_REPLY)
        except Refused:
            return False
        # statvfs@openssh.com: bsize, frsize, blocks, bfree, bavail, files, ffree, favail, …
        numbers = [answer.get_int64() for _ in range(8)]
        return bool(numbers[1] * numbers[4] < CHUNK_BYTES or (numbers[5] > 0 and numbers[7] == 0))

    def _handle(self, *request: object) -> bytes:
        kind, answer = self._request(*request)
        self._expect(kind, protocol.CMD_HANDLE)
        found: bytes = answer.get_binary()
        return found

    def _expect(self, kind: int, expected: int) -> None:
        if kind != expected:
            raise paramiko.SFTPError("another kind of answer")

    def _convert_status(self, answer: paramiko.Message) -> None:
        """The library's own turns most codes into one error with the server's words."""
        code = answer.get_int()
        if code == protocol.SFTP_EOF:
            raise EOFError
        if code != protocol.SFTP_OK:
            raise Refused(code, full=says_full(answer.get_binary().decode("ascii", "replace")))

    def status_of(self, answer: paramiko.Message) -> Refused | None:
        """The refusal that a status message is; None: success."""
        try:
            self._convert_status(answer)
        except Refused as refused:
            return refused
        except EOFError:
            return Refused(protocol.SFTP_EOF)
        return None


class _Acknowledgements:
    """Counts the answers to writes, in whatever order they come, and keeps the first refusal."""

    def __init__(self, wire: SftpWire) -> None:
        self._wire = wire
        self._refused: Refused | None = None
        self.sent = 0
        self.came = 0

    def _async_response(self, kind: int, answer: paramiko.Message, number: int) -> None:  # noqa: ARG002  (called by the library)
        self.came += 1
        refused = self._wire.status_of(answer) if kind == protocol.CMD_STATUS else Refused(FAILURE)
        self._refused = self._refused or refused

    def check(self) -> None:
        """Raises the first refusal, when there is one already."""
        if self._refused is not None:
            self.finish()

    def finish(self) -> None:
        """Every answer is here. Raises the first refusal among them."""
        while self.came < self.sent:
            self._wire.hear_one()
        if self._refused is not None:
            raise self._refused


def silence_the_library() -> None:
    """The library logs names of users and files, and the server's words."""
    for name in ("paramiko", "paramiko.transport", "paramiko.transport.sftp"):
        logging.getLogger(name).addFilter(_silence)


def _silence(record: logging.LogRecord) -> bool:  # noqa: ARG001  (the shape of a filter)
    return False


def _type_of(algorithm: str) -> str:
    """The key type that signs with this algorithm (an RSA key has several)."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def _chunks(content: Iterable[bytes]) -> Iterator[bytes]:
    """The content in pieces of CHUNK_BYTES, the last one shorter."""
    waiting = bytearray()
    for part in content:
        waiting += part
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)
