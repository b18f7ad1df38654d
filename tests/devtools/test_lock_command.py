"""Pinning dependencies: what uv is asked, without asking the package index."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from devtools.cli import app
from devtools.commands import lock as command


@pytest.fixture
def asked(monkeypatch):
    """What uv is asked for, with the pins that lie where it would look for them."""
    seen = []

    def compiled(*options):
        files = [each.partition("=")[2] for each in options if each.startswith("--output-file=")]
        text = Path(files[0]).read_text("utf-8") if Path(files[0]).exists() else ""
        seen.append((options, Path(files[0]).name, text))

    monkeypatch.setattr(command, "_compile", compiled)
    return seen


def run(*arguments):
    return CliRunner().invoke(app, arguments).exit_code


def test_locking_keeps_the_versions_that_are_pinned(asked):
    """What the groups share is decided first, from what the lock files say now."""
    assert run("lock") == 0
    assert "boto3==" in asked[0][2]
    assert not [options for options, _, _ in asked if "--upgrade" in options]


def test_upgrading_forgets_the_versions_that_are_pinned(asked):
    """As the nightly run does: nothing holds uv to yesterday's versions."""
    assert run("lock", "--upgrade") == 0
    assert asked[0][2] == ""
    constrained = {name for options, name, _ in asked if "--constraints" in str(options)}
    rest = {name for options, name, _ in asked[1:] if "--upgrade" in options}
    assert constrained | rest == {name for _, name, _ in asked[1:]}


def test_every_lock_file_is_made(asked):
    """Each that lies in the repository, and each with hashes."""
    assert run("lock") == 0
    assert {name for _, name, _ in asked[1:]} == {
        path.name for path in command.LOCKS.glob("*.lock")
    }
    assert all("--generate-hashes" in options for options, _, _ in asked[1:])
