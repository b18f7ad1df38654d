"""`make clean` deletes what the tools made, and nothing that cannot be made again."""

import json

import pytest

from local_cloud.locking import exclusive
from workshop import made_files
from workshop.commands import clean
from workshop.errors import WorkshopError
from workshop.exercises import session
from workshop.paths import MARKER

ACCOUNT = "aws-123456789012-us-east-1"
SOME = json.dumps({"resources": [{"mode": "managed"}, {"mode": "data"}]})
NONE = json.dumps({"resources": [{"mode": "data"}]})


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository in which the tools have worked, and a person too."""
    monkeypatch.setattr(clean, "ROOT", tmp_path)
    for each in MADE:
        write(tmp_path / each)
    for each in WRITTEN:
        write(tmp_path / each, "mine")
    return tmp_path


MADE = (
    f".venv/{MARKER}",
    ".venv/lib/x.py",
    ".workshop/clouds/default/terraform.tfstate",
    ".workshop/clouds/default.lock",
    ".workshop/error.log",
    ".workshop/terraform/terraform",
    ".mypy_cache/x",
    "workshop/orders/__pycache__/x.pyc",
    "02-payment/tests/__pycache__/x.pyc",
)
WRITTEN = (
    "02-payment/notes.md",
    "notebooks/.ipynb_checkpoints/mine.ipynb",
    "terraform/terraform.tfstate",  # somebody used Terraform without the workshop
    "venv/lib/__pycache__/x.pyc",
    ".workshop/progress.json",
)


def files(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_clean_deletes_all_that_the_tools_made_and_nothing_else(repository):
    clean.clean()
    assert files(repository) == set(WRITTEN)
    clean.clean()
    assert files(repository) == set(WRITTEN)


def test_clean_ends_all_boards(repository, monkeypatch):
    ended = []
    monkeypatch.setattr(clean.process, "stop_all", ended.append)
    clean.clean()
    assert ended == [repository / ".workshop/clouds"]


def test_environment_of_somebody_else_stays(repository):
    (repository / f".venv/{MARKER}").unlink()
    clean.clean()
    assert (repository / ".venv/lib/x.py").exists()


def test_only_the_link_goes_when_a_folder_is_a_link(repository, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(elsewhere / "file", "mine")
    (repository / ".workshop/link").symlink_to(elsewhere)
    clean.clean()
    assert files(elsewhere) == {"file"}
    assert files(repository) == set(WRITTEN)


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("terraform.tfstate", SOME, "make destroy"),
        ("terraform.tfstate", "{half", "make destroy"),
        ("terraform.tfstate", "", "make destroy"),
        ("terraform.tfstate", "[]", "make destroy"),
        ("terraform.tfstate.backup", SOME, "make destroy"),
        ("configuration/terraform/errored.tfstate", SOME, "make destroy"),
        ("bootstrap/terraform.tfstate", SOME, "make bootstrap ARGS=--remove"),
        ("bootstrap-removal/terraform.tfstate", SOME, "make bootstrap ARGS=--remove"),
        ("bootstrap/configuration/x/errored.tfstate", SOME, "make bootstrap ARGS=--remove"),
    ],
)
@pytest.mark.parametrize("cloud", [ACCOUNT, f"{ACCOUNT}-mine"])
def test_clean_refuses_while_resources_have_no_other_state(repository, cloud, name, text, command):
    state = repository / ".workshop/clouds" / cloud / name
    write(state, text)
    before = files(repository)
    with pytest.raises(WorkshopError) as caught:
        clean.clean()
    assert f"{cloud}/{name}" in str(caught.value)
    assert f": {command}. " in str(caught.value)
    assert files(repository) == before


@pytest.mark.parametrize(
    "states",
    [
        {f"{ACCOUNT}/terraform.tfstate": NONE},
        {f"{ACCOUNT}/terraform.tfstate": NONE, f"{ACCOUNT}/terraform.tfstate.backup": SOME},
        {f"{ACCOUNT}/set-aside-terraform.tfstate": SOME},  # the bucket has it
        {f"{ACCOUNT}/terraform-data/terraform.tfstate": SOME},  # the backend's settings
        {"aws-000000000000-us-east-1-4566/terraform.tfstate": SOME},  # a rehearsal
        {"default/terraform.tfstate": SOME},
    ],
)
def test_state_that_nobody_needs_does_not_stop_clean(repository, states):
    for name, text in states.items():
        write(repository / ".workshop/clouds" / name, text)
    clean.clean()
    assert files(repository) == set(WRITTEN)


def test_clean_refuses_while_a_local_cloud_runs(repository, monkeypatch):
    def running(cloud):
        return cloud.directory.name == "mine"

    (repository / ".workshop/clouds/mine").mkdir()
    monkeypatch.setattr(made_files.LocalCloud, "running", running)
    with pytest.raises(WorkshopError, match="WORKSHOP_CLOUD=mine make down ARGS=--discard"):
        clean.clean()
    assert files(repository) == {*MADE, *WRITTEN}


@pytest.mark.parametrize(
    "lock", ["clouds/default.lock", "clouds/aws-1-r.lock", "environments.lock"]
)
def test_clean_refuses_while_another_command_runs(repository, lock):
    with (
        exclusive(repository / ".workshop" / lock),
        pytest.raises(WorkshopError, match="Another command is running"),
    ):
        clean.clean()
    assert files(repository) >= {*MADE, *WRITTEN}


def test_clean_refuses_while_an_exercise_is_under_way(repository, monkeypatch):
    """Without its record the broken files would look like the learner's own."""
    under_way = {"number": "03.1", "files": [], "commit": "x", "placed": ""}
    monkeypatch.setattr(session, "_load", lambda _: session.UnderWay(**under_way))
    with pytest.raises(WorkshopError, match=r'make exercise ARGS="03\.1 reset"'):
        clean.clean()
    assert files(repository) == {*MADE, *WRITTEN}
