"""The order API: its entry point, and how its parts are put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from order_service import api as http
from order_service import service
from order_service.catalogue import Catalogue, load_catalogue
from order_service.store import DynamoOrderStore, OrderStore
from orderflow.aws import client
from orderflow.clock import Clock, utc_now
from orderflow.errors import TransientError
from orderflow.publisher import Publisher
from orderflow.settings import Settings
from orderflow.step import entry_point, logged_failures, logger, metrics, publish


@dataclass(frozen=True, slots=True)
class App:
    """The order API with all that it uses."""

    store: OrderStore
    publisher: Publisher
    catalogue: Catalogue
    clock: Clock = utc_now

    @entry_point
    def api(self, request: Any, context: Any) -> http.Response:
        """Serve the HTTP API, or a direct invoke: `{"order": {...}, "idempotency_key": "..."}`."""
        metrics.add_metric(name="requests", unit=MetricUnit.Count, value=1)
        if not isinstance(request, dict) or not isinstance(request.get("routeKey"), str):
            request = http.from_direct_invoke(request)
        routes: dict[str, http.Route] = {
            "POST /orders": self._place,
            "GET /orders/{order_id}": self._get,
            "GET /customers/{customer_id}/orders": self._list,
        }
        return http.respond(request, routes)

    def _place(self, request: dict[str, Any]) -> http.Response:
        order, key = http.json_body(request), http.idempotency_key(request)
        headers = {"idempotency-key": key}
        try:
            with logged_failures():
                record, stored = service.place_order(
                    order, key, store=self.store, catalogue=self.catalogue, clock=self.clock
                )
                headers["location"] = f"/orders/{record.order['order_id']}"
                logger.append_keys(correlation_id=record.order["order_id"])
                publish(stored, self.publisher)
        except TransientError:
            return http.unavailable(headers)
        return http.json_response(200 if stored.repeated else 201, http.order_view(record), headers)

    def _get(self, request: dict[str, Any]) -> http.Response:
        with logged_failures():
            record = service.get_order(http.path_id(request, "order_id"), store=self.store)
        return http.json_response(200, http.order_view(record))

    def _list(self, request: dict[str, Any]) -> http.Response:
        customer_id = http.path_id(request, "customer_id")
        limit, cursor = http.page_query(request, customer_id)
        with logged_failures():
            page = self.store.list_by_customer(customer_id, limit, cursor)
        return http.json_response(200, http.page_view(page))


def build(environment: Mapping[str, str], *, dynamodb: Any = None, events: Any = None) -> App:
    """Put the order API together; a client that is None becomes a real one.

    Args:
        environment: The function's environment variables.
        dynamodb: A boto3 `dynamodb` client.
        events: A boto3 `events` client.

    Raises:
        SettingsError: A variable is missing or has an invalid value.
    """
    settings = Settings.from_environment(environment)
    return App(
        store=DynamoOrderStore(dynamodb or client("dynamodb"), settings.table_name),
        publisher=Publisher(events or client("events"), settings.event_bus_name),
        catalogue=load_catalogue(),
    )
