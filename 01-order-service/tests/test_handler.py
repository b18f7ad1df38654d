"""The order functions: requests and events in, table and events out."""

import base64
import json

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from order_service import status as order_status

from tests.fixtures.events import delivered, example, order_request


def test_an_order_is_accepted_and_published(post, bus, rows):
    """201, a Location, one row, one OrderCreated."""
    status, order, headers = post(order_request())
    assert status == 201
    assert headers["location"] == f"/orders/{order['order_id']}"
    assert (order["status"], order["total"]) == ("CREATED", 13700)
    assert [row["order_id"] for row in rows("orders")] == [order["order_id"]]
    assert [entry["DetailType"] for entry in bus.entries] == ["OrderCreated"]


def test_the_answer_hides_the_payment_token(post, get):
    """Neither placing nor reading an order shows the token."""
    _, order, _ = post(order_request())
    _, read = get("GET /orders/{order_id}", order_id=order["order_id"])
    assert "tok_" not in json.dumps([order, read])


def test_a_repeated_request_publishes_the_order_again(post, bus, rows):
    """The second answer is 200 with the first order; its event goes out again, unchanged."""
    first = post(order_request(), key="k")
    second = post(order_request(), key="k")
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert bus.entries[0] == bus.entries[1]
    assert len(rows("orders")) == 1


def test_a_reused_key_is_a_conflict(post, bus):
    """409, and nothing is published."""
    post(order_request(), key="k")
    status, problem, headers = post(
        order_request(customer_id="customer-7", currency="USD"), key="k"
    )
    assert (status, problem["status"]) == (409, 409)
    assert headers["content-type"] == "application/problem+json"
    assert len(bus.entries) == 1


def test_an_order_that_could_not_be_published_is_kept(post, bus, rows):
    """503 when the bus refuses; its key sends the order later, though the customer gave none."""
    bus.refusals = 3
    status, _, headers = post(order_request())
    assert (status, headers["retry-after"]) == (503, "1")
    assert headers["location"] == f"/orders/{rows('orders')[0]['order_id']}"
    assert post(order_request(), key=headers["idempotency-key"])[0] == 200
    assert len(rows("orders")) == len(bus.entries) == 1


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "PutEvents"),
        ReadTimeoutError(endpoint_url="https://events"),
    ],
)
def test_a_bus_that_does_not_answer_is_no_500(post, bus, failure):
    """Throttled as a whole, or silent: 503 with the key that finds the order again."""
    bus.crash = failure
    status, problem, headers = post(order_request())
    assert (status, problem["status"]) == (503, 503)
    assert headers["idempotency-key"]


def test_a_table_that_does_not_answer_is_no_500(post, get, app, dynamodb, monkeypatch, bus):
    """Throttled tables make a 503 as well, on every route; nothing is published."""

    def throttled(**_):
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "PutItem")

    for operation in ("put_item", "get_item", "query"):
        monkeypatch.setattr(dynamodb, operation, throttled)
    assert post(order_request())[0] == 503
    assert get("GET /orders/{order_id}", order_id="ord_1")[0] == 503
    assert get("GET /customers/{customer_id}/orders", customer_id="customer-7")[0] == 503
    assert bus.entries == []


def test_a_crash_between_write_and_publish_is_repaired(post, bus, rows):
    """Written, then killed: the same request publishes the stored order."""
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        post(order_request(), key="k")
    bus.crash = None
    post(order_request(), key="k")
    assert bus.entries[0]["Detail"] == rows("orders")[0]["created_event"]


@pytest.mark.parametrize("key", ["", "x" * 129, "bad\nkey", "schlüssel"])
def test_an_unusable_key_is_refused(post, rows, key):
    """An idempotency key is 1 to 128 printable ASCII characters."""
    assert post(order_request(), key=key)[0] == 400
    assert rows("orders") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("null", 422),
        ("[]", 422),
        ('"order"', 422),
        ("NaN", 400),
        ("1e999", 422),
        ("1e" + "9" * 30, 400),
        ('{"a": "\\ud800"}', 400),
        ("[" * 100_000, 413),
        ("[" * 20_000, 400),
        ('"' + "x" * 40_000 + '"', 413),
        ("9" * 5000, 400),
    ],
)
def test_a_body_that_is_no_order_is_refused(post, rows, body, status):
    """Each gets its own 4xx and writes nothing."""
    assert post(body, raw=True)[0] == status
    assert rows("orders") == []


def test_a_body_may_come_in_base64(post):
    """HTTP APIs encode what is not text."""
    body = base64.b64encode(json.dumps(order_request()).encode()).decode()
    assert post(body, raw=True, isBase64Encoded=True)[0] == 201
    assert post("%%%", raw=True, isBase64Encoded=True)[0] == 400


@pytest.mark.parametrize("quantity", [0, -1, 101, 10**30, 1.0, 1.5, "1", True, None, [], {}])
def test_an_absurd_quantity_is_refused(post, rows, quantity):
    """A quantity is a whole number from 1 to 100."""
    status, problem, _ = post(order_request(lines=[{"sku": "MOUSE", "quantity": quantity}]))
    assert status == 422
    assert "lines[0].quantity" in problem["detail"]
    assert rows("orders") == []


@pytest.mark.parametrize("field", ["customer_id", "ship_to", "lines", "currency"])
def test_a_fraction_is_no_text(post, rows, field):
    """A number with a fraction is refused wherever it is."""
    assert post(order_request(**{field: 1.5}))[0] == 422
    assert rows("orders") == []


def test_an_order_can_be_read(post, get):
    """GET /orders/{order_id} shows the current order; an unknown one is 404."""
    _, order, _ = post(order_request())
    assert get("GET /orders/{order_id}", order_id=order["order_id"]) == (200, order)
    assert get("GET /orders/{order_id}", order_id="ord_none")[0] == 404
    for made_up in ("x" * 3000, "", " ", "ord_1\n", "\ud83d", "é"):
        assert get("GET /orders/{order_id}", order_id=made_up)[0] == 404


def test_a_customers_orders_can_be_read_in_pages(post, get):
    """The cursor of one page leads to the next."""
    for _ in range(3):
        post(order_request())
    route = "GET /customers/{customer_id}/orders"
    _, first = get(route, {"limit": "2"}, customer_id="customer-7")
    _, second = get(route, {"limit": "2", "cursor": first["cursor"]}, customer_id="customer-7")
    assert (len(first["orders"]), len(second["orders"]), second["cursor"]) == (2, 1, None)
    assert get(route, customer_id="nobody") == (200, {"orders": [], "cursor": None})


@pytest.mark.parametrize(
    "limit", ["0", "101", "-1", "ten", "", "1" * 5000, "²", "1.5", "0001999", "0" * 5000 + "1"]
)
def test_a_bad_limit_is_refused(get, limit):
    """A page has 1 to 100 orders."""
    route = "GET /customers/{customer_id}/orders"
    assert get(route, {"limit": limit}, customer_id="customer-7")[0] == 400


def test_a_direct_invoke_places_an_order(app, context, rows):
    """The function answers a direct invoke as it answers the API."""
    payload = {"order": order_request(), "idempotency_key": "k"}
    answers = [app.api(payload, context)["statusCode"] for _ in range(2)]
    assert answers == [201, 200]
    assert len(rows("orders")) == 1


@pytest.mark.parametrize(
    "payload",
    [
        *(None, [], "order", 5, {}, {"routeKey": "$default"}, {"routeKey": []}),
        {"routeKey": "GET /orders/{order_id}"},
        {"routeKey": "GET /orders/{order_id}", "pathParameters": None},
        {"routeKey": "POST /orders", "body": {}, "headers": []},
        {
            "routeKey": "GET /customers/{customer_id}/orders",
            "pathParameters": {"customer_id": "c"},
            "queryStringParameters": {"limit": 0},
        },
        *({"order": None}, {"order": []}, {"order": {}}, {"order": {}, "idempotency_key": 5}),
    ],
)
def test_a_broken_direct_invoke_is_refused(app, context, rows, payload):
    """It gets the same problem document."""
    assert app.api(payload, context)["statusCode"] in (400, 404, 422)
    assert rows("orders") == []


def test_tracking_moves_the_status(tracker, context, post, rows):
    """An event of the flow changes the row of its order."""
    _, order, _ = post(order_request())
    paid = example("PaymentProcessed", "succeeded", order_id=order["order_id"])
    assert tracker.track(delivered(paid), context)["moved_to"] == "PAID"
    assert rows("orders")[0]["status"] == "PAID"


def test_an_event_without_a_status_is_tracked_as_no_change(
    tracker, context, post, rows, capsys, caplog, monkeypatch
):
    """It is logged, counted in a metric, and the order's row stays as it is."""
    _, order, _ = post(order_request())
    before = rows("orders")
    monkeypatch.delitem(order_status._STATUS_OF, ("ShipmentPrepared", "PREPARED"))
    shipped = example("ShipmentPrepared", order_id=order["order_id"])
    assert tracker.track(delivered(shipped), context)["moved_to"] is None
    assert rows("orders") == before
    assert caplog.messages[-1] == "tracked"
    assert '"without-status":[1.0]' in capsys.readouterr().out


def test_nothing_personal_is_logged(tracker, context, post, capsys):
    """Neither address, e-mail, telephone nor token is in any line that a function prints."""
    _, order, _ = post(order_request())
    tracker.track(delivered(example("ShipmentPrepared", order_id=order["order_id"])), context)
    post(order_request(contact={"email": "broken"}))
    printed = capsys.readouterr()
    for marker in ("Ada Example", "Analytical", "10115", "example.org", "1234567", "tok_"):
        assert marker not in printed.out + printed.err
