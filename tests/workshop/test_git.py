"""Where git is asked, a machine or a folder without it gets one sentence."""

import os
import subprocess
import sys

import pytest

from devtools.documents.pages import tracked
from workshop import git
from workshop.deployment.aws import github_repository, saved_plan
from workshop.errors import UsageError
from workshop.paths import ROOT


@pytest.fixture
def no_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GITHUB_SHA", raising=False)


@pytest.mark.usefixtures("no_git")
def test_machine_without_git_gets_a_sentence_or_another_way():
    with pytest.raises(UsageError, match="git is missing"):
        tracked(ROOT)
    with pytest.raises(UsageError, match="--repository owner/name"):
        github_repository.of_checkout()
    assert saved_plan.commit() == "unknown"


def test_folder_outside_any_repository_gets_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="not a git repository"):
        tracked(tmp_path)


def test_repository_of_another_user_is_named_with_the_remedy(monkeypatch, tmp_path):
    """As in a container: git refuses the folder in several lines."""
    script = (
        "import sys; sys.exit('''fatal: detected dubious ownership in repository at '/x'\n"
        "To add an exception for this directory, call: ...''')"
    )
    real = subprocess.run
    fake = [sys.executable, "-c", script]
    monkeypatch.setattr(subprocess, "run", lambda _, **options: real(fake, **options))
    with pytest.raises(UsageError, match=r"safe\.directory") as caught:
        git.run(tmp_path, "ls-files")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="the fake git is a script")
def test_git_answers_in_the_language_that_is_read(monkeypatch, tmp_path):
    fake = tmp_path / "git"
    fake.write_text('#!/bin/sh\necho "$LC_ALL"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert git.run(tmp_path, "status") == "C\n"


def test_variables_of_another_repository_do_not_mislead(monkeypatch, tmp_path):
    """A hook of another repository has GIT_DIR set."""
    here = git.run(ROOT, "rev-parse", "--show-toplevel", check=False)
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert git.run(ROOT, "rev-parse", "--show-toplevel", check=False) == here
