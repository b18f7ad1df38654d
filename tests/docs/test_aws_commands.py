"""Commands of the AWS command line on the pages: their operations and options exist."""

import re

import pytest

from tests.docs.all_pages import PAGES, name, text
from tests.fixtures.command_lines import aws_problem


def commands():
    """Yield page and words of each command in a block or between backticks."""
    for page in PAGES:
        content = text(page).replace("\\\n", " ")
        blocks = re.findall(r"```sh\n(.*?)```", content, re.DOTALL)
        lines = [line for block in blocks for line in _joined(block)]
        lines += re.findall(
            r"`(aws [a-z][^`]*)`", re.sub(r"```.*?```", "", content, flags=re.DOTALL)
        )
        for line in lines:
            for found in re.findall(r"(?:^|[=(]|\| )(aws [a-z].*)", line.strip()):
                yield name(page), found


def _joined(block):
    """Yield a block's lines; a quoted text may go on in the next."""
    line = ""
    for part in block.splitlines():
        line = f"{line} {part.strip()}" if line else part
        if line.count("'") % 2 == 0:
            yield line
            line = ""


def test_pages_have_aws_commands():
    assert len(list(commands())) > 20


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_aws_command_exists_with_its_options(page, command):
    assert aws_problem(command) == "", f"{page}: {command}"


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("aws nonsense list-things", "there is no service nonsense"),
        ("aws events list-things", "events has no list-things"),
        ("aws events list-rules --buss x", "events list-rules takes no buss"),
        ("aws events list-rules --event-bus-name x --query Rules", ""),
    ],
)
def test_wrong_commands_are_noticed(command, what):
    assert aws_problem(command) == what
