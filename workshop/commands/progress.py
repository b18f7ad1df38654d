"""The command that shows what a learner has done."""

import typer
from rich.table import Table

from workshop.console import out, print_table
from workshop.deployment.stack import current
from workshop.errors import NoStackError
from workshop.exercises import session
from workshop.incidents.catalogue import titles
from workshop.progress import record
from workshop.progress.overview import next_step, overview
from workshop.stages import flow

app = typer.Typer()


@app.command()
def progress() -> None:
    """Show the stages, what is deployed, what passed, and what comes next."""
    try:
        deployed: int | None = current().stage
    except NoStackError:
        deployed = None
    stages = overview(deployed)
    table = Table("stage", "deployed", "check", "exercises", box=None, header_style="bold")
    for each in stages:
        name = flow().stages[each.stage - 1].title
        numbers = "  ".join(f"{'✓' if ok else '·'} {number}" for number, ok in each.exercises)
        table.add_row(f"{each.stage} {name}", "yes" if each.deployed else "–", each.check, numbers)
    print_table(table)
    solved = [each for each in titles() if each in record.load().incidents]
    out.print(f"Incidents solved: {len(solved)} of {len(titles())}", markup=False)
    step = next_step(stages, session.under_way(), deployed, is_solved=session.is_solved())
    out.print(f"Next: {step}", markup=False, soft_wrap=True)
