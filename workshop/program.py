"""What the two command lines share: commands that are imported when they are asked for."""

import contextlib
import errno
import io
import os
import signal
import sys
import traceback
import unicodedata
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from workshop import makefile
from workshop.errors import EXPECTED, UsageError, in_one_line
from workshop.launcher import load, repair
from workshop.paths import STATE

LONGEST_ARGUMENT = 1000
"""Characters of an argument at most: nothing that a command takes is longer."""

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"

_EXPECTED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EISDIR, errno.ENOTDIR}
"""What the system says of a file that a person can do something about."""
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

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            _check(args)
            return super().parse_args(ctx, args)

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


def _check(arguments: list[str]) -> None:
    """Make sure that arguments are text that can be sent and shown.

    Raises:
        UsageError: One is too long, has control characters, or is not valid in UTF-8.
    """
    for each in arguments:
        if len(each) > LONGEST_ARGUMENT:
            raise UsageError(
                f"An argument has {len(each)} characters; at most {LONGEST_ARGUMENT} are taken."
            )
        if any(map(_is_hidden, each)):
            raise UsageError(
                "An argument has control or invisible characters, or bytes that are not UTF-8: "
                f"{each!a}."
            )


def _is_hidden(character: str) -> bool:
    """Whether a terminal would obey a character or not show it; the two joiners shape words."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"} and character not in _JOINERS


def run(app: typer.Typer) -> None:
    """Run the command that was typed, and end the process with its exit code."""
    for name in ("SIGTERM", "SIGHUP"):  # ended by somebody; the terminal was closed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every encoding has a ✓
            stream.reconfigure(errors="replace")
    code = _outcome(app)
    if code == 130:
        _say("Interrupted.")
    sys.exit(_flushed(code))


def _outcome(app: typer.Typer) -> Any:
    """Run the command, say what went wrong, and return the exit code."""
    try:
        return app(prog_name=app.info.name, standalone_mode=False)
    except EXPECTED as error:
        _say(str(error))
        return error.exit_code
    except typer.TyperException as error:
        _say(error.format_message())
        return error.exit_code
    except typer.Abort:
        return 130
    except SystemExit as error:  # Rich's, when nobody reads the output any more
        return error.code
    except OSError as error:
        if error.errno != errno.EPIPE:  # else whoever read the output has enough
            _say(_of_the_system(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets a sentence
        _say(_explanation(error))
    return 1


def _flushed(code: int | None) -> int | None:
    """Write the rest of the output, and return the exit code: another one if that fails."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try again, and complain in its own words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE and not code:
            _say(f"The output cannot be written: {error.strerror}.")
        return code or 1
    return code


def _of_the_system(error: OSError) -> str:
    """Return what an error of the operating system means."""
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        where = f" {error.filename} cannot be written." if error.filename else ""
        return f"The disk is full.{where} Make room, then run the same command again."
    if error.errno in _EXPECTED and error.filename:
        return f"{error.filename}: {error.strerror}. Fix that, then run the same command again."
    return _explanation(error)


def _explanation(error: Exception) -> str:
    """Return what an unexpected error means; packages that it finds damaged are repaired."""
    if isinstance(error, ImportError) and repair():
        return "Files of .venv were missing and are installed again. Run the same command again."
    if type(error).__module__.startswith("botocore."):
        from workshop.deployment import aws_errors  # noqa: PLC0415 - imported when it is needed

        return aws_errors.explain(error)
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
