"""Lambda entry point of the order API: `api`. The tracker's is in `tracker.py`."""

import os
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from order_service import api as http
from order_service import service
from order_service.catalogue import load_catalogue
from order_service.store import DynamoOrderStore
from orderflow.aws import client
from orderflow.clock import utc_now
from orderflow.errors import TransientError
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import logged_failures, logger, metrics, publish

settings = Settings.from_environment(os.environ)
store = DynamoOrderStore(client("dynamodb"), settings.table_name)
publisher = Publisher(client("events"), settings.event_bus_name)
catalogue = load_catalogue()


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def api(request: Any, context: Any) -> http.Response:
    """Serve the HTTP API, or a direct invoke with `{"order": {...}, "idempotency_key": "..."}`."""
    metrics.add_metric(name="requests", unit=MetricUnit.Count, value=1)
    if not isinstance(request, dict) or not isinstance(request.get("routeKey"), str):
        request = http.from_direct_invoke(request)
    return http.respond(request, ROUTES)


def _place(request: dict[str, Any]) -> http.Response:
    order, key = http.json_body(request), http.idempotency_key(request)
    headers = {"idempotency-key": key}
    try:
        with logged_failures():
            record, stored = service.place_order(
                order, key, store=store, catalogue=catalogue, clock=utc_now
            )
            headers["location"] = f"/orders/{record.order['order_id']}"
            logger.append_keys(correlation_id=record.order["order_id"])
            publish(stored, publisher)
    except TransientError:
        return http.unavailable(headers)
    return http.json_response(200 if stored.repeated else 201, http.order_view(record), headers)


def _get(request: dict[str, Any]) -> http.Response:
    with logged_failures():
        record = service.get_order(http.path_id(request, "order_id"), store=store)
    return http.json_response(200, http.order_view(record))


def _list(request: dict[str, Any]) -> http.Response:
    customer_id = http.path_id(request, "customer_id")
    limit, cursor = http.page_query(request, customer_id)
    with logged_failures():
        page = store.of_customer(customer_id, limit, cursor)
    return http.json_response(200, http.page_view(page))


ROUTES: dict[str, http.Route] = {
    "POST /orders": _place,
    "GET /orders/{order_id}": _get,
    "GET /customers/{customer_id}/orders": _list,
}
