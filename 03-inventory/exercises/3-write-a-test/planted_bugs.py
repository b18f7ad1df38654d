"""Run tests with the right code and with planted bugs: `planted_bugs.py TESTS RESULT`.

A bug replaces the compiled code of one function while a test runs. No file changes.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from workshop.check_report import NOT_NEEDED

NONE = "no bug"
SECONDS = 20
"""The timeout of a test: a bug may make it run for ever."""


@dataclass(frozen=True, slots=True)
class Bug:
    """A text in a function of `inventory_service`, and what replaces it."""

    module: str
    function: str
    old: str
    new: str


IN_TRANSACTION = ("store", "DynamoInventoryStore._write")
ON_HAND = '"on_hand >= :quantity"'
RECORDED = "return store.record_once(missing)"

BUGS = {
    "an order can get more units than there are": Bug(
        *IN_TRANSACTION, ON_HAND, '"attribute_exists(on_hand)"'
    ),
    "the last unit is never sold": Bug(*IN_TRANSACTION, ON_HAND, '"on_hand > :quantity"'),
    "an event that comes twice takes the units twice": Bug(
        *IN_TRANSACTION, '"attribute_not_exists(sku)"', '"attribute_not_exists(another_name)"'
    ),
    "an order takes one unit of each article, however many it wants": Bug(
        *IN_TRANSACTION, '{":quantity": quantity}', '{":quantity": 1}'
    ),
    "an order takes only the article of its first line": Bug(
        *IN_TRANSACTION,
        "for sku, quantity in quantities.items()",
        "for sku, quantity in list(quantities.items())[:1]",
    ),
    "an order that gets nothing is published as reserved": Bug(
        "service",
        "reserve",
        '{"status": "OUT_OF_STOCK", "missing_skus": shortage.missing}',
        '{"status": "RESERVED", "warehouse": where}',
    ),
    "an order that was out of stock gets its items when its event comes again": Bug(
        "service", "reserve", RECORDED, "return Stored(missing)"
    ),
    "an order that is out of stock still takes the articles that are there": Bug(
        "service",
        "reserve",
        RECORDED,
        "return store.reserve({sku: units for sku, units in quantities(paid).items()"
        " if sku not in shortage.missing}, missing)",
    ),
}


def plant(bug: Bug) -> tuple[FunctionType, Any]:
    """Return the function that a bug is in, and its compiled code with the bug."""
    module = importlib.import_module(f"inventory_service.{bug.module}")
    source = Path(str(module.__file__)).read_text("utf-8")
    if source.count(bug.old) != 1:
        raise ValueError(f"{bug.module}.py is not as it was: restore it, then check again")
    changed = {"__name__": module.__name__}
    exec(compile(source.replace(bug.old, bug.new), str(module.__file__), "exec"), changed)  # noqa: S102
    return _at(vars(module), bug.function), _at(changed, bug.function).__code__


def _at(names: dict[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    found = names[first]
    for name in rest:
        found = getattr(found, name)
    return found


class Planted:
    """A pytest plugin: each test runs with the right code, then with each bug not found yet."""

    def __init__(self) -> None:
        self.tests: list[str] = []
        self.failures: dict[str, str] = {}
        """Test → why it fails, although there is no bug."""
        self.found: set[str] = set()
        self.unreadable = ""

    @pytest.fixture(autouse=True, params=[NONE, *BUGS])
    def planted_bug(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Run a test with a bug."""
        if request.param in self.found:
            pytest.skip("found")
        if request.param == NONE:
            yield
            return
        function, code = plant(BUGS[request.param])
        right, function.__code__ = function.__code__, code
        yield
        function.__code__ = right

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function) -> Any:
        """Note how a test ended."""
        report: pytest.TestReport = yield
        bug = item.callspec.params["planted_bug"]
        name = item.originalname
        if name not in self.tests:
            self.tests.append(name)
        if report.failed and bug == NONE:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failures[name] = str(crash.message if crash else report.longrepr)
        elif report.failed:
            self.found.add(str(bug))
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that the file cannot be read."""
        if report.failed:
            self.unreadable = str(report.longrepr)


if __name__ == "__main__":
    planted = Planted()
    off = [option for name in NOT_NEEDED for option in ("-p", f"no:{name}")]
    pytest.main([*off, f"--timeout={SECONDS}", sys.argv[1]], plugins=[planted])
    outcome = {
        "tests": planted.tests,
        "failures": planted.failures,
        "found": sorted(planted.found),
        "unreadable": planted.unreadable,
    }
    Path(sys.argv[2]).write_text(json.dumps(outcome), "utf-8")
