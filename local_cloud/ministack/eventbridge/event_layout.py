"""Events look as EventBridge sends them: AWS's order of the fields, and no blanks.

`make dlq ARGS=id` shows this text. MiniStack 1.5.33 has another order, and blanks.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import contextvars
import json
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge

from local_cloud.delivery import put_events
from local_cloud.ministack.replacing import replace

_INPUTS = ("Input", "InputPath", "InputTransformer")

_whole: contextvars.ContextVar[bool] = contextvars.ContextVar("whole", default=False)
"""Whether the target gets the whole event, and no input of its own."""


def install() -> None:
    """Attach all of it. Once per process, before the first request."""
    replace(eventbridge, "_pattern_event_view", _in_order)
    replace(eventbridge, "_invoke_target", _noting)
    replace(eventbridge, "_dispatch_to_sqs", _to_queue)
    replace(eventbridge, "_dispatch_to_sns", _to_topic)


def _in_order(view: Callable[..., Any]) -> Callable[..., Any]:
    def ordered(event: dict[str, Any]) -> Any:
        found = view(event)
        found._envelope = put_events.ordered(found._envelope)
        return found

    return ordered


def _noting(invoke: Callable[..., Any]) -> Callable[..., Any]:
    def invoked(target: dict[str, Any], event: Any, rule: Any, view: Any = None) -> None:
        token = _whole.set(not any(target.get(name) for name in _INPUTS))
        try:
            invoke(target, event, rule, view)
        finally:
            _whole.reset(token)

    return invoked


def _to_queue(send: Callable[..., Any]) -> Callable[..., Any]:
    def sent(spec: Any, payload: str, sqs_parameters: Any = None) -> Any:
        return send(spec, _compact(payload), sqs_parameters)

    return sent


def _to_topic(publish: Callable[..., Any]) -> Callable[..., Any]:
    def published(topic_arn: str, payload: str) -> Any:
        return publish(topic_arn, _compact(payload))

    return published


def _compact(payload: str) -> str:
    return put_events.compact(json.loads(payload)) if _whole.get() else payload
