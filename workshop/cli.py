"""The command line: one module of verbs per group, under ``commands/``."""

import signal
import sys
from types import FrameType

import typer

from workshop.commands import bench, check, deploy, lock, look, orders, quality, stack, trouble
from workshop.console import say
from workshop.errors import WorkshopError

app = typer.Typer(
    name="workshop",
    help="Event-driven orders on AWS: build them up, run them here, look inside.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (stack, orders, look, trouble, check, quality, bench, deploy, lock):
    app.add_typer(group.app)


@app.callback(invoke_without_command=True)
def _help_when_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the verb of the command line, and end the process with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(prog_name="workshop", standalone_mode=False)
    except WorkshopError as error:
        say(str(error))
        code = error.exit_code
    except typer.TyperException as error:
        say(error.format_message())
        code = error.exit_code
    except typer.Abort:
        code = 130
    if code == 130:
        say("Interrupted.")
    sys.exit(code)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End as on Ctrl-C: what was started is stopped in good order."""
    raise KeyboardInterrupt
