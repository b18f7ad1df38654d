"""Troubleshooting quotes messages that somebody prints, each with a reason and a remedy."""

import ast
import re

import pytest

from tests.docs.all_pages import text
from tests.fixtures.sources import classes, nodes
from workshop.paths import ROOT

PAGE = text(ROOT / "docs/troubleshooting.md")

FOREIGN = {
    'Could not connect to the endpoint URL: "http://127.0.0.1:…"': "the AWS command line",
    "Unable to locate credentials": "the AWS command line",
    "ResourceNotFoundException": "DynamoDB and Lambda",
    "AccessDenied": "AWS",
    "InvalidAccessKeyId": "AWS",
    "InvalidClientTokenId": "AWS",
    "AccessDeniedException": "DynamoDB",
    "InvalidSignatureException": "AWS",
    "SignatureDoesNotMatch": "AWS",
    '"FailedEntryCount": 1': "the AWS command line",
    '"message":"Internal Server Error"': "API Gateway",
    "Not authorized to perform sts:AssumeRoleWithWebIdentity": "AWS STS",
    "No module named 'workshop'": "Python",
    "No module named 'pandas'": "Python",
    "make: command not found": "the shell",
    "No rule to make target …": "make",
    "No module named workshop": "Python",
}
"""Quoted, and printed by others than us."""


@pytest.fixture(scope="module")
def messages():
    """Every text of our programs in one string, … for what a format inserts."""
    found = {*classes(), (ROOT / "Makefile").read_text("utf-8")}
    for node in nodes():
        if isinstance(node, ast.JoinedStr):
            values = [getattr(part, "value", "…") for part in node.values]
            found.add("".join(each if isinstance(each, str) else "…" for each in values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return "\n".join(" ".join(each.split()) for each in found)


def rows():
    """The rows of all tables, cell by cell."""
    for line in PAGE.splitlines():
        if line.startswith("| ") and not line.startswith("| message "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def occurs(message, messages):
    """Whether a message, or each part of it between …, is in one of our texts."""
    fragments = [re.escape(part.strip()) for part in message.split("…") if part.strip()]
    return re.search(".*".join(fragments), messages) is not None


def test_every_row_has_a_message_a_reason_and_a_remedy():
    found = list(rows())
    assert found
    assert [row for row in found if len(row) != 3 or not all(row)] == []


def test_every_message_is_one_of_ours(messages):
    quoted = [each.strip() for row in rows() for _, each in re.findall(r"(``?)(.+?)\1", row[0])]
    assert set(FOREIGN) <= set(quoted)
    unknown = [each for each in quoted if each not in FOREIGN and not occurs(each, messages)]
    assert unknown == []


def test_an_invented_message_is_found(messages):
    assert not occurs("The … is on fire: make water", messages)
