"""The commands of the simulation: many seeds, every pair of faults, and its own test."""

import re
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from devtools.reliability.record import Record, figures, write
from workshop.console import err, out, print_table, say
from workshop.errors import UsageError
from workshop.paths import in_stages

if TYPE_CHECKING:
    from tests.simulation.campaign import Found, Summary

app = typer.Typer()

SEEDS = 20_000
MOST = 1_000_000_000
"""The greatest seed, and the most seeds of one run."""
DAY = 24 * 3600


@app.command()
def simulate(
    seeds: Annotated[
        int, typer.Option(help="How many seeds to run.", min=0, max=MOST, envvar="SEEDS")
    ] = SEEDS,
    first: Annotated[
        int, typer.Option(help="The first seed.", min=0, max=MOST, envvar="FIRST_SEED")
    ] = 0,
    faults: Annotated[
        int, typer.Option(help="Run every combination of up to so many faults.", min=0, max=2)
    ] = 2,
    seed: Annotated[
        str | None, typer.Option(help="Run this seed alone, and show what happens in it.")
    ] = None,
    *,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the report's record.")
    ] = False,
) -> None:
    """Simulate the order flow with every kind of failure, and check that nothing is lost."""
    if seed is not None and not re.fullmatch(r"[\w .-]{1,40}", seed, re.ASCII):
        raise UsageError("A seed has 1 to 40 letters, digits, spaces, dots and hyphens.")
    _find_services()
    from tests.simulation import campaign  # noqa: PLC0415 - the services are on the path now

    if seed is not None:
        _show(seed)
        return
    begun = time.monotonic()
    random = _run("seeds", campaign.seeds(first, seeds))
    planned = _run("combinations of faults", campaign.plans(faults))
    seconds = time.monotonic() - begun
    print_table(_table(random, planned))
    total = random + planned
    out.print(
        f"{total.runs:,} runs, {total.failed:,} of them broke an invariant; "
        f"{total.seconds / DAY / 365:,.0f} simulated years in {seconds:,.0f} s"
    )
    if record:
        write(_record(random, planned, seconds))
    for failure in total.failures:
        say(f"{failure.name}: {failure.violation}")
    if random.failures:
        name = random.failures[0].name
        say(f"Show one with: make simulate ARGS='--seed {name}'")
        _show(name)
    if total.failed:
        raise typer.Exit(1)


@app.command("simulate-selftest")
def selftest(
    *,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the report's record.")
    ] = False,
) -> None:
    """Plant bugs into the code, and check that the simulation finds each of them."""
    _find_services()
    from tests.simulation import campaign  # noqa: PLC0415

    found: list[Found] = sorted(_each("planted bugs", campaign.bugs()), key=lambda one: one.bug)
    table = Table("the code", "broken invariant", "seeds", box=None)
    for each in found:
        mark = "" if each.expected else "NOT FOUND  "
        table.add_row(each.bug, mark + (each.invariant or "none"), str(each.seeds))
    print_table(table)
    missed = [each for each in found if not each.expected]
    out.print(f"{len(found) - len(missed)} of {len(found)} planted bugs found")
    if record:
        write(_record_of_bugs(found))
    if missed:
        raise typer.Exit(1)


def _find_services() -> None:
    """Put the services' packages on the path."""
    for package in in_stages("*/__init__.py"):
        folder = str(package.parent.parent)
        if folder not in sys.path:
            sys.path.append(folder)


def _show(seed: str) -> None:
    """Show a seed's run; one that breaks an invariant in its shortest form."""
    from tests.simulation import scenario, shrink, trace  # noqa: PLC0415

    result = scenario.run_seed(seed)
    if result.violation is not None:
        say(f"{len(result.injected)} faults; looking for the fewest …")
        result = shrink.shrink(seed, result)
    for line in trace.lines(result, out.width):
        out.print(line, markup=False)
    if result.violation is not None:
        raise typer.Exit(1)


def _run(what: str, jobs: list[Any]) -> "Summary":
    from tests.simulation.campaign import Summary  # noqa: PLC0415

    return sum(_each(what, jobs), Summary())


def _each(what: str, jobs: list[Any]) -> list[Any]:
    """Return the results of jobs; show how far they are."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from tests.simulation import campaign  # noqa: PLC0415

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        return list(progress.track(campaign.results(jobs), len(jobs), description=what))


def _table(random: "Summary", planned: "Summary") -> Table:
    """Return what was run, as a table."""
    table = Table("", "seeds", "combinations", box=None)
    for name, values in {
        "runs": (random.runs, planned.runs),
        "broke an invariant": (random.failed, planned.failed),
        "runs of functions": (random.functions, planned.functions),
        "injected faults": (random.faults.total(), planned.faults.total()),
        **{
            f"  {fault}": (random.faults[fault], planned.faults[fault])
            for fault in sorted(random.faults | planned.faults)
        },
        "orders at the end": (random.orders.total(), planned.orders.total()),
        **{
            f"  {status}": (random.orders[status], planned.orders[status])
            for status in sorted(random.orders | planned.orders)
        },
    }.items():
        table.add_row(name, *(f"{value:,}" for value in values))
    return table


def _record(random: "Summary", planned: "Summary", seconds: float) -> Record:
    """Return the record of a run of the simulation."""
    from tests.simulation.claims import Invariant  # noqa: PLC0415

    total = random + planned
    return Record(
        suite="simulation",
        title="Simulation",
        what=[
            "The services' own code runs in a world that one number decides, the seed.",
            "It decides which event comes next, how often, how late, and what fails at each call.",
            "Each run ends with recovery without faults, and every invariant must hold.",
        ],
        command="make simulate",
        figures=figures(
            seeds=random.runs,
            combinations_of_one_and_two_faults=planned.runs,
            runs_that_broke_an_invariant=total.failed,
            invariants=len(Invariant),
            orders=total.orders.total(),
            runs_of_functions=total.functions,
            injected_faults=total.faults.total(),
            kinds_of_faults=len(total.faults),
            simulated_years=round(total.seconds / DAY / 365),
            seconds_on_two_cores=round(seconds),
        ),
    )


def _record_of_bugs(found: "list[Found]") -> Record:
    """Return the record of the simulation's own test."""
    return Record(
        suite="planted-bugs",
        title="The simulation's own test",
        what=[
            "Mistakes that people make in such systems are planted into the code, one at a time.",
            "The simulation must find each of them, and by an invariant that the mistake breaks.",
        ],
        command="make simulate-selftest",
        figures=[
            *figures(
                planted_bugs=len(found),
                found=sum(each.expected for each in found),
                most_seeds_for_one=max(each.seeds for each in found),
            ),
            *({"name": each.bug, "value": f"{each.invariant} ({each.seeds})"} for each in found),
        ],
    )
