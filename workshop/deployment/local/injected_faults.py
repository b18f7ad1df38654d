"""The injected faults of a stack: a plan of faults, a gateway that is down, disabled rules."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from local_cloud.control import Control
from local_cloud.delivery.fault_injection import Duplicate, Hold, InvalidPlanError, Kill, Plan
from workshop.console import say
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Stack, command, function_name
from workshop.deployment.stack_parts import rule_states
from workshop.errors import UsageError, WorkshopError

BACKLOG = 50
"""So many queued deliveries delay an order noticeably: by some seconds."""

MOST_KILLS = 1000
"""The most times that a function is killed before it publishes."""

NO_FAULTS = "no faults are injected"


@dataclass(frozen=True)
class Faults:
    """The faults to inject, with the functions' keys; a share is from 0 (none) to 1 (all).

    Attributes:
        duplicate: The share that is delivered more than once.
        copies: How often a duplicated event is delivered in all.
        delay: The share that is delivered late.
        seconds: The longest delay, in seconds.
        reorder: The share that is delayed for a moment, so that later ones overtake.
        moment: The longest such moment, in seconds.
        drop: The share that is lost.
        refuse: The share of EventBridge's attempts that Lambda refuses.
        fail_entries: The share of published events that PutEvents reports as failed.
        kill: The function to kill before it publishes; empty: none.
        times: How often it is killed.
        functions: Only events on their way to these functions; empty: all.
        detail_types: Only events of these types; empty: all.
        seed: Which events are hit: the same seed injects the same faults.
    """

    duplicate: float = 0.0
    copies: int = Duplicate.copies
    delay: float = 0.0
    seconds: float = Hold.seconds
    reorder: float = 0.0
    moment: float = Plan().reorder.seconds
    drop: float = 0.0
    refuse: float = 0.0
    fail_entries: float = 0.0
    kill: str = ""
    times: int = Kill.times
    functions: Collection[str] = ()
    detail_types: Collection[str] = ()
    seed: int = Plan.seed

    @classmethod
    def of(cls, stack: Stack, plan: Plan | None) -> "Faults":
        """Return the faults of a plan."""
        plan = plan or Plan()
        keys = stack.outputs.function_keys | stack.outputs.buffer_keys
        kill = plan.kill_before_publish
        return cls(
            duplicate=plan.duplicate.share,
            copies=plan.duplicate.copies,
            delay=plan.delay.share,
            seconds=plan.delay.seconds,
            reorder=plan.reorder.share,
            moment=plan.reorder.seconds,
            drop=plan.drop.share,
            refuse=plan.refuse.share,
            fail_entries=plan.fail_entries.share,
            kill=keys.get(kill.function, kill.function) if kill else "",
            times=kill.times if kill else Kill.times,
            functions=tuple(dict.fromkeys(keys.get(each, each) for each in plan.functions)),
            detail_types=plan.detail_types,
            seed=plan.seed,
        )

    def plan(self, stack: Stack) -> Plan | None:
        """Return the plan; None if nothing goes wrong in it.

        Raises:
            UsageError: The stack has no such function, or a number is out of range.
        """
        parts: dict[str, Any] = {
            "duplicate": self.duplicate and {"share": self.duplicate, "copies": self.copies},
            "delay": self.delay and {"share": self.delay, "seconds": self.seconds},
            "reorder": self.reorder and {"share": self.reorder, "seconds": self.moment},
            "drop": self.drop and {"share": self.drop},
            "refuse": self.refuse and {"share": self.refuse},
            "fail_entries": self.fail_entries and {"share": self.fail_entries},
            "kill_before_publish": self.kill
            and {"function": function_name(stack, self.kill), "times": self.times},
        }
        parts = {name: value for name, value in parts.items() if value}
        functions = [function_name(stack, key) for key in self.functions]
        buffers = stack.outputs.buffer_keys.items()
        functions += [name for name, key in buffers if key in self.functions]  # they refuse, too
        if not 1 <= self.times <= MOST_KILLS:
            raise UsageError(f"A function can be killed 1 to {MOST_KILLS} times.")
        if not parts:
            return None
        concerned = {"functions": functions, "detail_types": list(self.detail_types)}
        try:
            return Plan.from_json({"seed": self.seed, **concerned, **parts})
        except InvalidPlanError as error:
            raise UsageError(f"{error}.") from error


@dataclass(frozen=True)
class State:
    """The injected faults of a stack as they are now.

    Attributes:
        plan: The plan of a local cloud; None if there is none, and on AWS.
        gateway_up: Whether the payment gateway responds; None if the stack has none.
    """

    plan: Plan | None = None
    gateway_up: bool | None = None

    def __str__(self) -> str:
        """Return all faults in one line; empty if there are none."""
        parts = [describe(self.plan)] if self.plan else []
        if self.gateway_up is False:
            parts.append("the payment gateway is down")
        return "; ".join(parts)


def state(stack: Stack) -> State:
    """Return the injected faults of a stack.

    Raises:
        LocalCloudError: Its local cloud does not respond.
    """
    plan = switch(stack).faults() if stack.target.own else None
    has_gateway = stack.stage >= gateway_switch.stage()
    up = all(gateway_switch.state(stack).values()) if has_gateway else None
    return State(plan, up)


def clear(stack: Stack) -> None:
    """Inject no more faults, and switch the payment gateway on if it is down.

    Raises:
        WorkshopError: The gateway was not up in time.
        LocalCloudError: The local cloud does not respond.
    """
    if stack.target.own:
        switch(stack).clear_faults()
    if state(stack).gateway_up is False:
        gateway_switch.switch(stack, up=True)


def ensure_no_faults(stack: Stack) -> None:
    """Check that no fault is injected.

    Raises:
        WorkshopError: Faults are injected, the gateway is down, or a rule is disabled; the message
            names the command.
    """
    if stack.target.own and (plan := switch(stack).faults()):
        raise WorkshopError(
            f'Faults are injected ({describe(plan)}). To remove them: make faults ARGS="--clear"'
        )
    if stack.stage >= gateway_switch.stage() and not all(gateway_switch.state(stack).values()):
        raise WorkshopError(f"The payment gateway is down: {command(stack, 'gateway ARGS=up')}")
    report_backlog(stack)
    if off := rules_off(stack):
        raise WorkshopError(how_to_enable(stack, off))


def rules_off(stack: Stack) -> list[str]:
    """Return the names of the stack's rules that are disabled."""
    return [name for name, state in rule_states(stack).items() if state == "DISABLED"]


def enable_rules(stack: Stack) -> None:
    """Enable the stack's rules that are disabled, and name them: Terraform does not see that."""
    for name in rules_off(stack):
        stack.client("events").enable_rule(EventBusName=stack.outputs.event_bus_name, Name=name)
        say(f"The rule {name} was disabled and is enabled again.")


def how_to_enable(stack: Stack, rules: list[str]) -> str:
    """Say that rules are disabled, and which command enables them.

    Args:
        stack: The stack.
        rules: Their names.
    """
    bus = stack.outputs.event_bus_name
    enable = f"aws events enable-rule --event-bus-name {bus} --name {rules[0]}"
    if stack.target.own:
        enable = f"make up STAGE={stack.stage}"
    return f"Disabled, so that no event gets through: the rule {', '.join(rules)}. Run: {enable}"


def report_backlog(stack: Stack) -> None:
    """Say how many deliveries a local cloud has queued, if they are so many that one waits."""
    if (waiting := queued(stack)) >= BACKLOG:
        say(
            f"{waiting} deliveries of earlier events are still queued on the local cloud: what "
            "follows waits for them. `make status` shows how many are left."
        )


def queued(stack: Stack) -> int:
    """Return how many deliveries a local cloud has queued, retries included; 0 on AWS."""
    if not stack.target.own:
        return 0
    status = switch(stack).status()
    return status.queued + status.later


def switch(stack: Stack) -> Control:
    """Return the control of a stack's local cloud.

    Raises:
        UsageError: When the stack is on AWS.
    """
    if not stack.target.own or stack.target.endpoint_url is None:
        raise UsageError("Fault injection needs a local cloud. This stack is on AWS.")
    return Control(stack.target.endpoint_url)


def describe(plan: Plan | None) -> str:
    """Return a plan of faults as one line."""
    plan = plan or Plan()
    parts = []
    shares = {
        f"duplicate, {plan.duplicate.copies} deliveries": plan.duplicate.share,
        f"delay up to {plan.delay.seconds:g} s": plan.delay.share,
        f"reorder within {plan.reorder.seconds:g} s": plan.reorder.share,
        "drop": plan.drop.share,
        "refuse": plan.refuse.share,
        "failed entries of PutEvents": plan.fail_entries.share,
    }
    if hit := [f"{share:.0%} {what}" for what, share in shares.items() if share]:
        events = ", ".join((*plan.functions, *plan.detail_types)) or "all events"
        parts.append(f"{'; '.join(hit)} ({events}, seed {plan.seed})")
    if kill := plan.kill_before_publish:
        often = f", {kill.times} times" if kill.times > 1 else ""
        parts.append(f"{kill.function} killed before it publishes{often}")
    return "; ".join(parts) or NO_FAULTS
