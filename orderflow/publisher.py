"""Putting events on the bus."""

import time
from collections.abc import Callable
from typing import Any

from orderflow import aws, contract
from orderflow.backoff import backoff_seconds
from orderflow.errors import AwsRequestError, PublishError
from orderflow.event import Event

ATTEMPTS = 3


class Publisher:
    """Publishes events that keep the contract to one EventBridge bus."""

    def __init__(
        self,
        events: Any,
        event_bus_name: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take a boto3 `events` client and the bus to publish to."""
        self._events = events
        self._event_bus_name = event_bus_name
        self._sleep = sleep

    def publish(self, event: Event) -> None:
        """Put one event on the bus.

        PutEvents answers 200 even when it took nothing, so the answer itself is read, and an
        entry that failed is sent again.

        Raises:
            InvalidEventError: The event breaks the contract; nothing was sent.
            PublishError: The bus refused it every time, or did not answer.
        """
        contract.validate(event)
        entry = {
            "Source": contract.source(event.type),
            "DetailType": event.type,
            "Detail": event.to_json(),
            "EventBusName": self._event_bus_name,
        }
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(backoff_seconds(attempt))
            answer = self._put(entry)
            if not answer["FailedEntryCount"]:
                return
        code = answer["Entries"][0].get("ErrorCode", "unknown")
        raise PublishError(f"the bus refused {event.event_id} {ATTEMPTS} times: {code}")

    def _put(self, entry: dict[str, str]) -> Any:
        try:
            return aws.call(self._events.put_events, Entries=[entry])
        except AwsRequestError as error:
            raise PublishError(str(error)) from None
