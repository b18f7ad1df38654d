"""Lambda entry points of the order service: `api` and `track`."""

import os
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from order_service import api as http
from order_service import service
from order_service.catalogue import load_catalogue
from order_service.store import DynamoOrderStore
from orderflow.clients import client
from orderflow.clock import utc_now
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import failures_told, logger, metrics, publish, receive

settings = Settings.from_environment(os.environ)
store = DynamoOrderStore(client("dynamodb"), settings.table_name)
publisher = Publisher(client("events"), settings.event_bus_name)
catalogue = load_catalogue()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def api(request: dict[str, Any], context: Any) -> http.Response:
    """Serve the HTTP API, or a direct invoke with `{"order": {...}, "idempotency_key": "..."}`."""
    metrics.add_metric(name="requests", unit=MetricUnit.Count, value=1)
    if "routeKey" not in request:
        request = http.from_direct_invoke(request)
    return http.respond(request, ROUTES)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def track(raw: dict[str, Any], context: Any) -> dict[str, Any]:
    """Move the order's status forward with every event of the flow."""
    with failures_told():
        event = receive(raw)
        moved_to = service.track(event, store=store, clock=utc_now)
        logger.info("tracked", extra={"event_id": event.event_id, "moved_to": moved_to})
    return {"consumed": event.event_id, "moved_to": moved_to}


def _place(request: dict[str, Any]) -> http.Response:
    body, key = http.json_body(request), http.idempotency_key(request)
    record, stored = service.place_order(body, key, store=store, catalogue=catalogue, clock=utc_now)
    logger.append_keys(correlation_id=record.order["order_id"])
    with failures_told():
        publish(stored, publisher)
    location = {"location": f"/orders/{record.order['order_id']}"}
    return http.json_response(200 if stored.repeated else 201, http.order_view(record), location)


def _get(request: dict[str, Any]) -> http.Response:
    record = service.get_order(http.path_id(request, "order_id"), store=store)
    return http.json_response(200, http.order_view(record))


def _list(request: dict[str, Any]) -> http.Response:
    limit, cursor = http.page_query(request)
    customer_id = http.path_id(request, "customer_id")
    page = service.list_orders(customer_id, limit=limit, cursor=cursor, store=store)
    return http.json_response(200, http.page_view(page))


ROUTES: dict[str, http.Route] = {
    "POST /orders": _place,
    "GET /orders/{order_id}": _get,
    "GET /customers/{customer_id}/orders": _list,
}
