"""The flow of events, as the stages' `stage.toml` files describe it.

Every table of functions, tables, steps and statuses that the tools need is derived here. A stage's
`stage.toml` has these keys:

    folder = "02-payment"             the folder itself, first line: a copy of a folder is no stage
    title = "payment"
    [functions.payment]               the key that Terraform uses
    colour = "#087f5b"                in pictures; dark enough for white text on it
    consumes = ["order-created"]      steps of the events that invoke it; "all" for every event
    publishes = ["payment-succeeded", "payment-declined"]     a good order's step first
    [table]
    name = "payments"                 the key that Terraform uses
    key = "order_id"                  the partition key (default: order_id)
    order_key = "{order_id}"          the key's value of an order's item (default: the order's id)
    shows = ["status", "amount"]      the attributes that `make follow` shows
    summary = "status"                the one that `make demo` shows (default: status)
    [steps]
    payment-succeeded = "PAID"        the status that an event's step gives the order, if any

Standard library only, and read when it is first needed: commands start fast.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workshop.errors import WorkshopError
from workshop.paths import ROOT, STAGE_FOLDERS, foreign_stage_folders

ALL = "all"
"""What a function consumes that receives every event: the order tracker."""

ORDER_ID = "{order_id}"
"""The place of the order's id in a table's `order_key`."""

_STAGE = {"folder": str, "title": str, "functions": dict, "table": dict, "steps": dict}
_FUNCTION = {"colour": str, "consumes": (list, str), "publishes": list}
_TABLE = {"name": str, "key": str, "order_key": str, "shows": list, "summary": str}
_KINDS = {str: "text", list: "a list of texts", dict: "a table", (list, str): 'a list, or "all"'}


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a stage; `consumes` and `publishes` name the steps of events."""

    key: str
    stage: int
    colour: str
    consumes: tuple[str, ...]
    publishes: tuple[str, ...]

    def receives(self, step: str) -> bool:
        """Return whether events of a step invoke the function."""
        return self.consumes == (ALL,) or step in self.consumes


@dataclass(frozen=True, slots=True)
class Table:
    """A stage's table; `order_key` is the pattern of the key under which it keeps an order."""

    name: str
    stage: int
    shows: tuple[str, ...]
    key: str = "order_id"
    order_key: str = ORDER_ID
    summary: str = "status"

    def key_of(self, order_id: str) -> dict[str, dict[str, str]]:
        """Return the key of an order's item, as DynamoDB takes it."""
        return {self.key: {"S": self.order_key.replace(ORDER_ID, order_id)}}


@dataclass(frozen=True, slots=True)
class Stage:
    """What one `stage.toml` says; `statuses` maps steps to the status they give an order."""

    number: int
    folder: str
    title: str
    functions: tuple[Function, ...]
    table: Table | None
    statuses: Mapping[str, str]


@dataclass(frozen=True)
class Flow:
    """All stages, and what follows from them.

    Attributes:
        stages: The stages in their order.
        functions: Key → function, in the flow's order: by distance from the first event, those of
            a good order first, the tracker last.
        tables: Key → table, by stage.
        steps: The steps of all events, in the flow's order.
        statuses: Step → the status it gives the order, in the flow's order.
        good_path: The functions that a good order passes, in order.
    """

    stages: tuple[Stage, ...]
    functions: Mapping[str, Function]
    tables: Mapping[str, Table]
    steps: tuple[str, ...]
    statuses: Mapping[str, str]
    good_path: tuple[Function, ...]

    def consumers(self, step: str) -> list[Function]:
        """Return the functions that a step's event invokes, the tracker apart."""
        return [each for each in self.functions.values() if step in each.consumes]

    @property
    def tracker(self) -> Function:
        """The function that receives every event."""
        return next(each for each in self.functions.values() if each.consumes == (ALL,))

    def endings(self) -> set[str]:
        """Return the statuses after which no event changes an order's status."""
        return {
            status
            for step, status in self.statuses.items()
            if not any(later in self.statuses for later in self._after(step))
        }

    def final_status(self, stage: int) -> str:
        """Return the status at which a good order stays on a stack of a stage."""
        passed = [each for each in self.good_path if each.stage <= stage]
        found = [self.statuses.get(each.publishes[0]) for each in passed if each.publishes]
        return next(status for status in reversed(found) if status)

    def _after(self, step: str) -> set[str]:
        """Return all steps that may follow a step."""
        found, unread = set[str](), [step]
        while unread:
            for each in self.consumers(unread.pop()):
                unread += set(each.publishes) - found
                found |= set(each.publishes)
        return found


@cache
def flow(root: Path = ROOT) -> Flow:
    """Return what the `stage.toml` files of the repository say.

    Raises:
        WorkshopError: One of them has a mistake; the message names the file and the key.
    """
    _check_folders(root)
    stages = tuple(_read(root, number, folder) for number, folder in STAGE_FOLDERS.items())
    listed = [each for stage in stages for each in stage.functions]
    if twice := _twice(each.key for each in listed):
        raise WorkshopError(f"Two stage.toml files describe the function {twice}.")
    tables = [stage.table for stage in stages if stage.table]
    if twice := _twice(each.name for each in tables):
        raise WorkshopError(f"Two stage.toml files describe the table {twice}.")
    published = {step for each in listed for step in each.publishes}
    for stage in stages:
        for key, steps in _named_steps(stage):
            if unknown := sorted(set(steps) - published - {ALL}):
                raise _mistake(stage.folder, f"{key}: no function publishes {', '.join(unknown)}")
    if sum(each.consumes == (ALL,) for each in listed) != 1:
        raise WorkshopError(f'In the stage.toml files, one function must have: consumes = "{ALL}"')
    path = _good_path(listed)
    ordered = _in_flow_order(listed, path)
    status_of = {step: status for stage in stages for step, status in stage.statuses.items()}
    steps = dict.fromkeys(step for each in ordered for step in each.publishes)
    return Flow(
        stages,
        {each.key: each for each in ordered},
        {each.name: each for each in tables},
        tuple(steps),
        {step: status_of[step] for step in steps if step in status_of},
        path,
    )


def stage_of(function: str) -> int:
    """Return the stage that brings a function."""
    return flow().functions[function].stage


def _check_folders(root: Path) -> None:
    """Check that each folder with a `stage.toml` is a stage, or a copy of one.

    Raises:
        WorkshopError: One is neither: its first line, or its number, is wrong.
    """
    firsts = {f'folder = "{folder}"' for folder in STAGE_FOLDERS.values()}
    for name in foreign_stage_folders(root):
        path = root / name / "stage.toml"
        if path.is_file() and path.read_text("utf-8").partition("\n")[0] not in firsts:
            raise _mistake(
                name,
                f'the first line must be `folder = "{name}"`, and the stages must be numbered '
                "without a gap",
            )


def _read(root: Path, number: int, folder: str) -> Stage:
    try:
        read = tomllib.loads((root / folder / "stage.toml").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _mistake(folder, str(error)) from None
    _check(folder, "", read, _STAGE, ("folder", "title"))
    functions = []
    for key, value in read.get("functions", {}).items():
        where = f"functions.{key}"
        if not isinstance(value, dict):
            raise _mistake(folder, f"{where} must be a table")
        _check(folder, f"{where}.", value, _FUNCTION, ("colour",))
        if not re.fullmatch("#[0-9a-f]{6}", value["colour"]):
            raise _mistake(folder, f"{where}.colour must have the form #087f5b")
        consumes = value.get("consumes", [])
        if isinstance(consumes, str) and consumes != ALL:
            raise _mistake(folder, f'{where}.consumes must be a list of steps, or "{ALL}"')
        consumes = (consumes,) if isinstance(consumes, str) else tuple(consumes)
        publishes = tuple(value.get("publishes", ()))
        functions.append(Function(key, number, value["colour"], consumes, publishes))
    table = read.get("table")
    if table is not None:
        _check(folder, "table.", table, _TABLE, ("name", "shows"))
        if re.findall(r"\{.*?\}", table.get("order_key", ORDER_ID)) != [ORDER_ID]:
            raise _mistake(folder, f"table.order_key must contain {ORDER_ID} once")
        table = Table(**{**table, "shows": tuple(table["shows"])}, stage=number)
    statuses = read.get("steps", {})
    _check(folder, "steps.", statuses, dict.fromkeys(statuses, str), ())
    return Stage(number, folder, read["title"], tuple(functions), table, statuses)


def _check(
    folder: str, where: str, found: dict[str, Any], kinds: Mapping[str, Any], needed: Iterable[str]
) -> None:
    """Check the keys of a table and their values' types.

    Raises:
        WorkshopError: A key is missing, unknown, or has a value of another type.
    """
    for key in needed:
        if key not in found:
            raise _mistake(folder, f"{where}{key} is missing")
    for key, value in found.items():
        if key not in kinds:
            raise _mistake(folder, f"{where}{key} is unknown; known: {', '.join(kinds)}")
        texts = not isinstance(value, list) or all(isinstance(each, str) for each in value)
        if not isinstance(value, kinds[key]) or not texts:
            raise _mistake(folder, f"{where}{key} must be {_KINDS[kinds[key]]}")


def _mistake(folder: str, what: str) -> WorkshopError:
    return WorkshopError(f"{folder}/stage.toml: {what}.")


def _twice(names: Iterable[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")


def _named_steps(stage: Stage) -> Iterable[tuple[str, Iterable[str]]]:
    yield "steps", stage.statuses
    for each in stage.functions:
        yield f"functions.{each.key}.consumes", each.consumes


def _good_path(functions: list[Function]) -> tuple[Function, ...]:
    """Return the functions that a good order passes: each publishes what invokes the next.

    Raises:
        WorkshopError: Every function that publishes also consumes: no order can start.
    """
    path = [each for each in functions if each.publishes and not each.consumes][:1]
    if not path:
        raise WorkshopError("In the stage.toml files, no function publishes without `consumes`.")
    while path[-1].publishes:
        step = path[-1].publishes[0]
        following = [each for each in functions if step in each.consumes and each not in path]
        if not following:
            break
        path.append(following[0])
    return tuple(path)


def _in_flow_order(functions: list[Function], path: tuple[Function, ...]) -> list[Function]:
    """Sort functions by their distance from the first event; the good path comes first."""
    distance = {each.key: 0 for each in functions if not each.consumes}
    for _ in functions:
        for each in functions:
            causes = [
                distance[other.key]
                for other in functions
                if other.key in distance and set(other.publishes) & set(each.consumes)
            ]
            if causes:
                distance.setdefault(each.key, min(causes) + 1)
    last = len(functions)
    return sorted(functions, key=lambda each: (distance.get(each.key, last), each not in path))
