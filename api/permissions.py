"""Who may do what: one table from every door to the scope it needs. A test holds it against the schema and the routes.

Scopes are given to API keys (``daicho key add``). ``read`` shows numbers and logs; ``stock``, ``orders`` and ``listings``
change them; ``shops`` connects shops and turns their switches; ``files`` uploads and applies files; ``messages`` shows
what messages say, other people's text. Raw mails are posted by the address token alone and need no key.
"""

from collections.abc import Collection

SCOPES = ("read", "stock", "orders", "listings", "shops", "files", "messages")

ANY = "any"  # a key is asked for, whatever its scopes

# Root fields of the GraphQL schema.
FIELDS: dict[str, str] = {
    "Query.position": "read",
    "Query.stock": "read",
    "Query.changes": "read",
    "Query.pushes": "read",
    "Query.orders": "read",
    "Query.order": "read",
    "Query.oversells": "read",
    "Query.shops": "read",
    "Query.listings": "read",
    "Query.imports": "read",
    "Query.believed": "read",
    "Query.drift": "read",
    "Query.driftRuns": "read",
    "Query.syncs": "read",
    "Query.exposure": "read",
    "Query.intakeStates": "read",
    "Query.shopWindows": "read",
    "Query.workList": "read",
    "Query.listingDiagnosis": "read",
    "Query.runs": "read",
    "Query.run": "read",
    "Query.importDifferences": "read",
    "Query.setUp": "read",
    "Query.sku": "read",
    "Query.alikeSkus": "read",
    "Query.unifyPreview": "read",
    "Query.diagnosis": "shops",
    "Query.holds": "read",
    "Query.inbox": "orders",
    "Query.orderFetch": "orders",
    "Query.message": "messages",
    "Query.mailboxes": "shops",
    "Mutation.registerSku": "stock",
    "Mutation.setAlias": "stock",
    "Mutation.unifySkus": "stock",
    "Mutation.undoUnifySkus": "stock",
    "Mutation.sendSkuList": "stock",
    "Mutation.overwriteStock": "stock",
    "Mutation.addStock": "stock",
    "Mutation.receiveStock": "stock",
    "Mutation.takeOutStock": "stock",
    "Mutation.keepBackStock": "stock",
    "Mutation.defineSet": "stock",
    "Mutation.takeOrder": "orders",
    "Mutation.cancelOrder": "orders",
    "Mutation.verifyOrder": "orders",
    "Mutation.shipOrder": "orders",
    "Mutation.moveServed": "orders",
    "Mutation.setOrderPriority": "orders",
    "Mutation.closeOrderReview": "orders",
    "Mutation.settleUndecided": "orders",
    "Mutation.reverseCounted": "orders",
    "Mutation.takeReturn": "orders",
    "Mutation.changeOrder": "orders",
    "Mutation.fetchOrders": "orders",
    "Mutation.importOrders": "orders",
    "Mutation.sendShipmentList": "orders",
    "Mutation.placeHold": "orders",
    "Mutation.extendHold": "orders",
    "Mutation.releaseHold": "orders",
    "Mutation.resendMessages": "orders",
    "Mutation.ignoreMessages": "orders",
    "Mutation.rereadMessages": "orders",
    "Mutation.stateShippingSource": "shops",
    "Mutation.readMall": "files",
    "Mutation.linkListing": "listings",
    "Mutation.confirmListings": "listings",
    "Mutation.stopListings": "listings",
    "Mutation.startListings": "listings",
    "Mutation.changeListingSettings": "listings",
    "Mutation.sendListingList": "listings",
    "Mutation.sendSetList": "stock",
    "Mutation.previewImport": "files",
    "Mutation.answerImport": "files",
    "Mutation.applyImport": "files",
    "Mutation.cancelImport": "files",
    "Mutation.undoImport": "files",
    "Mutation.chooseSetUp": "files",
    "Mutation.connectShop": "shops",
    "Mutation.changeShopSettings": "shops",
    "Mutation.startIntake": "shops",
    "Mutation.stopIntake": "shops",
    "Mutation.reviewDryRun": "shops",
    "Mutation.startPush": "shops",
    "Mutation.stopPush": "shops",
    "Mutation.chooseSendType": "shops",
    "Mutation.testShop": "shops",
    "Mutation.declareMailbox": "shops",
    "Mutation.tryMailbox": "shops",
    "Mutation.removeMailbox": "shops",
    "Mutation.reconcile": "listings",
    "Mutation.mendDrift": "stock",
    "Mutation.resendListings": "listings",
    "Mutation.startSync": "shops",
    "Mutation.pauseSync": "shops",
    "Mutation.resumeSync": "shops",
    "Mutation.stopSync": "shops",
    "Mutation.changeSchedule": "shops",
    "Mutation.putBack": "shops",
}

# Routes of the HTTP app: (method, path) to scope; None: no key is asked for, and the row says why.
ROUTES: dict[tuple[str, str], str | None] = {
    ("GET", "/healthz"): None,  # says only that the process runs
    ("GET", "/readyz"): None,  # says only whether work can be done
    ("POST", "/graphql"): ANY,  # every root field is checked by its own scope
    ("PUT", "/files/{shop}/{name}"): "files",
    ("POST", "/files/{shop}/read"): "files",
    ("GET", "/exports/{what}.csv"): "read",
    ("GET", "/imports/{import_id}/{what}.csv"): "read",
    ("POST", "/inbound/mail/{token}"): None,  # the unguessable address is the key
    ("POST", "/inbound/webhook/{token}"): None,  # the address finds the shop, the mall's own proof says who calls
}


class UnknownScope(ValueError):
    """The scope is not one of SCOPES."""


def checked_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    """The scopes, sorted, each once. Raises UnknownScope."""
    bad = next((scope for scope in scopes if scope not in SCOPES), None)
    if bad is not None or not scopes:
        raise UnknownScope(f"scope {bad or 'none'!r}; expected one or more of {', '.join(SCOPES)}")
    return tuple(sorted(set(scopes)))
