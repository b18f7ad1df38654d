"""One run of all cells on one stack: each cell has an order of its own.

Customers place the orders through the API; while one order meets its fault, the others meet theirs.
What the SDK and Lambda do not repair themselves is then recovered as by an operator and by
customers: redrive, reconcile, and the same order again with the same key. The dead letters that
the redrive's cells need are those that the outages of the other functions left.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from order_service.service import order_id

from local_cloud.control import Control
from tests.fixtures.recovery import Recovery
from tests.wire import faults
from tests.wire.faults import ON_COMMAND, OUTAGE, THROTTLE, Call, Cell
from tests.wire.proxy import Proxy, Request
from workshop.deployment.release import function_updates, propagation, release
from workshop.deployment.stack import Stack
from workshop.journeys import order_rows
from workshop.orders import api_client

SHIPPED, REFUNDED = "SHIPMENT_PREPARED", "REFUNDED"
SKU_OF = {SHIPPED: "WEBCAM", REFUNDED: "MONITOR"}
"""Ending → what a customer orders for it: there are many of the one, and none of the other."""
LATE_SKU = "KEYBOARD"
"""It has no stock item at first, so that its orders fail; then there are many of it, too."""
STOCK = {"WEBCAM": 100_000, "MONITOR": 0, LATE_SKU: 100_000}
UNPUBLISHED = Cell(Call("order-api", "PutEvents", 1), THROTTLE, OUTAGE)
"""Makes an order that is stored and stalled: it is open, and its event was never published."""
ENDPOINT = "AWS_ENDPOINT_URL"
AT_ONCE = 16
LANES = 2
"""Redrives at once: each one and its consumer are two of the local cloud's four executions."""
ROUNDS = 4
"""Tries of what a busy machine may disturb."""
LONGEST = 600
"""Seconds to wait for the local cloud, on any machine."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Trial:
    """One order, and the fault that is tried on it.

    Attributes:
        cell: The fault; None for an order without one.
        ending: The status that the order must reach.
        sku: What the customer orders.
        accepted: Whether the customer has the API's confirmation.
        recovered_by: What brought the order to its end.
    """

    cell: Cell | None
    ending: str
    sku: str
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    accepted: bool = False
    recovered_by: str = ""

    @property
    def customer_id(self) -> str:
        """Each order has its own customer."""
        return f"wire-{self.key}"

    @property
    def order_id(self) -> str:
        """The id that the order service gives the order."""
        return order_id(self.customer_id, self.key)


class Campaign:
    """Runs all cells.

    Args:
        stack: All stages, on a local cloud.
        proxy: In front of the local cloud.
    """

    def __init__(self, stack: Stack, proxy: Proxy) -> None:
        self.stack = stack
        self.proxy = proxy
        self.recovery = Recovery(stack)
        self.trials: list[Trial] = []
        self.cells: list[Cell] = []
        self._control = Control(stack.target.endpoint_url or "", timeout=LONGEST)
        self._queues = stack.outputs.dead_letter_queue_urls
        for consumer, urls in self._queues.items():
            path = f"/2015-03-31/functions/{stack.invokable_arn(consumer)}/invocations"
            for word in (urls["failed"], path):
                proxy.know(word, consumer)

    def run(self) -> None:
        """Record the calls, then inject every fault at every call."""
        ending_of = self._record()
        self.cells = faults.cells(ending_of)
        outages, failures, redriven, lists, reconciled = (
            [each for each in self.cells if belongs(each)]
            for belongs in (
                lambda cell: cell.reach == OUTAGE,
                lambda cell: cell.reach != OUTAGE and cell.call.function not in ON_COMMAND,
                lambda cell: cell.call.function == "redrive",
                lambda cell: cell.call.function == "reconciler" and cell.call.operation == "Query",
                lambda cell: cell.call.function == "reconciler" and cell.call.operation != "Query",
            )
        )
        lasting = [self._trial(each, ending_of[each.call]) for each in outages]
        at_once(self._try_in_the_flow, lasting)
        self._settled("a retry", lasting)
        self.proxy.disarm()
        brief = [self._trial(each, ending_of[each.call]) for each in failures]
        stalled = [self._trial(each, SHIPPED) for each in reconciled]
        with ThreadPoolExecutor(3) as threads:  # the redrive mostly waits for messages
            jobs = [
                threads.submit(at_once, self._try_in_the_flow, brief),
                threads.submit(self._redrive, redriven),
                threads.submit(at_once, self._reconcile_one, stalled),
            ]
            for job in jobs:
                job.result()
        self._settled("a retry", brief)
        self._settled("the reconciler", stalled)
        self._redrive_all()
        self._settled("the redrive", self.trials)
        for cell in lists:  # a list of open orders names no order: one after the other
            self._reconcile_one(self._trial(cell, SHIPPED))
        self.recovery.reconcile()
        self._settled("the reconciler", self.trials)
        at_once(self._place, [each for each in self.trials if not each.accepted])
        self._settled("the customer", self.trials)

    def statuses(self) -> dict[str, str]:
        """Return order id → status, of all orders that there are."""
        return order_rows.statuses(self.stack, [each.order_id for each in self.trials])

    def _record(self) -> dict[Call, str]:
        """Run every function without faults; return its calls, with an ending that has them."""
        ending_of: dict[Call, str] = {}
        for ending in SKU_OF:
            order = self._undisturbed(ending)
            for made in self._requests_about(order):
                ending_of.setdefault(Call(made.function, made.operation, made.number), ending)
        late = [self._trial(None, SHIPPED, LATE_SKU) for _ in range(2)]
        assert all(map(self._place, late))
        assert self._control.wait_idle(LONGEST)
        api_client.set_stock(self.stack, {LATE_SKU: STOCK[LATE_SKU]})
        self._redrive_one(late[0].order_id, "inventory")
        self.recovery.reconcile()
        self._redrive_all()
        self._settled("nothing", self.trials)
        # These repeat their calls for each dead letter and each order: the first is tried.
        for made in self.proxy.requests:
            if made.function in ON_COMMAND:
                ending_of.setdefault(Call(made.function, made.operation, 1), SHIPPED)
        return ending_of

    def _undisturbed(self, ending: str) -> str:
        """Place an order that no timeout of a busy machine disturbs; return its id."""
        for _ in range(ROUNDS):
            trial = self._trial(None, ending)
            placed = self._place(trial) and self._read(trial)
            assert self._control.wait_idle(LONGEST)
            requests = self._requests_about(trial.order_id)
            if placed and all(each.attempt == 1 for each in requests):
                return trial.order_id
        raise AssertionError("the SDK repeats requests, although there are no faults")

    def _requests_about(self, order: str) -> list[Request]:
        return [each for each in self.proxy.requests if each.subject == order]

    def _trial(self, cell: Cell | None, ending: str, sku: str = "") -> Trial:
        trial = Trial(cell, ending, sku or SKU_OF[ending])
        for word in (trial.order_id, trial.customer_id):
            self.proxy.know(word, trial.order_id)
        self.trials.append(trial)
        return trial

    def _try_in_the_flow(self, trial: Trial) -> None:
        """Place an order; a customer who gets no confirmation tries again."""
        self.proxy.arm(trial.cell, trial.order_id)
        if (self._place(trial) or self._place(trial)) and trial.cell.call.function == "order-api":
            self._read(trial) or self._read(trial)

    def _place(self, trial: Trial) -> bool:
        request = api_client.order_request({trial.sku: 1}, customer_id=trial.customer_id)
        answer = api_client.post_order(self.stack, request, idempotency_key=trial.key)
        trial.accepted = answer.status in {200, 201}
        assert trial.accepted or answer.status >= 500, answer
        return trial.accepted

    def _read(self, trial: Trial) -> bool:
        """Read an order, and its customer's list of orders."""
        paths = (f"/orders/{trial.order_id}", f"/customers/{trial.customer_id}/orders")
        answers = [api_client.call_api(self.stack, "GET", path) for path in paths]
        return all(each.status == 200 for each in answers)

    def _settled(self, by: str, trials: Iterable[Trial]) -> None:
        """Wait until nothing is under way, and note what brought orders to their end."""
        assert self._control.wait_idle(LONGEST)
        now = self.statuses()
        for each in trials:
            if not each.recovered_by and now.get(each.order_id) == each.ending:
                each.recovered_by = by

    def _redrive(self, cells: Iterable[Cell]) -> None:
        """Try the redrive's cells, each on one dead letter; one at a time for each consumer."""
        by_id = {each.order_id: each for each in self.trials}
        waiting: dict[str, list[str]] = defaultdict(list)
        for dead_letter in self.recovery.redrive(dry_run=True)["messages"]:
            consumer, order = dead_letter["consumer"], dead_letter["order_id"]
            if order in by_id and order not in waiting[consumer]:  # an event may come twice
                waiting[consumer].append(order)
        lanes: dict[str, list[tuple[Cell, str]]] = defaultdict(list)
        for cell in cells:
            # One stays: a redrive of one order has to release the dead letters of others.
            consumer = max(waiting, key=lambda each: len(waiting[each]), default="")
            if len(waiting[consumer]) > 1:
                lanes[consumer].append((cell, waiting[consumer].pop()))
        at_once(self._redrive_lane, lanes.items(), limit=LANES)

    def _redrive_lane(self, lane: tuple[str, list[tuple[Cell, str]]]) -> None:
        consumer, tried = lane
        by_id = {each.order_id: each for each in self.trials}
        for cell, order in tried:
            self.trials.append(replace(by_id[order], cell=cell))
            self.proxy.arm(cell, consumer)
            self._redrive_one(order, consumer)
            self.proxy.disarm(consumer)

    def _redrive_one(self, order: str, consumer: str) -> bool:
        """Redrive an order's dead letter; return whether the redrive reports that it did."""
        report = self._invoke("redrive", {"order_id": order, "consumer": consumer})
        self._end_visibility_timeouts(consumer)
        return bool(report.get("redriven"))

    def _end_visibility_timeouts(self, consumer: str) -> None:
        """Do what two minutes do: messages that a redrive received become visible again."""
        sqs, url = self.stack.client("sqs"), self._queues[consumer]["failed"]
        for queue, receipt in self.proxy.received:
            if queue == url:
                with suppress(ClientError):  # it is deleted, or visible
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0
                    )

    def _redrive_all(self) -> None:
        """Redrive all dead letters; a consumer that failed again has another chance."""
        for _ in range(ROUNDS):
            if not self.recovery.redrive(rate=100)["messages"]:
                return

    def _reconcile_one(self, trial: Trial) -> None:
        """Make an order that is stored and never published, and reconcile it under a fault."""
        self.proxy.arm(UNPUBLISHED, trial.order_id)
        self._place(trial)
        self.proxy.disarm(trial.order_id)
        by_id = trial.cell.call.operation != "Query"
        wanted = {"order_id": trial.order_id} if by_id else {"older_than_seconds": 0}
        subject = trial.order_id if by_id else ""
        self.proxy.arm(trial.cell, subject)
        report = self._invoke("reconciler", wanted)
        self.proxy.disarm(subject)
        if not report.get("republished"):
            self._invoke("reconciler", wanted)

    def _invoke(self, key: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Run a function, which may fail, and return its report or its error."""
        answer = self.stack.patient_client("lambda", 910).invoke(
            FunctionName=self.stack.invokable(key), Payload=json.dumps(payload)
        )
        report: dict[str, Any] = json.loads(answer["Payload"].read())
        return report


def at_once(work: Callable[[T], R], items: Iterable[T], *, limit: int = AT_ONCE) -> list[R]:
    """Call a function for every item, several at once; return the results in order."""
    with ThreadPoolExecutor(limit) as threads:
        return list(threads.map(work, items))


@contextmanager
def through(stack: Stack, proxy: Proxy) -> Iterator[None]:
    """Lead every function's requests to the proxy, and back to the cloud in the end."""
    _set_endpoints(stack, proxy.endpoints)
    try:
        yield
    finally:
        _set_endpoints(stack, {})


def _set_endpoints(stack: Stack, endpoints: Mapping[str, str]) -> None:
    client, until = stack.client("lambda"), function_updates.deadline()
    names = stack.outputs.function_names
    for key, name in names.items():
        now = function_updates.wait_until_updated(client, name, until)
        variables = dict(now["Environment"]["Variables"])
        variables.pop(ENDPOINT, None)
        if key in endpoints:
            variables[ENDPOINT] = endpoints[key]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
    for name in names.values():
        function_updates.wait_until_updated(client, name, until)
    if release.put_live(stack, names):
        propagation.wait(stack)
