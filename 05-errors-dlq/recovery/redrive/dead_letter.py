"""A dead letter, read from one of the three formats that AWS writes.

Sources: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations";
EventBridge User Guide, "Using dead-letter queues to process undelivered events"; SQS Developer
Guide, "Using dead-letter queues in Amazon SQS".
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

FAILED = "failed"
"""The queue of a function's on-failure destination: Lambda's record of what it could not do."""
UNDELIVERED = "undelivered"
"""The queue of a rule's target: the event, and in attributes why it was not delivered."""
UNPROCESSED = "unprocessed"
"""The queue of a buffer's dead letters: the event as it was."""

UNKNOWN = "?"

CONDITIONS = {
    "RetriesExhausted": "every try failed",
    "EventAgeExceeded": "the event grew too old before the function could take it",
    "ZeroReservedConcurrency": "the function is switched off: its reserved concurrency is 0",
}
"""Lambda's conditions, in words: the reason where the function gave none."""

LONGEST_REASON = 500
DEEPEST = 100
"""Levels of a body that are followed; an event of the order flow has seven."""

_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EVENT_ID = re.compile(rf"{_ORDER_ID.pattern}/[a-z-]{{1,40}}")
_EVENT_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue."""

    message_id: str
    receipt_handle: str
    consumer: str
    """Key of the function whose queue it lies in."""
    queue: str
    """`failed`, `undelivered` or `unprocessed`."""
    sent_at: datetime
    """UTC, when it came into the queue."""
    body: str
    attributes: dict[str, str]
    event: dict[str, Any] | None
    """What the consumer was to get; None when the message is unrecognised."""
    order_id: str | None
    event_id: str | None
    event_type: str | None
    error: str
    """By its name: `GatewayUnavailableError`, `NO_PERMISSIONS`, `ZeroReservedConcurrency` …"""
    reason: str
    """In words; may be empty."""
    attempts: int
    """How often the function ran, or EventBridge tried to deliver."""
    unrecognised: str | None
    """Why it is not ours; None when it is. It is left alone, and never quoted."""

    @property
    def step(self) -> str:
        """The step that led to the event, such as `order-created`, else its type, else `?`."""
        if self.event_id:
            return self.event_id.rpartition("/")[2]
        return self.event_type or UNKNOWN


class _UnrecognisedError(Exception):
    """The message is not ours; says why."""


@dataclass(frozen=True, slots=True)
class _Failure:
    event: dict[str, Any]
    error: str
    reason: str
    attempts: int


def read(message: dict[str, Any], *, consumer: str, queue: str, function_arn: str) -> DeadLetter:
    """Read a message as SQS hands it over. Whatever is in it, this raises nothing.

    Args:
        message: with `SentTimestamp` and all message attributes.
        consumer: key of the function whose queue it lies in.
        queue: `failed`, `undelivered` or `unprocessed`.
        function_arn: the consumer's ARN without version or alias; what is about another function,
            or one of this name in another account or region, is unrecognised.
    """
    body, attributes = _text(message.get("Body")), _attributes(message.get("MessageAttributes"))
    failure, unrecognised = None, None
    try:
        content = _json_object(body)
        if queue == FAILED:
            failure = _failed(content, function_arn)
        elif queue == UNDELIVERED:
            failure = _undelivered(content, attributes, function_arn)
        else:
            source = _object(message.get("Attributes")).get("DeadLetterQueueSourceArn")
            failure = _unprocessed(content, _text(source), function_arn)
    except _UnrecognisedError as why:
        unrecognised = f"{why} ({len(body.encode('utf-8', 'surrogatepass')):,} bytes)"
    event = failure.event if failure else None
    return DeadLetter(
        message_id=_text(message.get("MessageId")),
        receipt_handle=_text(message.get("ReceiptHandle")),
        consumer=consumer,
        queue=queue,
        sent_at=_moment(_object(message.get("Attributes")).get("SentTimestamp")),
        body=body,
        attributes=attributes,
        event=event,
        order_id=_order_id(event),
        event_id=_matching(_EVENT_ID, _inside(event, "detail", "metadata", "event_id")),
        event_type=_matching(_EVENT_TYPE, _inside(event, "detail-type")),
        error=failure.error if failure else UNKNOWN,
        reason=failure.reason if failure else "",
        attempts=failure.attempts if failure else 0,
        unrecognised=unrecognised,
    )


def _failed(record: dict[str, Any], function_arn: str) -> _Failure:
    """Read Lambda's record; where the function never ran, it has only the condition."""
    context = _object(record.get("requestContext"))
    arn, condition = context.get("functionArn"), words(context.get("condition"))
    if not isinstance(arn, str):
        raise _UnrecognisedError("no record of a failed invocation")
    if not _names(arn, function_arn):
        raise _UnrecognisedError("the record of another function")
    event = record.get("requestPayload")
    if not isinstance(event, dict):
        raise _UnrecognisedError("the function was not invoked with an event")
    answer = _object(record.get("responsePayload"))
    return _Failure(
        event=event,
        error=words(answer.get("errorType")) or condition or UNKNOWN,
        reason=words(answer.get("errorMessage")) or CONDITIONS.get(condition, ""),
        attempts=_count(context.get("approximateInvokeCount")),
    )


def _undelivered(event: dict[str, Any], attributes: dict[str, str], function_arn: str) -> _Failure:
    """Read what EventBridge could not deliver: the body is the event as it was."""
    if not (attributes.get("RULE_ARN") and attributes.get("TARGET_ARN")):
        raise _UnrecognisedError("no event that EventBridge could not deliver")
    target = attributes["TARGET_ARN"]
    if target != _buffer(function_arn) and not _names(target, function_arn):
        raise _UnrecognisedError("an event for another target")
    limit = words(attributes.get("EXHAUSTED_RETRY_CONDITION"))
    return _Failure(
        event=event,
        error=words(attributes.get("ERROR_CODE")) or UNKNOWN,
        reason=words(attributes.get("ERROR_MESSAGE")) or limit,
        attempts=1 + _count(attributes.get("RETRY_ATTEMPTS")),
    )


def _buffer(function_arn: str) -> str:
    """Return the ARN of the queue in front of a function, if it has one."""
    parts = function_arn.split(":")
    return ":".join((*parts[:2], "sqs", *parts[3:5], f"{parts[6]}-buffer"))


def _unprocessed(event: dict[str, Any], source_arn: str, function_arn: str) -> _Failure:
    """Read what a buffer moved here: SQS keeps no reason, but the function has logged it."""
    if source_arn not in {"", _buffer(function_arn)}:
        raise _UnrecognisedError("a message of another queue")
    if not isinstance(event.get("detail-type"), str):
        raise _UnrecognisedError("no event")
    return _Failure(
        event=event,
        error="MaxReceiveCount",
        reason="the function failed each time; its log has the reason",
        attempts=0,
    )


def _names(arn: str, function_arn: str) -> bool:
    """Whether an ARN, with or without a version or alias, is this function's."""
    parts = arn.split(":")  # arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]
    return len(parts) in {7, 8} and ":".join(parts[:7]) == function_arn


def _json_object(body: str) -> dict[str, Any]:
    try:
        # What JSON does not have could not be sent on as it was: NaN, and 1e999 read as infinity.
        content = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        if isinstance(content, dict) and not _deeper(content, DEEPEST):
            return content
    except (ValueError, RecursionError):
        pass
    raise _UnrecognisedError("no JSON object that can be read")


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner)


def _order_id(event: dict[str, Any] | None) -> str | None:
    correlation_id = _inside(event, "detail", "metadata", "correlation_id")
    order_id = _inside(event, "detail", "data", "order", "order_id")
    return _matching(_ORDER_ID, correlation_id) or _matching(_ORDER_ID, order_id)


def _inside(value: Any, *path: str) -> Any:
    for name in path:
        value = _object(value).get(name)
    return value


def _matching(pattern: re.Pattern[str], value: Any) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def words(value: Any) -> str:
    """Return a text on one line, short, and without what a terminal would obey."""
    words = " ".join(_text(value)[: 2 * LONGEST_REASON].split())
    words = "".join(character for character in words if character.isprintable())
    return words if len(words) <= LONGEST_REASON else words[: LONGEST_REASON - 1] + "…"


def _count(value: Any) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else 0


def _moment(milliseconds: Any) -> datetime:
    text = _text(milliseconds)
    known = int(text) if re.fullmatch("[0-9]{1,13}", text) else 0
    return datetime.fromtimestamp(known / 1000, UTC)


def _attributes(found: Any) -> dict[str, str]:
    return {
        name: value["StringValue"]
        for name, value in _object(found).items()
        if isinstance(_object(value).get("StringValue"), str)
    }
