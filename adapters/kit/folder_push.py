"""What malls that take stock files from a folder share: whole files under a name of their request, looked for and taken back.

The put itself is ``sftp.py`` and ``ftps.py``: written under another name, its size checked, then renamed.
"""

from collections.abc import Callable, Iterable

from adapters.kit.files_over import Fault, Listed, Removed, outcome_of_put
from adapters.kit.mall import ConnectionTested, NotSent, ReadFailed
from adapters.kit.push_file import Batch, BatchAccess, Given
from ledger.terms import Outcome, Result

# What no other try of the same file changes, and no listing is guilty of: a person looks at the folder.
_FOLDER_AT_FAULT = frozenset({Fault.FOLDER_NOT_THERE, Fault.PERMISSION_DENIED, Fault.RENAME_REFUSED})


def put_batch(access: BatchAccess, batch: Batch, folder: str, name: str, content: Iterable[bytes]) -> Given:
    """The file lies in the folder under its name, whole; or nothing has the name; or nobody knows. It replaces nothing:
    the name is the request's own, so a file that has it is this one, put before.
    """
    reply = access.folders().put(folder, name, content, replace=False)
    if isinstance(reply, NotSent) and reply.reason == Fault.NAME_EXISTS:
        return Given(batch.outcomes(Outcome(Result.ACCEPTED)), name)
    return Given(batch.outcomes(outcome_of_put(reply)), name)


def in_the_way(access: BatchAccess, folder: str, waits: Callable[[str], bool]) -> str | ReadFailed | None:
    """None when no file for which ``waits`` lies in the folder: the mall has taken what was there."""
    listed = access.folders().list(folder)
    if isinstance(listed, ReadFailed):
        return listed
    return "file_waiting" if any(waits(entry.name) for entry in listed.entries) else None


def names_in(access: BatchAccess, folder: str) -> frozenset[str] | ReadFailed:
    """The names of the folder's files."""
    listed = access.folders().list(folder)
    return frozenset(entry.name for entry in listed.entries) if isinstance(listed, Listed) else listed


def take_back(access: BatchAccess, folder: str, name: str) -> bool:
    """The file was still there and is gone: the mall never had it. False: it was not there, or nobody knows."""
    return isinstance(access.folders().remove(folder, name), Removed)


def tested(access: BatchAccess, folders: Iterable[str]) -> ConnectionTested:
    """Whether the folders can be listed; changes nothing."""
    for folder in folders:
        listed = access.folders().list(folder)
        if isinstance(listed, ReadFailed):
            return ConnectionTested(False, _why(listed.code, folder))
    return ConnectionTested(True, "ファイルサーバーに接続し、フォルダを確認しました。 / The folders were listed.")


def _why(code: str, folder: str) -> str:
    where = folder or "ログイン後のフォルダ"
    if code in _FOLDER_AT_FAULT:
        return (
            f"フォルダ {where} を読めません（{code}）。モール側でオプションの契約とフォルダを確かめてください。"
            f" / The folder {folder or 'after login'} cannot be listed ({code}): check it, and that the mall's option is bought."
        )
    return _SENTENCES.get(code) or (
        f"ファイルサーバーに接続できませんでした（{code}）。ホスト、ポート、プロトコルを確かめ、しばらくしてからもう一度お試しください。"
        f" / The file server was not reached ({code}): check host, port and protocol, then test again."
    )


_SENTENCES: dict[str, str] = {
    Fault.HOST_KEY_UNCONFIRMED: (
        "ホスト鍵がまだ確認されていません。指紋をモールの案内と見比べ、確認してください。"
        " / The server's host key is not confirmed yet: compare its fingerprint with the mall's, then confirm it."
    ),
    Fault.HOST_KEY_CHANGED: (
        "ホスト鍵が確認済みのものと違います。なりすましの恐れがあるため、送信を止めました。モールの告知を確かめてから、新しい指紋を確認してください。"
        " / The host key is not the confirmed one, so nothing was told to this server: ask the mall, then confirm the new one."
    ),
    Fault.ALGORITHMS_TOO_OLD: (
        "サーバーの暗号方式が古いため接続しませんでした。モールが案内しているサーバーなら file_old_algorithms=yes を設定してください。"
        " / The server offers only old algorithms; set file_old_algorithms=yes if it is the mall's own."
    ),
    Fault.CERTIFICATE_REFUSED: (
        "サーバー証明書を検証できません。ホスト名を確かめるか、file_certificate にモールの証明書を登録してください。"
        " / The certificate could not be verified: check the host name, or enter the mall's certificate as file_certificate."
    ),
    Fault.TLS_NOT_OFFERED: (
        "サーバーが暗号化（TLS）に対応していません。平文のFTPは、全員に読まれることを承知のうえで file_plain_accepted=yes のときだけ使えます。"
        " / The server offers no TLS; plain FTP needs file_protocol=ftp_plain and file_plain_accepted=yes."
    ),
    Fault.PLAIN_NOT_DECLARED: (
        "平文のFTPはユーザー名・パスワード・在庫が途中で読まれます。承知のうえで使うときだけ file_plain_accepted=yes を設定してください。"
        " / Plain FTP can be read by everyone on the way; set file_plain_accepted=yes only if you accept that."
    ),
    Fault.LOGIN_REFUSED: (
        "ユーザー名かパスワードが受け付けられませんでした。期限切れの場合はモールで再発行してください。"
        " / User name or password was not accepted; it may have expired: get a new one from the mall."
    ),
}
