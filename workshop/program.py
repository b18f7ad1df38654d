"""What the two command lines share: commands that are imported when they are asked for."""

import contextlib
import io
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from workshop import makefile
from workshop.errors import EXPECTED, in_one_line
from workshop.launcher import load, repair
from workshop.paths import STATE

_PLAIN = None
"""Help texts are plain: for Rich's markup Typer imports 0.1 s of code."""


class Commands(Mapping[str, Any]):
    """The commands of a program by name; looking one up imports the module that has it.

    A module that cannot be imported fails its own commands only: some use the stages' code, which a
    learner may be rewriting.

    Args:
        package: The program, such as `workshop`.
        modules: Module in ``commands/`` → the commands that it has.
    """

    def __init__(self, package: str, modules: Mapping[str, tuple[str, ...]]) -> None:
        self._package = package
        self._modules = {
            name: f"commands.{module}" for module, names in modules.items() for name in names
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Any:
        app = load(self._package, self._modules[name]).app
        app.rich_markup_mode = _PLAIN
        return get_group(app).commands[name]


def assemble(package: str, about: str, modules: Mapping[str, tuple[str, ...]]) -> typer.Typer:
    """Build a command line from a package's ``commands/`` modules, without importing them.

    Args:
        package: The program, such as `workshop`.
        about: What it is for.
        modules: Module in ``commands/`` → the commands that it has.
    """
    commands = Commands(package, modules)

    class Program(TyperGroup):
        """The program; its help is read from the Makefile, so that it imports no command."""

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings | {"commands": commands})

        def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
            width = max(map(len, commands))
            for title, summaries in makefile.groups().items():
                rows = [
                    (each.ljust(width), summaries[each]) for each in summaries if each in commands
                ]
                if rows:
                    with formatter.section(title):
                        formatter.write_dl(rows)

    app = typer.Typer(
        cls=Program,
        name=package,
        help=about,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=_PLAIN,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def _help_when_alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app


def run(app: typer.Typer) -> None:
    """Run the command that was typed, and end the process with its exit code."""
    for name in ("SIGTERM", "SIGHUP"):  # ended by somebody; the terminal was closed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every encoding has a ✓
            stream.reconfigure(errors="replace")
    try:
        code = app(prog_name=app.info.name, standalone_mode=False)
    except EXPECTED as error:
        _say(str(error))
        code = error.exit_code
    except typer.TyperException as error:
        _say(error.format_message())
        code = error.exit_code
    except typer.Abort:
        code = 130
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        code = 1
        _say(_explanation(error))
    if code == 130:
        _say("Interrupted.")
    sys.exit(code)


def _explanation(error: Exception) -> str:
    """Return what an unexpected error means; packages that it finds damaged are repaired."""
    if isinstance(error, ImportError) and repair():
        return "Files of .venv were missing and are installed again. Run the same command again."
    return f"An unexpected error occurred: {in_one_line(error)}.{_kept(error)}"


def _kept(error: Exception) -> str:
    """Keep an error's traceback in a file, and return the sentence that names the file."""
    try:
        STATE.mkdir(exist_ok=True)
        text = "".join(traceback.format_exception(error))
        (STATE / "error.log").write_text(text, "utf-8")
    except OSError:
        return ""
    return " Details: .workshop/error.log"


def _say(message: str) -> None:
    """Write on standard error without Rich, which not every command imports."""
    with contextlib.suppress(OSError):  # a closed terminal does not hear it
        typer.echo(message, err=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End as on Ctrl-C: what was started is stopped in good order."""
    raise KeyboardInterrupt
