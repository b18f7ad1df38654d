"""The record of a suite: what it tried, how much, what it found, what it does not cover."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parent / "records"


@dataclass(frozen=True)
class Record:
    """A record of one suite. Its fields are JSON's types.

    Attributes:
        suite: Its name, which is the file's.
        title: Its title in the report.
        what: What it tries, on what, with which faults: plain sentences.
        command: The command that repeats it.
        figures: `{"name": …, "value": …}`, in the order in which they are shown.
        found: `{"what": …, "test": …}`: a defect that it found and that is fixed, and its test.
        not_covered: What it does not cover: a sentence each.
        plots: Pictures, relative to the repository.
    """

    suite: str
    title: str
    what: Sequence[str]
    command: str
    figures: Sequence[dict[str, Any]]
    found: Sequence[dict[str, str]] = ()
    not_covered: Sequence[str] = ()
    plots: Sequence[str] = field(default=())


def figures(**values: str | float) -> list[dict[str, Any]]:
    """Return figures from names and values; an underscore in a name is a space."""
    return [{"name": name.replace("_", " "), "value": value} for name, value in values.items()]


def write(record: Record) -> Path:
    """Write a suite's record; return the file.

    What was found and what is not covered are written by people: an existing record keeps them,
    unless the new one has its own.
    """
    path = RECORDS / f"{record.suite}.json"
    content = asdict(record)
    if path.exists():
        before = json.loads(path.read_text("utf-8"))
        for name in ("found", "not_covered"):
            content[name] = content[name] or before.get(name, [])
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def read(path: Path) -> Record:
    """Return a suite's record.

    Raises:
        TypeError: It lacks a field, or has an unknown one.
    """
    return Record(**json.loads(path.read_text("utf-8")))
