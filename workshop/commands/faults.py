"""The command that injects faults into the local cloud."""

from typing import Annotated, Any

import typer

from local_cloud.delivery.fault_injection import LONGEST_HOLD, MOST_COPIES
from workshop.console import out
from workshop.deployment.local.injected_faults import MOST_KILLS, Faults, describe, switch
from workshop.deployment.stack import current
from workshop.errors import UsageError

app = typer.Typer()


def _share(what: str) -> Any:
    return typer.Option(min=0, max=1, metavar="SHARE", help=what)


@app.command()
def faults(  # noqa: PLR0913, PLR0917 - each is an option
    duplicate: Annotated[float | None, _share("Deliver them more than once.")] = None,
    copies: Annotated[
        int,
        typer.Option(
            min=2,
            max=MOST_COPIES,
            help=f"How often a duplicated event is delivered in all, at most {MOST_COPIES}.",
        ),
    ] = Faults.copies,
    delay: Annotated[float | None, _share("Deliver them late.")] = None,
    seconds: Annotated[
        float, typer.Option(min=0, max=LONGEST_HOLD, help="The longest delay, in seconds.")
    ] = Faults.seconds,
    reorder: Annotated[
        float | None, _share("Hold them back a moment, so that later ones overtake them.")
    ] = None,
    moment: Annotated[
        float, typer.Option(min=0, max=LONGEST_HOLD, help="The longest such moment, in seconds.")
    ] = Faults.moment,
    drop: Annotated[
        float | None, _share("Lose them: no retry, no dead-letter queue knows of them.")
    ] = None,
    refuse: Annotated[
        float | None,
        _share("Lambda does not take them from EventBridge, which tries again and again."),
    ] = None,
    fail_entries: Annotated[
        float | None,
        _share("PutEvents does not take them, and says so in a response with status 200."),
    ] = None,
    kill: Annotated[
        str | None,
        typer.Option(
            metavar="FUNCTION", help="Kill this function after it has written, before it publishes."
        ),
    ] = None,
    times: Annotated[
        int, typer.Option(min=1, max=MOST_KILLS, help="How often it is killed.")
    ] = Faults.times,
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
        int, typer.Option(help="Which events are hit: the same seed injects the same faults.")
    ] = Faults.seed,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Inject no more faults.")] = False,
) -> None:
    """Inject faults into the local cloud; without options, show those that are injected now.

    A SHARE is a part of the events, from 0 (none) to 1 (all): --drop 0.3 loses three of ten.
    Each call replaces the faults of the call before.
    """
    stack = current()
    control = switch(stack)
    wanted = Faults(
        duplicate=duplicate or 0,
        copies=copies,
        delay=delay or 0,
        seconds=seconds,
        reorder=reorder or 0,
        moment=moment,
        drop=drop or 0,
        refuse=refuse or 0,
        fail_entries=fail_entries or 0,
        kill=kill or "",
        times=times,
        functions=function or (),
        detail_types=detail_type or (),
        seed=seed,
    )
    plan = wanted.plan(stack)
    if clear and plan:
        raise UsageError("Either --clear, or a fault: not both.")
    if (function or detail_type) and not plan:
        raise UsageError("Say what goes wrong, too: --drop 0.3, say.")
    if clear:
        control.clear_faults()
    elif plan:
        control.set_faults(plan)
    out.print(describe(control.faults()), markup=False, soft_wrap=True)
