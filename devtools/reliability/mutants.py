"""Mutation testing: small changes of the code, each of which a test must notice.

mutmut makes the mutants and runs for each the tests that call its function. It takes the name of a
module from its path, but here each stage has its own folder. Therefore a working folder has links
to all packages side by side. `mutants.toml` names modules, tests and the mutants that may survive.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from devtools.reliability import record
from workshop.console import Steps
from workshop.errors import WorkshopError
from workshop.paths import ROOT, STATE, stage_packages

CONFIGURATION = Path(__file__).with_name("mutants.toml")
FOLDER = STATE / "mutants"

NOTICED = {"killed", "timeout"}
"""mutmut's words for a mutant that a test noticed; any other is a survivor."""

_RECORD = "mutants"
_KILLED = ": killed"
"""How the figure of a module ends in the record."""

_COUNT = re.compile(r"(\d+)/(\d+) ")
_RESULT = re.compile(r"^ +(?P<name>\S+__mutmut_\d+): (?P<status>.+)$", re.MULTILINE)
_REAPPLIED = {"property", "contextmanager"}
"""Decorators that the working copy applies after the function: mutmut omits decorated functions."""
_DROPPED = {"cache"}
"""Decorators that the working copy omits: a mutant would get what the original had computed."""


@dataclass(frozen=True)
class Suite:
    """Modules that are mutated together, and the tests that must notice it."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A mutation: the lines of a function that it changes, each without indentation."""

    module: str
    function: str
    was: str
    becomes: str


@dataclass(frozen=True)
class Configuration:
    """The contents of `mutants.toml`."""

    suites: tuple[Suite, ...]
    unmutated: tuple[str, ...]
    """Regular expressions of code that is not mutated."""
    justified: dict[Change, str]
    """Mutants that may survive → why no test can or should notice them."""
    report: dict[str, Any]
    """What docs/reliability.md says besides the figures."""


@dataclass(frozen=True)
class Outcome:
    """The mutants of a module: how many there are, and those that no test noticed."""

    module: str
    mutants: int
    survivors: tuple[Change, ...]

    @property
    def killed(self) -> int:
        """The number of mutants that a test noticed."""
        return self.mutants - len(self.survivors)


def read(path: Path = CONFIGURATION) -> Configuration:
    """Return the configuration of mutation testing."""
    loaded = tomllib.loads(path.read_text("utf-8"))
    return Configuration(
        suites=tuple(
            Suite(name, tuple(suite["modules"]), tuple(suite["tests"]))
            for name, suite in loaded["suites"].items()
        ),
        unmutated=tuple(each["code"] for each in loaded["unmutated"]),
        justified={
            Change(*(each[name] for name in ("module", "function", "was", "becomes"))): each["why"]
            for each in loaded["justified"]
        },
        report=loaded["report"],
    )


def run(suite: Suite, unmutated: Iterable[str], progress: Steps) -> list[Outcome]:
    """Run the tests of a suite against each mutant of its modules.

    Args:
        suite: The modules and their tests.
        unmutated: Regular expressions of code that is not mutated.
        progress: Counts the mutants.

    Raises:
        WorkshopError: mutmut failed, for example because a test fails without a mutant.
    """
    folder = FOLDER / suite.name
    _lay_out(folder, suite, unmutated)
    _run_mutmut(folder, suite, progress)
    results = _RESULT.findall(_mutmut(folder, "results", "--all", "true"))
    if not results:
        raise WorkshopError(f"mutmut made no mutants of {', '.join(suite.modules)}.")
    outcomes = []
    for module in suite.modules:
        statuses = {name: status for name, status in results if name.startswith(f"{module}.x")}
        survivors = [name for name, status in statuses.items() if status not in NOTICED]
        changes = (change(name, _mutmut(folder, "show", name)) for name in survivors)
        outcomes.append(Outcome(module, len(statuses), tuple(changes)))
    return outcomes


def change(name: str, shown: str) -> Change:
    """Return the mutation of a mutant from mutmut's name of it and its difference.

    Args:
        name: Such as `orderflow.publisher.xǁPublisherǁpublish__mutmut_3`.
        shown: A unified difference of the function.
    """
    module, _, function = name.partition("__mutmut_")[0].rpartition(".")
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    was, becomes = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    function = function.removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")
    return Change(module, function, was, becomes)


def compare(
    outcomes: Sequence[Outcome], justified: Collection[Change]
) -> tuple[list[Change], list[Change]]:
    """Return the survivors that are not justified, and the justified mutants that are gone.

    Args:
        outcomes: The results of some modules.
        justified: The mutants that may survive, of any module.
    """
    survivors = [each for outcome in outcomes for each in outcome.survivors]
    modules = {outcome.module for outcome in outcomes}
    new = [each for each in survivors if each not in justified]
    gone = [each for each in justified if each.module in modules and each not in survivors]
    return new, gone


def described(mutation: Change) -> str:
    """Return a mutation for people: where it is, the code and what becomes of it."""
    where = f"{mutation.module}, {mutation.function}"
    return f"{where}\n  - {mutation.was}\n  + {mutation.becomes}"


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return the results as a table, with the sum of all modules if there are several."""
    shown = Table("module", "mutants", "killed", "survivors", "score", box=None, pad_edge=False)
    for each in outcomes:
        _add_row(shown, each)
    if shown.row_count > 1:
        _add_row(shown, total(outcomes))
    return shown


def _add_row(shown: Table, each: Outcome) -> None:
    numbers = (each.mutants, each.killed, len(each.survivors))
    shown.add_row(each.module, *map(str, numbers), f"{each.killed / max(each.mutants, 1):.1%}")


def total(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the sum of all modules."""
    survivors = tuple(each for outcome in outcomes for each in outcome.survivors)
    return Outcome("all", sum(outcome.mutants for outcome in outcomes), survivors)


def save(outcomes: Sequence[Outcome], report: Mapping[str, Any]) -> None:
    """Write the record of a run, from which docs/reliability.md is generated.

    The figures of modules that were not tested now stay as they are.
    """
    modules = _recorded() | {each.module: (each.killed, each.mutants) for each in outcomes}
    killed, mutants = (sum(column) for column in zip(*modules.values(), strict=True))
    figures: list[dict[str, str | int]] = [
        {"name": "mutants", "value": mutants},
        {"name": "killed", "value": killed},
        {"name": "survivors, each justified", "value": mutants - killed},
    ]
    for module, (noticed, made) in sorted(modules.items()):
        figures.append({"name": f"{module}{_KILLED}", "value": f"{noticed} of {made}"})
    record.write(record.Record(suite=_RECORD, command="make mutants", figures=figures, **report))


def _recorded() -> dict[str, tuple[int, int]]:
    """Return module → killed mutants and all mutants, from the record; nothing without one."""
    path = record.RECORDS / f"{_RECORD}.json"
    figures = record.read(path).figures if path.exists() else ()
    found = {}
    for each in figures:
        if each["name"].endswith(_KILLED):
            killed, _, mutants = each["value"].partition(" of ")
            found[each["name"].removesuffix(_KILLED)] = int(killed), int(mutants)
    return found


def source(module: str) -> Path:
    """Return the file of a module of a stage or of `orderflow`."""
    package, *rest = module.split(".")
    return _packages()[package].joinpath(*rest).with_suffix(".py")


def _packages() -> dict[str, Path]:
    return {path.name: path for path in (*stage_packages(), ROOT / "orderflow")}


def _lay_out(folder: Path, suite: Suite, unmutated: Iterable[str]) -> None:
    """Make a working folder for mutmut: packages side by side, and all that tests may read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    packages = _packages()
    for name, path in packages.items():
        shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for module in suite.modules:
        path = folder / f"{module.replace('.', '/')}.py"
        path.write_text(undecorated(path.read_text("utf-8")), "utf-8")
    entries = [path for path in ROOT.iterdir() if path.name[0] != "."]
    others = [path for path in entries if path.name not in {*packages, "pyproject.toml"}]
    for path in others:
        (folder / path.name).symlink_to(path)
    settings = {
        "source_paths": list(packages),
        "only_mutate": [f"{module.replace('.', '/')}.py" for module in suite.modules],
        "do_not_mutate_patterns": list(unmutated),
        "also_copy": [path.name for path in others],
        "timeout_multiplier": 10,
        "timeout_constant": 0.5,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-k", "not dynamodb and not sqs"],
        "pytest_add_cli_args_test_selection": list(suite.tests),
    }
    # A list of strings is the same in TOML and in JSON.
    lines = (f"{name} = {json.dumps(value)}" for name, value in settings.items())
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    text = "\n".join((project, "[tool.mutmut]", *lines, ""))
    (folder / "pyproject.toml").write_text(text, "utf-8")


def undecorated(code: str) -> str:
    """Return a module in which functions are decorated after their definition, if at all.

    mutmut does not mutate decorated functions, because it calls a mutant instead of the original.
    """
    lines = code.splitlines()
    functions = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: -node.lineno):
        names = [each.id for each in node.decorator_list if isinstance(each, ast.Name)]
        if len(node.decorator_list) != 1 or not {*names} & (_REAPPLIED | _DROPPED):
            continue
        if names[0] in _REAPPLIED:
            indentation = " " * node.col_offset
            lines.insert(
                node.end_lineno or 0, f"{indentation}{node.name} = {names[0]}({node.name})"
            )
        del lines[node.decorator_list[0].lineno - 1]
    return "\n".join((*lines, ""))


def _run_mutmut(folder: Path, suite: Suite, progress: Steps) -> None:
    """Run mutmut in a working folder; show how many mutants it has tried."""
    done, output = 0, ""
    with subprocess.Popen(
        _command("run"), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        progress.doing(f"{suite.name}: the tests without a mutant")
        for text in _lines(process):
            output += text
            for tried, total in _COUNT.findall(text):
                if not done:
                    progress.planned(int(total))
                progress.doing(suite.name)
                for _ in range(int(tried) - done):
                    progress.done()
                done = max(done, int(tried))
    if process.returncode or not done:
        raise WorkshopError(f"{output[-3000:].strip()}\nmutmut could not test {suite.name}.")


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield a program's output line by line; mutmut ends a line of its progress with a return."""
    line = bytearray()
    while byte := process.stdout.read(1) if process.stdout else b"":
        line += byte
        if byte in b"\r\n":
            yield line.decode("utf-8", "replace")
            line.clear()
    yield line.decode("utf-8", "replace")


def _mutmut(folder: Path, *arguments: str) -> str:
    """Return the output of a command of mutmut in a working folder."""
    return subprocess.run(
        _command(*arguments), cwd=folder, check=True, capture_output=True, encoding="utf-8"
    ).stdout


def _command(*arguments: str) -> Sequence[str]:
    return (str(Path(sys.executable).with_name("mutmut")), *arguments)
