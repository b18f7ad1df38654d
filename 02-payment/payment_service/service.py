"""What the payment service decides."""

from collections.abc import Mapping

from orderflow.clock import Clock
from orderflow.errors import PermanentError, TransientError
from orderflow.event import Event, next_event
from orderflow.store import Stored
from payment_service.gateway import ChargeRequest, ChargeResult, PaymentGateway
from payment_service.store import (
    DECLINED,
    PENDING,
    REFUND_PENDING,
    REFUNDED,
    SUCCEEDED,
    Decided,
    PaymentStore,
)


class RefundImpossibleError(PermanentError):
    """The payment was declined: there is nothing to give back."""


class PaymentInProgressError(TransientError):
    """The payment is not decided yet."""


def charge(created: Event, *, store: PaymentStore, gateway: PaymentGateway, clock: Clock) -> Stored:
    """Charge an order once; a repeated event finds the outcome that stands, refund included.

    Raises:
        GatewayUnavailableError: No answer; the intent stays, and the next try counts it up.
    """
    order = created.order
    intent = store.intend(order, PENDING, clock())
    if isinstance(intent, Decided):
        return _standing(intent)
    result = gateway.charge(
        ChargeRequest(
            idempotency_key=_charge_key(created),
            token=created.part("payment_method")["token"],
            amount=order["total"],
            currency=order["currency"],
            attempt=intent.attempt,
        )
    )
    return store.settle(_charged(created, result, clock()))


def refund(
    out_of_stock: Event, *, store: PaymentStore, gateway: PaymentGateway, clock: Clock
) -> Stored:
    """Give an order's money back once.

    Raises:
        RefundImpossibleError: The payment was declined.
        PaymentInProgressError: The payment is not decided yet.
        GatewayUnavailableError: No answer; the intent stays.
    """
    intent = store.intend(out_of_stock.order, REFUND_PENDING, clock())
    if isinstance(intent, Decided):
        if intent.status == DECLINED:
            raise RefundImpossibleError(f"{out_of_stock.correlation_id} was never charged")
        if intent.status == PENDING:
            raise PaymentInProgressError(f"{out_of_stock.correlation_id} is not decided yet")
        return _standing(intent)
    charge_id = gateway.refund(_charge_key(out_of_stock))
    missing = ", ".join(out_of_stock.part("inventory").get("missing_skus", []))
    payment = {"charge_id": charge_id, "reason": f"out of stock: {missing}"[:200]}
    return store.settle(_processed(out_of_stock, REFUNDED, payment, clock()))


def _charged(created: Event, result: ChargeResult, at: str) -> Event:
    if result.charge_id is None:
        return _processed(created, DECLINED, {"reason": result.decline_reason}, at)
    return _processed(created, SUCCEEDED, {"charge_id": result.charge_id}, at)


def _processed(cause: Event, status: str, details: Mapping[str, str | None], at: str) -> Event:
    payment = {
        "status": status,
        "amount": cause.order["total"],
        "currency": cause.order["currency"],
        **details,
    }
    step = f"payment-{status.lower()}"
    return next_event(cause, "PaymentProcessed", step, {"payment": payment}, at=at)


def _standing(decided: Decided) -> Stored:
    if decided.outcome is None:
        raise PaymentInProgressError(f"the payment is {decided.status} and has no outcome yet")
    return Stored(decided.outcome, repeated=True)


def _charge_key(event: Event) -> str:
    return f"charge/{event.order['order_id']}"
