"""A function's own cost: its cold start and its work per event, without any cloud."""

import json
import os
import statistics
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.bench.cases import CASES, Case
from devtools.bench.figures import Figure
from workshop.deployment.bundles import Bundle
from workshop.errors import WorkshopError
from workshop.paths import LOCAL_CLOUD_ENVIRONMENT, python_of

PAIRS = 15
"""Fresh processes per figure; ours and the floor take turns, so that both meet the same machine."""

ENVIRONMENT = {
    "TABLE_NAME": "bench",
    "EVENT_BUS_NAME": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "orderflow",
    "POWERTOOLS_SERVICE_NAME": "bench",
}


def figures(made: list[Bundle]) -> list[Figure]:
    """Measure every function in its unpacked bundle.

    Raises:
        WorkshopError: A function does not do its work.
    """
    with _unpacked(made) as folders:
        modules = {case.module: case for case in CASES}
        starts = [_cold_start(case, folders[case.package]) for case in modules.values()]
        return starts + [_own_work(case, folders[case.package]) for case in CASES]


@contextmanager
def _unpacked(made: list[Bundle]) -> Iterator[dict[str, Path]]:
    """Package → where its bundle lies unpacked."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {bundle.package: Path(scratch) / bundle.package for bundle in made}
        for bundle in made:
            with zipfile.ZipFile(bundle.path) as archive:
                archive.extractall(folders[bundle.package])
            # As the real runtime has it: bytecode of the interpreter that runs it.
            _python("-m", "compileall", "-q", str(folders[bundle.package]))
        yield folders


def _cold_start(case: Case, folder: Path) -> Figure:
    clients = "; ".join(f"boto3.client('{service}')" for service in case.clients)
    ours, bare = f"import {case.module}", f"import boto3; {clients}"
    times: dict[str, list[float]] = {ours: [], bare: []}
    for pair in range(PAIRS):
        for code in (ours, bare) if pair % 2 else (bare, ours):
            times[code].append(_milliseconds(code, folder))
    measured, floor = statistics.median(times[ours]), statistics.median(times[bare])
    return Figure(
        f"cold start of {case.module}",
        "ms",
        measured,
        "≤ 1.15 × a bare handler with the same clients",
        measured <= 1.15 * floor,
        floor,
    )


def _own_work(case: Case, folder: Path) -> Figure:
    script = str(Path(__file__).with_name("cpu_per_event.py"))
    said = _python(
        script, case.module, case.function, folder=folder, given=json.dumps(case.event())
    )
    # The handlers log to the same output; the answer is its last line.
    answer = json.loads(said.splitlines()[-1])
    return Figure(
        f"own CPU time per event of {case.module}.{case.function}",
        "ms",
        answer["ours"],
        "≤ 1 ms",
        answer["ours"] <= 1,
        answer["floor"],
        note="floor: the event's JSON read and written",
    )


def _milliseconds(code: str, folder: Path) -> float:
    started = time.perf_counter()
    _python("-c", code, folder=folder)
    return (time.perf_counter() - started) * 1000


def _python(*arguments: str, folder: Path | None = None, given: str = "") -> str:
    """Run the interpreter that the local cloud runs functions with."""
    path = {"PYTHONPATH": str(folder)} if folder else {}
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [str(python_of(LOCAL_CLOUD_ENVIRONMENT)), *arguments],
        check=False,
        capture_output=True,
        text=True,
        input=given,
        env=kept | ENVIRONMENT | path,
        cwd=folder,
    )
    if done.returncode:
        raise WorkshopError(f"{' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout
