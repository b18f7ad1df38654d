"""Ask a running local cloud how it is, make it wait, or make it misbehave."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from local_cloud.delivery.delivery_log import Delivery
from local_cloud.delivery.fault_injection import Plan
from local_cloud.errors import LocalCloudError
from local_cloud.protocol import HEADER, PREFIX

_TIMEOUT = 20.0


@dataclass(frozen=True)
class Status:
    """How a local cloud is.

    Attributes:
        boot_id: which start of it this is.
        pid: the server's process.
        port: where it serves.
        directory: where it keeps everything.
        queued: asynchronous events waiting for a free execution.
        later: events waiting for their time: a retry, a back-off, a delay on purpose.
        running: asynchronous executions.
        waiting_requests: synchronous executions waiting for a turn.
        running_requests: synchronous executions.
        totals: how many deliveries had each outcome since the start.
    """

    boot_id: str
    pid: int
    port: int
    directory: str
    queued: int
    later: int
    running: int
    waiting_requests: int
    running_requests: int
    totals: Mapping[str, int]

    @property
    def idle(self) -> bool:
        """Whether nothing runs, waits or will be retried."""
        return not (
            self.queued
            or self.later
            or self.running
            or self.waiting_requests
            or self.running_requests
        )


class Control:
    """The local cloud's own endpoints. Every method may raise LocalCloudError.

    Args:
        endpoint_url: such as http://127.0.0.1:4566.
        timeout: how long to wait for an answer, in seconds.
    """

    def __init__(self, endpoint_url: str, timeout: float = _TIMEOUT) -> None:
        self._endpoint_url = endpoint_url.rstrip("/")
        self._timeout = timeout

    def status(self) -> Status:
        """How it is."""
        return Status(**self._ask("GET", "status"))

    def wait_idle(self, timeout: float = 30.0) -> bool:
        """Wait until nothing runs, waits or will be retried; False when the time is over."""
        query = urlencode({"timeout": timeout})
        answer = self._ask("GET", f"idle?{query}", timeout=timeout + self._timeout)
        return bool(answer["idle"])

    def trouble(self) -> Plan | None:
        """The plan of the trouble switch; None when there is none."""
        plan = self._ask("GET", "trouble")
        return Plan.from_json(plan) if plan else None

    def set_trouble(self, plan: Plan) -> None:
        """Make it misbehave from now on; earlier counts are forgotten."""
        self._ask("PUT", "trouble", plan.to_json())

    def clear_trouble(self) -> None:
        """Make it behave."""
        self._ask("DELETE", "trouble")

    def deliveries(self, order_id: str | None = None, limit: int = 0) -> list[Delivery]:
        """What became of the latest deliveries, oldest first.

        Args:
            order_id: of one order only (its correlation id).
            limit: of those only so many, the newest; 0 for all that are kept.
        """
        query = urlencode({"correlation_id": order_id or "", "limit": limit})
        return [Delivery.from_json(item) for item in self._ask("GET", f"deliveries?{query}")]

    def stop(self, *, keep: bool = False) -> None:
        """Ask it to stop; it does so after answering.

        Args:
            keep: Whether to wait for queued events, and to store the stack for the next start.
        """
        self._ask("POST", "stop?keep=1" if keep else "stop")

    def _ask(
        self, method: str, path: str, content: Any = None, timeout: float | None = None
    ) -> Any:
        from http.client import HTTPException
        from urllib.request import ProxyHandler, Request, build_opener

        request = Request(  # noqa: S310 - http, to the loopback address
            f"{self._endpoint_url}{PREFIX}{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={HEADER: "1"},
        )
        opener = build_opener(ProxyHandler({}))  # a proxy cannot reach the loopback address
        try:
            with opener.open(request, timeout=timeout or self._timeout) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                said = error.read().decode("utf-8", "replace")
            msg = f"{self._endpoint_url} refused: {_message(said)}"
            raise LocalCloudError(msg) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            slow = isinstance(reason, TimeoutError)
            msg = (
                f"{self._endpoint_url} does not answer"
                f"{' in time' if slow else ''} as a local cloud does ({reason}). "
                "`make status` says what runs."
            )
            raise LocalCloudError(msg) from error


def _message(body: str) -> str:
    """The message in an error's body, or the beginning of the body."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200]
