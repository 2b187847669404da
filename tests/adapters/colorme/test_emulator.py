"""The emulated カラーミーショップ behaves as NOTES.md says, traps included."""

import json
from datetime import timedelta
from urllib.parse import urlencode

from adapters.kit.mall import Answer
from ledger.terms import ListingKey, Outcome, Result
from tests.adapters.colorme.shop import PLAIN, RED_M, RED_S, WHITE, Shop, shop

BASE = "http://127.0.0.1/v1"


def call(one: Shop, method: str, path: str, said: object = None, token: str = "token-1", **params: str) -> Answer:
    one.clock.passes(seconds=1)
    headers = {"Authorization": f"Bearer {token}"}
    if method == "GET":
        found = one.access.http.get(BASE + path, headers=headers, params=params)
    else:
        found = one.access.http.send(method, BASE + path, headers=headers, content=json.dumps(said).encode())
    assert isinstance(found, Answer)
    return found


def test_paths_work_with_and_without_json_at_their_end() -> None:
    with shop() as one:
        plain = call(one, "GET", "/products/202")
        assert plain.body == call(one, "GET", "/products/202.json").body
        assert json.loads(plain.body)["product"]["stocks"] == 9


def test_an_increment_sent_again_counts_twice_and_an_absolute_number_does_not() -> None:
    with shop() as one:
        for _ in range(2):
            call(one, "PUT", "/products/202", {"product": {"stocks": {"increment": -2}}})
        assert one.shop.stock[PLAIN] == 5
        for _ in range(2):
            call(one, "PUT", "/products/202", {"product": {"stocks": 4}})
        assert one.shop.stock[PLAIN] == 4
        call(one, "PUT", "/products/202", {"product": {"stocks": {"increment": -9}}})
        assert one.shop.stock[PLAIN] == 0, "never below zero"


def test_the_number_of_a_product_is_ignored_where_its_variants_have_theirs() -> None:
    with shop() as one:
        assert call(one, "PUT", "/products/101", {"product": {"stocks": 50}}).status == 200
        assert {one.shop.stock[key] for key in (RED_S, RED_M, WHITE)} == {9}


def test_an_option_the_product_has_not_refuses_the_whole_product() -> None:
    with shop() as one:
        variants = [{"option1_value": "赤", "option2_value": "S", "stocks": 1}, {"option1_value": "黒", "stocks": 1}]
        answer = call(one, "PUT", "/products/101", {"product": {"variants": variants}})
        assert (answer.status, json.loads(answer.body)["errors"][0]["status"]) == (422, 422)
        assert one.shop.stock[RED_S] == 9
        assert call(one, "PUT", "/products/101", {"product": {"variants": "x"}}).status == 400
        assert call(one, "PUT", "/products/999", {"product": {}}).status == 404


def test_lists_are_ten_by_default_and_fifty_at_most() -> None:
    with shop() as one:
        for number in range(300, 360):
            one.shop.set_stock(ListingKey(str(number)), 1)
        assert len(json.loads(call(one, "GET", "/products").body)["products"]) == 10
        most = json.loads(call(one, "GET", "/products", limit="500").body)
        assert (len(most["products"]), most["meta"]["total"]) == (50, 62)
        stocks = json.loads(call(one, "GET", "/stocks", limit="50", ids="101").body)["stocks"]
        assert [row["option1_value"] for row in stocks] == ["赤", "赤", "白 "]
        assert len(json.loads(call(one, "GET", "/products/101/variants").body)["variants"]) == 3


def test_a_wrong_token_and_a_missing_permission_are_refused() -> None:
    with shop() as one:
        assert call(one, "GET", "/products", token="wrong").status == 401
        one.state.scopes.discard("write_products")
        assert call(one, "PUT", "/products/202", {"product": {"stocks": 1}}).status == 403
        assert one.push((PLAIN, 1)) == [Outcome(Result.REJECTED_AUTH, "403100")]


def test_too_many_writes_at_once_are_throttled() -> None:
    with shop() as one:
        headers = {"Authorization": "Bearer token-1"}
        content = b'{"product": {"stocks": 1}}'
        answers = [
            one.access.http.send("PUT", f"{BASE}/products/202", headers=headers, content=content) for _ in range(7)
        ]
        assert [answer.status for answer in answers if isinstance(answer, Answer)] == [200] * 6 + [429]


def test_a_cancel_zeroes_the_quantities_and_the_default_list_has_only_a_week() -> None:
    with shop() as one:
        order = one.shop.sell(RED_S, 2)
        assert order is not None
        sale = json.loads(call(one, "PUT", f"/sales/{order.number}/cancel", {}).body)["sale"]
        assert (sale["canceled"], sale["total_price"], sale["details"][0]["product_num"]) == (True, 0, 0)
        assert len(json.loads(call(one, "GET", "/sales").body)["sales"]) == 1
        one.clock.passes(days=8)
        assert json.loads(call(one, "GET", "/sales").body)["sales"] == []
        since = (one.clock.now() - timedelta(days=10)).strftime("%Y-%m-%d %H:%M:%S")
        assert len(json.loads(call(one, "GET", "/sales", make_date_min=since).body)["sales"]) == 1
        assert call(one, "GET", "/sales/1").status == 404


def test_a_login_code_works_once() -> None:
    with shop(secrets={"authorization_code": "code-1"}) as one:
        form = {
            "client_id": "client-1",
            "client_secret": "secret-1",
            "code": "code-1",
            "grant_type": "authorization_code",
        }
        url = "http://127.0.0.1/oauth/token"
        statuses = []
        for _ in range(2):
            answer = one.access.http.send("POST", url, headers={}, content=urlencode(form).encode())
            assert isinstance(answer, Answer)
            statuses.append(answer.status)
        wrong = urlencode({**form, "client_secret": "x"}).encode()
        refused = one.access.http.send("POST", url, headers={}, content=wrong)
        assert isinstance(refused, Answer)
        assert [*statuses, refused.status] == [200, 400, 401]
