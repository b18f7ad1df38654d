"""The boundary holds what the functions' own policies allow, and nothing besides."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_ACTION = re.compile(r'"((?:dynamodb|events|lambda|logs|sqs|xray):[A-Z][A-Za-z]+)"')
_OF_THE_TABLE = re.compile(r"^\s*actions\s*=\s*\[([^\]:]*)\]", re.MULTILINE)


def test_the_boundary_is_what_the_functions_need():
    """A right that a function is given and the boundary lacks would be lost once it is deployed."""
    needed = set()
    for path in [
        ROOT / "terraform/modules/event-function/main.tf",
        *ROOT.glob("0[1-5]-*/terraform/*.tf"),
    ]:
        text = path.read_text("utf-8")
        needed |= set(_ACTION.findall(text))
        for names in _OF_THE_TABLE.findall(text):
            needed |= {f"dynamodb:{name}" for name in re.findall(r'"(\w+)"', names)}
    boundary = (ROOT / "06-cicd/terraform/boundary.tf").read_text("utf-8")
    assert set(_ACTION.findall(boundary)) == needed


def test_both_configurations_lock_the_same_provider():
    """Terraform keeps a lock file beside each root; `make lock` changes only the stack's."""
    first, second = (
        (ROOT / folder / ".terraform.lock.hcl").read_text("utf-8")
        for folder in ("terraform", "06-cicd/terraform")
    )
    assert first == second
