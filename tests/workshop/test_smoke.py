"""Tests of the smoke test in an account: it works over TLS and leaves no open order."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError
from order_service.app import build
from order_service.tracker_app import build_tracker
from recovery.reconcile.store import DynamoOpenOrders
from typer.testing import CliRunner

from tests.fixtures import tls
from tests.fixtures.events import delivered, example
from workshop.cli import app
from workshop.commands import orders as order_commands
from workshop.commands import release as release_commands
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import WorkshopError
from workshop.journeys import logs
from workshop.orders import smoke
from workshop.orders.cleanup import orders_of


def stack_with(tables, tmp_path, endpoint=""):
    """Return a stack in an account that moto fakes, with clients of this test only."""
    names = {each: f"orderflow-{each}" for each in tables}
    outputs = Outputs(
        endpoint, "orderflow-bus", "us-east-1", {"order-api": "orderflow-order-api"}, names, {}
    )
    return Stack(Target(f"aws-1-{tmp_path.name}", "us-east-1", "1", None, own=False), 1, outputs)


@pytest.fixture
def api(environment, dynamodb, bus, context, tmp_path, monkeypatch):
    """Serve the API of the order service over HTTPS with its own certificate; return its URL."""
    monkeypatch.setattr(logs, "POLL_SECONDS_IN_ACCOUNT", 0.01)
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    pem = tls.certificate(tmp_path)
    service = build(environment("orders"), dynamodb=dynamodb, events=bus)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            assert "AWS4-HMAC-SHA256" in self.headers["Authorization"]
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            request = {"routeKey": f"POST {self.path}", "headers": {}, "body": body}
            answer = service.api(request, context)
            self.send_response(answer["statusCode"])
            self.end_headers()
            self.wfile.write(answer["body"].encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # a client that does not trust it disconnects
        tls.wrap(server, pem)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("AWS_CA_BUNDLE", str(pem))
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def run(*arguments):
    return CliRunner().invoke(app, arguments, standalone_mode=False)


def test_order_and_smoke_test_work_behind_tls(api, tmp_path, monkeypatch, rows):
    stack = stack_with(["orders"], tmp_path, api)
    for module in (order_commands, release_commands):
        monkeypatch.setattr(module, "current", lambda: stack)
    for line in (("order", "MOUSE=1"), ("smoke",)):
        done = run(*line)
        assert done.exception is None, done.exception
        assert "CREATED" in done.output
    assert [row["status"] for row in rows("orders")] == ["CREATED"] * 2


def test_untrusted_certificate_is_refused(api, tmp_path, monkeypatch, rows):
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tls.certificate(tmp_path / "own")))
    stack = stack_with(["orders"], tmp_path, api)
    monkeypatch.setattr(order_commands, "current", lambda: stack)
    done = run("order", "MOUSE=1")
    assert isinstance(done.exception, WorkshopError)
    assert f"WORKSHOP_CLOUD={stack.target.name} make status" in str(done.exception)
    assert rows("orders") == []


def test_smoke_test_passes_when_logs_cannot_be_read(api, tmp_path, monkeypatch):
    def refuse(*_):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "FilterLogEvents")

    monkeypatch.setattr(logs, "_messages", refuse)
    stack = stack_with(["orders"], tmp_path, api)
    assert smoke.smoke(stack, release_commands.out).status == "CREATED"


TABLES = ("orders", "payments", "inventory", "shipments")


@pytest.fixture
def flow(environment, make_table, context, dynamodb, tmp_path):
    """A stack with all tables, and a tracker for events of smoke tests' orders."""
    tracker = build_tracker(environment("orders"), dynamodb=dynamodb)
    for each in TABLES[1:]:
        make_table(each)

    class Flow:
        stack = stack_with(TABLES, tmp_path)
        stuck = staticmethod(
            lambda: [
                each.order_id
                for each in DynamoOpenOrders(dynamodb, "orderflow-orders").placed_until("9999")
            ]
        )

        @staticmethod
        def track(order_id, *event, age=timedelta()):
            event = example(*event, order_id=order_id)
            order = event.detail["data"]["order"]
            order["customer_id"] = smoke.CUSTOMER
            order["placed_at"] = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            tracker.track(json.loads(json.dumps(delivered(event))), context)

    return Flow()


OLD = timedelta(hours=2)
PAID, SHIPPED = ("PaymentProcessed", "succeeded"), ("ShipmentPrepared",)


def test_late_event_leaves_no_open_order(flow):
    """AWS may deliver an event twice, the second time after the smoke test."""
    flow.track("ord_1", *SHIPPED)
    assert smoke._remove_old(flow.stack) == []
    flow.track("ord_1", *PAID)
    assert flow.stuck() == []


def test_next_smoke_test_deletes_open_orders_of_older_ones(flow, dynamodb):
    """Whatever their status; a younger order may still get an event."""
    flow.track("ord_old", *PAID, age=OLD)
    flow.track("ord_new", *PAID)
    stock = {"sku": {"S": smoke.SKU}, "on_hand": {"N": "5"}}
    dynamodb.put_item(TableName="orderflow-inventory", Item=stock)
    assert flow.stuck() == ["ord_old", "ord_new"]
    assert smoke._remove_old(flow.stack) == ["ord_old"]
    assert flow.stuck() == orders_of(flow.stack, smoke.CUSTOMER) == ["ord_new"]
    left = dynamodb.get_item(TableName="orderflow-inventory", Key={"sku": {"S": smoke.SKU}})
    assert left["Item"] == stock, "an order without its own event added no stock"
