"""Read the state of a running local cloud, wait for it, inject faults, or stop it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from local_cloud.delivery.change_log import BusEvent, Changes
from local_cloud.delivery.delivery_log import Delivery, Origin
from local_cloud.delivery.fault_injection import Plan
from local_cloud.delivery.permission_log import PermissionLog, Use
from local_cloud.errors import LocalCloudError, NoAnswerError
from local_cloud.protocol import HEADER, PREFIX

_TIMEOUT = 20.0


@dataclass(frozen=True)
class Status:
    """The state of a local cloud.

    Attributes:
        boot_id: Identifies this start of it.
        pid: The server's process.
        port: The server's port.
        directory: Its data.
        queued: Asynchronous events that wait for a free execution.
        later: Events that are not due yet: a retry, a back-off, an injected delay.
        running: Asynchronous executions.
        waiting_requests: Synchronous executions that wait for a free slot.
        running_requests: Synchronous executions.
        totals: The number of deliveries with each outcome since the start.
        buffered: Messages in the queues in front of functions, also those that run.
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
    buffered: int = 0

    @property
    def idle(self) -> bool:
        """Return whether nothing runs, waits or will be retried."""
        return not (
            self.queued
            or self.later
            or self.running
            or self.waiting_requests
            or self.running_requests
            or self.buffered
        )


class Control:
    """The local cloud's own endpoints. Every method may raise LocalCloudError.

    Args:
        endpoint_url: Such as http://127.0.0.1:4566.
        timeout: Seconds to wait for a response.
    """

    def __init__(self, endpoint_url: str, timeout: float = _TIMEOUT) -> None:
        self._endpoint_url = endpoint_url.rstrip("/")
        self._timeout = timeout

    def status(self) -> Status:
        """Return its state."""
        return Status(**self._ask("GET", "status"))

    def wait_idle(self, timeout: float = 30.0) -> bool:
        """Wait until nothing runs, waits or will be retried; return False after the timeout."""
        query = urlencode({"timeout": timeout})
        answer = self._ask("GET", f"idle?{query}", timeout=timeout + self._timeout)
        return bool(answer["idle"])

    def faults(self) -> Plan | None:
        """Return the plan of the injected faults; None if there is none."""
        plan = self._ask("GET", "faults")
        return Plan.from_json(plan) if plan else None

    def set_faults(self, plan: Plan) -> None:
        """Inject faults from now on; this resets the counts of earlier ones."""
        self._ask("PUT", "faults", plan.to_json())

    def clear_faults(self) -> None:
        """Inject no more faults."""
        self._ask("DELETE", "faults")

    def eventually_consistent(self) -> bool:
        """Return whether it is as eventually consistent as AWS."""
        return bool(self._ask("GET", "consistency"))

    def set_eventually_consistent(self, *, on: bool) -> None:
        """Make it as eventually consistent as AWS from now on, or consistent at once."""
        self._ask("PUT", "consistency", on)

    def deliveries(self, order_id: str | None = None, limit: int = 0) -> list[Delivery]:
        """Return the outcomes of the latest deliveries, oldest first.

        Args:
            order_id: Only those of this order (its correlation id).
            limit: Only so many of them, the newest; 0: all that are stored.
        """
        query = urlencode({"correlation_id": order_id or "", "limit": limit})
        return [Delivery.from_json(item) for item in self._ask("GET", f"deliveries?{query}")]

    def changes(self, log_id: str = "", after: int = 0, *, wait: float = 0.0) -> Changes:
        """Return the newest events and deliveries, oldest first, at most a thousand.

        Args:
            log_id: The `log_id` of the last read; another log is read from its start.
            after: The `last` of the last read; 0 for all that are stored.
            wait: Seconds to wait for a record if there is none.
        """
        query = urlencode({"log_id": log_id, "after": after, "wait": wait})
        answer = self._ask("GET", f"changes?{query}", timeout=wait + self._timeout)
        try:
            return Changes.from_json(answer)
        except (KeyError, TypeError, ValueError) as error:
            msg = (
                f"The local cloud at {self._endpoint_url} is of another version of this "
                "repository. Run: make down, then make up"
            )
            raise LocalCloudError(msg) from error

    def events(self, order_id: str | None = None) -> list[BusEvent]:
        """Return the stored events that reached a bus, oldest first.

        Args:
            order_id: Only those of this order (its correlation id).
        """
        found: list[BusEvent] = []
        read = self.changes()
        while read.records:
            found += [each for each in read.records if isinstance(each, BusEvent)]
            read = self.changes(read.log_id, read.last)
        if order_id is None:
            return found
        return [each for each in found if Origin.of(each.content).correlation_id == order_id]

    def permission_uses(self) -> Counter[Use]:
        """Return the permissions of roles that were needed since the start, and how often."""
        return PermissionLog.from_json(self._ask("GET", "permissions"))

    def stop(self, *, keep: bool = False) -> None:
        """Stop it; it responds first.

        Args:
            keep: Whether to wait for queued events, and to store the stack for the next start.

        Raises:
            LocalCloudError: It does not respond; or it cannot store its stack, and keeps running.
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
                body = error.read().decode("utf-8", "replace")
            msg = _message(body)
            if error.code != HTTPStatus.INSUFFICIENT_STORAGE:
                msg = f"{self._endpoint_url} refused: {msg}"
            raise LocalCloudError(msg) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if isinstance(reason, TimeoutError):
                msg = f"{self._endpoint_url} does not answer in time. It may be paused or busy."
                raise NoAnswerError(msg) from error
            msg = (
                f"{self._endpoint_url} does not answer as a local cloud does ({reason}). "
                "`make status` says what runs."
            )
            raise LocalCloudError(msg) from error


def _message(body: str) -> str:
    """Return the message in an error's body, or the start of the body."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200]
