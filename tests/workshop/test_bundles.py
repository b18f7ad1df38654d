"""The bundles: what is in them, and that nothing but their sources decides it."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orderflow.violation import Violations
from workshop.deployment import bundles
from workshop.environments import FUNCTIONS
from workshop.errors import WorkshopError
from workshop.launcher import NEEDS
from workshop.paths import (
    FUNCTION_DEPENDENCIES,
    ROOT,
    foreign_stage_folders,
    stage_packages,
)


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


def test_folders_of_other_users_are_passed_over_for_a_compiler(monkeypatch):
    """PYENV_ROOT may lead where nobody else may look."""

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(bundles.Path, "glob", forbidden)
    assert all(isinstance(path, bundles.Path) for path in bundles._candidates())


LEFTOVERS = (
    *(
        ".DS_Store",
        "._handler.py",
        "handler.py~",
        ".handler.py.swp",
        "handler copy.py",
        "#handler.py#",
    ),
    *(".ipynb_checkpoints/handler.py", "handler.bak.py", "old.py.orig", "notes.txt", "Thumbs.db"),
    *("._schema.json", "schema copy.json", "handler.sync-conflict-1.py", "old copy/__init__.py"),
)


def test_leftovers_of_tools_change_no_bundle(repository):
    """An AppleDouble file is no Python at all; a new hash would deploy every function again."""
    [first] = build(repository)
    folders = ("01-order-service/order_service", "orderflow", "orderflow/deeper")
    for folder in folders:
        for name in LEFTOVERS:
            path = repository / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\0\xff(")
    (repository / "dependencies/useful/.DS_Store").write_bytes(b"\0")
    [again] = build(repository)
    assert not again.changed
    assert again.path == first.path


def test_copy_of_a_stage_or_package_has_no_bundle(repository):
    """Finder's "Duplicate" is a file name away from the stage; its code must not replace it."""
    [first] = build(repository)
    for copy in ("01-order-service copy/order_service", "01-order-service.bak/order_service"):
        shutil.copytree(repository / "01-order-service/order_service", repository / copy)
        (repository / copy / "handler.py").write_text("raise SystemExit\n", "utf-8")
    name = "01-order-service/order_service copy"
    shutil.copytree(repository / "01-order-service/order_service", repository / name)
    assert [(each.package, each.changed) for each in build(repository)] == [(first.package, False)]
    assert foreign_stage_folders(repository) == ["01-order-service copy", "01-order-service.bak"]


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


def test_folder_with_a_handler_and_no_init_is_named(repository):
    """Terraform would say that a bundle's file does not exist."""
    (repository / "01-order-service/new_service").mkdir()
    (repository / "01-order-service/new_service/handler.py").write_text("")
    with pytest.raises(WorkshopError, match=r"01-order-service/new_service/__init__\.py"):
        bundles.build(repository, repository / "bundles")


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


@pytest.mark.parametrize("command", ["up", "setup", "plan", "deploy", "drift", "destroy"])
def test_command_that_builds_bundles_needs_the_functions_packages(command):
    """On a machine where nothing else has run before, such as the pipeline's."""
    assert FUNCTIONS in NEEDS[command]


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
def test_build_error_names_file_and_line_of_invalid_python(repository):
    (repository / "orderflow/__init__.py").write_text("def broken(:\n", "utf-8")
    with pytest.raises(WorkshopError) as caught:
        build(repository)
    assert "/var/task/orderflow/__init__.py" in str(caught.value)
    assert "line 1" in str(caught.value)
    assert "Traceback" not in str(caught.value)


THING = "orderflow/contracts/Thing/v1.schema.json"
COMMON = "orderflow/contracts/common.v1.json"


def with_schema(repository, schema, name=THING):
    """Write a schema to the repository."""
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema) if isinstance(schema, dict) else schema, "utf-8")


def admitted(bundle, values, name=THING):
    """Return which of the values the validator in a bundle admits."""
    with zipfile.ZipFile(bundle.path) as archive:
        module = {"__file__": "/orderflow/validators.py"}
        exec(archive.read("orderflow/validators.py"), module)  # noqa: S102 - this repository's own
    found = []
    for value in values:
        with contextlib.suppress(Violations):
            module["validator"](Path(f"/{name}"))(value)
            found.append(value)
    return found


def test_validators_of_a_bundle_are_those_of_its_schemas(repository):
    """A changed schema, or one that it refers to, gives a new bundle with new validators."""
    with_schema(repository, {"type": "integer"})
    [bundle] = build(repository)
    assert admitted(bundle, [1, "a"]) == [1]
    with_schema(repository, {"$ref": "../common.v1.json#/definitions/id"})
    with_schema(
        repository,
        {"definitions": {"id": {"type": "string"}}},
        "orderflow/contracts/common.v1.json",
    )
    [bundle] = build(repository)
    assert bundle.changed
    assert admitted(bundle, [1, "a", None]) == ["a"]
    with_schema(repository, {"definitions": {"id": {"type": "null"}}}, COMMON)
    [bundle] = build(repository)
    assert bundle.changed
    assert admitted(bundle, [1, "a", None]) == [None]


def test_each_bundle_has_the_validators_of_its_own_package(repository):
    """A package's own schema is in its bundle alone."""
    name = "01-order-service/order_service/request.schema.json"
    with_schema(repository, {"type": "integer"})
    with_schema(repository, {"$ref": "../../orderflow/contracts/Thing/v1.schema.json"}, name)
    other = repository / "02-payment/payment_service/__init__.py"
    other.parent.mkdir(parents=True)
    other.touch()
    made = {bundle.package: bundle for bundle in build(repository)}
    assert admitted(made["order_service"], [1, "a"], "order_service/request.schema.json") == [1]
    assert admitted(made["payment_service"], [1, "a"]) == [1]
    with pytest.raises(KeyError):
        admitted(made["payment_service"], [1], "order_service/request.schema.json")


def test_another_version_of_the_generator_gives_a_new_bundle(repository, monkeypatch):
    """The functions never run what an older one generated."""
    with_schema(repository, {"type": "integer"})
    build(repository)
    monkeypatch.setattr(bundles, "version", lambda _: "0.0.1")
    assert build(repository)[0].changed


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "Thing/v1.schema.json is not valid JSON: .*line 1"),
        ({"$ref": "other.json"}, "refers to orderflow/contracts/Thing/other.json"),
        ({"$ref": "../common.v1.json#/definitions/none"}, "not valid: Unresolvable ref: none"),
        ({"type": "text"}, "not valid: Unknown type. One of .*v1.schema.json"),
        ({"pattern": "("}, "not valid"),
    ],
)
def test_invalid_schema_makes_no_bundle_and_is_named(repository, schema, said):
    common = {"definitions": {"id": {"type": "string"}}}
    with_schema(repository, common, COMMON)
    with_schema(repository, schema)
    with pytest.raises(WorkshopError, match=said):
        build(repository)
    assert not (repository / "bundles/order_service.zip").exists()


def handlers(package):
    """The modules of a package that Lambda imports, as its stage's Terraform names them."""
    [folder] = [path.parent for path in stage_packages() if path.name == package]
    text = "".join(path.read_text("utf-8") for path in folder.glob("terraform/*.tf"))
    return sorted(set(re.findall(rf'handler\s*=\s*"({package}\.[\w.]+)\.\w+"', text)))


ARN = "arn:aws:lambda:us-east-1:000000000000:function:payment"
CONSUMERS = {"payment": {"function": ARN, "undelivered": "https://u", "failed": "https://f"}}


FIRST_EVENTS = """
import json
from orderflow import contract
for path in contract.CONTRACTS.glob("*/*.example.json"):
    contract.parse(json.loads(path.read_text("utf-8")))
for schema in sorted({*contract.CONTRACTS.parents[1].glob("*/*.schema.json")}):
    assert contract.violations(schema, {})
print([name for name in sys.modules if name.startswith("fastjsonschema")])
"""
"""What a bundle does in a new process: it validates every event, and each request there is."""


@pytest.mark.skipif(not FUNCTION_DEPENDENCIES.exists(), reason="run by `workshop unit`")
def test_every_handler_runs_from_its_bundle_without_the_generator(tmp_path):
    """The library that generates validators can be imported, and is not."""
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
            f"{FIRST_EVENTS}"
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
        assert done.stdout.splitlines()[-1] == "[]"
