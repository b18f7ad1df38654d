"""A cloud that does what a test says, and the delivery code around it."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from local_cloud.delivery.emulator_port import DeliveryError, Ending, Execution, Function
from local_cloud.delivery.wiring import Parts
from local_cloud.settings import Settings

ARN = "arn:aws:lambda:us-east-1:000000000000:function:charge"
RULE_ARN = "arn:aws:events:us-east-1:000000000000:rule/bus/paid"

RETURNED = Execution(Ending.RETURNED, "fine")
RAISED = Execution(Ending.RAISED, {"errorType": "ValueError", "errorMessage": "wrong"})
THROTTLED = Execution(
    Ending.THROTTLED, {"errorType": "TooManyRequestsException", "errorMessage": "Rate Exceeded"}
)


@dataclass
class FakeCloud:
    """Implements `Cloud`; executions end, or fail, as `endings` says, then they return."""

    functions: dict[str, Function] = field(default_factory=dict)
    endings: Iterable[Execution | Exception] = ()
    events_may_invoke_: bool = True
    deny: set[str] = field(default_factory=set)
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._endings = iter(self.endings)

    def function(self, arn: str) -> Function | None:
        return self.functions.get(arn)

    def execute(self, function: Function, event: Any, request_id: str) -> Execution:
        self.request_ids.append(request_id)
        ending = next(self._endings, RETURNED)
        if isinstance(ending, Exception):
            raise ending
        return ending

    def events_may_invoke(self, function_arn: str, source_arn: str, role_arn: str) -> bool:
        return self.events_may_invoke_

    def send_as_function(
        self, function: Function, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        self._send(queue_arn, body, attributes)

    def send_as_events(
        self, rule_arn: str, queue_arn: str, body: str, attributes: dict[str, Any]
    ) -> None:
        self._send(queue_arn, body, attributes)

    def count(self, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
        self.counted.append(metric)

    def _send(self, queue_arn: str, body: str, attributes: dict[str, Any]) -> None:
        if queue_arn in self.deny:
            msg = f"{queue_arn} is closed"
            raise DeliveryError(msg)
        self.sent.append((queue_arn, body, attributes))


class InstantQueue:
    """A work queue without threads: `run` does everything, and notes for how long it waited."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._work: list[Callable[[], None]] = []

    def put(self, work: Callable[[], None], wait: float = 0.0) -> None:
        self.waits.append(wait)
        self._work.append(work)

    def run(self) -> None:
        while self._work:
            self._work.pop(0)()


class OvertakingQueue(InstantQueue):
    """Work is done in another thread, and finished, before whoever put it goes on."""

    def put(self, work: Callable[[], None], wait: float = 0.0) -> None:
        self.waits.append(wait)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()


def parts_around(cloud: FakeCloud, queue: InstantQueue | None = None) -> tuple[Parts, InstantQueue]:
    """The delivery code with AWS's own minutes, on a queue that does not wait."""
    settings = Settings(directory="", port=0, boot_id="", seconds_per_minute=60)
    queue = queue or InstantQueue()
    return Parts(settings, cloud, queue), queue  # type: ignore[arg-type]
