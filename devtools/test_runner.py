"""The parts of the tests: each runs some tools and counts passed and failed tests."""

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
from workshop.check_report import names
from workshop.console import say
from workshop.deployment import bundles
from workshop.deployment.local.up import CONSISTENCY_VARIABLE, MINUTE_VARIABLE, remove
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.deployment.target import Target
from workshop.deployment.terraform.runner import Configuration, Terraform
from workshop.environments import SECURITY, prepare
from workshop.paths import CICD, NOTEBOOKS, ROOT, STATE, TERRAFORM, in_stages, stage_packages

STACK_CLOUD = "test-stack"
"""The local cloud on which `stack` deploys all stages once, for all its tests."""

BROWSER_CLOUD = "test-browser"
"""The local cloud of `browser`: its tests kill it, and flood it with orders."""

TEST_CLOUDS = (
    *("test", "test-whole", "test-account", "test-proof"),
    *("test-lessons", "test-pages", "test-extension"),
)
"""The local clouds of `deployed`, a worker each: one climbs from stage to stage, one has all
stages, two are deployed to as an account is. On two the commands of the lessons and of the other
pages are run. To the last one a copy of the repository with a fifth service is deployed.
"""

POLITE = ("nice", "-n", "5") if shutil.which("nice") else ()
"""Runs a command at low priority, in parallel with a part that mostly waits."""

MINUTE_SECONDS = 0.25
"""The seconds of a minute on AWS on the stack: tests only have to see that retries happen."""

SIMULATED_SEEDS = 2_500
"""The seeds of `make test-all`: half a minute on two cores."""

LIMIT_SECONDS = 5400
"""The timeout of a part in seconds: even on a slow machine only a hang exceeds it."""

IN_PROCESS = "not deployed and not browser and not security"
LOAD = "tests/flow/test_load.py"
API = "tests/flow/test_openapi.py"
INCIDENTS = "tests/flow/test_incidents.py"
EXERCISES = "tests/exercises"
BROWSER = "tests/board/browser"
"""Slow tests, which only `make test-all` runs."""

REPORTS = STATE / "reports"
GRACE = 10.0  # seconds that an interrupted pytest has to clean up
CELL_SECONDS = 420
"""The timeout of a notebook's cell in seconds: on AWS a failing event takes three minutes, and a
cell waits two minutes more.
"""

ACCOUNT = tuple(
    f"06-cicd/tests/deployed/test_{name}.py" for name in ("prove_aws", "roles", "whole_life")
)
STAGES = [str(path.relative_to(ROOT)) for path in in_stages("tests/deployed")]
ON_A_STACK = (
    *STAGES,
    "tests/flow",
    *(f"--ignore={each}" for each in (*ACCOUNT, LOAD, API, INCIDENTS)),
)
BESIDES_A_STACK = (
    *(*STAGES, "tests/flow"),  # the first stages' on their own stage; all eventually consistent
    *(EXERCISES, "tests/wire", "tests/stages", "tests/local_cloud", "tests/docs"),
)
"""The deployed tests of each part."""


@dataclass(frozen=True)
class Tally:
    """The numbers of passed and failed tests or checks."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed)


def fmt() -> None:
    """Format Python and Terraform code."""
    _tool("ruff", "check", "--fix-only", "--quiet", ".")
    _tool("ruff", "format", ".")
    terraform = _mocked_terraform()
    for folder in _terraform_folders():
        print(terraform.run("fmt", "-recursive", str(folder)).stdout, end="")  # noqa: T201


def lint() -> Tally:
    """Check style and format of the Python code."""
    return _tool("ruff", "check", ".") + _tool("ruff", "format", "--check", "--quiet", ".")


def types(*, beside: bool = False) -> Tally:
    """Check the type hints of all code without the tests, and of the notebooks."""
    before = POLITE if beside else ()
    tools = (ROOT / name for name in ("orderflow", "workshop", "local_cloud", "devtools"))
    packages = [*tools, *stage_packages()]
    code = _tool("mypy", *map(str, packages), before=before)
    return code + _tool("nbqa", "mypy", str(NOTEBOOKS), before=before)


def unit(*options: str, beside: bool = False) -> Tally:
    """Run the tests that need no cloud; in parallel with another part, at low priority."""
    return _in_process("unit", f"--ignore={EXERCISES}", *options, beside=beside)


def exercises(*options: str, beside: bool = False) -> Tally:
    """Run the slow tests that need no cloud: each exercise from start to end."""
    return _in_process("exercises", EXERCISES, *options, beside=beside)


def _in_process(name: str, *options: str, beside: bool) -> Tally:
    bundles.build()
    before = POLITE if beside else ()
    return _pytest(name, "-m", IN_PROCESS, "-n", "auto", *options, quiet=beside, before=before)


def stack(*options: str) -> Tally:
    """Deploy all stages once, and run the notebooks and the flow's tests on this stack."""
    bundles.build()
    with own_stack.own_cloud(STACK_CLOUD, quiet=True, minute=MINUTE_SECONDS):
        tally = Tally() if options else notebooks_on(STACK_CLOUD, files.paths(), quiet=True)
        environment = os.environ | {CLOUD_VARIABLE: STACK_CLOUD}
        chosen = ("-m", "deployed", *(options or ON_A_STACK))
        return tally + _pytest("stack", *chosen, env=environment)


def browser(*options: str, beside: bool = False) -> Tally:
    """Deploy all stages once, and use the board in a real browser."""
    from devtools import browsers  # noqa: PLC0415 - slow to import

    browsers.prepare()
    bundles.build()
    with own_stack.own_cloud(BROWSER_CLOUD, quiet=True, minute=MINUTE_SECONDS):
        environment = os.environ | {
            CLOUD_VARIABLE: BROWSER_CLOUD,
            MINUTE_VARIABLE: str(MINUTE_SECONDS),  # some tests start the cloud again
        }
        chosen = ("-m", "browser", *(options or (BROWSER,)))
        before = POLITE if beside else ()
        return _pytest("browser", *chosen, env=environment, quiet=beside, before=before)


def simulate(*, beside: bool = False) -> Tally:
    """Simulate the order flow, seed by seed, with every single fault, and with planted bugs."""
    before = POLITE if beside else ()
    tally = Tally()
    for command in (
        ("simulate", "--seeds", str(SIMULATED_SEEDS), "--faults", "1"),
        ("simulate-selftest",),
    ):
        done = subprocess.run(
            [*before, sys.executable, "-m", "devtools", *command],
            cwd=ROOT,
            capture_output=beside,
            text=True,
            check=False,
        )
        if done.returncode and beside:
            print(done.stdout, done.stderr)  # noqa: T201
        tally += _check(done.returncode)
    return tally


def terraform(*, beside: bool = False) -> Tally:
    """Check the format of the Terraform configuration, validate and test it."""
    bundles.build()
    before = POLITE if beside else ()
    say("Testing Terraform against a mock of AWS …")
    tally = Tally()
    for folder in _terraform_folders():
        result = _mocked_terraform(before).run("fmt", "-check", "-diff", "-recursive", str(folder))
        tally += _shown(result)
    for root in (TERRAFORM, CICD / "terraform"):
        tally += _root_module(_mocked_terraform(before, root))
    return tally


def _root_module(tool: Terraform) -> Tally:
    """Validate and test one root module."""
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
    """Run all deployed tests on their own, eventually consistent local clouds."""
    environment = os.environ | {CLOUD_VARIABLE: TEST_CLOUDS[0], CONSISTENCY_VARIABLE: "eventual"}
    bundles.build()
    for cloud in TEST_CLOUDS:
        remove(cloud)
    say("Testing on local clouds: stage by stage, as an account, and the commands of the pages …")
    try:
        # A worker per cloud, and two for tests without: all wait for Terraform most of the time.
        workers = ("-n", str(len(TEST_CLOUDS) + 2), "--dist", "loadscope")
        chosen = (*("-m", "deployed"), *workers, *(options or BESIDES_A_STACK))
        return _pytest("deployed", *chosen, env=environment)
    finally:
        for cloud in TEST_CLOUDS:
            remove(cloud)


def security(*options: str, beside: bool = False) -> Tally:
    """Scan the workflows and the Terraform plans."""
    prepare([SECURITY])
    bundles.build()
    before = POLITE if beside else ()
    try:
        chosen = ("-m", "security", str(CICD / "tests"), *options)
        return _pytest("security", *chosen, quiet=beside, before=before)
    finally:
        remove(SCANNED_CLOUD)


def notebooks_on(cloud: str, paths: Sequence[Path], *, quiet: bool = False) -> Tally:
    """Run notebooks on a cloud's stack, and check that they leave it unchanged.

    On a local cloud the outputs must equal the saved ones. On AWS the cells only have to run: times
    differ, and others use the stack, too.
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
    """Run notebooks with nbval, cell by cell; if strict, compare outputs with the saved ones."""
    return _pytest(
        "notebooks",
        *("--nbval" if strict else "--nbval-lax", "--nbval-current-env"),
        *(f"--nbval-sanitize-with={files.SANITISE}", f"--nbval-cell-timeout={CELL_SECONDS}"),
        f"--timeout={CELL_SECONDS + 30}",  # nbval's own, which names the cell, comes first
        *names(paths),
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
    """Run pytest in its own process, and count the tests in its report.

    Bytecode is kept, whatever the user's environment says. Without it, pytest rewrites and compiles
    500 modules in each of its processes, and each command that a test starts compiles its own.
    """
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [*before, sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *options]
    kept = {key: value for key, value in env.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as captured,
        subprocess.Popen(
            command, cwd=ROOT, env=kept, stdout=captured if quiet else None
        ) as process,
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
        return tally if tally.failed else tally + Tally(failed=1)  # it could not start
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
    """Count a finished command as one check; show its output if it failed."""
    if done.returncode:
        print(done.stdout, done.stderr)  # noqa: T201
    return _check(done.returncode)


def _check(returncode: int) -> Tally:
    return Tally(failed=1) if returncode else Tally(passed=1)


def _mocked_terraform(before: Sequence[str] = (), root: Path = TERRAFORM) -> Terraform:
    """Return Terraform with its own data and an unused address: it needs no cloud."""
    nowhere = Target.local("mock", "http://127.0.0.1:9")
    directory = STATE / "terraform-test" / root.relative_to(ROOT)
    configuration = Configuration(ROOT, root)
    environment = nowhere.environment()
    return Terraform(directory, environment, before=before, configuration=configuration)


def _terraform_folders() -> list[Path]:
    return [TERRAFORM, *in_stages("terraform")]
