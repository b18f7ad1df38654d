"""The verb for the local cloud's trouble switch."""

from typing import Annotated, Any

import typer

from local_cloud.delivery.fault_injection import (
    LONGEST_HOLD,
    Duplicate,
    Hold,
    Kill,
    Plan,
    TroubleError,
)
from workshop.console import out
from workshop.deployment.local.injected_faults import describe, switch
from workshop.deployment.stack import current, function_name
from workshop.errors import UsageError

app = typer.Typer()


def _share(what: str) -> Any:
    return typer.Option(min=0, max=1, metavar="SHARE", help=what)


@app.command()
def trouble(  # noqa: PLR0913, PLR0917 - each is an option
    duplicate: Annotated[float | None, _share("Deliver them more than once.")] = None,
    copies: Annotated[
        int, typer.Option(min=2, max=100, help="How often a duplicated event is delivered in all.")
    ] = Duplicate.copies,
    delay: Annotated[float | None, _share("Deliver them late.")] = None,
    seconds: Annotated[
        float, typer.Option(min=0, max=LONGEST_HOLD, help="The longest delay, in seconds.")
    ] = Hold.seconds,
    reorder: Annotated[
        float | None, _share("Hold them back a moment, so that later ones overtake them.")
    ] = None,
    moment: Annotated[
        float, typer.Option(min=0, max=LONGEST_HOLD, help="The longest such moment, in seconds.")
    ] = Plan().reorder.seconds,
    drop: Annotated[
        float | None, _share("Lose them: no retry, no dead-letter queue knows of them.")
    ] = None,
    refuse: Annotated[
        float | None,
        _share("Lambda does not take them from EventBridge, which tries again and again."),
    ] = None,
    kill: Annotated[
        str | None,
        typer.Option(
            metavar="FUNCTION", help="Kill this function after it has written, before it publishes."
        ),
    ] = None,
    times: Annotated[int, typer.Option(min=1, help="How often it is killed.")] = Kill.times,
    function: Annotated[
        list[str] | None,
        typer.Option(
            help="Only events on their way to this function, such as payment; repeatable."
        ),
    ] = None,
    detail_type: Annotated[
        list[str] | None,
        typer.Option(help="Only events of this kind, such as OrderCreated; repeatable."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Which events are hit: the same seed brings the same trouble.")
    ] = Plan.seed,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="No more trouble.")] = False,
) -> None:
    """Make things go wrong on purpose; without options, show what goes wrong now.

    A SHARE is a part of the events, from 0 (none) to 1 (all): --drop 0.3 loses three of ten.
    Each call replaces the trouble before it.
    """
    stack = current()
    control = switch(stack)
    plan: dict[str, Any] = {
        "duplicate": duplicate and {"share": duplicate, "copies": copies},
        "delay": delay and {"share": delay, "seconds": seconds},
        "reorder": reorder and {"share": reorder, "seconds": moment},
        "drop": drop and {"share": drop},
        "refuse": refuse and {"share": refuse},
        "kill_before_publish": kill and {"function": function_name(stack, kill), "times": times},
    }
    plan = {name: value for name, value in plan.items() if value}
    concerned = {
        "functions": [function_name(stack, key) for key in function or []],
        "detail_types": detail_type or [],
    }
    if clear and plan:
        raise UsageError("Either --clear, or trouble: not both.")
    if any(concerned.values()) and not plan:
        raise UsageError("Say what goes wrong, too: --drop 0.3, say.")
    if clear:
        control.clear_trouble()
    elif plan:
        try:
            control.set_trouble(Plan.from_json({"seed": seed, **concerned, **plan}))
        except TroubleError as error:  # NaN is in every range that an option checks
            raise UsageError(f"{error}.") from error
    out.print(describe(control.trouble()), markup=False, soft_wrap=True)
