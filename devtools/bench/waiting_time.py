"""The times that a person waits: a command's start, and `make demo` in a clean clone."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devtools.bench.figures import Figure
from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.errors import WorkshopError
from workshop.paths import ROOT

STARTS = 7
"""Processes started per figure."""


def start() -> Figure:
    """Measure how long the command line takes to show its help; the floor is an empty process."""
    commands = (["-m", "workshop", "--help"], ["-c", "pass"])
    took, floor = (
        statistics.median(_seconds(sys.executable, *words) for _ in range(STARTS))
        for words in commands
    )
    return Figure("start of a command", "s", took, "≤ 0.3 s", took <= 0.3, floor, "`--help`")


def demo(root: Path = ROOT) -> Figure:
    """Measure `make demo` in a clone of a repository's last commit; then stop its local cloud."""
    workshop = (sys.executable, "-m", "workshop")
    with tempfile.TemporaryDirectory(prefix="workshop-") as clone:
        _seconds("git", "clone", "--quiet", str(root), clone)
        try:
            took = _seconds(*workshop, "demo", folder=clone)
        finally:
            _seconds(*workshop, "down", folder=clone)
    note = "the last commit; packages from pip's cache if it has them"
    return Figure("make demo, clean clone", "s", took, "≤ 75 s", took <= 75, note=note)


def _seconds(*command: str, folder: str | Path = ROOT) -> float:
    started = time.perf_counter()
    environment = os.environ | {CLOUD_VARIABLE: "bench-demo"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WorkshopError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started
