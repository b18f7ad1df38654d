"""Trying a later provider: every constraint admits it, and both lock files name it."""

import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from devtools import terraform_provider
from workshop.errors import WorkshopError
from workshop.paths import ROOT, in_stages

LOCKS = ("terraform/.terraform.lock.hcl", "06-cicd/terraform/.terraform.lock.hcl")


@pytest.fixture
def copy(tmp_path):
    """A copy of everything that Terraform reads."""
    for source in [ROOT / "terraform", *in_stages("terraform")]:
        shutil.copytree(source, tmp_path / source.relative_to(ROOT), symlinks=True)
    return tmp_path


@pytest.fixture
def terraform(monkeypatch, copy):
    """A Terraform that locks version 6, unless there is a lock already, or that fails."""
    lock = copy / LOCKS[0]
    answer = SimpleNamespace(returncode=0, stderr="")

    def run(command, **_):
        assert command[1:3] == [f"-chdir={copy / 'terraform'}", "init"]
        if not lock.exists() and not answer.returncode:
            lock.write_text("version = 6", "utf-8")
        return answer

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(terraform_provider.program, "find", lambda: SimpleNamespace(path="tf"))
    return answer


def test_every_module_admits_the_next_major_version(copy, terraform):
    paths = list(copy.rglob("versions.tf"))
    before = [re.findall(r"~> 5", path.read_text("utf-8")) for path in paths]
    assert all(before)
    terraform_provider.lock_newest(copy)
    assert {re.findall(r'"(>= 5.*|~.*)"', path.read_text("utf-8"))[0] for path in paths} == {
        ">= 5.100"
    }
    assert {(copy / each).read_text("utf-8") for each in LOCKS} == {"version = 6"}


def test_provider_that_is_not_found_is_said(copy, terraform):
    terraform.returncode, terraform.stderr = 1, "no available releases"
    with pytest.raises(WorkshopError, match="no available releases"):
        terraform_provider.lock_newest(copy)
