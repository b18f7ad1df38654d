"""The workflows pass the scanners, which go red on a planted fault."""

import re

import pytest

from devtools.security import scanners
from workshop.paths import ROOT

pytestmark = pytest.mark.security

SOUND = """\
name: planted
on: push
permissions: {}
concurrency: {group: planted, cancel-in-progress: true}
jobs:
  one:
    name: one
    runs-on: ubuntu-24.04
    steps:
      - name: check out
        uses: actions/checkout@8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1
        with:
          persist-credentials: false
      - name: test
        run: make test
"""
PIN = "8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1"
FAULTS = [
    ("zizmor", "unpinned-uses", PIN, "v6"),
    ("zizmor", "excessive-permissions", "permissions: {}", "permissions: write-all"),
    ("zizmor", "artipacked", "persist-credentials: false", "persist-credentials: true"),
    ("zizmor", "dangerous-triggers", "on: push", "on: pull_request_target"),
    ("zizmor", "template-injection", "make test", "make ${{ github.event.issue.title }}"),
    ("schemas", "stepss", "steps:", "stepss:"),
]


@pytest.mark.parametrize("scanner", ["zizmor", "schemas"])
def test_our_workflows_pass(scanner):
    assert (ROOT / ".github/workflows/ci.yml").exists()
    assert getattr(scanners, scanner)(ROOT) == ""


@pytest.fixture
def scanned(tmp_path):
    """A function that scans a repository with one workflow."""

    def scan(scanner, workflow):
        (tmp_path / ".github/workflows").mkdir(parents=True)
        (tmp_path / ".github/workflows/planted.yml").write_text(workflow, "utf-8")
        return getattr(scanners, scanner)(tmp_path)

    return scan


def test_a_sound_workflow_passes(scanned):
    """So that what goes red below does so for its fault."""
    assert scanned("zizmor", SOUND) == ""


@pytest.mark.parametrize(("scanner", "finding", "sound", "fault"), FAULTS)
def test_a_planted_fault_goes_red(scanned, scanner, finding, sound, fault):
    assert sound in SOUND
    assert finding in scanned(scanner, SOUND.replace(sound, fault))


def test_every_exception_in_a_workflow_says_why():
    """`zizmor: ignore[rule]` and a reason behind it."""
    for path in (ROOT / ".github").rglob("*.yml"):
        for reason in re.findall(r"zizmor: ignore\[[^\]]*\](.*)", path.read_text("utf-8")):
            assert re.search(r"\w{3}", reason), path
