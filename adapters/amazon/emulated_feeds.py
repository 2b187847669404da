"""Feeds of an emulated seller: documents, the states IN_QUEUE, IN_PROGRESS, DONE, FATAL and CANCELLED, and gzipped reports.

A feed is applied at the moment it is DONE, message by message, as a PATCH would be. Faults are switches of ``Feeds``.
"""

import gzip
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from json import JSONDecodeError, dumps, loads

from adapters.amazon.codes import key_of
from adapters.amazon.emulated_listings import Listings
from adapters.amazon.feeds import CONTENT_TYPE, DOCUMENTS, FEED_TYPE, FEEDS
from adapters.kit.emulated_shop import EmulatedShop

Json = dict[str, object]
ADDRESS = "/feed-documents/"  # where documents lie; in truth at another host, under a signed address


@dataclass
class EmulatedFeed:
    """One feed. ``state`` moves with time. Mutable: it plays the world outside."""

    feed: str
    made_at: datetime
    document: str
    state: str = "IN_QUEUE"
    report: str = ""


@dataclass
class Feeds:
    """What stands beside the listings. ``ends``: how the next feeds end (FATAL, CANCELLED); then DONE.

    Mutable: it plays the world outside.
    """

    queue_seconds: float = 30.0
    work_seconds: float = 60.0
    ends: list[str] = field(default_factory=list)
    feeds: dict[str, EmulatedFeed] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)

    def settle(self, shop: EmulatedShop, listings: Listings, now: datetime) -> None:
        """Every feed is as far as it is by now, in the order in which they were made."""
        for feed in self.feeds.values():
            waited = (now - feed.made_at).total_seconds()
            if feed.state == "IN_QUEUE" and waited >= self.queue_seconds:
                feed.state = "IN_PROGRESS"
            if feed.state == "IN_PROGRESS" and waited >= self.queue_seconds + self.work_seconds:
                feed.state = self.ends.pop(0) if self.ends else "DONE"
                if feed.state == "DONE":
                    ended = feed.made_at + timedelta(seconds=self.queue_seconds + self.work_seconds)
                    feed.report = self._apply(shop, listings, feed, max(ended, feed.made_at))

    def document(self, address: str) -> Json:
        """createFeedDocument."""
        name = f"document-{len(self.documents) + 1}"
        self.documents[name] = b""
        return {"feedDocumentId": name, "url": f"{address}{ADDRESS.lstrip('/')}{name}"}

    def make(self, body: bytes, now: datetime) -> Json | None:
        """createFeed; None: the request is not valid."""
        try:
            asked = loads(body)
        except (JSONDecodeError, UnicodeDecodeError):
            return None
        document = asked.get("inputFeedDocumentId")
        if asked.get("feedType") != FEED_TYPE or not self.documents.get(document):
            return None
        name = str(3_485_934 + len(self.feeds))
        self.feeds[name] = EmulatedFeed(name, now, document)
        return {"feedId": name}

    def shown(self, feed: EmulatedFeed) -> Json:
        """One feed as getFeed answers it."""
        said: Json = {
            "feedId": feed.feed,
            "feedType": FEED_TYPE,
            "createdTime": feed.made_at.isoformat(),
            "processingStatus": feed.state,
        }
        return said | ({"resultFeedDocumentId": feed.report} if feed.report else {})

    def _apply(self, shop: EmulatedShop, listings: Listings, feed: EmulatedFeed, now: datetime) -> str:
        content = loads(self.documents[feed.document])
        issues: list[Json] = []
        for message in content["messages"]:
            sku, patch = message["sku"], message["patches"][0]
            code = "" if key_of(sku) in shop.stock else "90000"
            said = listings.patch(shop, sku, patch, now) if not code else {"issues": [{"code": code}]}
            found = said["issues"]
            assert isinstance(found, list), found
            issues += [
                {
                    "messageId": message["messageId"],
                    "sku": sku,
                    "code": one["code"],
                    "severity": "ERROR",
                    "message": "…",
                }
                for one in found
            ]
        many = len(content["messages"])
        summary = {"errors": len(issues), "warnings": 0, "messagesProcessed": many}
        summary |= {"messagesAccepted": many - len(issues), "messagesInvalid": len(issues)}
        header = {"sellerId": shop.settings.get("seller_id", ""), "version": "2.0", "feedId": feed.feed}
        name = f"report-{feed.feed}"
        report = dumps({"header": header, "issues": issues, "summary": summary})
        self.documents[name] = gzip.compress(report.encode(), mtime=0)
        return name


def operation_of(method: str, path: str) -> str:
    """The operation of a call to the Feeds API."""
    if path.startswith(DOCUMENTS):
        return "new_document" if method == "POST" else "document"
    return "new_feed" if method == "POST" else "feed" if path != FEEDS else "feeds"


__all__ = ["ADDRESS", "CONTENT_TYPE", "EmulatedFeed", "Feeds", "operation_of"]
