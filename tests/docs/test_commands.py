"""The commands that pages name exist, and every command is named on a page."""

import pytest

from devtools.documents.command_list import make_commands
from devtools.documents.links import blocks, inline_code
from tests.docs.all_pages import NOTEBOOK_PAGES, PAGES, name, problems, text
from tests.fixtures.command_lines import COMMANDS, commands, problem


def typed(page_text):
    """Each line of a page that somebody may type, with its number."""
    return inline_code(page_text) + blocks(page_text, "sh")


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
