"""The commands that pages name exist, and every command is named on a page."""

import re
import shlex

import pytest
import typer

from devtools.documents.command_list import commands as known_commands
from devtools.documents.command_list import make_commands
from devtools.documents.links import blocks, inline_code
from tests.docs.all_pages import NOTEBOOK_PAGES, PAGES, name, problems, text
from workshop.errors import WorkshopError

COMMANDS = known_commands()
MAKE = {"help": "", "help-dev": "", **make_commands()}
"""Command → the options that its recipe passes on, beside ARGS."""

STANDS_FOR_ANY = {"COMMAND", "VERB", "n", "…"}
"""What a page writes for something that the reader chooses."""

_COMMAND = re.compile(
    r"(?:^|[;&|(]\s*|: )(?:[A-Z_]+=\S+ )*(make|python3? -m (?:workshop|devtools))(?= )(?! virtual)"
)
_OPERATORS = set(";&|()")


def typed(page_text):
    """Each line of a page that somebody may type, with its number."""
    return inline_code(page_text) + blocks(page_text, "sh")


def commands(line):
    """Each command in a line: its name, make's values, and its words."""
    for found in _COMMAND.finditer(line):
        words = []
        lexer = shlex.shlex(line[found.end() :], posix=True, punctuation_chars="".join(_OPERATORS))
        lexer.whitespace_split = True
        for word in lexer:
            if set(word) <= _OPERATORS:
                break
            words.append(word)
        if found[1] != "make":
            yield words[0], {}, words[1:]
            continue
        values = dict(each.split("=", maxsplit=1) for each in words if "=" in each)
        names = [each.rstrip(".") for each in words if "=" not in each and each[0] != "-"]
        yield (
            names[0] if names else "",
            values,
            names[1:] + shlex.split(values.get("ARGS", "")),
        )


def problem(command, values, words):
    """What is wrong with a command, as the command line says it; None when nothing is."""
    if command not in {*MAKE, *STANDS_FOR_ANY}:
        return f"there is no command {command!r}"
    passed_on = {each for each in ("STAGE", "ORDER") if each in MAKE.get(command, "")}
    if unknown := values.keys() - passed_on - {"ARGS", "PYTHON"}:
        return f"make {command} takes no {', '.join(unknown)}"
    words = [*words, *(["--stage", values["STAGE"]] if "STAGE" in values else [])]
    if command not in COMMANDS or {"--help", *STANDS_FOR_ANY} & {*words}:
        return None
    try:
        COMMANDS[command].make_context(command, words)
    except (typer.TyperException, WorkshopError) as error:
        return f"make {command}: {error}"
    return None


def problems_of_line(_page, line):
    """What is wrong with the commands of a line; None when nothing is."""
    return "; ".join(filter(None, (problem(*each) for each in commands(line)))) or None


def test_every_command_on_a_page_exists_with_its_options():
    assert problems(typed, problems_of_line) == []


def test_make_has_every_command_and_no_other():
    assert make_commands().keys() == COMMANDS.keys()


def test_every_option_has_a_help_text():
    silent = [
        f"{command} {parameter.opts[0]}"
        for command, each in COMMANDS.items()
        for parameter in each.params
        if parameter.param_type_name == "option" and not parameter.help
    ]
    assert silent == []


def test_every_command_is_named_where_it_is_used():
    """On a page other than the list of commands."""
    named = {
        command
        for page in (*PAGES, *NOTEBOOK_PAGES)
        if name(page) != "docs/commands.md"
        for _, line in typed(text(page))
        for command, _, _ in commands(line)
    }
    assert set(COMMANDS) - named == set()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("make nonsense", "there is no command 'nonsense'"),
        ("make order STAGE=2", "make order takes no STAGE"),
        ('make order ARGS="--colour red"', "make order: No such option"),
        ('make exercise ARGS="01.1 strat"', "make exercise: "),
        ("make up STAGE=9", "make up: "),
        ('make stock ARGS="MOUSE=1" && make nonsense', "there is no command"),
        ('eval "$(make -s nonsense)"', "there is no command"),
        ("WORKSHOP_CLOUD=x make nonsense", "there is no command"),
        ("python3 -m workshop nonsense", "there is no command"),
        ("No stack is up. Start one with: make nonsense.", "there is no command"),
    ],
)
def test_a_command_that_does_not_exist_is_found(line, what):
    assert problems_of_line(None, line).startswith(what)


@pytest.mark.parametrize(
    "line",
    [
        'eval "$(make -s env ARGS=--unset)"',
        "make up STAGE=n",
        "make follow ORDER=…",
        "make PYTHON=python3.13 up",
        'make order ARGS="MOUSE=1 --key first"',
        "python3 -m workshop COMMAND",
        "make test ARGS=deployed",
        "make order ARGS=--help",
    ],
)
def test_a_command_that_exists_is_accepted(line):
    assert [problem(*each) for each in commands(line)] == [None]
