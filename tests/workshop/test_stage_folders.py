"""Which folders are stages: the six named ones, whatever is beside them."""

import re
import shutil
import tomllib

import pytest
from typer.testing import CliRunner

from workshop.commands import stack
from workshop.deployment.terraform.runner import Configuration
from workshop.errors import WorkshopError
from workshop.exercises.catalogue import exercises
from workshop.paths import CICD, ROOT, STAGE_FOLDERS, TERRAFORM, foreign_stage_folders

COPIES = ("01-order-service copy", "02-payment.bak", "03-inventory-old", "07-mine")


@pytest.fixture
def repository(tmp_path):
    """The stages' Terraform and exercises, and copies of stages beside them."""
    for name in ("terraform", *STAGE_FOLDERS.values()):
        if (ROOT / name / "stage.toml").exists():
            (tmp_path / name).mkdir()
            shutil.copy(ROOT / name / "stage.toml", tmp_path / name)
        for part in (".", "terraform", "exercises"):
            for path in (ROOT / name / part).glob("*.t*" if part == "terraform" else "*/*.toml"):
                target = tmp_path / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    return tmp_path


def add_copies(repository):
    for name in COPIES:
        shutil.copytree(repository / STAGE_FOLDERS[1], repository / name)
        (repository / name / "terraform/patterns").mkdir(exist_ok=True)
        (repository / name / "terraform/patterns/new.json").write_text("{}", "utf-8")


def test_copies_of_stages_are_neither_deployed_nor_exercises(repository):
    configuration = Configuration(repository, repository / "terraform")
    before = configuration.files(), exercises(repository)
    assert all(before)
    add_copies(repository)
    assert (configuration.files(), exercises(repository)) == before
    assert foreign_stage_folders(repository) == sorted(COPIES)


def test_terraform_gets_the_stage_file_that_its_root_reads(repository):
    """Without it a copy of the configuration would have no consumers, and no dead-letter queues."""
    files = Configuration(repository, repository / "terraform").files()
    expected = {repository / folder / "stage.toml" for folder in STAGE_FOLDERS.values()}
    assert {path for path in files if path.name == "stage.toml"} == expected


def test_leftovers_in_terraform_folders_change_nothing(repository):
    configuration = Configuration(repository, repository / "terraform")
    before = configuration.files()
    for name in (".DS_Store", "._main.tf", "main.tf~", ".main.tf.swp", "main.tf.orig"):
        (repository / STAGE_FOLDERS[1] / "terraform" / name).write_bytes(b"\0")
    assert configuration.files() == before
    (repository / STAGE_FOLDERS[1] / "terraform/more.tftpl").touch()
    assert len(configuration.files()) == len(before) + 1


def nothing_deployed(*_, **__):
    raise WorkshopError("nothing is deployed here")


def test_up_names_folders_that_look_like_stages_once(monkeypatch):
    monkeypatch.setattr(stack, "foreign_stage_folders", lambda: ["01-order-service copy"])
    monkeypatch.setattr(stack, "bring_up", nothing_deployed)
    shown = CliRunner().invoke(stack.app, ["up"]).output
    assert shown.count("01-order-service copy") == 1


def test_terraform_and_the_tools_look_for_stages_in_the_same_folders():
    """A tenth stage is one for both."""
    [terraform] = re.findall(r'"(\S+/stage.toml)"\)', (TERRAFORM / "main.tf").read_text("utf-8"))
    [tools] = re.findall(r'"(\S+/stage.toml)"', (ROOT / "workshop/paths.py").read_text("utf-8"))
    assert terraform == tools


def test_every_list_of_stages_names_the_same_folders():
    """pytest's lists cannot be computed from the one in `paths`."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    pytest_ini = settings.get("ini_options", settings)
    folders = list(STAGE_FOLDERS.values())
    assert [each for each in pytest_ini["testpaths"] if each[0] == "0"] == [
        f"{folder}/tests" for folder in folders
    ]
    assert [each for each in pytest_ini["pythonpath"] if each[0] == "0"] == [
        folder for folder in folders if folder != CICD.name
    ]
    assert all((ROOT / folder / "README.md").is_file() for folder in folders)
