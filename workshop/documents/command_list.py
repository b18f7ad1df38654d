"""Every verb of the command line with its options, as the command line itself knows them."""

import inspect
import re
from pathlib import Path
from typing import Any

from workshop.paths import ROOT

MAKEFILE = ROOT / "Makefile"


def region(argument: str, page: Path) -> str:  # noqa: ARG001 - there is only one, anywhere
    """Return all verbs, in groups, each with its help, its make form and its options."""
    from typer.main import get_command  # noqa: PLC0415 - only this needs them

    from workshop import cli  # noqa: PLC0415 - it imports the verbs, one of which imports this

    parts = []
    for group in cli.app.registered_groups:
        assert group.typer_instance is not None  # noqa: S101 - cli.py adds them with one
        verbs = group.typer_instance.registered_commands
        callback = verbs[0].callback
        about = inspect.getdoc(inspect.getmodule(callback)) or ""
        parts.append(f"## {about.splitlines()[0].rstrip('.')}")
        for verb in verbs:
            name = verb.name or str(getattr(verb.callback, "__name__", "")).replace("_", "-")
            parts.append(_verb(name, get_command(cli.app).commands[name]))  # type: ignore[attr-defined]
    return "\n\n".join(parts)


def make_verbs() -> dict[str, str]:
    """Return the Makefile's verbs, each with the recipe's options before ARGS."""
    text = MAKEFILE.read_text("utf-8")
    return dict(re.findall(r"^([a-z-]+): ; \$\(RUN\) ?(.*?)\$\(ARGS\)", text, re.MULTILINE))


def _verb(name: str, command: Any) -> str:
    """One verb: what it does, and a table of its options."""
    about = " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())
    options = make_verbs()[name]
    form = f"make {name}"
    form += " STAGE=n" if "STAGE" in options else " ORDER=…" if "ORDER" in options else ""
    lines = [f"### {form}", "", about]
    rows = [_row(each) for each in command.params if "--help" not in each.opts]
    if rows:
        lines += ["", "| option | what it does |", "|---|---|", *rows]
    return "\n".join(lines)


def _row(parameter: Any) -> str:
    """An option or argument, and what it is for."""
    words = " ".join((parameter.help or "").split())
    if parameter.param_type_name == "argument":
        return f"| `{parameter.metavar or parameter.name.upper()}` | {words} |"
    if parameter.is_flag:
        return f"| `{parameter.opts[0]}` | {words} |"
    if isinstance(parameter.default, str | int | float):
        words += f" Default: {parameter.default}."
    value = parameter.metavar or parameter.name.upper()
    return f"| `{parameter.opts[0]} {value}` | {words} |"
