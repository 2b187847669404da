"""Read what Yahoo!ショッピング shows, over getStock (在庫参照API), and test a connection with the same call."""

from collections.abc import Sequence

from adapters.kit.answers import read_failed
from adapters.kit.mall import Answer, ConnectionTested, DueWarning, ReadFailed, ShopAccess
from adapters.yahoo_shopping.access import RELOGIN_NEEDED, call, due_warnings, log_in
from adapters.yahoo_shopping.codes import is_listing, joined
from adapters.yahoo_shopping.orders import warnings as order_warnings
from adapters.yahoo_shopping.refusals import outcome_of
from adapters.yahoo_shopping.replies import Refusal, StockResult, Unreadable, read_reply
from ledger.terms import ListingKey, ListingRead, Outcome, Result

BATCH_MAX = 1_000  # getStock: codes in one request


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """What Yahoo! shows for each listing, in order: blank is None, a number below zero (sold by overdraft) is 0.

    ``sellable`` False: 在庫クローズ or not published; such a page stays sold out whatever number it has (D9).
    """
    assert 0 < len(keys) <= BATCH_MAX, len(keys)
    asked = [key for key in keys if is_listing(key)]
    reads: dict[ListingKey, ListingRead] = {}
    if asked:
        found = _ask(access, asked)
        if isinstance(found, ReadFailed):
            return found
        reads = {result.key: _read(result) for result in found}
        if any(key not in reads for key in asked):
            return ReadFailed(Result.TRANSIENT, "answer_incomplete")
    return [reads.get(key, ListingRead(key, None, found=False, sellable=False)) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the store answers getStock for a code that no store has; changes no stock. A pasted login code is used first."""
    warnings: list[DueWarning] = []
    if access.secrets.get("authorization_code", ""):
        failed = log_in(access)
        if failed is not None:
            warnings.append(
                DueWarning("authorization_code_refused", f"認可コードでログインできませんでした（{failed.code}）。")
            )
    answer = call(access, "getStock", {"item_code": access.profile.text("api.connection_test_code")})
    warnings.extend(due_warnings(access))
    if isinstance(answer, Outcome):
        return ConnectionTested(False, _why(answer), tuple(warnings))
    reply = read_reply(answer.body, busy_message=access.profile.text("api.busy_message"))
    if isinstance(reply, tuple):
        return ConnectionTested(
            True,
            "在庫参照API（getStock）で接続を確認しました。",
            tuple(warnings + _key_warnings(access, answer) + order_warnings(access)),
        )
    code = reply.code if isinstance(reply, Refusal) else reply.reason
    return ConnectionTested(False, _why(Outcome(Result.REJECTED, code or f"http_{answer.status}")), tuple(warnings))


def _ask(access: ShopAccess, keys: Sequence[ListingKey]) -> tuple[StockResult, ...] | ReadFailed:
    names = ",".join(joined(key) for key in dict.fromkeys(keys))
    answer = call(access, "getStock", {"item_code": names})
    if isinstance(answer, Outcome):
        return failed_read(answer)
    reply = read_reply(answer.body, busy_message=access.profile.text("api.busy_message"))
    if isinstance(reply, tuple) and answer.status in (200, 207) and not any(result.error for result in reply):
        return reply
    if isinstance(reply, Refusal) and reply.code:
        return failed_read(outcome_of(reply, access.profile) or Outcome(Result.TRANSIENT, reply.code))
    if answer.status in (200, 207):
        return ReadFailed(Result.TRANSIENT, reply.reason if isinstance(reply, Unreadable) else "answer_incomplete")
    return read_failed(answer)


def failed_read(outcome: Outcome) -> ReadFailed:
    """Why no numbers were said."""
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


def _read(result: StockResult) -> ListingRead:
    units = None if result.units is None else max(0, result.units)
    return ListingRead(
        result.key, units if result.found else None, found=result.found, sellable=result.found and result.sellable
    )


def _why(outcome: Outcome) -> str:
    if outcome.code == RELOGIN_NEEDED:
        return "ログインの有効期限が切れています。Yahoo! JAPAN IDでログインし直し、認可コードを登録してください。"
    if outcome.result is Result.REJECTED_AUTH:
        return f"Yahoo!ショッピングが接続情報を受け付けません（{outcome.code}）。ストアアカウント、Client ID、シークレット、公開鍵を確かめてください。"
    return f"Yahoo!ショッピングから在庫を読めませんでした（{outcome.code}）。しばらくしてからもう一度お試しください。"


def _key_warnings(access: ShopAccess, answer: Answer) -> list[DueWarning]:
    said = answer.headers.get("x-sws-authorize-status", "")
    if not said or said == access.profile.text("api.authorize_status_ok"):
        return []
    return [
        DueWarning(
            "public_key_not_accepted",
            "公開鍵が受け付けられていません。期限とバージョンを確かめ、必要なら再発行してください。",
        )
    ]
