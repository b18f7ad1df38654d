"""The environments that the tools run in, made with nothing but Python's standard library.

Each is made from a lock file with hashes and marked when it is complete. The mark holds the lock's
own hash, the Python, the place and the packages. What was interrupted, moved or damaged has no mark
that fits, and is made again.
"""

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.locking import exclusive
from workshop.errors import UsageError, WorkshopError
from workshop.files import write_atomically
from workshop.interpreter import has_python, own_environment
from workshop.paths import (
    FUNCTION_DEPENDENCIES,
    LOCAL_CLOUD_ENVIRONMENT,
    LOCKS,
    MARKER,
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

ROOT_ON_PATH = "import os, sys; sys.path.append(os.path.dirname(sys.prefix))\n"
"""Lets every program of .venv, such as a notebook's kernel, import `workshop`.

Python reads this line in the locale's encoding. A checkout's path may not fit that.
"""

RICHER = {WORKSHOP: (DEV, LAB), DEV: (LAB,)}
"""Environment → those in the same place that hold all it needs, and more."""


def prepare(environments: Iterable[Environment], *, thorough: bool = False) -> bool:
    """Make those environments that are missing, damaged, or not made from the current lock files.

    Args:
        environments: What is needed.
        thorough: Whether to look for lost files in .venv, too; that takes 0.1 to 0.4 s.

    Returns:
        Whether one was made, by this command or by another that it waited for.

    Raises:
        WorkshopError: When one cannot be made.
    """
    wanted = tuple(environments)
    if all(is_current(each, thorough=thorough) for each in wanted):
        return False
    if importlib.util.find_spec("ensurepip") is None:
        raise UsageError(
            "This Python cannot make virtual environments: install the rest of it "
            f"(Debian and Ubuntu: apt install python{THIS_PYTHON}-venv), then run this again."
        )
    try:
        with exclusive(
            STATE / "environments.lock",
            "Another command is setting up the environments; waiting for it …",
        ) as lock:
            # What a killed command started keeps the lock until it ends, too.
            os.set_inheritable(lock, True)  # noqa: FBT003 - the function's own signature
            missing = [each for each in wanted if not is_current(each, thorough=thorough)]
            if missing:  # still: another command may have made them while this one waited
                _make(missing)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise WorkshopError("The disk is full.") from error
        raise UsageError(
            f"{error.filename or STATE} cannot be written ({error.strerror}). "
            "Make it writable or delete it, then run this again."
        ) from error
    return True


def is_current(environment: Environment, *, thorough: bool = False) -> bool:
    """Return whether an environment is complete and made from the current lock file.

    Args:
        environment: What is looked at.
        thorough: Whether to look for lost files in .venv, too. Every command starts there, so
            usually an import that fails is soon enough. The other environments are small.
    """
    made = _mark_of(environment)
    if made is None or not _fits_lock(environment, made):
        return False
    if made["place"] != str(environment.directory.resolve()):
        return False
    runs = made["python"] == THIS_PYTHON and has_python(environment.directory)
    if environment != FUNCTIONS and not runs:
        return False
    if environment.directory == VENV and not thorough:
        return True
    return all(_is_whole(environment.directory / record) for record in made["records"])


def _mark_of(environment: Environment) -> dict[str, Any] | None:
    """Return what an environment's mark says; None when there is none that can be read."""
    try:
        made = json.loads((environment.directory / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    keys = {"sha256", "python", "place", "records"}
    return made if isinstance(made, dict) and keys <= made.keys() else None


def _fits_lock(environment: Environment, made: Mapping[str, Any] | None) -> bool:
    """Return whether an environment was made from the current lock file, or from a richer one."""
    enough = (environment, *RICHER.get(environment, ()))
    return made is not None and made["sha256"] in {each.fingerprint for each in enough}


def _is_whole(record: Path) -> bool:
    """Return whether all files that a package's RECORD names are there, none of them cut off."""
    try:
        for line in record.read_text("utf-8").splitlines():
            name, _, size = line.rsplit(",", 2)
            if name.startswith("..") or name.endswith(".pyc"):  # scripts; bytecode comes and goes
                continue
            if (record.parent.parent / name).stat().st_size < int(size or 0):
                return False
    except (OSError, ValueError):
        return False
    return True


def _make(missing: list[Environment]) -> None:
    started = time.monotonic()
    names = ", ".join(each.label for each in missing)
    if damaged := [each.label for each in missing if _fits_lock(each, _mark_of(each))]:
        _say(f"Damaged or moved since the last set-up: {', '.join(damaged)}.")
    _say(f"Setting up {names} (once, one to two minutes; versions are from the lock files) …")
    if any(each.directory == VENV for each in missing):
        _in_parallel([_make_venv_when_needed])  # its pip fills all the others
    _in_parallel([lambda each=each: _fill(each) for each in missing])  # type: ignore[misc]
    _say(f"Set up in {time.monotonic() - started:.0f} s.")


def _make_venv_when_needed() -> None:
    """Make an empty .venv, unless it is whole and only lacks some packages."""
    if is_current(WORKSHOP, thorough=True):
        (VENV / MARKER).unlink()
    else:
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
    nothing = subprocess.DEVNULL
    subprocess.run(command, check=False, stdout=nothing, stderr=nothing, close_fds=False)


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
        Path(packages, "workshop.pth").write_text(ROOT_ON_PATH, "ascii")
    if environment == SECURITY:
        _compile(_packages_of(environment.directory))
    marker = environment.directory / MARKER
    made = {
        "sha256": environment.fingerprint,
        "python": THIS_PYTHON,
        "place": str(environment.directory.resolve()),
        "records": _records(environment),
    }
    write_atomically(marker, json.dumps(made))


def _records(environment: Environment) -> list[str]:
    """Return the RECORD file of each package whose files are as that file names them."""
    folder = environment.directory
    packages = folder if environment == FUNCTIONS else Path(_packages_of(folder))
    found = packages.glob("*.dist-info/RECORD")
    return sorted(path.relative_to(folder).as_posix() for path in found if _is_whole(path))


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
    """Run a program silently; when it fails, show its output.

    Raises:
        WorkshopError: With its output, and what to do.
    """
    quiet = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_RETRIES": "2",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_USER": "0",
    }
    foreign = {f"PIP_{name}" for name in ("CONSTRAINT", "DRY_RUN", "PREFIX", "ROOT", "TARGET")}
    variables = own_environment(os.environ)
    clean = {key: value for key, value in variables.items() if key not in foreign}
    done = subprocess.run(
        command,
        env=clean | quiet,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
        close_fds=False,  # the lock is inherited, and nothing else
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
    if directory.is_symlink() or directory.is_file():
        directory.unlink()
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
    """Write a remark, never on standard output, which may be somebody's input."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
