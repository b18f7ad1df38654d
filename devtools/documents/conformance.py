"""Where the local cloud is like AWS, and where it differs: read from the tests' marks."""

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from types import FunctionType
from typing import Any

from local_cloud.eventual_consistency import EFFECTS
from workshop.paths import ROOT

FOLDER = ROOT / "tests/local_cloud"
"""Where the marked tests are."""


@dataclass(frozen=True)
class Case:
    """One marked test.

    Attributes:
        mark: The `Behaviour` or `Difference` that its mark states.
        path: The test's module.
        test: The test's name.
        cases: The number of its inputs.
    """

    mark: Any
    path: Path
    test: str
    cases: int


def counts() -> str:
    """Return a table: how many cases of each AWS service are tested, and how many differ."""
    found, differing = behaviours(), differences()
    rows = [
        "| AWS service | recorded on AWS | documented by AWS | differences |",
        "|---|---|---|---|",
    ]
    areas = sorted({each.mark.area for each in (*found, *differing)})
    totals = [0, 0, 0]
    for area in areas:
        numbers = [
            sum(each.cases for each in found if each.mark.area == area and each.mark.recorded),
            sum(each.cases for each in found if each.mark.area == area and not each.mark.recorded),
            sum(each.mark.area == area for each in differing),
        ]
        totals = [total + number for total, number in zip(totals, numbers, strict=True)]
        rows.append(f"| {area} | {numbers[0]} | {numbers[1]} | {numbers[2]} |")
    rows.append(f"| **all** | **{totals[0]}** | **{totals[1]}** | **{totals[2]}** |")
    return "\n".join(rows)


def behaviour_tables(page: Path) -> str:
    """Return a folded table for each AWS service: the behaviour, its source, and the test."""
    parts = []
    for area in sorted({each.mark.area for each in behaviours()}):
        cases = [each for each in behaviours() if each.mark.area == area]
        total = sum(each.cases for each in cases)
        parts += [f"<details><summary>{area}: {total} cases</summary>", ""]
        parts += ["| AWS | source | MiniStack alone | cases | test |", "|---|---|---|---|---|"]
        for each in cases:
            mark = each.mark
            cells = (mark.text, mark.source, mark.ministack or "the same", str(each.cases))
            parts.append(_row(*cells, _link(page, each.path)))
        parts += ["", "</details>", ""]
    return "\n".join(parts).rstrip()


def difference_table(page: Path) -> str:
    """Return a table of the differences between the local cloud and AWS."""
    rows = ["| service | AWS | the local cloud | why | test |", "|---|---|---|---|---|"]
    for each in sorted(differences(), key=lambda each: str(each.mark.area)):
        mark = each.mark
        cells = (mark.area, mark.aws, mark.here, mark.why)
        rows.append(_row(*cells, _link(page, each.path)))
    return "\n".join(rows)


def effect_table() -> str:
    """Return a table of what eventual consistency changes."""
    rows = ["| what | on AWS | here, with the switch on |", "|---|---|---|"]
    return "\n".join(rows + [_row(*each) for each in EFFECTS])


def behaviours() -> list[Case]:
    """Return every test of a behaviour that is like AWS."""
    return [each for each in _cases() if type(each.mark).__name__ == "Behaviour"]


def differences() -> list[Case]:
    """Return every test of a behaviour that differs from AWS."""
    return [each for each in _cases() if type(each.mark).__name__ == "Difference"]


@cache
def _cases() -> tuple[Case, ...]:
    return tuple(case for path in sorted(FOLDER.rglob("test_*.py")) for case in _in(path))


def _in(path: Path) -> Iterator[Case]:
    """Read the marks of one module's tests, in the order of the file."""
    if "conformance.marks" not in path.read_text("utf-8"):
        return
    spec = importlib.util.spec_from_file_location(f"marks_of.{path.stem}", path)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, test in vars(module).items():
        marks = getattr(test, "pytestmark", [])
        if not isinstance(test, FunctionType) or not name.startswith("test_"):
            continue
        inputs = prod(len(list(each.args[1])) for each in marks if each.name == "parametrize")
        for each in marks:
            if each.name in {"behaviour", "difference"}:
                yield Case(each.args[0], path, name, inputs)


def _link(page: Path, path: Path) -> str:
    return f"[{path.stem}]({Path(os.path.relpath(path, page.parent)).as_posix()})"


def _row(*cells: str) -> str:
    return "| {} |".format(" | ".join(cell.replace("|", r"\|") for cell in cells))
