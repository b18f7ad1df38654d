"""Starting from nothing but Python."""

import ast
import subprocess
import sys
import threading
import time

import pytest

from local_cloud.locking import exclusive
from workshop import environments
from workshop.environments import Environment
from workshop.paths import ROOT


@pytest.mark.parametrize(
    "module", ["workshop.launcher", "devtools.launcher", "workshop.deployment.terraform.program"]
)
def test_needs_nothing_but_the_standard_library(module):
    script = f"import sys; sys.path.insert(0, sys.argv[1]); import {module}"
    command = [sys.executable, "-I", "-S", "-c", script, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["__main__.py", "__init__.py"])
def test_an_old_python_can_read_what_tells_it_so(name):
    tree = ast.parse((ROOT / "workshop" / name).read_text("utf-8"), feature_version=(3, 4))
    modern = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.FunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, modern)]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment with a lock file of its own, not made yet."""
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "LOCKS", tmp_path)
    (tmp_path / "some.lock").write_text("a==1")
    (tmp_path / "made").mkdir()
    return Environment("some.lock", tmp_path / "made", "some packages")


def mark(environment, text=None):
    text = text or f'{{"sha256": "{environment.fingerprint}", "python": "3.11"}}'
    (environment.directory / environments.MARKER).write_text(text)


def test_an_environment_made_from_todays_lock_is_current(environment):
    mark(environment)
    assert environments.is_current(environment)


@pytest.mark.parametrize("text", [None, "", "{", '{"sha256": "other", "python": "3.11"}'])
def test_an_interrupted_or_outdated_environment_is_not(environment, text):
    if text is not None:
        mark(environment, text or " ")
    assert not environments.is_current(environment)


def test_a_richer_environment_in_the_same_place_is_enough(environment, tmp_path, monkeypatch):
    (tmp_path / "more.lock").write_text("a==1 b==2")
    richer = Environment("more.lock", environment.directory, "more packages")
    monkeypatch.setattr(environments, "RICHER", {environment: (richer,)})
    mark(richer)
    assert environments.is_current(richer)
    assert environments.is_current(environment)
    mark(environment)
    assert not environments.is_current(richer)


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
