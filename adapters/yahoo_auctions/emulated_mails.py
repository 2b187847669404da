"""The mails of the emulated auction house, as NOTES.md says they look, with invented goods and no persons."""

from datetime import datetime

from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST

SENDER = "auction-master@mail.yahoo.co.jp"
MALL = "Yahoo!オークション - "
PRICE_YEN = 10_000
_RULE = "￣" * 10


def won(seller: str, auction: str, title: str, ended_at: datetime, *, lots: int, offered: int) -> bytes:
    """終了（落札者あり）: it names the auction and, when several lots were offered, how many were won."""
    several = f"個数：{offered:,}\n落札個数：{lots:,}\n" if offered > 1 or lots > 1 else ""
    text = _text(seller, "おめでとうございます！　商品が落札されました。", auction, title, ended_at) + (
        f"{several}-----------------------------------\n入札件数：1\n落札金額：{PRICE_YEN:,} 円\n"
    )
    return _mail(seller, f"終了（落札者あり）：{title}({auction})", f"won-{auction}", ended_at, text)


def unsold(seller: str, auction: str, title: str, ended_at: datetime) -> bytes:
    """終了（落札者なし）."""
    text = _text(seller, "残念ながら、落札されませんでした。", auction, title, ended_at)
    return _mail(seller, f"終了（落札者なし）：{title}({auction})", f"unsold-{auction}", ended_at, text)


def relisted(seller: str, auction: str, new: str, title: str, at: datetime) -> bytes:
    """自動再出品: the old id behind its label, the new one in a link."""
    text = (
        f"{seller}様\n\n下記の商品が自動再出品されました。\n\n商品：{title}\nオークションID：{auction}\n"
        f"https://page.auctions.yahoo.co.jp/jp/auction/{new}\n"
    )
    return _mail(seller, f"自動再出品：{title}({auction})", f"relisted-{auction}", at, text)


def bid(seller: str, auction: str, title: str, at: datetime) -> bytes:
    """入札がありました."""
    text = f"{seller}様\n\n入札がありました。\n\n商品：{title}\nオークションID：{auction}\n"
    return _mail(seller, f"入札がありました：{title}({auction})", f"bid-{auction}-{at:%Y%m%d%H%M%S}", at, text)


def cancelled(seller: str, auction: str, title: str, at: datetime) -> bytes:
    """落札者の削除, by the winner's fault."""
    text = f"{seller}様\n\n落札者を削除しました。\n\n商品：{title}\nオークションID：{auction}\n理由：落札者都合\n"
    return _mail(seller, f"落札者の削除：{title}({auction})", f"cancel-{auction}", at, text)


def _text(seller: str, said: str, auction: str, title: str, ended_at: datetime) -> str:
    end = ended_at.astimezone(JST)
    return (
        f"{seller}様\n{said}\n\nオークション情報\n{_RULE}\n商品：{title}\nオークションID：{auction}\n"
        f"開始価格：{PRICE_YEN:,} 円\n開始日時：{end.month}月 1日 0時 0分\n"
        f"終了日時：{end.month}月 {end.day}日 {end.hour}時 {end.minute}分\n"
    )


def _mail(seller: str, subject: str, name: str, sent_at: datetime, text: str) -> bytes:
    return write_mail(
        subject=MALL + subject,
        sender=SENDER,
        recipient=f"{seller}@example.jp",
        sent_at=sent_at.astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{name}@mail.yahoo.co.jp>",
    )
