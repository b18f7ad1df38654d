"""Starting from nothing but Python."""

import ast
import errno
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from local_cloud.locking import LockHeldError, exclusive
from workshop import environments, launcher
from workshop.environments import WORKSHOP, Environment
from workshop.interpreter import has_python
from workshop.launcher import NEEDS
from workshop.paths import MARKER, ROOT


@pytest.mark.parametrize(
    "module", ["workshop.launcher", "devtools.launcher", "workshop.deployment.terraform.program"]
)
def test_needs_nothing_but_the_standard_library(module):
    script = f"import sys; sys.path.insert(0, sys.argv[1]); import {module}"
    command = [sys.executable, "-I", "-S", "-c", script, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["exercise"], (WORKSHOP,)),
        (["exercise", "list"], (WORKSHOP,)),
        (["exercise", "01.1", "check"], NEEDS["exercise"]),
        (["status"], (WORKSHOP,)),
        ([], (WORKSHOP,)),
    ],
)
def test_command_makes_only_what_it_needs(monkeypatch, words, needed):
    """A list of exercises needs no test tools."""
    made = []
    monkeypatch.setattr(launcher, "_prepare", lambda needed, **_: made.append(needed))
    monkeypatch.setattr(launcher, "inside", lambda: True)
    monkeypatch.setattr(sys, "argv", ["workshop", *words])
    launcher.start("workshop", NEEDS, (WORKSHOP,))
    assert made == [needed]


@pytest.mark.parametrize("name", ["__main__.py", "__init__.py"])
def test_old_python_can_parse_the_file_with_its_error_message(name):
    tree = ast.parse((ROOT / "workshop" / name).read_text("utf-8"), feature_version=(3, 4))
    modern = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.FunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, modern)]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A virtual environment with one package and a lock file of its own, complete."""
    monkeypatch.setattr(environments, "LOCKS", tmp_path)
    (tmp_path / "some.lock").write_text("a==1")
    folder = tmp_path / "made"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text(f"home = {tmp_path}\nversion = 3.11.7\n")
    (folder / "a-1.dist-info").mkdir()
    (folder / "a.py").write_text("A = 1")
    (folder / RECORD).write_text(
        f"a.py,sha256=0,5\n__pycache__/a.pyc,,\n../../bin/a,sha256=0,9\n{RECORD},,\n"
    )
    made = Environment("some.lock", folder, "some packages")
    mark(made)
    return made


RECORD = "a-1.dist-info/RECORD"


def mark(environment, **changes):
    made = {
        "sha256": environment.fingerprint,
        "python": environments.THIS_PYTHON,
        "place": str(environment.directory.resolve()),
        "records": [RECORD],
    }
    (environment.directory / MARKER).write_text(json.dumps(made | changes))


def test_an_environment_that_is_complete_is_current(environment):
    assert environments.is_current(environment)


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"sha256": "', '{"python": "3.11"}'])
def test_an_interrupted_environment_is_not_current(environment, text):
    (environment.directory / MARKER).unlink()
    if text is not None:
        (environment.directory / MARKER).write_text(text)
    assert not environments.is_current(environment)


@pytest.mark.parametrize("changes", [{"sha256": "other"}, {"python": "3.10"}, {"place": "/else"}])
def test_an_environment_made_from_or_for_something_else_is_not_current(environment, changes):
    mark(environment, **changes)
    assert not environments.is_current(environment)


def test_a_moved_environment_is_not_current_but_a_linked_one_is(environment, tmp_path):
    (tmp_path / "link").symlink_to(environment.directory)
    assert environments.is_current(replace(environment, directory=tmp_path / "link"))
    moved = environment.directory.rename(tmp_path / "moved")
    assert not environments.is_current(replace(environment, directory=moved))


def _remove_python(folder):
    (folder / "bin/python").unlink()


def _remove_base(folder):
    """The Python that it was made from."""
    (folder / "pyvenv.cfg").write_text("home = /nonexistent\n")


def _remove_file(folder):
    (folder / "a.py").unlink()


def _cut_file(folder):
    """As a disk leaves it after a power failure."""
    (folder / "a.py").write_text("")


def _remove_package(folder):
    (folder / RECORD).unlink()


@pytest.mark.parametrize(
    "damage", [_remove_python, _remove_base, _remove_file, _cut_file, _remove_package]
)
def test_a_damaged_environment_is_not_current(environment, damage):
    damage(environment.directory)
    assert not environments.is_current(environment)


@pytest.mark.parametrize("damage", [_remove_file, _cut_file, _remove_package])
def test_lost_files_of_venv_are_looked_for_only_thoroughly(environment, monkeypatch, damage):
    monkeypatch.setattr(environments, "VENV", environment.directory)
    assert environments.is_current(environment, thorough=True)
    damage(environment.directory)
    assert environments.is_current(environment)
    assert not environments.is_current(environment, thorough=True)


def test_a_package_that_was_never_whole_is_not_looked_at(environment, monkeypatch):
    """Two packages may bring the same file, and only one of them is right about its size."""
    monkeypatch.setattr(environments, "_packages_of", str)
    assert environments._records(environment) == [RECORD]
    _cut_file(environment.directory)
    assert environments._records(environment) == []


def test_a_richer_environment_in_the_same_place_is_enough(environment, tmp_path, monkeypatch):
    (tmp_path / "more.lock").write_text("a==1 b==2")
    richer = Environment("more.lock", environment.directory, "more packages")
    monkeypatch.setattr(environments, "RICHER", {environment: (richer,)})
    mark(richer)
    assert environments.is_current(richer)
    assert environments.is_current(environment)
    mark(environment)
    assert not environments.is_current(richer)


@pytest.fixture
def filled(environment, tmp_path, monkeypatch):
    """The environments that were filled, for nothing is installed here."""
    labels = []
    monkeypatch.setattr(environments, "STATE", tmp_path / "state")
    monkeypatch.setattr(environments, "_fill", lambda each: labels.append(each.label))
    return labels


def test_only_what_is_not_current_is_made(environment, filled, capsys):
    assert not environments.prepare([environment])
    (environment.directory / MARKER).unlink()
    assert environments.prepare([environment])
    assert filled == ["some packages"]
    assert "Damaged" not in capsys.readouterr().err


def test_what_is_damaged_is_named_before_it_is_made_again(environment, filled, capsys):
    _remove_file(environment.directory)
    assert environments.prepare([environment])
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "Damaged or moved since the last set-up: some packages."


def test_a_folder_that_cannot_be_written_is_named(environment, filled, tmp_path):
    (environment.directory / MARKER).unlink()
    (tmp_path / "state").write_text("a file")
    with pytest.raises(environments.UsageError, match=r"state cannot be written \(File exists\)"):
        environments.prepare([environment])


def test_a_full_disk_is_named(environment, filled, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    (environment.directory / MARKER).unlink()
    monkeypatch.setattr(environments, "_fill", full)
    with pytest.raises(environments.WorkshopError, match=r"^The disk is full\.$"):
        environments.prepare([environment])


def _make_file(path):
    path.write_text("")


def _make_dangling_link(path):
    path.symlink_to("/nonexistent")


def _make_folder(path):
    path.mkdir()
    (path / "pyvenv.cfg").write_text("half")


@pytest.mark.parametrize("make", [_make_file, _make_dangling_link, _make_folder])
def test_whatever_is_in_the_place_of_an_environment_is_replaced(tmp_path, make):
    make(tmp_path / "venv")
    environments._make_venv(tmp_path / "venv", "--without-pip")
    assert has_python(tmp_path / "venv")


def test_a_link_is_removed_without_what_it_leads_to(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    environments._remove(tmp_path / "link")
    assert [path.name for path in tmp_path.rglob("*")] == ["there", "file"]


INSTALLER = """
import sys, time
from pathlib import Path

Path(sys.argv[1], "installing").touch()
while not Path(sys.argv[1], "go on").exists():
    time.sleep(0.01)
"""

KILLED = """
import sys
from pathlib import Path
from workshop import environments, launcher

folder, installer = sys.argv[1:]
environments.STATE = Path(folder)
environments.is_current = lambda *_, **__: False
environments._make = lambda _: environments._run([sys.executable, "-c", installer, folder], "")
environments.prepare([environments.LAB])
"""


@pytest.mark.skipif(os.name == "nt", reason="locks are not inherited there")
def test_what_a_killed_command_started_still_holds_the_lock(tmp_path):
    """Its pip would write among the files of the next one's."""
    command = [sys.executable, "-c", KILLED, str(tmp_path), INSTALLER]
    with subprocess.Popen(command, cwd=ROOT) as killed:
        _wait_for((tmp_path / "installing").exists)
        killed.kill()
    lock = tmp_path / "environments.lock"
    try:
        with pytest.raises(LockHeldError), exclusive(lock, timeout=0):
            pass
    finally:
        (tmp_path / "go on").touch()
    with exclusive(lock, timeout=60):
        pass


def _wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_scanners_come_by_pip_where_uv_finds_no_way(monkeypatch):
    tried = []

    def run(command, failed):
        tried.append(command[2])
        if command[2] == "uv":
            raise environments.WorkshopError(failed)

    monkeypatch.setattr(environments, "_run", run)
    environments._install(environments.SECURITY, [], [])
    assert tried == ["uv", "pip"]


def test_a_package_with_another_hash_is_reported():
    output = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
    assert "not the one that the lock file names" in environments._advice(output)


def test_a_failure_shows_what_was_said_and_what_to_do():
    script = "import sys; print('NewConnectionError: no route'); sys.exit(1)"
    with pytest.raises(environments.WorkshopError) as caught:
        environments._run([sys.executable, "-c", script], "It could not be installed.")
    said, advice = str(caught.value).splitlines()
    assert said == "NewConnectionError: no route"
    assert advice.startswith("It could not be installed. The package index cannot be reached")


def test_a_second_start_waits_for_the_first(tmp_path, capsys):
    order = []

    def second():
        with exclusive(tmp_path / "lock", "waiting"):
            order.append("second")

    thread = threading.Thread(target=second)
    with exclusive(tmp_path / "lock", "waiting"):
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert capsys.readouterr().err == "waiting\n"
