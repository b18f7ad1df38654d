"""The command that says why an event did not arrive."""

import shlex
from typing import Annotated

import typer

from workshop.console import out, print_table, say
from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.stack import command, current, function_name
from workshop.errors import UsageError
from workshop.event_patterns import matches
from workshop.journeys.order_rows import newest
from workshop.why import answers, events, view

app = typer.Typer()


@app.command()
def why(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="EVENT",
            help="A file with an event, or - for standard input. On the local cloud also the id of "
            "a recent event, or of an order; default: the newest order.",
        ),
    ] = None,
    function: Annotated[
        str | None,
        typer.Argument(help="Only the rule of this function, such as payment; default: all rules."),
    ] = None,
) -> None:
    """Show which rules match an event, and which field of a pattern refuses it.

    An event has the form that EventBridge delivers, or that of an entry of PutEvents.
    """
    stack = current()
    if function:
        function_name(stack, function)
    hidden: list[str] = []
    what = what or newest(stack)
    for number, asked in enumerate(events.read(stack, what)):
        try:
            with aws_errors():
                found = answers.why(stack, asked.event, matches, sent=asked.rules)
        except ValueError as error:
            raise UsageError(f"EventBridge refuses this event: {error}") from error
        shown = [each for each in found if function in {None, each.function}]
        if function and not shown:
            raise UsageError(f"No event invokes {function}.")
        if number:
            out.print()
        out.print(view.heading(asked.event), style="bold", markup=False, soft_wrap=True)
        if elsewhere := view.other_bus(asked, stack.outputs.event_bus_name):
            out.print(elsewhere, style="red", markup=False, soft_wrap=True)
        print_table(view.answers_table(shown, width=out.width))
        hidden += [each.function for each in shown if view.is_short(each, shown)]
        for remark in view.remarks(shown):
            out.print(remark, markup=False, soft_wrap=True)
    if hidden:
        all_fields = command(stack, f'why ARGS="{shlex.quote(what)} {hidden[0]}"')
        say(f"All fields of one rule: {all_fields}")
