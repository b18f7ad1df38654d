"""The steps of `prove-aws`: the README's commands, and changes outside them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from workshop.deployment.aws import teardown_check
from workshop.deployment.release import function_updates
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.journeys import logs, order_rows
from workshop.orders import api_client

ORDERS = 8
"""The number of orders that the story places, including the smoke tests."""

MINUTES = 20
"""Its approximate duration on AWS: it waits for Lambda's retries and for late lists."""

DEAD_LETTER_SECONDS = 900.0
"""How long a failed event may take to become a dead letter. Lambda retries it after one minute, and
after two more (Lambda Developer Guide, "How Lambda handles errors and retries")."""

OUTAGE_SECONDS = 120.0
"""Seconds until every invocation sees the gateway's switch."""

SHIPPED = "is SHIPMENT_PREPARED"


@dataclass(frozen=True)
class Step:
    """One step of the story.

    Attributes:
        title: What it proves.
        does: A command of `python -m workshop`, as a person types it; or a function that calls AWS.
        shows: Text that its output must contain.
        exit_code: The expected exit code of the command.
        seconds: Seconds for which it is repeated until it shows that.
    """

    title: str
    does: str | Callable[[Stack], str]
    shows: str = ""
    exit_code: int = 0
    seconds: float = 0.0


def put_malformed_events(stack: Stack) -> str:
    """Put events on the bus that AWS refuses; return the error code of each."""
    bus = stack.outputs.event_bus_name
    good = {"Source": "proof", "DetailType": "Proof", "Detail": "{}", "EventBusName": bus}
    malformed = [{**good, "Detail": "{"}, {**good, "Source": ""}, {**good, "DetailType": ""}]
    response = stack.client("events").put_events(Entries=malformed)
    return " ".join(each.get("ErrorCode", "accepted") for each in response["Entries"])


def delete_rule_and_api(stack: Stack) -> str:
    """Delete the shipping rule and the API outside Terraform; return their names."""
    events, bus = stack.client("events"), stack.outputs.event_bus_name
    rule = stack.outputs.function_names["shipping"]
    targets = events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
    events.remove_targets(Rule=rule, EventBusName=bus, Ids=[each["Id"] for each in targets])
    events.delete_rule(Name=rule, EventBusName=bus)
    name, client = f"{bus.removesuffix('-bus')}-api", stack.client("apigatewayv2")
    apis = (api for page in teardown_check.pages(client, "get_apis") for api in page["Items"])
    (found,) = (api["ApiId"] for api in apis if api["Name"] == name)
    client.delete_api(ApiId=found)
    return f"Deleted: rule {rule}, API {name}"


def order_in_outage(stack: Stack) -> str:
    """Place an order; return its id, and whether its payment failed.

    An alias may still point to the old version for a moment. Then the order is paid.
    """
    request = api_client.order_request({"KEYBOARD": 1})
    order_id = str(api_client.place_order(stack, request)["order_id"])
    deadline = time.monotonic() + OUTAGE_SECONDS
    while time.monotonic() < deadline:
        if any(hop.what == "failed" for hop in logs.hops(stack, order_id)):
            return f"{order_id} failed"
        if (status := order_rows.status(stack, order_id)) != "CREATED":
            return f"{order_id} is {status}"
        time.sleep(logs.POLL_SECONDS_IN_ACCOUNT)
    return f"{order_id} did not fail within {OUTAGE_SECONDS:.0f} s"


def change_function(stack: Stack) -> str:
    """Change a setting of the shipping function, so that there is something to release."""
    client, name = stack.client("lambda"), stack.outputs.function_names["shipping"]
    client.update_function_configuration(FunctionName=name, Timeout=24)
    settled = function_updates.wait_until_updated(client, name, function_updates.deadline())
    return f"{name} has a timeout of {settled['Timeout']} s"


STORY = (
    Step("the stack is deployed", "deploy --yes", SHIPPED),
    Step("one order verifies it", "smoke --account", SHIPPED),
    Step("the stock is filled", "stock KEYBOARD=100 MOUSE=100 MONITOR=3"),
    Step("an order is shipped", "order MOUSE=1", SHIPPED),
    Step("an order is declined", "order KEYBOARD=1 --token tok_declined", "is PAYMENT_DECLINED"),
    Step("an order is out of stock", "order MONITOR=5", "is REFUNDED"),
    Step(
        "malformed events are refused",
        put_malformed_events,
        "MalformedDetail InvalidArgument InvalidArgument",
    ),
    Step("a rule and the API are deleted outside Terraform", delete_rule_and_api),
    Step("drift finds it", "drift", "The stack has drifted.", exit_code=3),
    Step("apply recreates them", "apply"),
    Step("an order is shipped again", "order MOUSE=1", SHIPPED),
    Step("the payment gateway goes down", "gateway down"),
    Step("an order cannot be paid", order_in_outage, "failed", seconds=OUTAGE_SECONDS),
    Step(
        "its event is a dead letter",
        "dlq --consumer payment",
        "GatewayUnavailableError",
        seconds=DEAD_LETTER_SECONDS,
    ),
    Step("the gateway is up again", "gateway up"),
    Step("the dead letter is redriven", "redrive", "0 failed again", seconds=OUTAGE_SECONDS),
    Step("the order is shipped", "follow", SHIPPED),
    Step("a function changes", change_function),
    Step("the change is released", "release --account", SHIPPED),
    Step("the release is rolled back", "rollback --account", "Live now, by version:"),
)


def clean_up(prefix: str) -> tuple[Step, ...]:
    """Return the steps that remove a stack, and verify that nothing of it is left.

    Args:
        prefix: Start of the stack's names.
    """
    return (
        Step(
            "the stack is destroyed, and nothing is left",
            f"destroy --confirm {prefix}",
            "nothing of the stack is left",
        ),
    )


def refuse_existing(names: list[str], prefix: str) -> None:
    """Refuse to change, and in the end to destroy, an existing stack.

    Args:
        names: The account's resources with such names.
        prefix: Start of the names.

    Raises:
        WorkshopError: There are such resources.
    """
    if names:
        raise WorkshopError(
            f"The account already has resources named {prefix}-*: {', '.join(names[:3])}. Destroy "
            f'them first, make destroy ARGS="--prefix {prefix}", or choose another --prefix.'
        )
