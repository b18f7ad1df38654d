"""The record of a run of the bench: its figures by group, what faults did, and the machine."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devtools.bench.figures import Figure
from workshop.paths import ROOT

RECORD = Path(__file__).parent / "records" / "bench.json"
PICTURE = ROOT / "docs" / "performance.svg"

QUIET = 0.25
"""The load of each core above which a machine is busy."""

GROUPS = {
    "alone": "One step in a fresh process",
    "requests": "Size, requests and cost",
    "flow": "One order, and a burst",
    "faults": "The same orders under the same faults",
    "recovery": "Failure and recovery",
    "board": "The board",
    "waiting": "What a person waits for",
}
"""Name of a group → its title, in the order of the report."""


@dataclass(frozen=True)
class Machine:
    """Where and when the bench ran.

    Attributes:
        date: The day, ISO 8601.
        python: The version of Python.
        cores: The number of cores.
        load: The average load of the minute before the run; None if the system does not say.
        minutes: How long the run took; None if the record is put together from several runs.
    """

    date: str
    python: str
    cores: int
    load: float | None
    minutes: float | None

    @classmethod
    def now(cls) -> "Machine":
        """Return this machine before a run."""
        load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
        date = datetime.now(UTC).date().isoformat()
        return cls(date, platform.python_version(), os.cpu_count() or 1, load, 0.0)

    @property
    def is_busy(self) -> bool:
        """Return whether other programs disturbed the run."""
        return self.load is not None and self.load > QUIET * self.cores


@dataclass
class Record:
    """What a run found.

    Attributes:
        machine: Where and when it ran.
        groups: Group → its figures.
        by_fault: Fault → side → what became of its orders.
    """

    machine: Machine
    groups: dict[str, list[Figure]] = field(default_factory=dict)
    by_fault: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    def figure(self, group: str, start: str) -> Figure:
        """Return the figure of a group that begins with a text.

        Raises:
            KeyError: There is none.
        """
        found = [each for each in self.groups.get(group, []) if each.what.startswith(start)]
        if not found:
            raise KeyError(f"{group}: {start}")
        return found[0]

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON's types; figures have three significant digits."""
        return {
            "machine": asdict(self.machine),
            "groups": {
                name: [{key: _rounded(value) for key, value in asdict(each).items()} for each in of]
                for name, of in self.groups.items()
            },
            "by_fault": self.by_fault,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Record":
        """Return the record of a `to_json`."""
        return cls(
            Machine(**data["machine"]),
            {name: [Figure(**each) for each in of] for name, of in data["groups"].items()},
            data["by_fault"],
        )


def write(record: Record, path: Path) -> None:
    """Write a record as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record.to_json(), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")


def read(path: Path = RECORD) -> Record:
    """Return the record in a file."""
    return Record.from_json(json.loads(path.read_text("utf-8")))


def _rounded(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value
