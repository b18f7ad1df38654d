"""The command that tests the tests."""

import os
from typing import Annotated

import typer

from devtools.reliability import mutants as testing
from workshop.console import print_table, say, steps
from workshop.errors import UsageError

app = typer.Typer()


@app.command()
def mutants(
    name: Annotated[
        list[str] | None, typer.Argument(help="Only these suites of mutants.toml.")
    ] = None,
    *,
    record: Annotated[
        bool, typer.Option("--record", help="Save the figures for docs/reliability.md.")
    ] = False,
) -> None:
    """Change the pure core in small ways; each change must make a test fail."""
    if not hasattr(os, "fork"):
        raise UsageError("Mutation testing needs Linux or macOS.")
    configuration = testing.read()
    chosen = [suite for suite in configuration.suites if not name or suite.name in name]
    if unknown := {*(name or ())} - {suite.name for suite in chosen}:
        names = ", ".join(suite.name for suite in configuration.suites)
        raise UsageError(f"There is no suite {', '.join(sorted(unknown))}: {names}.")
    outcomes: list[testing.Outcome] = []
    for suite in chosen:
        with steps("Testing mutants") as progress:
            outcomes += testing.run(suite, configuration.unmutated, progress)
    print_table(testing.table(outcomes))
    if record:
        testing.save(outcomes, configuration.report)
    new, gone = testing.compare(outcomes, configuration.justified)
    for each in gone:
        say(f"No longer survives; delete it from mutants.toml: {testing.described(each)}")
    for each in new:
        say(f"Survives: {testing.described(each)}")
    if new:
        say("Write a test that notices each, or justify it in devtools/reliability/mutants.toml.")
        raise typer.Exit(1)
