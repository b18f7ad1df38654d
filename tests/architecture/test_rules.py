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
from workshop.paths import SERVICE_STAGES, STAGE_FOLDERS, in_stages, stage_packages

ROOT = Path(__file__).resolve().parents[2]
STAGES = [ROOT / name for name in STAGE_FOLDERS.values()]
DEPLOYED = stage_packages(ROOT)
"""All packages that stages deploy."""
SERVICES = [path for path in DEPLOYED if path.name.endswith("_service")]
STAGE_PACKAGES = {path.name: path.parent.name for path in DEPLOYED}
"""Package → the stage folder it lies in."""
TOOLS = {"workshop", "local_cloud", "devtools", "tests"}
"""What nothing deployed may import."""
REDRIVE = ROOT / "05-errors-dlq/recovery/redrive"

TOP_LEVEL = {
    *STAGE_FOLDERS.values(),
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
    """`orderflow` imports no other package: it is in every bundle."""
    for path in code_of(ROOT / "orderflow"):
        assert not imports(path) & (set(STAGE_PACKAGES) | TOOLS), path


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_has_the_same_modules(service):
    """Handler, app, service and store, Terraform beside them, tests, and a lesson."""
    for part in ("handler.py", "app.py", "service.py", "store.py", "__init__.py"):
        assert (service / part).is_file(), f"{service.name} lacks {part}"
    for part in ("terraform/main.tf", "tests", "README.md"):
        assert (service.parent / part).exists(), f"{service.parent.name} lacks {part}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_decides_without_aws(service):
    """What a service decides is pure: only its store knows AWS."""
    for path in code_of(service):
        if path.name != "store.py":
            assert not imports(path) & {"boto3", "botocore"}, path


ENTRY_MODULES = {"handler", "tracker"}
"""The modules that Lambda imports: the only ones that read the environment."""


@pytest.mark.parametrize("package", [*DEPLOYED, ROOT / "orderflow"], ids=lambda path: path.name)
def test_only_entry_modules_read_the_environment(package):
    """All others get what they need as arguments, so that a test passes its own clients."""
    for path in code_of(package):
        if path.stem not in ENTRY_MODULES:
            assert not re.search(r"\bos\.(environ|getenv)|import os\b", path.read_text("utf-8")), (
                path
            )


BUILT = r"(?:handler|app|tracker|service)"
"""The names that tests give to what `build` returns, and to entry modules."""
PRIVATE = re.compile(rf"\b{BUILT}(?:\.\w+)*\._[a-z]\w*|setattr\(\s*{BUILT}[\w.]*, \"_[a-z]")
POPPED = re.compile(r"sys\.modules(?:\.pop|\.clear)|(?:del|delitem\() ?sys\.modules|reload\(")
TESTS_OF_DEPLOYED = [
    path
    for path in (
        *in_stages("tests/**/*.py"),
        *in_stages("exercises/*/check.py"),
        *code_of(ROOT / "tests"),
        *code_of(ROOT / "devtools"),
    )
    if not path.is_relative_to(ROOT / "tests/architecture")
]


def test_no_test_reloads_a_handler_or_sets_its_private_attributes():
    """A test builds the app with its own clients."""
    for path in TESTS_OF_DEPLOYED:
        text = path.read_text("utf-8")
        assert not [match[0] for each in (PRIVATE, POPPED) for match in each.finditer(text)], path


@pytest.mark.parametrize(
    "line",
    [
        'sys.modules.pop("payment_service.handler", None)',
        'monkeypatch.setattr(handler.store, "_dynamodb", busy)',
        "app.publisher._events = bus",
        "importlib.reload(handler)",
    ],
)
def test_a_change_of_a_handlers_private_parts_is_found(line):
    assert PRIVATE.search(line) or POPPED.search(line)


def test_what_recovery_decides_knows_no_aws():
    """Redrive and reconcile decide without AWS, as every service does."""
    decisions = list((ROOT / "05-errors-dlq/recovery").glob("*/service.py"))
    assert len(decisions) == 2
    for path in decisions:
        assert not imports(path) & {"boto3", "botocore"}, path


@pytest.mark.parametrize(
    "path",
    [path for path in code_of(REDRIVE) if path.name not in ("handler.py", "app.py")],
    ids=lambda path: path.name,
)
def test_the_redrive_runs_where_the_tools_run(path):
    """The command line runs stage 5's own redrive, without what only functions carry."""
    others = imports(path) - sys.stdlib_module_names
    assert others <= {"boto3", "botocore", "orderflow", "recovery"}, path
    ours = {name for name in imported_modules(path) if name.startswith("orderflow")}
    assert all(name.startswith(("orderflow.errors", "orderflow.aws")) for name in ours), path


def test_the_local_cloud_imports_no_other_package():
    """`local_cloud` imports no other package; only `ministack/` and the server use MiniStack."""
    for path in code_of(ROOT / "local_cloud"):
        ours = {"orderflow", *TOOLS, *STAGE_PACKAGES} - {"local_cloud"}
        assert not imports(path) & ours, path
        if "ministack" in imports(path):
            assert "ministack" in path.parts or path == ROOT / "local_cloud/server.py", path


def test_delivery_knows_no_emulator():
    """What AWS documents is stated without MiniStack, and without the server's endpoints."""
    for path in code_of(ROOT / "local_cloud/delivery"):
        found = {name for name in imported_modules(path) if name.startswith("local_cloud.")}
        assert not [name for name in found if name.split(".")[1] in {"ministack", "endpoints"}], (
            path
        )


def test_dynamodbs_expressions_know_only_themselves():
    """What AWS reads in an expression is stated without MiniStack and without our server."""
    for path in code_of(ROOT / "local_cloud/dynamodb_expressions"):
        others = {name for name in imported_modules(path) if name.startswith("local_cloud.")}
        assert all(name.startswith("local_cloud.dynamodb_expressions.") for name in others), path
        assert imports(path) - {"local_cloud"} <= sys.stdlib_module_names, path


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
    for path in in_stages("terraform/*.tf", SERVICE_STAGES):
        for block in re.split(r"^}", path.read_text("utf-8"), flags=re.MULTILINE):
            if "modules/event-function" in block and "consumes = {" in block:
                consumers += 1
                assert "failure_handling" in block, path
    assert consumers == len(in_stages("terraform/patterns/*.json"))


def test_every_role_can_be_given_a_boundary():
    """The seam of stage 6: each role takes the boundary of its stack."""
    roles = 0
    for path in (
        *in_stages("terraform/*.tf", range(1, 6)),
        *ROOT.glob("terraform/modules/**/*.tf"),
    ):
        text = path.read_text("utf-8")
        made = text.count('resource "aws_iam_role" ')
        assert len(re.findall(r"permissions_boundary\s*= var\.stack\.", text)) == made, path
        roles += made
    assert roles == 2


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
    """A package in two lock files has the same version in both, for each Python."""
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
