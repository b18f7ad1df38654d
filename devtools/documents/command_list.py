"""Every verb of the command line with its options, as the command line itself knows them."""

import inspect
import re
from enum import StrEnum
from pathlib import Path
from typing import Any

from workshop.errors import UsageError
from workshop.paths import ROOT

MAKEFILE = ROOT / "Makefile"


def region(argument: str, page: Path) -> str:  # noqa: ARG001 - every producer is told the page
    """Return all verbs, in groups, each with its help, its make form and its options.

    Args:
        argument: nothing: there is only one list.
        page: Where it will stand.

    Raises:
        UsageError: Something was asked for; or the Makefile lacks a verb.
    """
    from typer.main import get_command  # noqa: PLC0415 - only this needs them

    from devtools import cli as maintainers  # noqa: PLC0415 - one of its commands imports this
    from workshop import cli as learners  # noqa: PLC0415

    if argument:
        raise UsageError("commands takes no argument")
    parts = []
    groups = [
        (vars(get_command(cli.app))["commands"], group)
        for cli in (learners, maintainers)
        for group in cli.app.registered_groups
    ]
    for commands, group in groups:
        assert group.typer_instance is not None  # noqa: S101 - cli.py adds them with one
        verbs = group.typer_instance.registered_commands
        about = inspect.getdoc(inspect.getmodule(verbs[0].callback)) or ""
        parts.append(f"## {about.splitlines()[0].rstrip('.')}")
        for verb in verbs:
            name = verb.name or str(getattr(verb.callback, "__name__", "")).replace("_", "-")
            parts.append(_verb(name, commands[name]))
    return "\n\n".join(parts)


def make_verbs() -> dict[str, str]:
    """Return the Makefile's verbs, each with the recipe's options before ARGS."""
    text = MAKEFILE.read_text("utf-8")
    return dict(re.findall(r"^([a-z-]+): ; \$\((?:RUN|DEV)\) ?(.*?)\$\(ARGS\)", text, re.MULTILINE))


def _verb(name: str, command: Any) -> str:
    """One verb: what it does, and a table of its options."""
    options = make_verbs().get(name)
    if options is None:
        raise UsageError(f"the Makefile has no {name}")
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
