"""What must hold in every run, whatever fails."""

from enum import StrEnum


class Invariant(StrEnum):
    """The invariants: each has a name, and a sentence that says what it claims."""

    ENDS = "every accepted order ends, or waits in a dead-letter queue"
    RECOVERS = "an order ends once its cause is removed and recovery has run"
    KNOWN = "an accepted order has a row"
    BALANCE = "charges minus refunds are the total of a shipped order, else 0"
    ONE_CHARGE = "an order is charged at most once, and its total"
    ONE_REFUND = "a charge is refunded at most once, and nothing else is"
    ONE_SHIPMENT = "an order is shipped at most once"
    STOCK = "stock and reservations add up to the initial stock"
    NO_NEGATIVE_STOCK = "stock is never negative"
    NO_FALSE_SHORTAGE = "an order is out of stock only if the stock was short"
    ONE_RESERVATION = "an order's reservation is decided once"
    WHOLE_RESERVATION = "a reservation is all that the order asks for"
    SHIPMENT_EARNED = "a shipment has its payment and its reservation"
    FORWARD = "an order's status never moves back"
    OPEN_INDEX = "an order is in the open index until it ends"
    ONE_OUTCOME = "a payment's outcome is decided once"
    TRUE_STATUS = "the status says what the services did"
    DURABLE_FIRST = "no event is on the bus before its outcome is stored"
    ONE_EVENT = "a step has one event: the same id and the same content each time"
    CONTRACT = "nothing is published that the contract refuses"
    DONE = "a run that succeeds has published and stored what it says"
    ONE_ORDER = "one Idempotency-Key is one order"
    ACCEPTED_FIRST = "a dead letter is deleted only after its consumer accepted it"
    RIGHT_CONSUMER = "a redrive invokes only the function that failed"
    EMPTY_QUEUES = "no dead letter of an order that ended is left"
    PRIVATE = "no log line and no error has personal data"
