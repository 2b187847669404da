"""What a shop says about the server its stock files go to: settings every mall with such files declares alike, and how they
are read into a login and the ways of SFTP or FTPS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from adapters.kit.files_over import Login
from adapters.kit.ftps import FtpWays
from adapters.kit.ftps_wire import Security
from adapters.kit.mall import Setting
from adapters.kit.sftp import SftpWays

HOST_KEYS = "file_host_keys"
YES = "yes"


class FileSettingNotAccepted(ValueError):
    """A setting of the file server that is missing or not of the expected form."""


class Protocol(StrEnum):
    """How the server is spoken to: the setting ``file_protocol``."""

    SFTP = "sftp"
    FTPS = "ftps"
    FTPS_IMPLICIT = "ftps_implicit"
    FTP_PLAIN = "ftp_plain"


PORTS = {Protocol.SFTP: 22, Protocol.FTPS: 21, Protocol.FTPS_IMPLICIT: 990, Protocol.FTP_PLAIN: 21}


@dataclass(frozen=True, slots=True)
class FileServer:
    """Where files go and how. ``ways`` is of SFTP or of FTP; ``certificate``: PEM text that verifies an FTPS server, "" the usual ones."""

    login: Login
    ways: SftpWays | FtpWays
    certificate: str = ""


def file_settings(*, host: str, protocol: Protocol, where: str) -> tuple[Setting, ...]:
    """The settings of a shop's file server. ``host`` "": the merchant enters it; ``where``: where user and password are found."""

    def one(name: str, label: str, said: str, *, secret: bool = False, default: str = "", example: str = "") -> Setting:
        return Setting(name, label, said, secret, required=False, default=default, example=example, for_files=True)

    return (
        one(
            "file_protocol",
            "ファイルのプロトコル",
            "sftp、ftps、ftps_implicit、ftp_plain のいずれかです。",
            default=protocol,
        ),
        one("file_host", "ファイルサーバー", where, default=host, example=host or "files.example.jp"),
        one("file_port", "ポート", "空欄なら sftp 22、ftps 21、ftps_implicit 990、ftp_plain 21 です。"),
        one("file_user", "ファイルサーバーのユーザー名", where, example="sample-user"),
        one("file_password", "ファイルサーバーのパスワード", where, secret=True),
        one("file_private_key", "秘密鍵", "鍵でログインするときだけ、OpenSSHまたはPEMの全文を貼ります。", secret=True),
        one("file_private_key_passphrase", "秘密鍵のパスフレーズ", "秘密鍵に付けたときだけ入れます。", secret=True),
        one(
            HOST_KEYS,
            "確認済みのホスト鍵",
            "`daicho shop test` で指紋を見比べて確認すると入ります。複数はカンマで区切ります。",
        ),
        one(
            "file_old_algorithms",
            "古い暗号方式を許す",
            "サーバーが古い方式しか持たないときだけ yes にします。",
            default="no",
        ),
        one(
            "file_direct",
            "名前を変えずに直接書く",
            "サーバーがファイル名の変更を拒むときだけ yes にします。",
            default="no",
        ),
        one("file_certificate", "サーバー証明書", "FTPSで独自の証明書を使うサーバーのとき、PEMの全文を貼ります。"),
        one(
            "file_plain_accepted",
            "平文FTPの承知",
            "ftp_plain はユーザー名・パスワード・在庫が途中で誰にでも読めます。承知のうえで使うときだけ yes にします。",
            default="no",
        ),
    )


def server_of(settings: Mapping[str, str], secrets: Mapping[str, str], defaults: Mapping[str, str]) -> FileServer:
    """The server these settings name; ``defaults`` stand for blank ones. Raises FileSettingNotAccepted, quoting no value of a secret."""

    def said(name: str) -> str:
        return settings.get(name, "").strip() or defaults.get(name, "")

    protocol = _protocol(said("file_protocol"))
    host, user = said("file_host"), said("file_user")
    missing = next((name for name, value in (("file_host", host), ("file_user", user)) if not value), None)
    if missing is not None:
        raise FileSettingNotAccepted(
            f"setting {missing} is empty; expected it to be entered: daicho shop add … --setting {missing}=VALUE"
        )
    login = Login(
        host=host,
        port=_port(said("file_port"), protocol),
        user=user,
        password=secrets.get("file_password", ""),
        private_key=secrets.get("file_private_key", ""),
        passphrase=secrets.get("file_private_key_passphrase", ""),
    )
    if not (login.password or login.private_key):
        raise FileSettingNotAccepted(
            "neither file_password nor file_private_key is entered; expected one: daicho shop add … --secret file_password=-"
        )
    direct = said("file_direct") == YES
    if protocol is Protocol.SFTP:
        keys = confirmed_keys(settings)
        return FileServer(
            login, SftpWays(host_keys=keys, old_algorithms=said("file_old_algorithms") == YES, direct=direct)
        )
    security = {
        Protocol.FTPS: Security.EXPLICIT_TLS,
        Protocol.FTPS_IMPLICIT: Security.IMPLICIT_TLS,
        Protocol.FTP_PLAIN: Security.PLAIN,
    }[protocol]
    plain = said("file_plain_accepted") == YES
    return FileServer(login, FtpWays(security=security, plain_declared=plain, direct=direct), said("file_certificate"))


def confirmed_keys(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The fingerprints a person confirmed, each as ``SHA256:…`` with the key's type before it or not."""
    return tuple(part.strip() for part in settings.get(HOST_KEYS, "").split(",") if part.strip())


def is_entered(settings: Mapping[str, str], secrets: Mapping[str, str]) -> bool:
    """Whether a user and a password or key of the file server were entered."""
    return bool(settings.get("file_user") and (secrets.get("file_password") or secrets.get("file_private_key")))


def _protocol(text: str) -> Protocol:
    try:
        return Protocol(text)
    except ValueError:
        raise FileSettingNotAccepted(f"file_protocol {text!r}; expected one of {', '.join(Protocol)}") from None


def _port(text: str, protocol: Protocol) -> int:
    if not text:
        return PORTS[protocol]
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65_536):
        raise FileSettingNotAccepted(f"file_port {text!r}; expected a number from 1 to 65535")
    return int(text)
