"""What the payment service decides."""

from collections.abc import Mapping

from orderflow.clock import Clock
from orderflow.errors import PermanentError
from orderflow.event import Event, next_event
from orderflow.store import Stored
from payment_service.gateway import ChargeRequest, ChargeResult, PaymentGateway
from payment_service.store import (
    DECLINED,
    PENDING,
    REFUND_PENDING,
    REFUNDED,
    SUCCEEDED,
    AlreadyDecided,
    Payment,
    PaymentInProgressError,
    PaymentStore,
)


class ConflictingOrderError(PermanentError):
    """Another order, with another total, came under the same id before."""


class RefundImpossibleError(PermanentError):
    """The payment was declined: there is nothing to give back."""


def charge(created: Event, *, store: PaymentStore, gateway: PaymentGateway, clock: Clock) -> Stored:
    """Charge an order once; a repeated event finds the stored outcome, refund included.

    Raises:
        ConflictingOrderError: An order with another total came under this id before.
        GatewayUnavailableError: No answer; the intent stays, and the next try counts it up.
    """
    intent = store.record_intent(created.order, PENDING, clock())
    if isinstance(intent, AlreadyDecided):
        return _stored_outcome(intent.payment)
    payment = intent.payment
    if (payment.amount, payment.currency) != (created.order["total"], created.order["currency"]):
        raise ConflictingOrderError(f"{created.correlation_id} came with another total before")
    result = gateway.charge(
        ChargeRequest(
            reference=created.correlation_id,
            idempotency_key=f"charge/{created.correlation_id}",
            token=created.part("payment_method")["token"],
            amount=payment.amount,
            currency=payment.currency,
            attempt=payment.attempts,
        )
    )
    return store.settle(_charged(created, payment, result, clock()))


def refund(
    out_of_stock: Event, *, store: PaymentStore, gateway: PaymentGateway, clock: Clock
) -> Stored:
    """Give back what an order was charged, once.

    Raises:
        RefundImpossibleError: The payment was declined.
        PaymentInProgressError: The payment is not decided yet.
        GatewayUnavailableError: No answer; the intent stays.
    """
    intent = store.record_intent(out_of_stock.order, REFUND_PENDING, clock())
    payment = intent.payment
    if isinstance(intent, AlreadyDecided):
        if payment.status == DECLINED:
            raise RefundImpossibleError(f"{out_of_stock.correlation_id} was never charged")
        if payment.status == PENDING:
            raise PaymentInProgressError(f"{out_of_stock.correlation_id} is not decided yet")
        return _stored_outcome(payment)
    charge_id = gateway.refund(
        out_of_stock.correlation_id, idempotency_key=f"refund/{out_of_stock.correlation_id}"
    )
    missing = ", ".join(out_of_stock.part("inventory").get("missing_skus", []))
    details = {"charge_id": charge_id, "reason": f"out of stock: {missing}"[:200]}
    return store.settle(_processed(out_of_stock, payment, REFUNDED, details, clock()))


def _charged(created: Event, payment: Payment, result: ChargeResult, at: str) -> Event:
    if result.charge_id is None:
        return _processed(created, payment, DECLINED, {"reason": result.decline_reason}, at)
    return _processed(created, payment, SUCCEEDED, {"charge_id": result.charge_id}, at)


def _processed(
    cause: Event, payment: Payment, status: str, details: Mapping[str, str | None], at: str
) -> Event:
    part = {"status": status, "amount": payment.amount, "currency": payment.currency, **details}
    step = f"payment-{status.lower()}"
    return next_event(cause, "PaymentProcessed", step, {"payment": part}, at=at)


def _stored_outcome(payment: Payment) -> Stored:
    if payment.outcome is None:
        raise PaymentInProgressError(f"the payment is {payment.status} and has no outcome yet")
    return Stored(payment.outcome, repeated=True)
