"""What is wrong with a stack on purpose: trouble, a gateway that is down, a rule that is off."""

from local_cloud.control import Control
from local_cloud.delivery.fault_injection import Plan
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Stack
from workshop.errors import UsageError, WorkshopError

NO_TROUBLE = "nothing goes wrong on purpose"


def nothing_is_wrong(stack: Stack) -> None:
    """Make sure that what follows meets a system that is as it should be.

    Raises:
        WorkshopError: Trouble is on, the gateway is down, or a rule is off; the message names the
            command.
    """
    if stack.target.own and (plan := switch(stack).trouble()):
        raise WorkshopError(
            f'There is trouble on purpose ({describe(plan)}): make trouble ARGS="--clear"'
        )
    if stack.stage >= gateway_switch.STAGE and not all(gateway_switch.state(stack).values()):
        raise WorkshopError("The payment gateway is down: make gateway ARGS=up")
    bus = stack.outputs.event_bus_name
    for rule in stack.client("events").list_rules(EventBusName=bus)["Rules"]:
        if rule["State"] == "DISABLED":
            raise WorkshopError(
                f"The rule {rule['Name']} is off, and no deployment switches it on: aws events "
                f"enable-rule --event-bus-name {bus} --name {rule['Name']}"
            )


def switch(stack: Stack) -> Control:
    """The control of a stack's local cloud.

    Raises:
        UsageError: When the stack is on AWS.
    """
    if not stack.target.own or stack.target.endpoint_url is None:
        raise UsageError("The trouble switch belongs to the local cloud: AWS has none.")
    return Control(stack.target.endpoint_url)


def describe(plan: Plan | None) -> str:
    """A plan of trouble in one line."""
    plan = plan or Plan()
    parts = []
    shares = {
        f"duplicate, {plan.duplicate.copies} deliveries": plan.duplicate.share,
        f"delay up to {plan.delay.seconds:g} s": plan.delay.share,
        f"reorder within {plan.reorder.seconds:g} s": plan.reorder.share,
        "drop": plan.drop.share,
        "refuse": plan.refuse.share,
    }
    if hit := [f"{share:.0%} {what}" for what, share in shares.items() if share]:
        concerned = ", ".join((*plan.functions, *plan.detail_types)) or "all events"
        parts.append(f"{'; '.join(hit)} ({concerned}, seed {plan.seed})")
    if kill := plan.kill_before_publish:
        often = f", {kill.times} times" if kill.times > 1 else ""
        parts.append(f"{kill.function} killed before it publishes{often}")
    return "; ".join(parts) or NO_TROUBLE
