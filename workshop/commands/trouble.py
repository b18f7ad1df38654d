"""The verb for the local cloud's trouble switch."""

from typing import Annotated, Any

import typer

from workshop.console import out
from workshop.errors import UsageError
from workshop.local_cloud.adapter.trouble import Plan
from workshop.local_cloud.control import Control
from workshop.stack import Stack, current, function_name

app = typer.Typer()

Share = Annotated[float | None, typer.Option(min=0, max=1, help="Share of deliveries, 0 to 1.")]


@app.command()
def trouble(  # noqa: PLR0913, PLR0917 - each is an option
    duplicate: Share = None,
    delay: Share = None,
    reorder: Share = None,
    drop: Share = None,
    copies: Annotated[int, typer.Option(min=2, help="Deliveries of a duplicated event.")] = 2,
    seconds: Annotated[float, typer.Option(min=0, help="Longest delay.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed brings the same trouble.")] = 0,
    function: Annotated[
        list[str] | None, typer.Option(help="Only for this function, such as payment; repeatable.")
    ] = None,
    kill: Annotated[
        str | None, typer.Option(help="Kill this function once, between its write and publish.")
    ] = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="No more trouble.")] = False,
) -> None:
    """Duplicate, delay, reorder or drop events on purpose; without options, show the trouble."""
    stack = current()
    control = switch(stack)
    plan: dict[str, Any] = {
        "duplicate": duplicate and {"share": duplicate, "copies": copies},
        "delay": delay and {"share": delay, "seconds": seconds},
        "reorder": reorder and {"share": reorder},
        "drop": drop and {"share": drop},
        "kill_before_publish": kill and {"function": function_name(stack, kill)},
    }
    plan = {name: value for name, value in plan.items() if value}
    if clear and plan:
        raise UsageError("Either --clear, or trouble: not both.")
    if clear:
        control.clear_trouble()
    elif plan:
        concerned = [function_name(stack, key) for key in function or []]
        control.set_trouble(Plan.from_json({"seed": seed, "functions": concerned, **plan}))
    out.print(describe(control.trouble()), markup=False)


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
    if plan is None:
        return "none"
    shares = {
        f"duplicate, {plan.duplicate.copies} deliveries": plan.duplicate.share,
        f"delay up to {plan.delay.seconds:g} s": plan.delay.share,
        "reorder": plan.reorder.share,
        "drop": plan.drop.share,
        "refuse": plan.refuse.share,
    }
    parts = [f"{share:.0%} {what}" for what, share in shares.items() if share]
    if plan.kill_before_publish:
        parts.append(f"{plan.kill_before_publish.function} killed before it publishes")
    concerned = ", ".join(plan.functions) or "all functions"
    return f"{'; '.join(parts) or 'none'} ({concerned}, seed {plan.seed})"
