"""The boundary allows exactly what the functions' own policies allow."""

import re
from pathlib import Path

from workshop.paths import in_stages

ROOT = Path(__file__).resolve().parents[2]

_ACTION = re.compile(r'"((?:dynamodb|events|lambda|logs|sqs|xray):[A-Z][A-Za-z]+)"')
_OF_THE_TABLE = re.compile(r"^\s*actions\s*=\s*\[([^\]:]*)\]", re.MULTILINE)


def test_boundary_has_exactly_the_permissions_of_the_functions():
    """A permission that the boundary lacks would have no effect on AWS."""
    needed = set()
    for path in [
        ROOT / "terraform/modules/event-function/main.tf",
        *in_stages("terraform/*.tf", range(1, 6)),
    ]:
        text = path.read_text("utf-8")
        needed |= set(_ACTION.findall(text))
        for names in _OF_THE_TABLE.findall(text):
            needed |= {f"dynamodb:{name}" for name in re.findall(r'"(\w+)"', names)}
    boundary = (ROOT / "06-cicd/terraform/boundary.tf").read_text("utf-8")
    assert set(_ACTION.findall(boundary)) == needed


def test_new_description_of_a_policy_does_not_replace_it():
    """AWS does not delete a policy that a role has, so Terraform could not replace it."""
    blocks = [
        block
        for path in (ROOT / "06-cicd/terraform").glob("*.tf")
        for block in re.split(r"^}", path.read_text("utf-8"), flags=re.MULTILINE)
        if 'resource "aws_iam_policy" ' in block
    ]
    assert len(blocks) == 2
    assert all("ignore_changes = [description]" in block for block in blocks)


def test_both_configurations_lock_the_same_provider():
    """Terraform has a lock file in each root; `make lock` changes only that of the stack."""
    first, second = (
        (ROOT / folder / ".terraform.lock.hcl").read_text("utf-8")
        for folder in ("terraform", "06-cicd/terraform")
    )
    assert first == second
