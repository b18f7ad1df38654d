"""How the jobs ended that another job waited for: GitHub's ``needs``, as JSON."""

import json
from dataclasses import dataclass

from workshop.errors import UsageError

SUCCESS = "success"


@dataclass(frozen=True)
class Jobs:
    """Jobs, and how each ended.

    Attributes:
        results: Job → ``success``, ``failure``, ``cancelled`` or ``skipped``.
    """

    results: dict[str, str]

    @property
    def bad(self) -> list[str]:
        """Those that did not succeed: one that was skipped or cancelled has proved nothing."""
        return [name for name, result in self.results.items() if result != SUCCESS]

    def markdown(self) -> str:
        """A table, a job a line."""
        rows = [f"| {name} | {result} |" for name, result in self.results.items()]
        return "\n".join(["| job | result |", "|---|---|", *rows, ""])


def read(needs: str) -> Jobs:
    """The jobs of ``toJSON(needs)``.

    Raises:
        UsageError: It is something else, or names no job.
    """
    try:
        results = {str(name): str(job["result"]) for name, job in json.loads(needs).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        results = {}
    if not results:
        raise UsageError("NEEDS names no jobs: it has to hold what GitHub's toJSON(needs) gives.")
    return Jobs(results)
