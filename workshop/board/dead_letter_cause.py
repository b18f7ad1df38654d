"""What is known about the cause of a dead letter, and what to do before a redrive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from workshop.deployment.stack import on
from workshop.journeys import advice
from workshop.orders.api_client import ALWAYS_UNAVAILABLE, TOKEN_EFFECTS
from workshop.recovery import dead_letter_view
from workshop.recovery.dead_letters import DeadLetter

GATEWAY_ERROR = "GatewayUnavailableError"
"""The error of a function whose payment gateway does not respond."""


@dataclass(frozen=True)
class Cause:
    """A sentence about the cause, and the place on the board that helps.

    Attributes:
        sentence: What is known, and what to do.
        is_lasting: Whether a redrive cannot help.
        text: The link's text; empty for none.
        link: Its address.
    """

    sentence: str
    text: str = ""
    link: str = ""
    is_lasting: bool = False


def cause_of(found: DeadLetter, *, cloud: str, gateway_up: bool | None) -> Cause | None:
    """Return what is known about the cause of a dead letter; None if nothing is.

    Args:
        found: The dead letter.
        cloud: The name of the stack's cloud, for commands.
        gateway_up: Whether the payment gateway responds; None if that is not known.
    """
    if stock := advice.missing_stock(dead_letter_view.cause(found.error, found.reason)):
        sentence = (
            f"The inventory had no such stock item. Set it before you redrive: {on(cloud, stock)}"
        )
        return Cause(sentence, "See the stock", "/place-order")
    if found.error != GATEWAY_ERROR:
        return None
    if lasting := of_token(found.event, found.consumer):
        return lasting
    if gateway_up is False:
        sentence = "The payment gateway is down. Switch it on before you redrive."
        return Cause(sentence, "The gateway on this board", "/faults#gateway")
    if gateway_up:
        return Cause("The payment gateway is up again. Redrive it.")
    return None


def of_token(event: Any, consumer: str) -> Cause | None:
    """Return the cause if the payment token of an `OrderCreated` fails every time; else None.

    Args:
        event: The event, as EventBridge sent it.
        consumer: The key of the function that failed.
    """
    if _token(event) != ALWAYS_UNAVAILABLE:
        return None
    effect = TOKEN_EFFECTS[ALWAYS_UNAVAILABLE].removesuffix(".")
    query = urlencode({"from": str(event.get("id", "")), "target": consumer})
    return Cause(
        f"The order's payment token is {ALWAYS_UNAVAILABLE}: {effect[0].lower()}{effect[1:]}. "
        "A redrive cannot help. Send the event to the function with another token, "
        "or discard the message.",
        "Send it with another token",
        f"/send?{query}",
        is_lasting=True,
    )


def _token(event: Any) -> str:
    """Return the payment token of an OrderCreated; empty for another event."""
    for name in ("detail", "data", "payment_method", "token"):
        event = event.get(name) if isinstance(event, Mapping) else None
    return event if isinstance(event, str) else ""
