"""Commands start fast: see docs/adr/0016-commands-start-fast.md."""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workshop import cli, environments, interpreter, launcher, program
from workshop.paths import ROOT

RUFF = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
SLOW = {*RUFF["flake8-tidy-imports"]["banned-module-level-imports"], "pydantic", "rich.markdown"}
STAGE_5 = {"demo", "dlq", "redrive", "reconcile", "gateway"}
"""Commands that run stage 5's own code, which is a function's and imports boto3."""

HELP = """
import sys
from workshop import cli

sys.argv = ["workshop", "--help"]
try:
    cli.main()
finally:
    print(*sys.modules)
"""

IMPORT_EACH = """
import importlib, json, sys
from typer.main import get_group

slow, without, package = set(sys.argv[1].split()), sys.argv[2].split(), sys.argv[3]
commands = get_group(importlib.import_module(f"{package}.cli").app).commands
found = {}
for name in commands:
    if name not in without:
        commands[name]
        found[name] = sorted(slow & set(sys.modules))
print(json.dumps(found))
"""


def output(code, *arguments):
    """What a new Python of this environment prints."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_imports_no_command_and_no_rich():
    imported = output(HELP).splitlines()[-1].split()
    assert "workshop.program" in imported
    assert not [each for each in imported if each.startswith(("rich", "workshop.commands."))]


@pytest.mark.parametrize("package", ["workshop", "devtools"])
def test_a_command_imports_slow_modules_only_when_it_runs(package):
    found = json.loads(output(IMPORT_EACH, " ".join(SLOW), " ".join(STAGE_5), package))
    assert len(found) > 15
    assert {name: slow for name, slow in found.items() if slow} == {}


def test_a_python_outside_hardly_imports_anything_before_it_continues():
    code = "import sys; before = set(sys.modules); import workshop.interpreter; print(*sys.modules)"
    imported = set(output(code).split())
    assert not imported & {"dataclasses", "hashlib", "json", "subprocess", "workshop.environments"}


@pytest.fixture
def continued(monkeypatch, tmp_path):
    """The programs that were started again in .venv, which is an empty folder."""
    programs = []
    monkeypatch.setattr(interpreter, "VENV", tmp_path)
    for module in (interpreter, launcher):
        monkeypatch.setattr(module, "continue_inside", programs.append)
    return programs


@pytest.mark.parametrize(
    ("files", "programs"),
    [
        ((), []),
        (("bin/python",), []),
        (("made-from.json",), []),
        (("bin/python", "made-from.json"), []),
        (("bin/python", "made-from.json", "pyvenv.cfg"), ["workshop"]),
    ],
)
def test_a_python_outside_continues_at_once_in_a_complete_venv(
    continued, tmp_path, monkeypatch, files, programs
):
    monkeypatch.setattr(interpreter, "python_of", lambda venv: venv / "bin/python")
    (tmp_path / "bin").mkdir()
    for name in files:
        (tmp_path / name).write_text(f"home = {tmp_path}\n")
    interpreter.continue_if_made("workshop")
    assert continued == programs


def test_a_python_outside_checks_before_it_continues_on_windows(continued, tmp_path, monkeypatch):
    """A running interpreter cannot be replaced there."""
    (tmp_path / "made-from.json").touch()
    monkeypatch.setattr(interpreter, "python_of", lambda venv: venv / "made-from.json")
    monkeypatch.setattr(sys, "platform", "win32")
    interpreter.continue_if_made("workshop")
    assert continued == []


def test_a_python_in_venv_stays_in_it(continued, tmp_path, monkeypatch):
    (tmp_path / "made-from.json").touch()
    monkeypatch.setattr(interpreter, "python_of", lambda venv: venv / "made-from.json")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    interpreter.continue_if_made("workshop")
    assert continued == []


def test_python_in_venv_starts_again_without_foreign_variables(continued, tmp_path, monkeypatch):
    """Its own imports were misled already."""
    (tmp_path / "made-from.json").touch()
    (tmp_path / "pyvenv.cfg").write_text(f"home = {tmp_path}\n")
    monkeypatch.setattr(interpreter, "python_of", lambda venv: venv / "made-from.json")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    interpreter.continue_if_made("workshop")
    assert continued == ["workshop"]
    assert "PYTHONPATH" not in os.environ


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONSAFEPATH", "PYTHONWARNINGS", "PYTHONHOME"])
def test_own_programs_get_no_python_variables(name):
    variables = {name: "x", "PYTHONUTF8": "1", "HOME": str(ROOT)}
    assert set(interpreter.own_environment(variables)) == {"PYTHONUTF8", "HOME"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no HOME")
@pytest.mark.parametrize("home", [None, "", "/nowhere", "relative"])
def test_own_programs_have_a_home_when_the_user_has_none(monkeypatch, tmp_path, home):
    monkeypatch.setattr(interpreter, "STATE", tmp_path)
    monkeypatch.setattr(Path, "expanduser", no_such_user)
    own = interpreter.own_environment({} if home is None else {"HOME": home})
    assert own == {"HOME": str(tmp_path / "home")}
    assert Path(own["HOME"]).is_dir()
    assert interpreter.own_environment(own) == own


def no_such_user(path):
    if path == Path("~"):
        raise RuntimeError("Could not determine home directory.")
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no HOME")
def test_notebooks_keep_files_elsewhere_when_home_is_read_only(monkeypatch, tmp_path):
    """The credentials of AWS are still looked for at home."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    own = interpreter.own_environment({"HOME": str(tmp_path), "IPYTHONDIR": "/mine"})
    assert own["HOME"] == str(tmp_path)
    assert own["IPYTHONDIR"] == "/mine"
    assert own["MPLCONFIGDIR"].startswith(str(interpreter.STATE))


def test_checkout_is_on_the_path_when_its_name_is_not_ascii(tmp_path, monkeypatch):
    """Python's `site` reads the line in the locale's encoding, which may be ASCII."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "é" / ".venv"))
    monkeypatch.setattr(sys, "path", [])
    exec(environments.ROOT_ON_PATH.encode("ascii"))  # noqa: S102 - as Python does it
    assert sys.path == [str(tmp_path / "é")]


@pytest.mark.parametrize(
    ("made", "inside", "programs"),
    [
        (True, True, ["workshop"]),
        (True, False, ["workshop"]),
        (False, False, ["workshop"]),
        (False, True, []),
    ],
)
def test_packages_made_just_now_are_found_by_starting_again(
    continued, monkeypatch, made, inside, programs
):
    monkeypatch.setattr(launcher, "prepare", lambda _, *, thorough: made)
    monkeypatch.setattr(launcher, "inside", lambda: inside)
    launcher.start("workshop", {}, ())
    assert continued == programs


@pytest.mark.parametrize(("command", "looks"), [("setup", True), ("up", False)])
def test_setup_looks_for_lost_files_and_other_commands_do_not(
    continued, monkeypatch, command, looks
):
    asked = []
    monkeypatch.setattr(sys, "argv", ["workshop", command])
    monkeypatch.setattr(launcher, "prepare", lambda _, *, thorough: asked.append(thorough))
    launcher.start("workshop", {}, ())
    assert asked == [looks]


@pytest.fixture
def broken_import(monkeypatch):
    """A command line that cannot be imported until its packages are installed again."""

    def fail(name):
        raise ModuleNotFoundError(f"No module named 'typer', says {name}")

    monkeypatch.setattr(importlib, "import_module", fail)


def test_a_damaged_command_line_is_repaired_and_started_again(
    continued, monkeypatch, broken_import
):
    monkeypatch.setattr(launcher, "prepare", lambda needed, *, thorough: thorough)
    monkeypatch.setattr(launcher, "continue_inside", sys.exit)
    with pytest.raises(SystemExit, match="workshop"):
        launcher.run("workshop")
    with pytest.raises(SystemExit, match="workshop"):
        program.Commands("workshop", {"stack": ("up",)})["up"]


def test_an_import_that_fails_without_damage_is_not_hidden(continued, monkeypatch, broken_import):
    monkeypatch.setattr(launcher, "prepare", lambda needed, *, thorough: False)
    with pytest.raises(ImportError, match=r"says workshop\.cli"):
        launcher.run("workshop")
    assert continued == []


@pytest.mark.parametrize(
    ("repaired", "said"),
    [
        (True, "Files of .venv were missing and are installed again. Run the same command again."),
        (False, "An unexpected error occurred: tests/workshop/test_startup.py:"),
    ],
)
def test_a_command_that_finds_packages_damaged_says_so(
    monkeypatch, capsys, tmp_path, broken_import, repaired, said
):
    monkeypatch.setattr(program, "STATE", tmp_path)
    monkeypatch.setattr(program, "repair", lambda: repaired)
    monkeypatch.setattr(sys, "argv", ["workshop", "status"])
    with pytest.raises(SystemExit) as ended:
        program.run(cli.app)
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(said)
