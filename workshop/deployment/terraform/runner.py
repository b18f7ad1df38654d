"""Run Terraform with live progress and readable errors."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_cloud import processes
from local_cloud.locking import exclusive
from workshop.console import say, steps
from workshop.deployment.terraform import program, provider_mirror
from workshop.deployment.terraform.diagnostics import (
    TerraformError,
    init_failure,
    is_damaged,
    needs_init,
    readable,
)
from workshop.deployment.terraform.progress import parse, show
from workshop.files import is_leftover
from workshop.paths import ROOT, STATE, TERRAFORM, TERRAFORM_LOCK, in_stages

_INIT_INPUTS = re.compile(
    r"^\s*(?:(?:source|version|required_version)\s*=|run \").*$", re.MULTILINE
)
"""What `init` reads; it installs the module of a test's `run` under the name of that run."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # not every command knows -no-color
_LOCK_TIMEOUT = "60s"
_REMOTE_LOCK_TIMEOUT = "5s"  # somebody elsewhere holds it: a person rather hears who

if sys.platform == "win32":
    _INTERRUPT = signal.CTRL_BREAK_EVENT
else:
    _INTERRUPT = signal.SIGINT

WIDE = ("-parallelism=24",)
"""Resources made at once: ten queues, of which each is waited for 25 s, leave room for others."""


@dataclass(frozen=True)
class Configuration:
    """A Terraform configuration, and where it keeps its state.

    Attributes:
        base: The folder that holds the root module and all modules it uses, as the repository does.
        root: The root module.
        remote: Whether a backend of its own keeps the state; otherwise it is a local file.
    """

    base: Path
    root: Path
    remote: bool = False

    def files(self) -> list[Path]:
        """Every file that Terraform reads, the bundles and the tests apart.

        The root module reads the first line of each stage.toml.
        """
        folders = [self.base / TERRAFORM.name, *in_stages("terraform", root=self.base)]
        found = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
        found |= set(in_stages("stage.toml", root=self.base))
        names = {path: path.relative_to(self.base) for path in found}
        read = {path for path in found if "tests" not in names[path].parts}
        read = {path for path in read if not is_leftover(names[path])}
        return sorted(read | ({self.base / TERRAFORM.name / TERRAFORM_LOCK.name} & found))


REPOSITORY = Configuration(ROOT, TERRAFORM)
"""The one that the local clouds are built from, in its place."""


@dataclass
class Changes:
    """What a plan would do, or an apply has done, in numbers of resources."""

    added: int = 0
    changed: int = 0
    destroyed: int = 0

    @property
    def any(self) -> bool:
        """Whether there is anything to do, or was."""
        return bool(self.total)

    @property
    def total(self) -> int:
        """How many changes there are."""
        return self.added + self.changed + self.destroyed

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.destroyed} destroyed"


@dataclass
class Outcome:
    """What a run of Terraform came to."""

    changes: Changes = field(default_factory=Changes)
    outputs: dict[str, Any] = field(default_factory=dict)


class Terraform:
    """Terraform at work on one state."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        keep_open: tuple[int, ...] = (),
        before: Sequence[str] = (),
        configuration: Configuration = REPOSITORY,
    ) -> None:
        """Prepare a run.

        Args:
            directory: Where the state and Terraform's working data lie.
            environment: Says which cloud, and with which credentials.
            keep_open: File descriptors that Terraform inherits, so that locks stay held with it.
            before: What its command begins with, such as `nice`.
            configuration: What it works on.

        Raises:
            UsageError: Terraform is missing or too old, and cannot be downloaded.
        """
        self.state = directory / "terraform.tfstate"
        self._directory = directory
        self._data = directory / "terraform-data"
        self._configuration = configuration
        if configuration.remote:
            self.program = program.find(program.OLDEST_REMOTE, " to lock the state in its bucket")
        else:
            self.program = program.find()
        self._keep_open = keep_open
        self._before = before
        self._given = environment
        self._environment = self._with_provider()
        directory.mkdir(parents=True, exist_ok=True)

    def _with_provider(self) -> dict[str, str]:
        """Return the environment that Terraform runs in: it leads to the provider, too."""
        own = {
            "TF_DATA_DIR": str(self._data),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",  # no call home
            # Go collects garbage half as often: a run costs 0.8 s of CPU time less, 20 MB more.
            "GOGC": self._given.get("GOGC", "200"),
        }
        found = provider_mirror.settings(self._given, Path.home(), STATE)
        return program.without_settings(self._given) | own | found

    def init(self) -> None:
        """Install the provider and the modules, unless that has been done and they are there.

        Raises:
            TerraformError: The provider is not available.
        """
        if not self._configuration.remote:  # a backend of before is of no interest, nor forgotten
            (self._data / "terraform.tfstate").unlink(missing_ok=True)
        if self._is_initialised():
            return
        self._init_mark.unlink(missing_ok=True)  # half an init leaves nothing that can be relied on
        # All clouds share the provider's download, in which Terraform wants to be alone.
        waiting = "Another command is preparing Terraform; waiting for it …"
        with (
            exclusive(STATE / "terraform-init.lock", waiting) as lock,
            steps("Preparing Terraform"),
        ):
            done = self._run_init(lock)
            if done.returncode and is_damaged(done.stderr) and provider_mirror.discard_download():
                self._environment = self._with_provider()
                done = self._run_init(lock)
        if done.returncode:
            raise TerraformError(init_failure(done.stderr))
        self._init_mark.write_text(self._init_fingerprint(), "utf-8")

    @property
    def _init_mark(self) -> Path:
        return self._data / "initialised-for"

    def _is_initialised(self) -> bool:
        """Return whether an init for this configuration is complete, and nothing of it was lost."""
        try:
            done = self._init_mark.read_text("utf-8") == self._init_fingerprint()
        except FileNotFoundError:
            return False
        provider, modules = provider_mirror.locked_provider(), self._data / "modules/modules.json"
        installed = provider_mirror.holds(
            self._data / "providers", provider, provider_mirror.machine()
        )
        return done and installed and modules.exists()

    def _run_init(self, lock: int) -> subprocess.CompletedProcess[str]:
        # The backend's settings are generated: what they were before is of no interest.
        options = ("-lockfile=readonly", "-reconfigure", "-no-color")
        return self.run("init", *options, keep_open=(lock,))

    def run(
        self, *arguments: str, keep_open: tuple[int, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that needs no watching, and return its output.

        Args:
            arguments: The command and its options.
            keep_open: File descriptors that it inherits, so that locks stay held with it.
        """
        return subprocess.run(
            self._command(*arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            **_inherited(keep_open),
        )

    def plan(
        self,
        title: str,
        variables: Mapping[str, Any],
        *,
        destroy: bool = False,
        lock: bool = True,
    ) -> Changes:
        """Plan, and save the plan for ``apply_plan``.

        Args:
            title: What to call it while it runs.
            variables: The root module's.
            destroy: Whether everything shall go.
            lock: Whether to hold the state's lock meanwhile: who may only read it cannot.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        options = [f"-out={self.kept_plan}", *(["-destroy"] if destroy else [])]
        options += [] if lock else ["-lock=false"]
        return self._watch(title, "plan", *options, *self._on(variables)).changes

    def show_plan(self) -> dict[str, Any]:
        """The plan that was kept, in Terraform's JSON form.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        plan: dict[str, Any] = json.loads(self._output_of("show", "-json", str(self.kept_plan)))
        return plan

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the last apply; empty when there was none.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        outputs = json.loads(self._output_of("output", "-json", "-no-color", *self._state()))
        return {name: each["value"] for name, each in outputs.items()}

    def pull_state(self) -> dict[str, Any]:
        """Return the state; empty when there is none.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        if not self._configuration.remote:  # `state pull` knows no other file than the usual one
            text = self.state.read_text("utf-8") if self.state.exists() else ""
        else:
            text = self._output_of("state", "pull")
        state: dict[str, Any] = json.loads(text or "{}")
        return state

    def push_state(self, path: Path) -> None:
        """Make a state in a file the one that is kept, unless that is newer or of another stack.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        self._output_of("state", "push", f"-lock-timeout={_REMOTE_LOCK_TIMEOUT}", str(path))

    def preview(
        self, variables: Mapping[str, Any], *, from_last_run: bool = True, refresh: bool = True
    ) -> dict[str, Any]:
        """Return a plan with other variables; nothing is kept or locked.

        Args:
            variables: Root variables that shall differ from those of the last run.
            from_last_run: Whether the others are the last run's; else they have their defaults.
            refresh: Whether to read from AWS what exists; else it is what the state holds.

        Returns:
            The plan in Terraform's JSON form (developer.hashicorp.com, internals, JSON output).

        Raises:
            TerraformError: With Terraform's own errors.
        """
        known = from_last_run and self._variables.exists()
        last = json.loads(self._variables.read_text("utf-8")) if known else {}
        with tempfile.TemporaryDirectory() as folder:
            plan, given = Path(folder, "plan"), Path(folder, "variables.tfvars.json")
            given.write_text(json.dumps(last), "utf-8")
            options = [*self._state(), "-lock=false", f"-var-file={given}", f"-out={plan}"]
            # Each by itself: of one in a file that does not exist, Terraform only warns.
            options += [f"-var={name}={_literal(value)}" for name, value in variables.items()]
            self._output_of("plan", "-no-color", f"-refresh={json.dumps(refresh)}", *options)
            result: dict[str, Any] = json.loads(self._output_of("show", "-json", str(plan)))
        return result

    def apply_plan(self, title: str) -> Outcome:
        """Apply the plan of the last ``plan``.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        options = [*WIDE, *self._state(), f"-lock-timeout={self._lock_timeout}"]
        return self._watch(title, "apply", *options, str(self.kept_plan))

    def apply(self, title: str, variables: Mapping[str, Any]) -> Outcome:
        """Plan and apply in one go.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        return self._watch(title, "apply", *WIDE, "-auto-approve", *self._on(variables))

    @property
    def kept_plan(self) -> Path:
        """The file in which ``plan`` keeps what ``apply_plan`` does."""
        return self._directory / "plan.tfplan"

    @property
    def errored_state(self) -> Path:
        """Where Terraform leaves a state that it could not bring where it is kept."""
        return self._configuration.root / "errored.tfstate"

    @property
    def _lock_timeout(self) -> str:
        return _REMOTE_LOCK_TIMEOUT if self._configuration.remote else _LOCK_TIMEOUT

    def _state(self) -> list[str]:
        """The option that names a local state."""
        return [] if self._configuration.remote else [f"-state={self.state}"]

    @property
    def _variables(self) -> Path:
        return self._directory / "variables.tfvars.json"

    def _on(self, variables: Mapping[str, Any]) -> list[str]:
        """The options for state and variables; a file, because quoting differs by shell."""
        self._variables.write_text(json.dumps(variables), "utf-8")
        files = [*self._state(), f"-var-file={self._variables}"]
        return [*files, f"-lock-timeout={self._lock_timeout}"]

    def _output_of(self, *arguments: str) -> str:
        """Run a command without progress, and return its output."""
        done = self.run(*arguments)
        if done.returncode:
            raise self._failure(_COLOUR.sub("", done.stderr).strip())
        return done.stdout

    def _failure(self, errors: str) -> TerraformError:
        """Return an error; when it is that half of an init is lost, the next run repeats that."""
        if needs_init(errors):
            self._init_mark.unlink(missing_ok=True)
            errors += "\nRun the same command again: it prepares Terraform first."
        return TerraformError(f"Terraform failed.\n{errors}")

    def _command(self, *arguments: str) -> list[str]:
        root = self._configuration.root
        return [*self._before, self.program.path, f"-chdir={root}", *arguments]

    def _watch(self, title: str, command: str, *options: str) -> Outcome:
        """Run a command that reports in JSON, show its progress, and gather what it came to."""
        outcome = Outcome()
        errors: list[str] = []
        with (
            steps(title) as progress,
            self._start(command, "-json", "-no-color", *options) as lines,
        ):
            progress.doing("planning")
            for line in lines:
                event = parse(line)
                show(event, progress)
                match event.get("type"):
                    case "change_summary":
                        counts = event["changes"]
                        outcome.changes = Changes(counts["add"], counts["change"], counts["remove"])
                        if counts["operation"] == "plan":
                            progress.planned(sum(vars(outcome.changes).values()))
                    case "outputs":
                        outcome.outputs = {
                            name: each["value"]
                            for name, each in event["outputs"].items()
                            if "value" in each
                        }
                    case "diagnostic" if event["diagnostic"]["severity"] == "error":
                        errors.append(readable(event["diagnostic"], self._shown_root()))
                    case None:
                        errors.append(line.rstrip())
        if errors and self._returncode:
            raise self._failure("\n".join(errors))
        if self._returncode:
            raise TerraformError(f"Terraform ended with exit code {self._returncode}.")
        return outcome

    @contextmanager
    def _start(self, *arguments: str) -> Iterator[Iterator[str]]:
        """Start Terraform and give its lines; when interrupted, let it end in order.

        It does not get the terminal's Ctrl-C, but one signal from here: after a second one it would
        lose what it has not yet written to its state.
        """
        with subprocess.Popen(
            self._command(*arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            **_apart(self._keep_open),
        ) as process:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            _group_file(self.state.parent).write_text(str(process.pid), "utf-8")
            try:
                yield iter(process.stdout)
                process.wait()
            except BaseException:
                say("Stopping Terraform …")
                process.send_signal(_INTERRUPT)
                process.communicate()
                raise
            finally:
                self._returncode = process.returncode
                _group_file(self.state.parent).unlink(missing_ok=True)

    def _shown_root(self) -> Path:
        """Return the root module in the repository: errors name files that a person can edit."""
        return ROOT / self._configuration.root.relative_to(self._configuration.base)

    def _init_fingerprint(self) -> str:
        """A hash of everything that ``init`` depends on."""
        digest = hashlib.sha256(TERRAFORM_LOCK.read_bytes())
        digest.update(str(self._configuration.root).encode())
        tests = sorted(self._configuration.root.rglob("*.tftest.hcl"))
        for path in [*self._configuration.files(), *tests]:
            if path.name.endswith(".tf.json"):
                digest.update(path.read_bytes())
            elif path.suffix in {".tf", ".hcl"}:
                found = _INIT_INPUTS.findall(path.read_text("utf-8"))
                digest.update("\n".join([path.as_posix(), *found]).encode())
        if config := self._environment.get("TF_CLI_CONFIG_FILE"):
            digest.update(Path(config).read_bytes())
        return digest.hexdigest()


def _literal(value: Any) -> str:
    """A variable's value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _apart(keep_open: tuple[int, ...]) -> dict[str, Any]:
    """What starts a program out of the terminal's reach, with some files kept open."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0} | _inherited(keep_open)


def _inherited(keep_open: tuple[int, ...]) -> dict[str, Any]:
    """Return what lets a program inherit some files, where the system can."""
    return {} if sys.platform == "win32" else {"pass_fds": keep_open}


def end_orphans(directory: Path) -> None:
    """End the provider that a killed Terraform left behind: it still holds the stack's lock.

    Terraform has a process group of its own. While the group lives, its number is given to nobody
    else; and while Terraform itself lives, nothing is touched.
    """
    with contextlib.suppress(OSError, ValueError):
        group = int(_group_file(directory).read_text("utf-8"))
        if not processes.alive(group) and hasattr(os, "killpg"):
            os.killpg(group, signal.SIGKILL)


def _group_file(directory: Path) -> Path:
    return directory / "terraform.pid"
