"""The bundles: what is in them, and that nothing but their sources decides it."""

import json
import re
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from workshop.deployment import bundles
from workshop.environments import FUNCTIONS
from workshop.errors import WorkshopError
from workshop.launcher import NEEDS
from workshop.paths import FUNCTION_DEPENDENCIES, ROOT, stage_packages


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A small repository with one service and one dependency."""
    files = {
        "01-order-service/order_service/__init__.py": "",
        "01-order-service/order_service/handler.py": "import orderflow\n",
        "01-order-service/order_service/schema.json": "{}",
        "01-order-service/order_service/__pycache__/handler.cpython-311.pyc": "old",
        "01-order-service/tests/__init__.py": "",
        "01-order-service/tests/test_handler.py": "",
        "orderflow/__init__.py": "",
        "dependencies/useful/__init__.py": "",
        "dependencies/useful-1.dist-info/RECORD": "",
        "dependencies/useful-1.dist-info/INSTALLER": "",
        "dependencies/useful-1.dist-info/licenses/LICENSE": "free",
        "dependencies/bin/useful": "",
        "dependencies/made-from.json": "{}",
        "dependencies/aws_lambda_powertools/utilities/parser/__init__.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.setattr(bundles, "FUNCTION_DEPENDENCIES", tmp_path / "dependencies")
    return tmp_path


def build(repository):
    return bundles.build(repository, repository / "bundles")


def test_holds_code_and_licences_and_nothing_else(repository):
    [bundle] = build(repository)
    with zipfile.ZipFile(bundle.path) as archive:
        names = [name for name in archive.namelist() if not name.endswith(".pyc")]
    assert names == [
        "order_service/__init__.py",
        "order_service/handler.py",
        "order_service/schema.json",
        "orderflow/__init__.py",
        "useful-1.dist-info/licenses/LICENSE",
        "useful/__init__.py",
    ]


def test_every_package_of_a_stage_has_a_bundle(repository):
    """Whatever its name, and with all the folders in it; a stage's tests are no package of it."""
    for name in ("__init__.py", "redrive/__init__.py", "redrive/handler.py"):
        path = repository / "05-errors-dlq/recovery" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    made = {bundle.package: bundle.path for bundle in build(repository)}
    assert set(made) == {"order_service", "recovery"}
    with zipfile.ZipFile(made["recovery"]) as archive:
        assert "recovery/redrive/handler.py" in archive.namelist()


def test_unchanged_sources_leave_the_file_alone(repository):
    [first] = build(repository)
    written = first.path.stat().st_mtime_ns
    [second] = build(repository)
    assert (first.changed, second.changed) == (True, False)
    assert second.path.stat().st_mtime_ns == written


def test_built_by_several_at_once_it_is_written_once(repository):
    """As `make test` does, whose parts go on side by side."""
    with ThreadPoolExecutor(4) as pool:
        built = [pool.submit(build, repository) for _ in range(4)]
    changed = [bundle.changed for each in built for bundle in each.result()]
    assert sorted(changed) == [False, False, False, True]


def test_the_same_sources_give_the_same_bytes(repository):
    [first] = build(repository)
    data = first.path.read_bytes()
    first.path.unlink()
    for path in repository.rglob("*.py"):
        path.touch()  # a new checkout has new dates
    [again] = build(repository)
    assert again.changed
    assert again.path.read_bytes() == data


def test_changed_sources_give_a_new_file(repository):
    [first] = build(repository)
    data = first.path.read_bytes()
    (repository / "orderflow/__init__.py").write_text("NEW = 1\n", "utf-8")
    [second] = build(repository)
    assert second.changed
    assert second.path.read_bytes() != data


@pytest.mark.skipif(bundles.find_compiler() is None, reason="no Python of the runtime's version")
def test_without_the_dependencies_there_is_no_bundle(repository):
    """It would deploy well, and import nothing."""
    (repository / "dependencies/made-from.json").unlink()
    with pytest.raises(WorkshopError, match="make setup"):
        build(repository)


@pytest.mark.parametrize("verb", ["up", "setup", "plan", "deploy", "drift", "destroy"])
def test_a_verb_that_builds_bundles_has_what_goes_into_them(verb):
    """On a machine where nothing else has run before, such as the pipeline's."""
    assert FUNCTIONS in NEEDS[verb]


def test_bytecode_is_for_the_runtime_and_never_checked_against_its_source(repository):
    [bundle] = build(repository)
    with zipfile.ZipFile(bundle.path) as archive:
        data = archive.read("order_service/__pycache__/handler.cpython-313.pyc")
    assert data[4:8] == (1).to_bytes(4, "little")  # hash-based, unchecked (PEP 552)
    assert b"/var/task/order_service/handler.py" in data


def test_without_the_runtimes_python_bundles_go_without_bytecode(repository, monkeypatch):
    monkeypatch.setattr(bundles, "find_compiler", lambda: None)
    [bundle] = build(repository)
    assert not bundles.has_bytecode(bundle.path)


def test_a_bundle_too_large_with_bytecode_goes_without(repository, monkeypatch):
    monkeypatch.setattr(bundles, "SIZE_LIMIT", 10)
    [bundle] = build(repository)
    assert not bundles.has_bytecode(bundle.path)


@pytest.mark.skipif(bundles.find_compiler() is None, reason="no Python of the runtime's version")
def test_code_that_is_no_python_is_told_by_file_and_line(repository):
    (repository / "orderflow/__init__.py").write_text("def broken(:\n", "utf-8")
    with pytest.raises(WorkshopError) as caught:
        build(repository)
    assert "/var/task/orderflow/__init__.py" in str(caught.value)
    assert "line 1" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def handlers(package):
    """The modules of a package that Lambda imports, as its stage's Terraform names them."""
    [folder] = [path.parent for path in stage_packages() if path.name == package]
    text = "".join(path.read_text("utf-8") for path in folder.glob("terraform/*.tf"))
    return sorted(set(re.findall(rf'handler\s*=\s*"({package}\.[\w.]+)\.\w+"', text)))


CONSUMERS = {"payment": {"function": "payment", "undelivered": "https://u", "failed": "https://f"}}


@pytest.mark.skipif(not FUNCTION_DEPENDENCIES.exists(), reason="run by `workshop unit`")
def test_every_handler_can_be_imported_from_its_real_bundle(tmp_path):
    for bundle in bundles.build():
        assert handlers(bundle.package), f"Terraform names no handler of {bundle.package}"
        assert bundle.path.stat().st_size <= bundles.SIZE_LIMIT
        code = tmp_path / bundle.package
        with zipfile.ZipFile(bundle.path) as archive:
            archive.extractall(code)
        script = (
            "import sys; boto3_is_there_on_lambda = sys.path.pop()\n"
            "sys.path.insert(0, sys.argv[1]); sys.path.append(boto3_is_there_on_lambda)\n"
            f"import {', '.join(handlers(bundle.package))}, aws_lambda_powertools\n"
            "assert sys.argv[1] in aws_lambda_powertools.__file__"
        )
        command = [sys.executable, "-I", "-c", script, str(code)]
        done = subprocess.run(
            command,
            env={
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "EVENT_BUS_NAME": "bus",
                "TABLE_NAME": "table",
                "POWERTOOLS_SERVICE_NAME": "service",
                "POWERTOOLS_METRICS_NAMESPACE": "orderflow",
                "GATEWAY_AVAILABLE": "true",
                "CONSUMERS": json.dumps(CONSUMERS),
                "STUCK_AFTER_SECONDS": "900",
                "RUN_EVERY_SECONDS": "300",
                "ORDERS_PER_RUN": "500",
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
