"""A function's own cost: its bundle, its cold start, its work per event, without any cloud."""

import json
import os
import statistics
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

from workshop import bundles
from workshop.bench.figures import Figure
from workshop.paths import LOCAL_CLOUD_ENVIRONMENT, python_of

PAIRS = 10
"""Fresh processes per figure; ours and the floor take turns, so that both meet the same machine."""

BARE = "import boto3; boto3.client('dynamodb'); boto3.client('events')"
"""A handler that makes the same two clients and does nothing else."""

ENVIRONMENT = {
    "TABLE_NAME": "bench",
    "EVENT_BUS_NAME": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "orderflow",
    "POWERTOOLS_SERVICE_NAME": "bench",
}


def figures() -> list[Figure]:
    """Measure what needs no cloud."""
    made = bundles.build()
    largest = max(made, key=lambda bundle: bundle.path.stat().st_size)
    size = largest.path.stat().st_size / 1e6
    found = [
        Figure("bundle, the largest", "MB", size, "≤ 1.3 MB", size <= 1.3, note=largest.package)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for bundle in made:
            folder = Path(scratch) / bundle.package
            with zipfile.ZipFile(bundle.path) as archive:
                archive.extractall(folder)
            # As the real runtime has it: bytecode of the interpreter that runs it.
            _python("-m", "compileall", "-q", str(folder))
            found += [_cold_start(bundle.package, folder), _own_work(bundle.package, folder)]
    return found


def _cold_start(package: str, folder: Path) -> Figure:
    ours, bare = [], []
    for _ in range(PAIRS):
        ours.append(_milliseconds(f"import {package}.handler", folder))
        bare.append(_milliseconds(BARE, folder))
    measured, floor = statistics.median(ours), statistics.median(bare)
    return Figure(
        f"cold start of {package}",
        "ms",
        measured,
        "≤ 1.15 × a bare handler with the same two clients",
        measured <= 1.15 * floor,
        floor,
    )


def _own_work(package: str, folder: Path) -> Figure:
    script = Path(__file__).with_name("own_work.py")
    # The handlers log to the same output; the answer is its last line.
    answer = json.loads(_python(str(script), package, folder=folder).splitlines()[-1])
    return Figure(
        f"own CPU time per event of {package}",
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


def _python(*arguments: str, folder: Path | None = None) -> str:
    """Run the interpreter that the local cloud runs functions with."""
    path = {"PYTHONPATH": str(folder)} if folder else {}
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [str(python_of(LOCAL_CLOUD_ENVIRONMENT)), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=kept | ENVIRONMENT | path,
        cwd=folder,
    ).stdout
