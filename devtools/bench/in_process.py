"""The cost of a function alone: its cold start and its CPU time per event, without a cloud.

Ours, the bare requests, and the conventional twin's function for the same step.
"""

import io
import json
import os
import statistics
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.bench.cases import CASES, Case
from devtools.bench.conventional import bundle as twin_bundle
from devtools.bench.conventional import cost as twin_cost
from devtools.bench.conventional import flow as twin_flow
from devtools.bench.figures import Figure
from workshop.deployment.bundles import Bundle
from workshop.errors import WorkshopError
from workshop.paths import LOCAL_CLOUD_ENVIRONMENT, python_of

SCRIPT = Path(__file__).with_name("one_function.py")

PAIRS = 15
"""New processes per figure; ours and the floor alternate, so both run under the same load."""

ENVIRONMENT = {
    "TABLE_NAME": "bench",
    "EVENT_BUS_NAME": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "orderflow",
    "POWERTOOLS_SERVICE_NAME": "bench",
}

TRACE = "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0"

STEPS = {
    "order_service.handler.api": "place",
    "order_service.tracker.track": "track",
    "payment_service.handler.charge": "charge",
    "inventory_service.handler.reserve": "reserve",
    "shipping_service.handler.prepare": "prepare",
}
"""Our entry point → the conventional twin's function for the same step."""


@dataclass(frozen=True, slots=True)
class Twin:
    """The conventional twin's function for a step: how to run it in a process.

    Attributes:
        arguments: Its module and its entry point.
        event: The event of the step.
        folder: Its unpacked bundle.
        variables: Its environment variables.
    """

    arguments: tuple[str, str]
    event: Any
    folder: Path
    variables: Mapping[str, str]


def figures(made: list[Bundle]) -> list[Figure]:
    """Measure every function in its unpacked bundle.

    Raises:
        WorkshopError: A function does not process its event.
    """
    with unpacked(made) as folders:
        modules = {case.module: case for case in reversed(CASES)}  # the first case of each
        starts = [
            figure
            for case in reversed(modules.values())
            for figure in _cold_start(case, folders[case.package], _twin(case, folders))
        ]
        return starts + [
            _own_work(case, folders[case.package], _twin(case, folders)) for case in CASES
        ]


def _twin(case: Case, folders: Mapping[str, Path]) -> Twin | None:
    """Return the conventional twin's function for a case; None if it has none."""
    name = STEPS.get(f"{case.module}.{case.function}")
    if name is None:
        return None
    [function] = [each for each in twin_flow.FUNCTIONS if each.name == name]
    module, _, entry = function.handler.rpartition(".")
    folder = folders[twin_flow.PREFIX]
    # Tracer is off unless it finds itself on Lambda, and needs the trace of an invocation.
    lambdas = {"LAMBDA_TASK_ROOT": str(folder), "_X_AMZN_TRACE_ID": TRACE}
    variables = {**twin_flow.environment(function), **lambdas}
    return Twin((module, entry), twin_cost.counted().inputs[name], folder, variables)


@contextmanager
def unpacked(made: list[Bundle]) -> Iterator[dict[str, Path]]:
    """Yield package → where its bundle lies unpacked; the twin's has the name of its prefix."""
    with tempfile.TemporaryDirectory() as scratch:
        bundles = {bundle.package: bundle.path.read_bytes() for bundle in made}
        bundles[twin_flow.PREFIX] = twin_bundle.build()
        folders = {package: Path(scratch) / package for package in bundles}
        for package, content in bundles.items():
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(folders[package])
            # As in the real runtime: bytecode of the interpreter that runs it.
            _python("-m", "compileall", "-q", str(folders[package]))
        yield folders


def _cold_start(case: Case, folder: Path, twin: Twin | None) -> list[Figure]:
    """Return wall and CPU time of a new process: import, clients and the first event."""
    event = case.event()
    arguments = ("cold", case.module, case.function)
    requests = run(arguments, event, folder)["requests"]
    runs: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
    if twin:
        runs["twin"] = []
    for pair in range(PAIRS):
        for side in sorted(runs, reverse=bool(pair % 2)):
            if side == "ours":
                report = run(arguments, event, folder)
            elif side == "bare":
                given = {"event": event, "requests": requests}
                report = run(("bare", *case.clients), given, folder)
            else:
                report = _run_twin(twin, "cold")
            runs[side].append(report)
    return [
        _compared(f"{what} of {case.module} with its first event", name, runs)
        for what, name in (("cold start", "ms"), ("CPU time of a cold start", "cpu_ms"))
    ]


def _compared(what: str, name: str, runs: dict[str, list[dict[str, float]]]) -> Figure:
    medians = {
        side: statistics.median(each[name] for each in found) for side, found in runs.items()
    }
    measured, floor = medians["ours"], medians["bare"]
    return Figure(
        what,
        "ms",
        measured,
        "≤ 1.10 × a bare handler with the same clients and requests",
        measured <= 1.10 * floor,
        floor,
        conventional=medians.get("twin"),
    )


def _own_work(case: Case, folder: Path, twin: Twin | None) -> Figure:
    report = run(("warm", *case.arguments), case.event(), folder)
    return Figure(
        f"own CPU time per event of {case.module}.{case.function}",
        "ms",
        report["ours"],
        "≤ 0.5 ms",
        report["ours"] <= 0.5,
        report["floor"],
        note="floor: the event's JSON read and written",
        conventional=_run_twin(twin, "own")["ours"] if twin else None,
    )


def _run_twin(twin: Twin | None, command: str) -> Any:
    assert twin is not None  # noqa: S101 - it is measured only if there is one
    arguments = (command, *twin.arguments)
    return run(arguments, twin.event, twin.folder, twin.variables)


def run(
    arguments: tuple[str, ...],
    given: Any,
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> Any:
    """Return the report of `one_function.py`."""
    text = json.dumps(given)
    said = _python(str(SCRIPT), *arguments, folder=folder, given=text, variables=variables)
    # The handlers log to the same output; the report is its last line.
    return json.loads(said.splitlines()[-1])


def _python(
    *arguments: str,
    folder: Path | None = None,
    given: str = "",
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run the interpreter that the local cloud runs functions with."""
    path = {"PYTHONPATH": str(folder)} if folder else {}
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    done = subprocess.run(
        [str(python_of(LOCAL_CLOUD_ENVIRONMENT)), *arguments],
        check=False,
        capture_output=True,
        text=True,
        input=given,
        env={**kept, **ENVIRONMENT, **path, **(variables or {})},
        cwd=folder,
    )
    if done.returncode:
        raise WorkshopError(f"{' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout
