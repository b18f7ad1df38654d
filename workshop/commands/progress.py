"""The verb that tells a learner how far they are."""

import typer
from rich.table import Table

from workshop.console import out
from workshop.deployment.stack import current
from workshop.errors import EXPECTED
from workshop.exercises import session
from workshop.paths import stage_folder
from workshop.progress.overview import following, overview

app = typer.Typer()


@app.command()
def progress() -> None:
    """Show the stages, what is deployed, what passed, and what comes next."""
    try:
        deployed: int | None = current().stage
    except EXPECTED:
        deployed = None
    stages = overview(deployed)
    table = Table("stage", "deployed", "check", "exercises", box=None, header_style="bold")
    for each in stages:
        folder = stage_folder(each.stage)
        name = folder.name.partition("-")[2].replace("-", " ") if folder else ""
        solved = "  ".join(f"{'✓' if ok else '·'} {number}" for number, ok in each.exercises)
        table.add_row(f"{each.stage} {name}", "yes" if each.deployed else "–", each.check, solved)
    out.print(table)
    told = following(stages, session.under_way(), deployed)
    out.print(f"Next: {told}", markup=False, soft_wrap=True)
