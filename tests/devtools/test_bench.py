"""The bench: that it measures what it says, and that its bounds can fail."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from devtools.bench import (
    in_process,
    one_function,
    redeploy_time,
    request_count,
    size,
    waiting_time,
)
from devtools.bench.cases import CASES
from workshop.deployment import bundles
from workshop.errors import WorkshopError
from workshop.paths import ROOT, SERVICE_STAGES, in_stages


def test_every_function_that_ships_an_order_is_measured():
    """Named as Terraform names their handlers."""
    text = "".join(
        path.read_text("utf-8") for path in in_stages("terraform/main.tf", SERVICE_STAGES)
    )
    handlers = re.findall(r'handler\s*= "(\w+\.\w+\.\w+)"', text)
    assert sorted(f"{case.module}.{case.function}" for case in CASES) == sorted(handlers)


@pytest.fixture
def run_alone():
    """The script, on this repository's sources instead of an unpacked bundle."""
    folders = [str(path.parent) for path in bundles.source_folders(ROOT)]
    environment = os.environ | in_process.ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(folders)}

    def run(given, *arguments):
        return subprocess.run(
            [sys.executable, one_function.__file__, *arguments],
            env=environment,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module}.{case.function}")
def test_each_function_does_its_work_while_it_is_measured(run_alone, case):
    done = run_alone(case.event(), "warm", *case.arguments)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ours"] > answer["floor"] > 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module}.{case.function}")
def test_cold_start_makes_the_requests_of_its_first_event(run_alone, case):
    """The floor of the same run makes the same requests, with clients that do nothing else."""
    done = run_alone(case.event(), "cold", case.module, case.function, "again")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["cpu_ms"] > report["event_cpu_ms"] > 0
    operations = [operation for operation, _ in report["requests"]]
    assert operations[0] in {"PutItem", "UpdateItem", "TransactWriteItems"}
    assert ("PutEvents" in operations) == ("events" in case.clients)
    given = {"event": case.event(), "requests": report["requests"]}
    done = run_alone(given, "bare", *case.clients)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["ms"] > 0


def test_an_order_that_is_refused_is_no_measurement(run_alone):
    """A fault is answered faster than an order."""
    [api] = [case for case in CASES if case.function == "api"]
    for arguments in (("warm", *api.arguments), ("cold", api.module, api.function)):
        done = run_alone({**api.event(), "body": "{}"}, *arguments)
        assert done.returncode == 1
        assert "did not do its work" in done.stderr


def test_a_shipped_order_makes_the_fewest_requests():
    figures = [*request_count.figures(), request_count.reconciling()]
    assert [figure.measured for figure in figures] == [9, 4, 8, 2]
    assert all(figure.met for figure in figures)


def test_more_requests_than_necessary_miss_the_budget():
    """An order that is redriven has three attempts that fail: runs and writes without a result."""
    assert [figure.met for figure in request_count.figures("redriven")] == [False, True, False]


def test_the_floor_of_a_bundle_is_its_dependencies(tmp_path):
    def bundle(name, **files):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for folder, text in files.items():
                archive.writestr(f"{folder}/__init__.py", text)
        return bundles.Bundle("order_service", path, changed=False)

    whole_bundle = bundle("whole.zip", useful="x = 1", orderflow="y = 2", order_service="z = 3")
    alone = bundle("alone.zip", useful="x = 1")
    assert size.dependencies_alone(whole_bundle) == alone.path.stat().st_size


def test_a_changed_copy_leaves_the_checkout_alone():
    """One bundle is rebuilt, from the copy's sources and in the copy."""
    bundles.build()
    before = (ROOT / redeploy_time.CHANGED).read_bytes()
    with redeploy_time.changed_copy() as build:
        made = build()
    assert [bundle.package for bundle in made if bundle.changed] == [redeploy_time.PACKAGE]
    assert not any(bundle.path.is_relative_to(ROOT) for bundle in made)
    assert (ROOT / redeploy_time.CHANGED).read_bytes() == before


PROGRAM = """
import os, pathlib, sys
here = pathlib.Path.cwd()
with open(pathlib.Path("calls").read_text().strip(), "a") as calls:
    calls.write(f"{sys.argv[1]} {os.environ['WORKSHOP_CLOUD']} {pathlib.Path('file').read_text()}")
sys.exit(sys.argv[1] == os.environ.get("FAILS"))
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository whose commands only record that they were called."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    root = tmp_path / "repository"
    (root / "workshop").mkdir(parents=True)
    (root / "workshop/__init__.py").touch()  # otherwise the real package would run instead
    (root / "workshop/__main__.py").write_text(PROGRAM)
    (root / "calls").write_text(f"{tmp_path}/calls")
    (root / "file").write_text("committed\n")
    me = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (["init", "-q"], ["add", "."], [*me, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "file").write_text("changed\n")
    return root


def test_the_demo_is_measured_in_a_clone_and_stopped(repository):
    assert waiting_time.demo(repository).met is True
    calls = (repository.parent / "calls").read_text().splitlines()
    assert calls == ["demo bench-demo committed", "down bench-demo committed"]


def test_a_demo_that_fails_is_no_measurement(repository, monkeypatch):
    monkeypatch.setenv("FAILS", "demo")
    with pytest.raises(WorkshopError, match="demo failed"):
        waiting_time.demo(repository)
    assert "down" in (repository.parent / "calls").read_text()
