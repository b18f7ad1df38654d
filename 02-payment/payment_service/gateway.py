"""The payment gateway: a small port, and a simulation: the token decides how a payment ends."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orderflow.errors import TransientError


class GatewayUnavailableError(TransientError):
    """The gateway did not answer; whether it took the money is unknown."""


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """A charge: `amount` in minor units; the same key never charges twice."""

    reference: str
    """The merchant's own name for the charge: the order id."""
    idempotency_key: str
    token: str
    amount: int
    currency: str
    attempt: int
    """Which try this is, from 1. A real gateway would count for itself."""


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """What the gateway answered: a charge id, or the reason of its refusal."""

    charge_id: str | None = None
    decline_reason: str | None = None


class PaymentGateway(Protocol):
    """What the payment service needs of a gateway."""

    def charge(self, request: ChargeRequest) -> ChargeResult:
        """Take the money, once per idempotency key.

        Raises:
            GatewayUnavailableError: No answer; ask again with the same key.
        """
        ...

    def refund(self, reference: str, *, idempotency_key: str) -> str:
        """Give back what was charged under this reference, once per key; return the charge's id.

        Raises:
            GatewayUnavailableError: No answer; ask again with the same key.
        """
        ...


DECLINES = {
    "tok_declined": "declined by the bank",
    "tok_insufficient_funds": "insufficient funds",
}
APPROVED = "tok_approved"
UNAVAILABLE_TWICE = "tok_unavailable_twice"
UNAVAILABLE = "tok_unavailable"
SLOW = "tok_slow"
SLOW_SECONDS = 2.0
TOKENS = (APPROVED, *DECLINES, UNAVAILABLE_TWICE, UNAVAILABLE, SLOW)


class SimulatedGateway:
    """A gateway whose answer depends on the payment method's token alone.

    It has no memory: a charge's id follows from its reference, so a repeated request always meets
    the same charge. A token it does not know is declined.
    """

    def __init__(
        self, *, available: bool = True, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Take whether the gateway answers at all."""
        self._available = available
        self._sleep = sleep

    def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway`."""
        self._answer()
        token = request.token
        if token == UNAVAILABLE or (token == UNAVAILABLE_TWICE and request.attempt <= 2):
            raise GatewayUnavailableError(f"the gateway did not answer attempt {request.attempt}")
        if token == SLOW:
            self._sleep(SLOW_SECONDS)
        if token not in TOKENS:
            return ChargeResult(decline_reason="unknown payment method")
        if token in DECLINES:
            return ChargeResult(decline_reason=DECLINES[token])
        return ChargeResult(charge_id=_charge_id(request.reference))

    def refund(self, reference: str, *, idempotency_key: str) -> str:  # noqa: ARG002
        """See `PaymentGateway`; for lack of a memory it refunds what it never charged, too."""
        self._answer()
        return _charge_id(reference)

    def _answer(self) -> None:
        if not self._available:
            raise GatewayUnavailableError("the gateway does not answer")


def _charge_id(reference: str) -> str:
    return f"ch_{hashlib.sha256(reference.encode()).hexdigest()[:16]}"
