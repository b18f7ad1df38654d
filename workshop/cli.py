"""The command line: one module of verbs per group, under ``commands/``."""

import contextlib
import importlib
import io
import signal
import sys
import traceback
from collections.abc import Iterable
from types import FrameType

import typer

from workshop.console import say
from workshop.errors import EXPECTED, in_one_line
from workshop.paths import STATE

unreadable: list[str] = []
"""Why commands are missing: some use the stages' own code, which a learner may be rewriting."""


def assemble(package: str, about: str, groups: Iterable[str]) -> typer.Typer:
    """Build a command line from a package's ``commands/`` modules.

    Args:
        package: The program, such as `workshop`.
        about: What it is for.
        groups: The modules, in the order in which help shows them. One that cannot be imported is
            left out, and `unreadable` says why.
    """
    app = typer.Typer(
        name=package,
        help=about,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in groups:
        try:
            app.add_typer(importlib.import_module(f"{package}.commands.{name}").app)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other commands work
            if (fault := in_one_line(error)) not in unreadable:
                unreadable.append(fault)

    @app.callback(invoke_without_command=True)
    def _help_when_alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app


app = assemble(
    "workshop",
    "Event-driven orders on AWS: build them up, run them here, look inside.",
    (
        *("stack", "orders", "observe", "recovery", "faults", "check", "exercise"),
        *("progress", "lab", "bootstrap", "deploy", "release"),
    ),
)


def main() -> None:
    """Run the learner's command line, and end the process with its exit code."""
    run(app)


def run(app: typer.Typer) -> None:
    """Run the command of the command line, and end the process with its exit code."""
    for name in ("SIGTERM", "SIGHUP"):  # ended by somebody; the terminal was closed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every encoding has a ✓
            stream.reconfigure(errors="replace")
    _tell_unreadable()
    try:
        code = app(prog_name=app.info.name, standalone_mode=False)
    except EXPECTED as error:
        say(str(error))
        code = error.exit_code
    except typer.TyperException as error:
        say(error.format_message())
        code = error.exit_code
    except typer.Abort:
        code = 130
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        code = 1
        _tell_unexpected(error)
    if code == 130:
        say("Interrupted.")
    sys.exit(code)


def _tell_unreadable() -> None:
    for each in unreadable:
        say(f"{each}. Verbs that use this code are missing until it is mended.")


def _tell_unexpected(error: Exception) -> None:
    """Name an error that nobody foresaw, and keep its traceback in a file."""
    name = type(error).__name__
    with contextlib.suppress(OSError):
        STATE.mkdir(exist_ok=True)
        log = STATE / "error.log"
        log.write_text("".join(traceback.format_exception(error)), "utf-8")
        say(f"Something went wrong that nobody foresaw ({name}). Details: .workshop/error.log")
        return
    sys.stderr.write(f"Something went wrong that nobody foresaw ({name}).\n")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End as on Ctrl-C: what was started is stopped in good order."""
    raise KeyboardInterrupt
