"""Run Terraform: quietly, with live progress, and with errors that a person can read."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.console import Steps, say, steps
from workshop.deployment import plugins
from workshop.errors import UsageError, WorkshopError
from workshop.local_cloud import processes
from workshop.paths import ROOT, STATE, TERRAFORM, TERRAFORM_LOCK

OLDEST = (1, 9)
"""The oldest Terraform that will do; ``terraform/versions.tf`` asks for the same."""

_INIT_INPUTS = re.compile(r"^\s*(?:source|version|required_version)\s*=.*$", re.MULTILINE)
_LOCK_TIMEOUT = "60s"

if sys.platform == "win32":
    _INTERRUPT = signal.CTRL_BREAK_EVENT
else:
    _INTERRUPT = signal.SIGINT

Event = dict[str, Any]

WIDE = ("-parallelism=24",)
"""Resources made at once: ten queues, of which each is waited for 25 s, leave room for others."""


class TerraformError(WorkshopError):
    """Terraform failed; the message holds its own errors."""


@dataclass
class Changes:
    """What a plan would do, or an apply has done, in numbers of resources."""

    added: int = 0
    changed: int = 0
    destroyed: int = 0

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.destroyed} destroyed"


@dataclass
class Outcome:
    """What a run of Terraform came to."""

    changes: Changes = field(default_factory=Changes)
    outputs: dict[str, Any] = field(default_factory=dict)


def find() -> str:
    """The terraform program.

    Raises:
        UsageError: When it is missing or too old.
    """
    oldest = ".".join(map(str, OLDEST))
    program = shutil.which("terraform")
    if program is None:
        raise UsageError(
            f"Terraform is missing: install version {oldest} or newer "
            "(developer.hashicorp.com/terraform/install) so that `terraform` is found on PATH."
        )
    answer = subprocess.run(
        [program, "version", "-json"],
        env=_without_settings(os.environ) | {"CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        version = str(json.loads(answer.stdout)["terraform_version"])
    except (ValueError, KeyError):
        raise UsageError(
            f"Terraform at {program} does not tell its version: install it anew."
        ) from None
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise UsageError(f"Terraform {oldest} or newer is needed, {program} is {version}.")
    return program


class Terraform:
    """Terraform at work on one state."""

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str],
        keep_open: tuple[int, ...] = (),
        before: Sequence[str] = (),
    ) -> None:
        """Prepare a run.

        Args:
            directory: Where the state and Terraform's working data lie.
            environment: Says which cloud, and with which credentials.
            keep_open: File descriptors that Terraform inherits, so that locks stay held with it.
            before: What its command begins with, such as `nice`.

        Raises:
            UsageError: When Terraform is missing or too old.
        """
        self.state = directory / "terraform.tfstate"
        self._directory = directory
        self._data = directory / "terraform-data"
        self._program = find()
        self._keep_open = keep_open
        self._before = before
        own = {
            "TF_DATA_DIR": str(self._data),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",  # no call home
        }
        found = plugins.settings(environment, Path.home(), STATE)
        self._environment = _without_settings(environment) | own | found
        directory.mkdir(parents=True, exist_ok=True)

    def init(self) -> None:
        """Fetch the provider and wire the modules, unless that has been done.

        Raises:
            TerraformError: When there is no way to the provider.
        """
        marker = self._data / "initialised-for"
        wanted = self._init_fingerprint()
        if marker.exists() and marker.read_text("utf-8") == wanted:
            return
        with steps("Preparing Terraform"):
            done = self.run("init", "-lockfile=readonly", "-no-color")
        if done.returncode:
            raise TerraformError(_init_failure(done.stderr))
        marker.write_text(wanted, "utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command that needs no watching, and give what it said."""
        return subprocess.run(
            self._command(*arguments),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    def plan(self, title: str, variables: Mapping[str, Any], *, destroy: bool = False) -> Changes:
        """Work out what would change, and keep the plan for ``apply_plan``.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        options = [f"-out={self._plan}", *(["-destroy"] if destroy else [])]
        return self._watch(title, "plan", *options, *self._on(variables)).changes

    def preview(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Work out what would change if some variables were others; nothing is kept or locked.

        Args:
            variables: Root variables that shall differ from those of the last run.

        Returns:
            The plan in Terraform's JSON form (developer.hashicorp.com, internals, JSON output).

        Raises:
            TerraformError: With Terraform's own errors.
        """
        last = json.loads(self._variables.read_text("utf-8")) if self._variables.exists() else {}
        with tempfile.TemporaryDirectory() as folder:
            plan, given = Path(folder, "plan"), Path(folder, "variables.tfvars.json")
            given.write_text(json.dumps(last), "utf-8")
            options = [f"-state={self.state}", "-lock=false", f"-var-file={given}", f"-out={plan}"]
            # Each by itself: of one in a file that does not exist, Terraform only warns.
            options += [f"-var={name}={_literal(value)}" for name, value in variables.items()]
            for command in (["plan", "-no-color", *options], ["show", "-json", str(plan)]):
                done = self.run(*command)
                if done.returncode:
                    raise TerraformError(f"Terraform failed.\n{done.stderr.strip()}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def apply_plan(self, title: str) -> Outcome:
        """Do what the last ``plan`` said, and nothing else.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        return self._watch(title, "apply", *WIDE, f"-state={self.state}", str(self._plan))

    def apply(self, title: str, variables: Mapping[str, Any]) -> Outcome:
        """Plan and apply in one go.

        Raises:
            TerraformError: With Terraform's own errors.
        """
        return self._watch(title, "apply", *WIDE, "-auto-approve", *self._on(variables))

    @property
    def _plan(self) -> Path:
        return self._directory / "plan.tfplan"

    @property
    def _variables(self) -> Path:
        return self._directory / "variables.tfvars.json"

    def _on(self, variables: Mapping[str, Any]) -> list[str]:
        """The options for state and variables; a file, because quoting differs by shell."""
        self._variables.write_text(json.dumps(variables), "utf-8")
        files = [f"-state={self.state}", f"-var-file={self._variables}"]
        return [*files, f"-lock-timeout={_LOCK_TIMEOUT}"]

    def _command(self, *arguments: str) -> list[str]:
        return [*self._before, self._program, f"-chdir={TERRAFORM}", *arguments]

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
                event = _parse(line)
                _show(event, progress)
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
                        errors.append(_readable(event["diagnostic"]))
                    case None:
                        errors.append(line.rstrip())
        if errors and self._returncode:
            raise TerraformError("\n".join(["Terraform failed.", *errors]))
        if self._returncode:
            raise TerraformError(f"Terraform ended with exit code {self._returncode}.")
        return outcome

    @contextmanager
    def _start(self, *arguments: str) -> Iterator[Iterator[str]]:
        """Start Terraform and give its lines; when interrupted, let it end in order.

        It is kept from the terminal's Ctrl-C and told once, by us: told twice, it would drop what
        it has not yet written to its state.
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
                say("Stopping Terraform in good order …")
                process.send_signal(_INTERRUPT)
                process.communicate()
                raise
            finally:
                self._returncode = process.returncode
                _group_file(self.state.parent).unlink(missing_ok=True)

    def _init_fingerprint(self) -> str:
        """A hash of everything that ``init`` depends on."""
        digest = hashlib.sha256(TERRAFORM_LOCK.read_bytes())
        digest.update(str(ROOT).encode())
        for path in [*configuration_files(), *sorted(TERRAFORM.rglob("*.tftest.hcl"))]:
            if path.suffix in {".tf", ".hcl"}:
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
    return {"process_group": 0, "pass_fds": keep_open}


def configuration_files() -> list[Path]:
    """Every file that Terraform reads, the bundles and the tests apart."""
    folders = [TERRAFORM, *ROOT.glob("0?-*/terraform")]
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not {".terraform", "tests"} & set(path.relative_to(ROOT).parts)
    )


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what would change Terraform's ways: only variables may stay."""
    return {
        key: value
        for key, value in environment.items()
        if not key.startswith("TF_") or key.startswith(("TF_VAR_", "TF_LOG", "TF_PLUGIN_CACHE_DIR"))
    }


def _parse(line: str) -> Event:
    """One line of Terraform's JSON; anything else it prints has no type."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


_DOING = {"create": "creating", "update": "changing", "delete": "destroying", "read": "reading"}


_MODULE_AND_TYPE = re.compile(r"(?:.*\bmodule\.)?(\w+)(?:\[[^\]]*\])?\.aws_(\w+)\.")


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


def _short(address: str) -> str:
    """Whose resource it is and of which type: the innermost module, and `lambda_function`, say."""
    found = _MODULE_AND_TYPE.search(address)
    return f"{found[1]} {found[2]}" if found else address


def _show(event: Event, progress: Steps) -> None:
    kind = event.get("type")
    if kind == "refresh_start":
        progress.doing(f"checking {_short(event['hook']['resource']['addr'])}")
    elif kind in {"apply_start", "apply_progress"}:
        hook = event["hook"]
        action = _DOING.get(hook["action"], hook["action"])
        progress.doing(f"{action} {_short(hook['resource']['addr'])}")
    elif kind in {"apply_complete", "apply_errored"}:
        progress.done()


def _readable(diagnostic: Event) -> str:
    """An error as Terraform means it: what, where, why."""
    where = diagnostic.get("address", "")
    if place := diagnostic.get("range"):
        path = os.path.relpath(TERRAFORM / place["filename"], ROOT)
        where = f"{where} {path}:{place['start']['line']}".strip()
    lines = [f"  ✗ {diagnostic['summary']}" + (f" ({where})" if where else "")]
    lines += [f"    {line}" for line in diagnostic.get("detail", "").splitlines() if line.strip()]
    return "\n".join(lines)


def _init_failure(output: str) -> str:
    provider = plugins.locked_provider()
    offline = ("Failed to query available provider", "could not connect", "Failed to install")
    if any(sign in output for sign in offline):
        return (
            f"Terraform's provider {provider.address} {provider.version} is not on this machine "
            "and cannot be downloaded: connect to the internet, or put it in a plugin directory, "
            f"~/.terraform.d/plugins/{provider.address}/{provider.version}/{plugins.machine()}/."
        )
    return f"{output.strip()}\nTerraform could not be prepared; what it said stands above."
