"""What pages tell people to type exists, and what exists is told."""

import re
import shlex

import pytest
import typer
from typer.main import get_command

from devtools.cli import app as maintainers
from devtools.documents.command_list import make_commands
from devtools.documents.links import anchors, blocks, inline_code, markdown, slug
from devtools.documents.pages import pages, tracked
from workshop.cli import app as learners
from workshop.errors import WorkshopError
from workshop.paths import NOTEBOOKS, ROOT

PAGES = [*pages(), *tracked(NOTEBOOKS, "*.ipynb")]
COMMANDS = ROOT / "docs/commands.md"
VERBS = {**get_command(learners).commands, **get_command(maintainers).commands}
MAKE = {"help": "", "help-dev": "", **make_commands()}
"""Verb → what its recipe passes on, beside ARGS."""

STANDS_FOR_ANY = {"COMMAND", "VERB", "n", "…"}
"""What a page writes where the reader puts in something."""

_COMMAND = re.compile(
    r"(?:^|[;&|(]\s*|: )(?:[A-Z_]+=\S+ )*(make|python3? -m (?:workshop|devtools))(?= )(?! virtual)"
)
_OPERATORS = set(";&|()")


def every(what):
    """Each page, with what it says; named after its path."""
    ids = [path.relative_to(ROOT).as_posix() for path in PAGES]
    return pytest.mark.parametrize("page", PAGES, ids=ids)(what)


def typed(page):
    """Each line of a page that somebody may type, with its number."""
    text = markdown(page)
    return inline_code(text) + blocks(text, "sh")


def commands(line):
    """Each command in a line: the verb, make's values, and the words that the verb gets."""
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
        verbs = [each.rstrip(".") for each in words if "=" not in each and each[0] != "-"]
        yield (
            verbs[0] if verbs else "",
            values,
            verbs[1:] + shlex.split(values.get("ARGS", "")),
        )


def fault(verb, values, words):
    """What is wrong with a command, as the command line says it; None when nothing is."""
    if verb not in {*MAKE, *STANDS_FOR_ANY}:
        return f"there is no verb {verb!r}"
    passed_on = {name for name in ("STAGE", "ORDER") if name in MAKE.get(verb, "")}
    if strange := values.keys() - passed_on - {"ARGS", "PYTHON"}:
        return f"make {verb} takes no {', '.join(strange)}"
    words = [*words, *(["--stage", values["STAGE"]] if "STAGE" in values else [])]
    if verb not in VERBS or {"--help", *STANDS_FOR_ANY} & {*words}:
        return None
    try:
        VERBS[verb].make_context(verb, words)
    except (typer.TyperException, WorkshopError) as error:
        return f"make {verb}: {error}"
    return None


@every
def test_every_command_can_be_typed(page):
    """Its verb is in the Makefile, and takes the options and words that it is given."""
    found = [(line, fault(*each)) for line, what in typed(page) for each in commands(what)]
    wrong = [f"line {line}: {what}" for line, what in found if what]
    assert not wrong, "\n".join(wrong)


def test_every_verb_is_in_the_list_of_commands():
    """Each has a part of its own in docs/commands.md, and nothing else has."""
    parts = {each for each in anchors(markdown(COMMANDS)) if each.startswith("make-")}
    forms = re.findall(r"^### (make ([a-z-]+).*)$", markdown(COMMANDS), re.MULTILINE)
    assert {verb for _, verb in forms} == set(VERBS)
    assert {slug(form) for form, _ in forms} == parts


def test_every_option_is_in_the_list_of_commands():
    """So is each option, with what it does, in the part of its verb."""
    part = r"^### make ([a-z-]+)(.*?)(?=^##|\Z)"
    parts = dict(re.findall(part, markdown(COMMANDS), re.MULTILINE | re.DOTALL))
    for verb, command in VERBS.items():
        for parameter in command.params:
            if parameter.param_type_name == "option" and "--help" not in parameter.opts:
                assert parameter.help, f"{verb} {parameter.opts[0]} does not say what it does"
                row = rf"^\| `{parameter.opts[0]}( .+)?` \| \S.* \|$"
                assert re.search(row, parts[verb], re.MULTILINE), f"{verb} {parameter.opts[0]}"


def test_every_verb_is_told_where_it_is_used():
    """A page other than the list of commands names each verb that a person may type."""
    told = {
        verb
        for page in PAGES
        if page != COMMANDS
        for _, what in typed(page)
        for verb, _, _ in commands(what)
    }
    assert sorted(set(VERBS) - told) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("make nonsense", "there is no verb 'nonsense'"),
        ("make order STAGE=2", "make order takes no STAGE"),
        ('make order ARGS="--colour red"', "make order: No such option"),
        ('make exercise ARGS="01.1 strat"', "make exercise: "),
        ("make up STAGE=9", "make up: "),
        ('make stock ARGS="MOUSE=1" && make nonsense', "there is no verb"),
        ('eval "$(make -s nonsense)"', "there is no verb"),
        ("WORKSHOP_CLOUD=x make nonsense", "there is no verb"),
        ("python3 -m workshop nonsense", "there is no verb"),
        ("No stack is up. Start one with: make nonsense.", "there is no verb"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line, what):
    """Verb, option, value, in whatever way it is written."""
    faults = [found for each in commands(line) if (found := fault(*each))]
    assert len(faults) == 1
    assert faults[0].startswith(what)


@pytest.mark.parametrize(
    "line",
    [
        "make",
        'eval "$(make -s env ARGS=--unset)"',
        "make up STAGE=n",
        "make follow ORDER=…",
        "make PYTHON=python3.13 up",
        'make order ARGS="MOUSE=1 --key first"',
        "python -m workshop up",
        "python3 -m workshop VERB",
        "make test ARGS=deployed",
        "make order ARGS=--help",
    ],
)
def test_a_command_that_exists_is_not(line):
    """In all the ways in which pages write them."""
    assert [fault(*each) for each in commands(line)] == ([] if line == "make" else [None])
