"""The rules of the architecture: who may import whom, and where files are."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from devtools.commands.lock import APART
from tests.fixtures.sources import code_of, tree
from workshop.paths import stage_packages

ROOT = Path(__file__).resolve().parents[2]
STAGES = sorted(path for path in ROOT.glob("0*-*") if path.is_dir())
DEPLOYED = stage_packages(ROOT)
"""All packages that stages deploy."""
SERVICES = [path for path in DEPLOYED if path.name.endswith("_service")]
STAGE_PACKAGES = {path.name: path.parent.name for path in DEPLOYED}
"""Package → the stage folder it lies in."""
TOOLS = {"workshop", "local_cloud", "devtools", "tests"}
"""What nothing deployed may import."""
REDRIVE = ROOT / "05-errors-dlq/recovery/redrive"

TOP_LEVEL = {
    *("01-order-service", "02-payment", "03-inventory", "04-shipping", "05-errors-dlq", "06-cicd"),
    *("notebooks", "terraform", ".github", "README.md", "Makefile", "pyproject.toml", "orderflow"),
    *("tests", "workshop", "local_cloud", "devtools", "requirements", "docs"),
    *("LICENSE", "CONTRIBUTING.md", ".ci", ".gitignore", ".gitattributes"),
}


def tracked(pattern: str = "") -> list[Path]:
    """The files git knows or would take, below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern or "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def imports(path: Path) -> set[str]:
    """The top-level packages a Python file imports."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def imported_modules(path: Path) -> set[str]:
    """The modules a Python file imports, by their whole names."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("stage", STAGES, ids=lambda path: path.name)
def test_a_stage_imports_no_other_stage_and_no_tool(stage):
    """A stage may import `orderflow` and itself."""
    own = {package for package, folder in STAGE_PACKAGES.items() if folder == stage.name}
    forbidden = (set(STAGE_PACKAGES) - own) | TOOLS
    for path in code_of(stage):
        assert not imports(path) & forbidden, path


def test_the_runtime_library_imports_no_stage_and_no_tool():
    """`orderflow` stands alone: every function carries it."""
    for path in code_of(ROOT / "orderflow"):
        assert not imports(path) & (set(STAGE_PACKAGES) | TOOLS), path


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_has_the_same_modules(service):
    """Handler, service and store, Terraform beside them, tests, and a lesson."""
    for part in ("handler.py", "service.py", "store.py", "__init__.py"):
        assert (service / part).is_file(), f"{service.name} lacks {part}"
    for part in ("terraform/main.tf", "tests", "README.md"):
        assert (service.parent / part).exists(), f"{service.parent.name} lacks {part}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_decides_without_aws(service):
    """What a service decides is pure: only its store and its handler know AWS."""
    for path in code_of(service):
        if path.name not in ("store.py", "handler.py"):
            assert not imports(path) & {"boto3", "botocore"}, path


def test_what_recovery_decides_knows_no_aws():
    """Redrive and reconcile decide without AWS, as every service does."""
    decisions = list((ROOT / "05-errors-dlq/recovery").glob("*/service.py"))
    assert len(decisions) == 2
    for path in decisions:
        assert not imports(path) & {"boto3", "botocore"}, path


@pytest.mark.parametrize(
    "path",
    [path for path in code_of(REDRIVE) if path.name != "handler.py"],
    ids=lambda path: path.name,
)
def test_the_redrive_runs_where_the_tools_run(path):
    """The command line runs stage 5's own redrive, without what only functions carry."""
    others = imports(path) - sys.stdlib_module_names
    assert others <= {"boto3", "botocore", "orderflow", "recovery"}, path
    ours = {name for name in imported_modules(path) if name.startswith("orderflow")}
    assert all(name.startswith(("orderflow.errors", "orderflow.aws")) for name in ours), path


def test_the_local_cloud_imports_no_other_package():
    """`local_cloud` stands alone; only `ministack/` and the server's start know MiniStack."""
    for path in code_of(ROOT / "local_cloud"):
        ours = {"orderflow", *TOOLS, *STAGE_PACKAGES} - {"local_cloud"}
        assert not imports(path) & ours, path
        if "ministack" in imports(path):
            assert path.parent.name == "ministack" or path.name == "server.py", path


def test_delivery_knows_no_emulator():
    """What AWS documents is stated without MiniStack, and without the server's endpoints."""
    for path in code_of(ROOT / "local_cloud/delivery"):
        found = {name for name in imported_modules(path) if name.startswith("local_cloud.")}
        assert not [name for name in found if name.split(".")[1] in {"ministack", "endpoints"}], (
            path
        )


def test_nothing_imports_the_maintainers_tools():
    """`devtools` may import everything; only tests import it."""
    for path in [*code_of(ROOT / "workshop"), *code_of(ROOT / "local_cloud")]:
        assert not imports(path) & {"devtools", "tests"}, path


@pytest.mark.parametrize("package", ["orderflow", "workshop", "local_cloud", "devtools"])
def test_no_modules_import_each_other(package):
    """No import cycle, counting the imports inside functions too."""
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in code_of(ROOT / package)
        if path.name != "__init__.py"
    }
    graph = {
        name: {
            found
            for each in imported_modules(path)
            for found in (each, each.rpartition(".")[0])
            if found in modules
        }
        for name, path in modules.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


@pytest.mark.parametrize("package", DEPLOYED, ids=lambda path: path.name)
def test_nothing_deployed_scans_a_table(package):
    """Every query the code makes is a key or index query."""
    for path in code_of(package):
        assert not re.search(r"\.scan\(|\"scan\"|'scan'", path.read_text("utf-8")), path


def test_nothing_branches_on_where_it_runs():
    """The same code on both clouds: no function asks whether it is local."""
    for folder in (*DEPLOYED, ROOT / "orderflow"):
        for path in code_of(folder):
            text = path.read_text("utf-8").lower()
            assert not re.search(r"ministack|localhost|is_local|endpoint_url|127\.0\.0", text), path


def test_an_earlier_stage_knows_no_later_one():
    """A later stage edits no file of an earlier one: Terraform modules never reach across."""
    for stage in STAGES:
        for path in stage.glob("terraform/**/*.tf"):
            sources = re.findall(r'source\s*=\s*"(\.[^"]+)"', path.read_text("utf-8"))
            for source in sources:
                target = (path.parent / source).resolve()
                assert target.is_relative_to(ROOT / "terraform" / "modules"), path


def test_every_consumer_can_be_given_failure_handling():
    """The seam of stage 5: each function that consumes events passes `failure_handling` on."""
    consumers = 0
    for path in ROOT.glob("0[1-4]-*/terraform/*.tf"):
        for block in re.split(r"^}", path.read_text("utf-8"), flags=re.MULTILINE):
            if "modules/event-function" in block and "consumes = {" in block:
                consumers += 1
                assert "failure_handling" in block, path
    assert consumers == 5


FOR_EVERY_FUNCTION = ("live_alias", "permissions_boundary")


def test_every_function_can_be_given_an_alias_and_a_boundary():
    """The seams of stage 6: each function is given both, as its stage was, and each role one."""
    functions = roles = 0
    for path in ROOT.glob("0[1-5]-*/terraform/*.tf"):
        for block in re.split(r"^}", path.read_text("utf-8"), flags=re.MULTILINE):
            if "modules/event-function" in block:
                functions += 1
                for name in FOR_EVERY_FUNCTION:
                    assert re.search(rf"{name}\s*= var\.{name}$", block, re.MULTILINE), path
    for path in (*ROOT.glob("0[1-5]-*/terraform/*.tf"), *ROOT.glob("terraform/modules/**/*.tf")):
        text = path.read_text("utf-8")
        made = text.count('resource "aws_iam_role" ')
        assert len(re.findall(r"permissions_boundary\s*= var\.", text)) >= made, path
        roles += made
    assert (functions, roles) == (8, 2)


def test_the_terraform_root_only_wires():
    """The root calls stage modules; resources live in the stages."""
    for path in (ROOT / "terraform").glob("*.tf"):
        assert not re.search(r'^resource\s+"', path.read_text("utf-8"), re.MULTILINE), path


def test_the_top_level_is_the_map():
    """Nothing lies at the top that the map does not name."""
    found = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert found <= TOP_LEVEL, found - TOP_LEVEL


@pytest.mark.parametrize("path", tracked("*.lock"), ids=lambda path: path.name)
def test_a_lock_pins_by_hash_and_names_no_index(path):
    """Every requirement has hashes; no address of where it is downloaded from."""
    text = path.read_text("utf-8")
    assert "://" not in text
    requirements = re.findall(r"^[a-z0-9][\w.\-\[\]]*==.*", text, re.MULTILINE | re.IGNORECASE)
    assert requirements
    assert text.count("--hash=sha256:") >= len(requirements)


def test_shared_packages_have_one_version():
    """A package that stands in two locks has the same version in both, for each Python."""
    versions: dict[str, set[frozenset[str]]] = {}
    for path in tracked("*.lock"):
        if path.stem in APART:  # nothing of it runs beside the others
            continue
        pins: dict[str, set[str]] = {}
        for name, version in re.findall(
            r"^([\w.\-]+)==([\w.]+)", path.read_text("utf-8"), re.MULTILINE
        ):
            pins.setdefault(name.lower(), set()).add(version)
        for name, found in pins.items():
            versions.setdefault(name, set()).add(frozenset(found))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_no_file_names_a_package_registry():
    """Packages come from wherever the user's tools are set up to get them."""
    hosts = re.compile(r"p.pi\.org|pythonho[s]ted|regi.try\.npm|d.b\.debian")
    texts = [path for path in tracked() if path.suffix not in {".png", ".lock"}]
    assert [path for path in texts if hosts.search(path.read_text("utf-8"))] == []
