"""自社カート: any cart or program that tells its orders by a signed webhook and asks for its stock itself. Facts: NOTES.md."""

from adapters.cart.webhook import BODY_BYTES_MAX, accept, read
from adapters.kit.mall import LowersAt, Mall, MatchKey, NotOffered, OrderWebhook, RestoresOnCancel, Setting
from adapters.kit.standard_webhooks import PROOF_HEADERS

_ASKS = NotOffered("the cart asks for its stock over GraphQL (stock, changes); nothing is sent to it (NOTES.md)")
_OWN_FORM = NotOffered("our own CSV form is its form (adapters/house)")

MALL = Mall(
    code="cart",
    name="自社カート",
    settings=(
        Setting(
            name="signing_secret",
            label="署名シークレット",
            where="カート側で決めた Standard Webhooks のシークレット（whsec_ で始まる文字列）です。",
            secret=True,
            example="whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        ),
        Setting(
            name="next_signing_secret",
            label="次の署名シークレット",
            where="シークレットを入れ替える間だけ入力します。両方の署名を受け付けます。",
            secret=True,
            required=False,
        ),
    ),
    match_keys=(MatchKey("sku", "商品SKU"),),
    lowers_at=LowersAt.NEVER,
    restores_on_cancel=RestoresOnCancel.NO,
    sells_at_zero=None,
    units_max=999_999_999,
    products_in=_OWN_FORM,
    stock_in=_OWN_FORM,
    stock_out=_OWN_FORM,
    order_mail=NotOffered("a cart's mails have no common form; it tells by webhook"),
    order_webhook=OrderWebhook(accept=accept, read=read, proof_headers=PROOF_HEADERS, body_bytes_max=BODY_BYTES_MAX),
    order_api=NotOffered("a cart is not asked: what it sends is kept, and it sends again what was not answered 200"),
    push_api=_ASKS,
    push_file=_ASKS,
    read_back=_ASKS,
    emulator=NotOffered("the sender is the merchant's own program (docs/guides/webhook.md)"),
    connection_test=NotOffered("nothing is called at a cart"),
)
