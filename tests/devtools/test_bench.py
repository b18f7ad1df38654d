"""The bench: that it measures what it says, and that its bounds can fail."""

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest

from devtools.bench import (
    baseline,
    cpu_per_event,
    end_to_end,
    flow,
    in_process,
    memory,
    recovery,
    redeploy_time,
    request_count,
    size,
)
from devtools.bench.cases import CASES
from devtools.bench.figures import Figure
from devtools.commands import bench as verb
from local_cloud.settings import Settings
from workshop.deployment import bundles
from workshop.errors import WorkshopError
from workshop.paths import ROOT


def test_every_function_that_ships_an_order_is_measured():
    """Named as Terraform names their handlers."""
    text = "".join(path.read_text("utf-8") for path in ROOT.glob("0[1-4]-*/terraform/main.tf"))
    handlers = re.findall(r'handler\s*= "(\w+\.\w+\.\w+)"', text)
    assert sorted(f"{case.module}.{case.function}" for case in CASES) == sorted(handlers)


@pytest.fixture
def run_own_work():
    """The script, on this repository's sources instead of an unpacked bundle."""
    folders = [str(path.parent) for path in bundles.source_folders(ROOT)]
    environment = os.environ | in_process.ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(folders)}

    def run(case, event):
        return subprocess.run(
            [sys.executable, cpu_per_event.__file__, case.module, case.function],
            env=environment,
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.module}.{case.function}")
def test_each_function_does_its_work_while_it_is_measured(run_own_work, case):
    done = run_own_work(case, case.event())
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["ours"] > answer["floor"] > 0


def test_an_order_that_is_refused_is_no_measurement(run_own_work):
    """A fault is answered faster than an order."""
    [api] = [case for case in CASES if case.function == "api"]
    done = run_own_work(api, {**api.event(), "body": "{}"})
    assert done.returncode == 1
    assert "did not do its work" in done.stderr


def test_the_documented_requests_are_the_fewest_there_can_be():
    figures = request_count.figures()
    assert [(figure.measured, figure.met) for figure in figures] == [
        (9, True),
        (4, True),
        (8, True),
    ]


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        ("| shipping | PutItem |", ["DynamoDB"]),
        ("| shipping | PutEvents |", ["EventBridge", "Lambda"]),
        ("| order-tracker | UpdateItem |", ["DynamoDB", "Lambda"]),
    ],
)
def test_one_request_more_misses_the_budget(tmp_path, row, missed):
    text = request_count.TABLE.read_text("utf-8")
    table = tmp_path / "cost.md"
    once_more = lambda found: f"{row} {int(found[1]) + 1} |"  # noqa: E731
    table.write_text(re.sub(rf"{re.escape(row)} (\d+) \|", once_more, text), "utf-8")
    figures = [figure.what for figure in request_count.figures(table) if not figure.met]
    assert [what.rpartition(" ")[2] for what in figures] == missed


def test_a_table_that_is_gone_is_not_zero_requests(tmp_path):
    (tmp_path / "cost.md").write_text("nothing")
    with pytest.raises(WorkshopError, match="missing"):
        request_count.figures(tmp_path / "cost.md")


@pytest.fixture
def stack(tmp_path):
    """As much of a stack as the figure of its memory needs."""
    settings = Settings(directory="", port=0, boot_id="", concurrency=3)
    (tmp_path / "cloud.json").write_text(json.dumps({"settings": json.loads(settings.to_json())}))
    outputs = SimpleNamespace(function_names={"payment": "", "shipping": ""})
    return SimpleNamespace(target=SimpleNamespace(directory=tmp_path), outputs=outputs)


def status(interpreters, **sizes):
    known = {"server_bytes": 80_000_000, "interpreters_bytes": 900_000_000} | sizes
    return SimpleNamespace(interpreters=interpreters, **known)


def test_an_interpreter_per_event_misses_the_bound(stack):
    """Three executions of each kind at once, of two functions and the twin's."""
    bound = (3 + 3) * (2 + len(baseline.FUNCTIONS))
    assert memory.figure(stack, status(bound)).met is True
    assert memory.figure(stack, status(bound + 1)).met is False


def test_memory_is_shown_where_the_system_tells(stack):
    assert memory.figure(stack, status(1)).note == "900 MB, and the server's 80 MB"
    assert "does not tell" in memory.figure(stack, status(1, server_bytes=None)).note


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
    """One bundle is made anew, of the copy's sources and in the copy."""
    bundles.build()
    before = (ROOT / redeploy_time.CHANGED).read_bytes()
    with redeploy_time.changed_copy() as build:
        made = build()
    assert [bundle.package for bundle in made if bundle.changed] == [redeploy_time.PACKAGE]
    assert not any(bundle.path.is_relative_to(ROOT) for bundle in made)
    assert (ROOT / redeploy_time.CHANGED).read_bytes() == before


VERBS = """
import os, pathlib, sys
here = pathlib.Path.cwd()
with open(here.parent.parent / "said", "a") as said:
    said.write(f"{sys.argv[1]} {os.environ['WORKSHOP_CLOUD']} {pathlib.Path('file').read_text()}")
if sys.argv[1] == "demo":
    cloud = here / ".workshop/clouds" / os.environ["WORKSHOP_CLOUD"]
    cloud.mkdir(parents=True)
    (cloud / "cloud.json").write_text("{}")
    (cloud / "cloud.log").write_text("why")
sys.exit(sys.argv[1] == "test")
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with verbs that only note that they were called."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    root = tmp_path / "repository"
    (root / "workshop").mkdir(parents=True)
    (root / "workshop/__init__.py").touch()  # else the real package would run in its place
    (root / "workshop/__main__.py").write_text(VERBS)
    (root / "file").write_text("committed\n")
    me = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (["init", "-q"], ["add", "."], [*me, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "file").write_text("changed\n")
    monkeypatch.setattr(end_to_end.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(end_to_end, "LOGS", tmp_path / "logs")
    return root


def test_demo_and_test_run_in_a_clone_that_is_cleaned_up(repository, capfd):
    demo, test = end_to_end.figures(repository)
    said = (repository.parent / "said").read_text().splitlines()
    assert said == [f"{verb} bench-whole committed" for verb in ("demo", "test", "down")]
    assert (demo.met, test.met) == (True, False)
    assert "exit code 1" in test.note
    assert (repository.parent / "logs/test-bench-whole.log").read_text() == "why"
    assert not list(repository.parent.glob("workshop-*"))
    assert "What is not committed is not measured." in capfd.readouterr().err


def test_without_history_there_is_nothing_to_clone(tmp_path):
    assert end_to_end.figures(tmp_path) == []


@pytest.fixture
def measured_alone(monkeypatch, tmp_path):
    """The verb, with nothing behind it but what measures the whole."""

    for module, name, result in (
        (verb.bundles, "build", []),
        (verb, "up", None),
        (verb, "remove", None),
        (size, "figure", SOMETHING),
        (request_count, "figures", []),
        (in_process, "figures", []),
        (flow, "figures", []),
        (recovery, "figures", []),
        (redeploy_time, "figure", SOMETHING),
        (end_to_end, "figures", [replace(SOMETHING, what="make demo")]),
    ):
        monkeypatch.setattr(module, name, lambda *_, result=result: result)
    return lambda **options: verb.bench(tmp_path / "figures.json", **options)


SOMETHING = Figure("something", "s", 1, "", met=True)


def test_the_whole_is_measured_unless_it_is_left_out(measured_alone, capsys):
    measured_alone()
    assert "make demo" in capsys.readouterr().out
    measured_alone(skip_whole=True)
    printed = capsys.readouterr()
    assert "make demo" not in printed.out
    assert "Left out, as asked" in printed.err


def test_a_reconciled_order_costs_the_fewest_requests(tmp_path):
    """Read it, announce it; one request more misses the budget, no table at all is an error."""
    (figure,) = recovery.reconciling()
    assert (figure.measured, figure.met) == (2, True)
    text = request_count.TABLE.read_text("utf-8")
    worse = tmp_path / "cost.md"
    worse.write_text(text.replace("| GetItem | 1 |", "| GetItem | 2 |"), "utf-8")
    (figure,) = recovery.reconciling(worse)
    assert figure.met is False
    worse.write_text("nothing", "utf-8")
    with pytest.raises(WorkshopError, match="requests are missing"):
        recovery.reconciling(worse)
