"""Troubleshooting quotes what is really said, and recommends what really exists."""

import ast
import re

import pytest
from typer.main import get_command

from devtools.cli import app as maintainers
from workshop.cli import app as learners
from workshop.paths import ROOT

PAGE = (ROOT / "docs/troubleshooting.md").read_text("utf-8")

FOREIGN = {
    'Could not connect to the endpoint URL: "http://127.0.0.1:…"': "the AWS command line",
    "Unable to locate credentials": "the AWS command line",
    "ResourceNotFoundException": "DynamoDB and Lambda",
    "AccessDenied": "AWS",
    "AccessDeniedException": "DynamoDB",
    "Not authorized to perform sts:AssumeRoleWithWebIdentity": "AWS STS",
    "No module named 'workshop'": "Python",
    "No module named 'pandas'": "Python",
    "make: command not found": "the shell",
}
"""Quoted, and said by others than us."""

VERBS = {**get_command(learners).commands, **get_command(maintainers).commands}
_VALUES = r'(?: [A-Z]+=(?:"[^"]*"|[^\s"]+))*'
_MAKE = re.compile(rf'^(?:eval "\$\()?make (?:-s )?(?:PYTHON=\S+ )?([a-z][a-z-]*)({_VALUES})')
_CODE = re.compile(r"(``?)(.+?)\1")


def said():
    """Every text in our programs, … in the place of what a format puts in."""
    for folder in (
        "workshop",
        "devtools",
        "local_cloud",
        "orderflow",
        *(path.name for path in ROOT.glob("0?-*")),
    ):
        for path in (ROOT / folder).rglob("*.py"):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = [
                        part.value if isinstance(part, ast.Constant) else "…"
                        for part in node.values
                    ]
                    yield " ".join("".join(parts).split())
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield " ".join(node.value.split())
                elif isinstance(node, ast.ClassDef):
                    yield node.name
    yield " ".join((ROOT / "Makefile").read_text("utf-8").split())


@pytest.fixture(scope="module")
def texts():
    return set(said())


def rows():
    """The lines of all tables, cell by cell."""
    for line in PAGE.splitlines():
        if line.startswith("| ") and not line.startswith("| message "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def quoted(cell):
    """What a cell has in code font."""
    return [text.strip() for _, text in _CODE.findall(cell)]


def occurs(message, texts):
    """Whether a message is, or begins, or stands in one of our texts."""
    fragments = [re.escape(part.strip()) for part in message.split("…") if part.strip()]
    wanted = re.compile(".*".join(fragments))
    return any(wanted.search(text) for text in texts)


def test_every_line_has_a_message_a_reason_and_a_remedy():
    """Three cells each, none empty."""
    found = list(rows())
    assert len(found) > 60
    for row in found:
        assert len(row) == 3, row
        assert all(row), row


def test_every_message_is_one_of_ours(texts):
    """What is quoted is said somewhere in the code, word for word, or is known to be another's."""
    messages = [message for row in rows() for message in quoted(row[0])]
    assert set(FOREIGN) <= set(messages), "FOREIGN names what the page does not quote"
    unknown = [each for each in messages if each not in FOREIGN and not occurs(each, texts)]
    assert not unknown, f"nobody says: {unknown}"


def test_an_invented_message_is_noticed(texts):
    """The test above can fail."""
    assert not occurs("The … is on fire: make water", texts)


def commands():
    """Every make command on the page, with its STAGE and ARGS."""
    lines = re.findall(r"^make .*$", PAGE, re.MULTILINE)
    for span in [*quoted(PAGE.replace("```", "")), *lines]:
        for verb, arguments in _MAKE.findall(span):
            yield verb, dict(re.findall(r'([A-Z]+)=("[^"]*"|\S+)', arguments))


def test_every_remedy_exists():
    """Each make verb is one of the command line's, and each option is one of its verb's."""
    found = list(commands())
    assert len(found) > 60
    for verb, values in found:
        assert verb in VERBS, f"make {verb}"
        known = {option for each in VERBS[verb].params for option in each.opts}
        for option in re.findall(r"--[a-z-]+", values.get("ARGS", "")):
            assert option in known, f"make {verb} {option}"


def test_every_verb_of_make_is_one_of_the_command_line():
    """So a remedy without make works as well."""
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {verb for verb, _ in commands()} <= set(phony.split())


def test_the_list_of_parts_is_complete():
    """Each part is named at the top, in its order."""
    listed = re.findall(r"^- \[(.+)\]\(#", PAGE, re.MULTILINE)
    assert listed == re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
