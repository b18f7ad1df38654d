"""The parts of the tests: each runs some tools and counts what passed and what failed."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.notebooks import files, own_stack
from devtools.notebooks.stack_snapshot import traces
from devtools.security.plans import SCANNED_CLOUD
from workshop.console import say
from workshop.deployment import bundles
from workshop.deployment.local.up import remove
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.deployment.target import Target
from workshop.deployment.terraform.runner import Configuration, Terraform
from workshop.environments import SECURITY, prepare
from workshop.paths import CICD, NOTEBOOKS, ROOT, STATE, TERRAFORM, stage_packages

STACK_CLOUD = "test-stack"
"""The local cloud with all stages that `stack` deploys once, for all its tests."""

TEST_CLOUDS = ("test", "test-whole", "test-account", "test-lessons", "test-pages")
"""The local clouds of `deployed`, a worker each: one climbs from stage to stage, one has all
stages, one is deployed to as an account is. On the last two the commands of the lessons and of the
other pages are run.
"""

POLITE = ("nice", "-n", "5") if shutil.which("nice") else ()
"""Before a command that computes beside another part: that one mostly waits, and must go on."""

MINUTE_SECONDS = 0.25
"""How long AWS's minute lasts on the stack: tests wait for retries only to see them."""

LIMIT_SECONDS = 5400
"""How long a part may take: only a hang takes longer, however slow the machine is."""

IN_PROCESS = "not deployed and not security"
LOAD = "tests/flow/test_load.py"
EXERCISES = "tests/exercises"
"""What takes long, and only `make test-all` runs."""

REPORTS = STATE / "reports"
GRACE = 10.0  # seconds that an interrupted pytest has to clean up
CELL_SECONDS = 420
"""How long a notebook's cell may run: on AWS a failing event takes three minutes, and is waited for
two more.
"""

ACCOUNT = ("06-cicd/tests/deployed/test_roles.py", "06-cicd/tests/deployed/test_whole_life.py")
STAGES = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("0?-*/tests/deployed"))]
ON_A_STACK = (*STAGES, "tests/flow", *(f"--ignore={each}" for each in (*ACCOUNT, LOAD)))
BESIDES_A_STACK = (
    *STAGES[:4],  # on their own stage; `stack` runs them on the last one
    *(*ACCOUNT, LOAD, EXERCISES, "tests/stages", "tests/local_cloud", "tests/docs"),
)
"""Where the deployed tests lie that a part runs."""


@dataclass(frozen=True)
class Tally:
    """How many tests, or checks, passed and failed."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed)


def fmt() -> None:
    """Bring Python and Terraform code into shape."""
    _tool("ruff", "check", "--fix-only", "--quiet", ".")
    _tool("ruff", "format", ".")
    terraform = _mocked_terraform()
    for folder in _terraform_folders():
        print(terraform.run("fmt", "-recursive", str(folder)).stdout, end="")  # noqa: T201


def lint() -> Tally:
    """Style and shape of the Python code."""
    return _tool("ruff", "check", ".") + _tool("ruff", "format", "--check", "--quiet", ".")


def types(*, beside: bool = False) -> Tally:
    """Check the type hints of everything but the tests; of the notebooks, too."""
    before = POLITE if beside else ()
    tools = (ROOT / name for name in ("orderflow", "workshop", "local_cloud", "devtools"))
    packages = [*tools, *stage_packages()]
    code = _tool("mypy", *map(str, packages), before=before)
    return code + _tool("nbqa", "mypy", str(NOTEBOOKS), before=before)


def unit(*options: str, beside: bool = False) -> Tally:
    """Run the tests that need no cloud; beside another part, at low priority."""
    return _in_process("unit", f"--ignore={EXERCISES}", *options, beside=beside)


def exercises(*options: str, beside: bool = False) -> Tally:
    """Run the tests that need no cloud and take long: each exercise from its start to its end."""
    return _in_process("exercises", EXERCISES, *options, beside=beside)


def _in_process(name: str, *options: str, beside: bool) -> Tally:
    bundles.build()
    before = POLITE if beside else ()
    return _pytest(name, "-m", IN_PROCESS, "-n", "auto", *options, quiet=beside, before=before)


def stack(*options: str) -> Tally:
    """Deploy all stages once, and on this stack run the notebooks and the tests of the flow."""
    bundles.build()
    with own_stack.own_cloud(STACK_CLOUD, quiet=True, minute=MINUTE_SECONDS):
        tally = Tally() if options else notebooks_on(STACK_CLOUD, files.paths(), quiet=True)
        environment = os.environ | {CLOUD_VARIABLE: STACK_CLOUD}
        chosen = ("-m", "deployed", *(options or ON_A_STACK))
        return tally + _pytest("stack", *chosen, env=environment)


def terraform(*, beside: bool = False) -> Tally:
    """Shape, validity and the tests of the Terraform configuration; beside others, politely."""
    bundles.build()
    before = POLITE if beside else ()
    say("Testing Terraform against a mock of AWS …")
    tally = Tally()
    for folder in _terraform_folders():
        told = _mocked_terraform(before).run("fmt", "-check", "-diff", "-recursive", str(folder))
        tally += _shown(told)
    for root in (TERRAFORM, CICD / "terraform"):
        tally += _root_module(_mocked_terraform(before, root))
    return tally


def _root_module(tool: Terraform) -> Tally:
    """Validity and the tests of one root module."""
    tool.init()
    tally = _shown(tool.run("validate", "-no-color"))
    tested = tool.run("test", "-no-color")
    counts = re.search(r"(\d+) passed, (\d+) failed", tested.stdout)
    if counts is None:
        return tally + _shown(tested)
    if tested.returncode:
        print(tested.stdout, tested.stderr)  # noqa: T201
    else:
        print(f"Terraform: {counts[0]}")  # noqa: T201
    return tally + Tally(int(counts[1]), max(int(counts[2]), int(tested.returncode != 0)))


def deployed(*options: str) -> Tally:
    """Run the deployed tests that `stack` leaves out, on local clouds of their own."""
    environment = os.environ | {CLOUD_VARIABLE: TEST_CLOUDS[0]}
    bundles.build()
    for cloud in TEST_CLOUDS:
        remove(cloud)
    say("Testing on local clouds: stage by stage, as an account, and the commands of the pages …")
    try:
        # A worker for each cloud, one for tests without: all wait for Terraform most of the time.
        workers = ("-n", str(len(TEST_CLOUDS) + 1), "--dist", "loadscope")
        chosen = (*("-m", "deployed"), *workers, *(options or BESIDES_A_STACK))
        return _pytest("deployed", *chosen, env=environment)
    finally:
        for cloud in TEST_CLOUDS:
            remove(cloud)


def security(*options: str, beside: bool = False) -> Tally:
    """Scan the workflows and what Terraform would make; beside others, politely."""
    prepare([SECURITY])
    bundles.build()
    before = POLITE if beside else ()
    try:
        chosen = ("-m", "security", str(CICD / "tests"), *options)
        return _pytest("security", *chosen, quiet=beside, before=before)
    finally:
        remove(SCANNED_CLOUD)


def notebooks_on(cloud: str, paths: Sequence[Path], *, quiet: bool = False) -> Tally:
    """Run notebooks on a cloud's stack, and see that they leave it as it was.

    On a local cloud what they say has to be what is saved. On AWS, where others use the stack, too,
    and times differ, the cells only have to run.
    """
    stack = current(cloud)
    if not stack.target.own:
        return compared(cloud, paths, strict=False, quiet=quiet)
    before = traces(stack)
    tally = compared(cloud, paths, quiet=quiet)
    left = traces(stack).differences(before)
    for each in left:
        say(f"The notebooks left something behind: {each}")
    return tally + _check(len(left))


def compared(
    cloud: str, paths: Sequence[Path], *, strict: bool = True, quiet: bool = False
) -> Tally:
    """Run notebooks by nbval, cell by cell; strictly, outputs have to be what is saved."""
    return _pytest(
        "notebooks",
        *("--nbval" if strict else "--nbval-lax", "--nbval-current-env"),
        *(f"--nbval-sanitize-with={files.SANITISE}", f"--nbval-cell-timeout={CELL_SECONDS}"),
        f"--timeout={CELL_SECONDS + 30}",  # nbval's own, which names the cell, comes first
        *map(str, paths),
        env=os.environ | {CLOUD_VARIABLE: cloud},
        quiet=quiet,
    )


def _pytest(
    name: str,
    *options: str,
    env: Mapping[str, str] = os.environ,
    quiet: bool = False,
    before: Sequence[str] = (),
) -> Tally:
    """Run pytest in a process of its own, and count by the report it writes."""
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [*before, sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *options]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as captured,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=captured if quiet else None) as process,
    ):
        try:
            code = process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            say(f"{name} did not end within {LIMIT_SECONDS} s: it hangs.")
            code = process.wait()
        except KeyboardInterrupt:  # pytest was interrupted, too: let it clean up
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            process.kill()
            raise
        captured.seek(0)
        output = captured.read()
    tally = _counts(report) if report.exists() else Tally()
    if code:
        print(output, end="")  # noqa: T201
        return tally if tally.failed else tally + Tally(failed=1)  # it could not even begin
    if quiet:
        print(f"{name}: {output.splitlines()[-1]}")  # noqa: T201
    return tally


def _counts(report: Path) -> Tally:
    total = Tally()
    for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - our own pytest wrote it
        number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        total += Tally(number["tests"] - failed - number["skipped"], failed)
    return total


def _tool(name: str, *options: str, before: Sequence[str] = ()) -> Tally:
    """Run a Python tool of this environment: one check."""
    done = subprocess.run([*before, sys.executable, "-m", name, *options], cwd=ROOT, check=False)
    return _check(done.returncode)


def _shown(done: subprocess.CompletedProcess[str]) -> Tally:
    """Count a finished command as one check; what it said is shown when it failed."""
    if done.returncode:
        print(done.stdout, done.stderr)  # noqa: T201
    return _check(done.returncode)


def _check(returncode: int) -> Tally:
    return Tally(failed=1) if returncode else Tally(passed=1)


def _mocked_terraform(before: Sequence[str] = (), root: Path = TERRAFORM) -> Terraform:
    """Terraform with data of its own, and an address where nothing answers: it needs no cloud."""
    nowhere = Target.local("mock", "http://127.0.0.1:9")
    directory = STATE / "terraform-test" / root.relative_to(ROOT)
    configuration = Configuration(ROOT, root)
    environment = nowhere.environment()
    return Terraform(directory, environment, before=before, configuration=configuration)


def _terraform_folders() -> list[Path]:
    return [TERRAFORM, *sorted(ROOT.glob("0?-*/terraform/"))]
