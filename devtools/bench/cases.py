"""Every function of the flow, with an event for it."""

import json
from dataclasses import dataclass
from typing import Any

from devtools.documents import events
from devtools.documents.events import Function
from workshop.orders.api_client import order_request
from workshop.paths import ROOT, SERVICE_STAGES

EXAMPLES = ROOT / "orderflow" / "contracts"


@dataclass(frozen=True, slots=True)
class Case:
    """A function and the input of its measurement.

    Attributes:
        module: The module that Lambda imports, such as ``order_service.handler``.
        function: The entry point in it.
        example: The contract's example that it gets; None for an order through the API.
        clients: The AWS services it has a client for.
    """

    module: str
    function: str
    example: str | None
    clients: tuple[str, ...]

    @property
    def package(self) -> str:
        """Return the bundle that contains it."""
        return self.module.partition(".")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments of `warm` in `one_function.py`.

        The entry module `handler` has a `build` in `app.py`; any other one, such as `tracker`, a
        `build_tracker` in `tracker_app.py`.
        """
        entry = self.module.rpartition(".")[2]
        app, build = ("app", "build") if entry == "handler" else (f"{entry}_app", f"build_{entry}")
        return (f"{self.package}.{app}", build, self.function, *self.clients)

    def event(self) -> dict[str, Any]:
        """Return the event that Lambda passes to it."""
        if self.example is None:
            return _api_request()
        text = (EXAMPLES / f"{self.example}.example.json").read_text("utf-8")
        event: dict[str, Any] = json.loads(text)
        return event


def _case(function: Function) -> Case:
    """Return the input of a measurement: the first event that it gets of a successful order."""
    received = [each for each in events.variants() if function in events.receivers(each)]
    if len(received) == len(events.variants()):
        received.pop(0)  # the tracker finds an existing order, as in most cases
    module, _, handler = function.handler.rpartition(".")
    example = f"{received[0].type}/{received[0].name}" if received else None
    clients = ("dynamodb", "events") if function.sends else ("dynamodb",)
    return Case(module, handler, example, clients)


CASES = tuple(_case(each) for each in events.functions() if int(each.stage[:2]) in SERVICE_STAGES)


def _api_request() -> dict[str, Any]:
    """Return an order in payload format 2.0, as far as a function reads it."""
    return {
        "version": "2.0",
        "routeKey": "POST /orders",
        "headers": {},
        "body": json.dumps(order_request({"MOUSE": 1})),
        "isBase64Encoded": False,
    }
