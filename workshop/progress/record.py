"""The record of passed checks and exercises, in `.workshop/progress.json`."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from workshop.files import is_leftover, write_atomically
from workshop.paths import ROOT, STATE, TERRAFORM, stage_folder

FILE = STATE / "progress.json"

_CHECKED = (".py", ".tf", ".json")
"""Suffixes of the files that a check depends on."""


@dataclass
class Record:
    """What the learner has passed.

    Attributes:
        checks: Stage → fingerprint of the sources when its check passed.
        exercises: Numbers of the solved exercises.
        hints: Number of an exercise → how many hints were shown.
        results: Number of an exercise → the result of its last check.
        incidents: Names of the solved incidents.
    """

    checks: dict[str, str] = field(default_factory=dict)
    exercises: list[str] = field(default_factory=list)
    hints: dict[str, int] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    incidents: list[str] = field(default_factory=list)


def load() -> Record:
    """Return the record; an empty one if the file is missing or broken."""
    with suppress(OSError, ValueError, TypeError):
        record = Record(**json.loads(FILE.read_text("utf-8")))
        kinds = [type(value) for value in vars(record).values()]
        if kinds == [type(value) for value in vars(Record()).values()]:
            return record
    return Record()


def save(record: Record) -> None:
    """Write the record."""
    FILE.parent.mkdir(exist_ok=True)
    write_atomically(FILE, json.dumps(asdict(record), indent=2))


def passed_check(stage: int) -> None:
    """Record that the check of stages 1 to `stage` passed."""
    record = load()
    for each in range(1, stage + 1):
        record.checks[str(each)] = fingerprint(each)
    save(record)


def exercise_result(number: str, result: str) -> None:
    """Record the result of an exercise's check, such as "3 passed, 1 failed"."""
    record = load()
    record.results[number] = result
    save(record)


def passed_exercise(number: str) -> None:
    """Record that an exercise is solved."""
    record = load()
    if number not in record.exercises:
        record.exercises.append(number)
        save(record)


def solved_incident(name: str) -> None:
    """Record that an incident is solved."""
    record = load()
    if name not in record.incidents:
        record.incidents.append(name)
        save(record)


def next_hint(number: str, count: int) -> int:
    """Return the index of the next hint, and record it; after the last hint, the last again.

    Args:
        number: The exercise's number.
        count: How many hints it has.
    """
    record = load()
    given = record.hints.get(number, 0)
    record.hints[number] = min(given + 1, count)
    save(record)
    return min(given, count - 1)


def clear_attempt(number: str) -> None:
    """Clear the record of an exercise's hints, and the result of its last check."""
    record = load()
    before = asdict(record)
    record.hints.pop(number, None)
    record.results.pop(number, None)
    if asdict(record) != before:
        save(record)


def fingerprint(stage: int) -> str:
    """Return a hash of the sources that stages 1 to `stage` deploy."""
    folders = [TERRAFORM, ROOT / "orderflow"]
    folders += [stage_folder(each) for each in range(1, stage + 1)]
    found = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        name = path.relative_to(ROOT)
        if is_leftover(name) or {"tests", "exercises"} & {*name.parts}:
            continue
        if path.suffix in _CHECKED:
            found.update(name.as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
