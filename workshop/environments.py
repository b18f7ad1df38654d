"""The environments that the tools run in, made with nothing but Python's standard library.

Each is made from a lock file with hashes and marked with the lock's own hash when it is complete,
so that a second start costs one file's reading and an interrupted one starts again.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from local_cloud.locking import exclusive
from workshop.errors import UsageError, WorkshopError
from workshop.files import write_atomically
from workshop.paths import (
    FUNCTION_DEPENDENCIES,
    LOCAL_CLOUD_ENVIRONMENT,
    LOCKS,
    MARKER,
    ROOT,
    SECURITY_ENVIRONMENT,
    STATE,
    VENV,
    python_of,
)

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Environment:
    """A directory filled from a lock file.

    Attributes:
        lock: The lock file's name, in ``requirements/``.
        directory: What is made.
        label: What it is called in messages.
    """

    lock: str
    directory: Path
    label: str

    @property
    def fingerprint(self) -> str:
        """The hash of the lock file: the environment is current when it was made from this."""
        return hashlib.sha256((LOCKS / self.lock).read_bytes()).hexdigest()


WORKSHOP = Environment("workshop.lock", VENV, "the command line")
DEV = Environment("dev.lock", VENV, "the development tools")
LAB = Environment("lab.lock", VENV, "JupyterLab")
LOCAL_CLOUD = Environment("local-cloud.lock", LOCAL_CLOUD_ENVIRONMENT, "the local cloud")
FUNCTIONS = Environment("functions.lock", FUNCTION_DEPENDENCIES, "the functions' dependencies")
SECURITY = Environment("security.lock", SECURITY_ENVIRONMENT, "the security scanners")

RICHER = {WORKSHOP: (DEV, LAB), DEV: (LAB,)}
"""Environment → those in the same place that hold all it needs, and more."""


def prepare(environments: Iterable[Environment]) -> bool:
    """Make those environments that are missing, or were not made from the current lock files.

    Returns:
        Whether one was made.

    Raises:
        WorkshopError: When one cannot be made.
    """
    wanted = tuple(environments)
    if all(is_current(each) for each in wanted):
        return False
    if importlib.util.find_spec("ensurepip") is None:
        raise UsageError(
            "This Python cannot make virtual environments: install the rest of it "
            f"(Debian and Ubuntu: apt install python{THIS_PYTHON}-venv), then run this again."
        )
    with exclusive(
        STATE / "environments.lock",
        "Another command is setting up the environments; waiting for it …",
    ):
        missing = [each for each in wanted if not is_current(each)]
        if missing:  # still: another command may have made them while this one waited
            _make(missing)
        return bool(missing)


def is_current(environment: Environment) -> bool:
    """Whether an environment is complete and made from today's lock file."""
    try:
        made = json.loads((environment.directory / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    if environment.directory == VENV and not _runs(VENV, made["python"]):
        return False
    enough = (environment, *RICHER.get(environment, ()))
    return any(made["sha256"] == each.fingerprint for each in enough)


def _runs(environment: Path, version: str) -> bool:
    """Whether the interpreter is still there, and still the version its packages are for."""
    inside = Path(sys.prefix).resolve() == environment.resolve()
    return version == THIS_PYTHON if inside else python_of(environment).exists()


def _make(missing: list[Environment]) -> None:
    started = time.monotonic()
    names = ", ".join(each.label for each in missing)
    _say(f"Setting up {names} (once; packages come from the lock files) …")
    if any(each.directory == VENV for each in missing):
        _in_parallel([_make_venv_when_needed])  # its pip fills all the others
    _in_parallel([lambda each=each: _fill(each) for each in missing])  # type: ignore[misc]
    _say(f"Set up in {time.monotonic() - started:.0f} s.")


def _make_venv_when_needed() -> None:
    """Make an empty .venv, unless it is there and only lacks some packages."""
    marker = VENV / MARKER
    complete = is_current(WORKSHOP)
    marker.unlink(missing_ok=True)
    if not complete:
        _make_venv(VENV)


def _packages_of(environment: Path) -> str:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.check_output([str(python_of(environment)), "-c", code], text=True).strip()


def _compile(packages: str) -> None:
    """Compile what was installed, but for its tests; what is no Python for this version, is not."""
    command = [
        str(python_of(VENV)),
        "-m",
        "compileall",
        "-qq",
        "-j0",
        r"-x[/\\]tests[/\\]",
        packages,
    ]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _make_venv(directory: Path, *options: str) -> None:
    _remove(directory)
    base = getattr(sys, "_base_executable", None) or sys.executable
    _run([base, "-m", "venv", *options, str(directory)], "The environment could not be made.")


def _fill(environment: Environment) -> None:
    target: list[str] = []
    options: list[str] = []
    if environment.directory == VENV:
        options = ["--no-compile"]  # that is done below, on all cores
    if environment == LOCAL_CLOUD:
        # No pip inside: beside a function on Lambda there is only boto3, too.
        _make_venv(environment.directory, "--without-pip")
        target = ["--python", str(python_of(environment.directory))]
    elif environment == SECURITY:
        _make_venv(environment.directory, "--without-pip")
        target = ["--python", str(python_of(environment.directory))]
        options = ["--no-compile"]
    elif environment == FUNCTIONS:
        _remove(environment.directory)
        options = ["--target", str(environment.directory), "--no-compile"]
        # Whatever runs here, the functions get pure Python for their own runtime.
        options += ["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none"]
        options += ["--python-version=3.13"]
    _install(environment, target, options)
    if environment.directory == VENV:
        packages = _packages_of(VENV)
        _compile(packages)
        # Lets every program of .venv, a notebook's kernel say, import `workshop`.
        Path(packages, "workshop.pth").write_text(f"{ROOT}\n", "utf-8")
    if environment == SECURITY:
        _compile(_packages_of(environment.directory))
    marker = environment.directory / MARKER
    made = {"lock": environment.lock, "sha256": environment.fingerprint, "python": THIS_PYTHON}
    write_atomically(marker, json.dumps(made))


def _install(environment: Environment, target: list[str], options: list[str]) -> None:
    """Install exactly what a lock file names."""
    tool = [str(python_of(VENV)), "-m"]
    exactly = ["--quiet", "--no-deps", "--require-hashes", "-r", str(LOCKS / environment.lock)]
    failed = f"The packages of {environment.lock} could not be installed."
    if environment == SECURITY:  # a hundred packages: pip takes 40 s, the development tools' uv 3 s
        with contextlib.suppress(WorkshopError):  # pip may know a way to them that uv does not
            _run([*tool, "uv", "pip", "install", *target, *exactly], failed)
            return
    _run([*tool, "pip", *target, "install", *options, *exactly], failed)


def _run(command: list[str], failed: str) -> None:
    """Run a program silently; when it fails, show what it said.

    Raises:
        WorkshopError: With what it said, and what to do.
    """
    quiet = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_RETRIES": "2",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",
    }
    foreign = {"PYTHONPATH", "PYTHONHOME"}
    clean = {key: value for key, value in os.environ.items() if key not in foreign}
    done = subprocess.run(
        command,
        env=clean | quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WorkshopError(f"{done.stdout.strip()}\n{failed} {_advice(done.stdout)}")


def _advice(output: str) -> str:
    """Return what to do about a failed installation, judging by pip's output."""
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in output:
        return "A package is not the one that the lock file names: find out where it came from."
    no_network = ("NewConnectionError", "Max retries exceeded", "ConnectionError", "timed out")
    if any(sign in output for sign in no_network):
        return "The package index cannot be reached: check the network, then run this again."
    if "No space left" in output:
        return "The disk is full."
    return "See the output above. Fix the problem, then run the command again."


def _in_parallel(tasks: list[Callable[[], None]]) -> None:
    """Run tasks side by side, with a running clock on a terminal.

    Raises:
        WorkshopError: The first that any task raised.
    """
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        running: set[Future[None]] = {pool.submit(task) for task in tasks}
        finished: set[Future[None]] = set()
        while running:
            done, running = wait(running, timeout=1)
            finished |= done
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{time.monotonic() - started:4.0f} s ")
                sys.stderr.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\r       \r")
    for future in finished:
        future.result()


def _remove(directory: Path) -> None:
    if not directory.exists():
        return
    (directory / MARKER).unlink(missing_ok=True)  # first: half removed is not complete
    try:
        shutil.rmtree(directory)
    except OSError as error:
        raise WorkshopError(
            f"{directory} must be recreated but cannot be removed ({error.strerror}): "
            "end the programs that run in it, or delete it, then run this again."
        ) from error


def _say(message: str) -> None:
    """Tell a person; never on standard output, which may be somebody's input."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
