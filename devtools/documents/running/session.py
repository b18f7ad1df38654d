"""A terminal session: a block starts with the variables and directory of the block before."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 300.0  # seconds that a block may take

_BLOCK = """\
trap 'echo "$BASH_COMMAND" > "$0.failed"' ERR
trap 'code=$?; trap - EXIT; pwd > "$0.directory"; env -0 > "$0.environment"; exit $code' EXIT
set -eo pipefail
"""
"""Runs before each block: the first command that fails ends the block; its environment and
directory are stored in any case.
"""


@dataclass(frozen=True, slots=True)
class Done:
    """A block that was run.

    Attributes:
        output: Its output on both streams, in order.
        code: Its exit code; None: it exceeded the timeout.
        failed: The command that failed, if one did.
    """

    output: str
    code: int | None
    failed: str = ""


class Session:
    """One shell session, block by block."""

    def __init__(
        self, directory: Path, environment: Mapping[str, str], patience: float = PATIENCE
    ) -> None:
        """Begin in a directory.

        Args:
            directory: The first block's directory.
            environment: The first block's variables.
            patience: The timeout of a block in seconds.
        """
        self.directory = directory
        self.environment = dict(environment)
        self._patience = patience

    def run(self, commands: str, typed: str = "") -> Done:
        """Run a block with bash.

        Args:
            commands: Its contents.
            typed: Its whole standard input.
        """
        with tempfile.TemporaryDirectory(prefix="workshop-block-") as folder:
            block = Path(folder) / "block"
            # To a file: what is started to stay would hold a pipe open.
            with (block.with_suffix(".output")).open("w+b") as output_file:
                code = self._ended(_BLOCK + commands, block, typed, output_file.fileno())
                output_file.seek(0)
                output = output_file.read().decode("utf-8", "replace")
            self._take_over(block)
            failed = block.with_suffix(".failed")
            return Done(output, code, failed.read_text("utf-8").strip() if failed.exists() else "")

    def _ended(self, script: str, block: Path, typed: str, output: int) -> int | None:
        started = subprocess.Popen(
            [shutil.which("bash") or "bash", "-c", script, str(block)],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all it started can be ended
            encoding="utf-8",
        )
        try:
            started.communicate(typed, timeout=self._patience)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
        return started.returncode

    def _take_over(self, block: Path) -> None:
        """Continue with the environment and the directory at a block's end."""
        directory, environment = block.with_suffix(".directory"), block.with_suffix(".environment")
        if directory.exists() and environment.exists():
            self.directory = Path(directory.read_text("utf-8").removesuffix("\n"))
            kept = environment.read_text("utf-8", errors="surrogateescape").split("\0")
            self.environment = dict(entry.split("=", 1) for entry in kept if "=" in entry)
            for ours in ("_", "SHLVL"):
                self.environment.pop(ours, None)
