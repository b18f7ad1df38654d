"""What a newcomer does, timed whole: `make demo` and `make test` in a fresh clone."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devtools.bench.figures import Figure
from local_cloud.protocol import LOG_FILE, STATE_FILE
from workshop.console import heading, say
from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.errors import WorkshopError
from workshop.paths import CLOUDS, ROOT, STATE

BUDGETS = {"demo": 120.0, "test": 300.0}
"""Verb → seconds, on two cores. Both make their environments in it, from pip's cache if it is
filled; `test` comes after `demo` and adds the development tools."""

CLOUD = "bench-whole"
LOGS = STATE / "bench"
_CLOUDS = f"{CLOUDS.relative_to(ROOT).as_posix()}/*"
STDERR = 2
GRACE_SECONDS = 20.0


def figures(root: Path = ROOT) -> list[Figure]:
    """Clone the repository's last commit, run both verbs there, and clean up.

    Raises:
        WorkshopError: The repository cannot be cloned.
    """
    if not (root / ".git").exists() or not shutil.which("git"):
        say("Left out: without git, or its history, there is nothing to clone.")
        return []
    if _git("-C", str(root), "status", "--porcelain"):
        say("What is not committed is not measured.")
    with tempfile.TemporaryDirectory(prefix="workshop-") as scratch:
        clone = Path(scratch, "clone")
        _git("clone", "--quiet", str(root), str(clone))
        try:
            return [_timed(clone, verb, budget) for verb, budget in BUDGETS.items()]
        finally:
            _stop_clouds(clone)


def _timed(clone: Path, verb: str, budget: float) -> Figure:
    heading(f"make {verb}, in a clean clone")
    started = time.monotonic()
    code = _run(clone, verb, CLOUD)
    seconds = time.monotonic() - started
    if code:
        _keep_logs(clone, verb)
    return Figure(
        f"make {verb}, from a clean clone",
        "s",
        seconds,
        f"≤ {budget / 60:g} min",
        code == 0 and seconds <= budget,
        note=f"failed with exit code {code}" if code else "",
    )


def _run(clone: Path, verb: str, cloud: str) -> int:
    """Run a verb as make does; what it says goes by as it is said."""
    command = [sys.executable, "-m", "workshop", verb]
    environment = os.environ | {CLOUD_VARIABLE: cloud}
    with subprocess.Popen(command, cwd=clone, env=environment, stdout=STDERR) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it was told, too: let it clean up
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
            process.kill()
            raise


def _keep_logs(clone: Path, verb: str) -> None:
    """Save what the local clouds logged: the clone is about to go."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for log in clone.glob(f"{_CLOUDS}/{LOG_FILE}"):
        kept = LOGS / f"{verb}-{log.parent.name}.log"
        shutil.copyfile(log, kept)
        say(f"The local cloud's log: {kept}")


def _stop_clouds(clone: Path) -> None:
    """Stop what still runs there: the demo's cloud, and the tests' if they were interrupted."""
    for state in clone.glob(f"{_CLOUDS}/{STATE_FILE}"):
        _run(clone, "down", state.parent.name)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkshopError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout
