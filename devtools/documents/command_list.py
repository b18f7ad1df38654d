"""Every command of both command lines with its options, in the Makefile's groups."""

import inspect
import re
from enum import StrEnum
from functools import cache
from typing import Any

from typer.main import get_group

from devtools import cli as maintainers
from workshop import cli as learners
from workshop import makefile
from workshop.paths import MAKEFILE


def command_list() -> str:
    """Return all commands in groups, each with its help, its make form and its options."""
    parts = []
    for title, names in makefile.groups().items():
        parts.append(f"## {title[0].upper()}{title[1:]}")
        parts += [_command(name, make_commands()[name]) for name in names]
    return "\n\n".join(parts)


@cache
def commands() -> dict[str, Any]:
    """Return the commands of both command lines by name."""
    return {**get_group(learners.app).commands, **get_group(maintainers.app).commands}


@cache
def make_commands() -> dict[str, str]:
    """Return the Makefile's commands, each with the recipe's options before ARGS."""
    text = MAKEFILE.read_text("utf-8")
    return dict(re.findall(r"^([a-z-]+): ; \$\((?:RUN|DEV)\) ?(.*?)\$\(ARGS\)", text, re.MULTILINE))


def _command(name: str, options: str) -> str:
    """Return one command: what it does, and a table of its options."""
    values = " STAGE=n" if "STAGE" in options else " ORDER=…" if "ORDER" in options else ""
    command = commands()[name]
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    parts = [f"### make {name}{values}", *(" ".join(each.split()) for each in paragraphs)]
    rows = [_row(each) for each in command.params if "--help" not in each.opts]
    if rows:
        parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _row(parameter: Any) -> str:
    """Return an option or argument, and what it is for."""
    words = " ".join((parameter.help or "").split())
    default = parameter.default
    choices = "|".join(type(default)) if isinstance(default, StrEnum) else ""
    value = parameter.metavar or choices or parameter.name.upper()
    form = "" if parameter.param_type_name == "argument" else parameter.opts[0]
    if not getattr(parameter, "is_flag", False):
        form = f"{form} {value}".strip()
        if isinstance(default, str | int | float) and default != "":
            words += f" Default: {default}."
    return "| {} | {} |".format(*(cell.replace("|", r"\|") for cell in (f"`{form}`", words)))
