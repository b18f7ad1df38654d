"""Every command with its options, as the command lines themselves know them."""

import inspect
import re
from enum import StrEnum
from pathlib import Path
from typing import Any

from typer.main import get_group

from devtools import cli as maintainers
from workshop import cli as learners
from workshop import makefile
from workshop.errors import UsageError
from workshop.paths import MAKEFILE


def region(argument: str, page: Path) -> str:  # noqa: ARG001 - every producer is told the page
    """Return all commands in the Makefile's groups, each with its help, make form and options.

    Args:
        argument: Nothing: there is only one list.
        page: Where it will stand.

    Raises:
        UsageError: Something was asked for.
    """
    if argument:
        raise UsageError("commands takes no argument")
    commands = {**get_group(learners.app).commands, **get_group(maintainers.app).commands}
    parts = []
    for title, names in makefile.groups().items():
        parts.append(f"## {title[0].upper()}{title[1:]}")
        parts += [_command(name, commands[name]) for name in names]
    return "\n\n".join(parts)


def make_verbs() -> dict[str, str]:
    """Return the Makefile's commands, each with the recipe's options before ARGS."""
    text = MAKEFILE.read_text("utf-8")
    return dict(re.findall(r"^([a-z-]+): ; \$\((?:RUN|DEV)\) ?(.*?)\$\(ARGS\)", text, re.MULTILINE))


def _command(name: str, command: Any) -> str:
    """Return one command: what it does, and a table of its options."""
    options = make_verbs()[name]
    form = f"make {name}"
    form += " STAGE=n" if "STAGE" in options else " ORDER=…" if "ORDER" in options else ""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    parts = [f"### {form}", *(" ".join(each.split()) for each in paragraphs)]
    rows = [_row(each) for each in command.params if "--help" not in each.opts]
    if rows:
        parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _row(parameter: Any) -> str:
    """An option or argument, and what it is for."""
    words = " ".join((parameter.help or "").split())
    default = parameter.default
    choices = "|".join(type(default)) if isinstance(default, StrEnum) else ""
    value = parameter.metavar or choices or parameter.name.upper()
    form = "" if parameter.param_type_name == "argument" else parameter.opts[0]
    if not getattr(parameter, "is_flag", False):
        form = f"{form} {value}".strip()
        if isinstance(default, str | int | float) and default != "":
            words += f" Default: {default}."
    return _cells(f"`{form}`", words)


def _cells(*cells: str) -> str:
    """A line of a table, whatever the cells hold."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
