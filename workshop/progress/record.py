"""What passed, kept in `.workshop/progress.json`; if it is lost, one starts again."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from workshop.files import write_atomically
from workshop.paths import ROOT, STATE, TERRAFORM, stage_folder

FILE = STATE / "progress.json"

_PROVED = (".py", ".tf", ".json")
"""Suffixes of the files that a check proves something about."""


@dataclass
class Record:
    """What passed.

    Attributes:
        checks: Stage → fingerprint of the sources that its check proved.
        exercises: Numbers of the exercises whose check was passed.
        hints: Number of an exercise → how many hints were given.
    """

    checks: dict[str, str] = field(default_factory=dict)
    exercises: list[str] = field(default_factory=list)
    hints: dict[str, int] = field(default_factory=dict)


def load() -> Record:
    """Return what is on record."""
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
    """Put on record that the check of stages 1 to this passed."""
    record = load()
    for each in range(1, stage + 1):
        record.checks[str(each)] = fingerprint(each)
    save(record)


def passed_exercise(number: str) -> None:
    """Put on record that an exercise is solved."""
    record = load()
    if number not in record.exercises:
        record.exercises.append(number)
        save(record)


def next_hint(number: str, there_are: int) -> int:
    """Return which hint comes next, from 0, and note it; after the last, the last again."""
    record = load()
    given = record.hints.get(number, 0)
    record.hints[number] = min(given + 1, there_are)
    save(record)
    return min(given, there_are - 1)


def forget_hints(number: str) -> None:
    """Forget the hints that were given for an exercise."""
    record = load()
    if record.hints.pop(number, None) is not None:
        save(record)


def fingerprint(stage: int) -> str:
    """Return a hash of what stages 1 to this deploy."""
    folders = [TERRAFORM, ROOT / "orderflow"]
    folders += [folder for each in range(1, stage + 1) if (folder := stage_folder(each))]
    found = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.suffix in _PROVED and not {"tests", "exercises", "__pycache__"} & {*parts}:
            found.update("/".join(parts).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
