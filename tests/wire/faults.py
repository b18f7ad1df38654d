"""The faults of the wire, and the cells: every fault at every AWS call of every function."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

ONCE, CALL, OUTAGE = "once", "call", "outage"
"""How far a fault reaches: one request, so that the SDK's retry passes; all requests of one call,
so that the function fails; or this call and all that follow it, until the service is back.
"""

THROTTLE, SERVER_ERROR, RESET, REPLY_LOST = "throttle", "server error", "reset", "reply lost"
PARTIAL, CONFLICT = "partial failure", "conflict"
EVERYWHERE = (THROTTLE, SERVER_ERROR, RESET, REPLY_LOST)
"""The kinds that every call can meet. A reset comes before the service has read the request; a
reply is lost after the service has done what was asked.
"""
OF_OPERATION = {"PutEvents": PARTIAL, "TransactWriteItems": CONFLICT}

ON_COMMAND = ("reconciler", "redrive")
"""Functions that are started by a person or a schedule."""

THROTTLED = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "events": "ThrottlingException",
    "lambda": "TooManyRequestsException",
    "sqs": "RequestThrottled",
}
BROKEN = {
    "dynamodb": "InternalServerError",
    "events": "InternalException",
    "lambda": "ServiceException",
    "sqs": "InternalFailure",
}
"""Each service's own error codes."""


@dataclass(frozen=True, order=True, slots=True)
class Call:
    """The n-th time, from 1, that a function makes an AWS call for one order."""

    function: str
    operation: str
    number: int

    def __str__(self) -> str:
        return f"{self.function} {self.operation}#{self.number}"


@dataclass(frozen=True, order=True, slots=True)
class Cell:
    """One fault at one call."""

    call: Call
    kind: str
    reach: str

    def __str__(self) -> str:
        return f"{self.call}, {self.kind}, {self.reach}"

    def hits(self, number: int, attempt: int) -> bool:
        """Return whether a request gets the fault: the n-th call, and which attempt of it."""
        if self.reach == OUTAGE:
            return number >= self.call.number
        return number == self.call.number and (self.reach == CALL or attempt == 1)


def cells(calls: Iterable[Call]) -> list[Cell]:
    """Return every fault at every call."""
    return [
        Cell(call, kind, reach)
        for call in sorted(calls)
        for kind in kinds(call.operation)
        for reach in reaches(call.function, kind)
    ]


def reaches(function: str, kind: str) -> list[str]:
    """Return how far a kind of fault reaches at a function's calls.

    Of outages, those are tried that differ for the function's retries: nothing was done, or all was
    done each time. A function on command has no retries, and ends with the first outage.
    """
    if function in ON_COMMAND:
        return [ONCE, CALL] if kind == REPLY_LOST else [CALL]
    return [ONCE, CALL] if kind in {SERVER_ERROR, RESET} else [ONCE, CALL, OUTAGE]


def kinds(operation: str) -> list[str]:
    """Return the kinds of faults that an operation can meet."""
    return [*EVERYWHERE, *([OF_OPERATION[operation]] if operation in OF_OPERATION else [])]


def rule(kind: str, service: str, body: bytes) -> dict[str, Any]:
    """Return a fault as a rule of microburst, for one request."""
    match kind:
        case "throttle":
            return {"error": {"code": THROTTLED[service]}}
        case "server error":
            return {"error": {"code": BROKEN[service], "status": 500}}
        case "reset":
            return {"reset": True}
        case "reply lost":
            return {"response": {"abort_bytes": 0}}
        case "partial failure":  # PutEvents returns 200, and what failed is in the body
            failed = [{"ErrorCode": "InternalFailure"} for _ in json.loads(body)["Entries"]]
            fields = {"FailedEntryCount": len(failed), "Entries": failed}
            return {"error": {"code": "InternalFailure", "status": 200, "fields": fields}}
        case "conflict":
            reasons = [{"Code": "TransactionConflict"} for _ in json.loads(body)["TransactItems"]]
            fields = {"CancellationReasons": reasons}
            return {"error": {"code": "TransactionCanceledException", "fields": fields}}
        case _:
            raise ValueError(kind)
