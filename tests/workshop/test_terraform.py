"""Running Terraform."""

import json
import os
import shutil

import pytest
from typer.testing import CliRunner

from workshop.cli import app
from workshop.commands import stack
from workshop.deployment.terraform import program, progress, provider_mirror
from workshop.deployment.terraform.program import Program
from workshop.deployment.terraform.runner import Configuration, Terraform
from workshop.errors import WorkshopError
from workshop.paths import ROOT, TERRAFORM


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a terraform on PATH that prints the given lines."""

    def make(*lines, version="1.11.4", code=0, runs=""):
        said = tmp_path / "said"
        said.write_text("".join(f"{line}\n" for line in lines))
        script = tmp_path / "terraform"
        script.write_text(
            "#!/bin/sh\n"
            f"""[ "$1" = version ] && echo '{{"terraform_version": "{version}"}}' && exit\n"""
            f"{runs}\ncat {said}; exit {code}\n"
        )
        script.chmod(0o755)
        monkeypatch.setattr(program, "OWN", tmp_path / "own")
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")

    return make


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake is a shell script")


def test_an_installed_terraform_may_be_too_old_for_a_remote_state_only(
    fake, tmp_path, monkeypatch, capsys
):
    copy = Program("own/terraform", "1.11.4", downloaded=True)
    monkeypatch.setattr(program, "_download", lambda *_: copy)
    fake(version="1.10.5")
    local = Terraform(tmp_path, {}, configuration=Configuration(ROOT, TERRAFORM))
    remote = Terraform(tmp_path, {}, configuration=Configuration(ROOT, TERRAFORM, remote=True))
    assert str(local.program) == f"Terraform 1.10.5 (installed: {tmp_path}/terraform)"
    assert str(remote.program) == "Terraform 1.11.4 (downloaded)"
    assert "1.11 or newer is required to lock the state in its bucket" in capsys.readouterr().err


def test_setup_reports_the_terraform_that_is_used(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "CLOUDS", tmp_path / "clouds")
    (tmp_path / "clouds/default/terraform-data").mkdir(parents=True)
    monkeypatch.setattr(stack.bundles, "build", list)
    fake()
    done = CliRunner().invoke(app, ["setup"])
    assert done.exit_code == 0
    assert f"Terraform 1.11.4 (installed: {tmp_path}/terraform), its provider" in done.output


@pytest.mark.parametrize("remote", [True, False])
def test_only_a_state_on_this_machine_is_named(fake, tmp_path, remote):
    """Where a backend keeps the state, `-state` would make another one beside it."""
    fake('{"region": {"value": "us-east-1"}}')
    configuration = Configuration(ROOT, TERRAFORM, remote=remote)
    terraform = Terraform(tmp_path / "cloud", os.environ, configuration=configuration)
    assert bool(terraform._state()) is not remote
    assert terraform.outputs() == {"region": "us-east-1"}


LOCKED = provider_mirror.locked_provider()
FOLDER = f"{LOCKED.address}/{LOCKED.version}/{provider_mirror.machine()}"
CHECKSUMS = "the local package doesn't\nmatch any of the checksums previously recorded"
INSTALL = f"""
echo "$@" >> "$LOG"
[ "$2" = init ] || exit 0
[ -e "$DAMAGED" ] && echo "{CHECKSUMS}" >&2 && exit 1
rm -rf "$TF_DATA_DIR/providers"
mkdir -p "$TF_DATA_DIR/modules" "$TF_DATA_DIR/providers/{FOLDER}"
touch "$TF_DATA_DIR/modules/modules.json"
touch "$TF_DATA_DIR/providers/{FOLDER}/terraform-provider-aws"
"""


@pytest.fixture
def initialised(fake, tmp_path):
    """A Terraform whose init was complete, and the number of times that init has run."""
    (tmp_path / "log").touch()
    fake(runs=INSTALL)
    environment = os.environ | {
        "LOG": str(tmp_path / "log"),
        "DAMAGED": str(tmp_path / "cache" / FOLDER),
    }
    made = Terraform(tmp_path / "cloud", environment)
    made.init()
    return made, lambda: (tmp_path / "log").read_text().count(" init ")


def test_an_init_that_is_complete_is_not_repeated(initialised):
    terraform, count = initialised
    terraform.init()
    assert count() == 1


@pytest.mark.parametrize(
    "lost",
    [f"providers/{FOLDER}/terraform-provider-aws", "modules/modules.json", "initialised-for"],
)
def test_an_init_is_repeated_when_a_part_of_it_is_lost(initialised, tmp_path, lost):
    terraform, count = initialised
    (tmp_path / "cloud/terraform-data" / lost).unlink()
    terraform.init()
    terraform.init()
    assert count() == 2


def test_init_is_repeated_when_a_test_has_another_run(initialised, tmp_path):
    """Terraform installs the module of a run under the run's name."""
    _, count = initialised
    test = tmp_path / "repository/terraform/tests/a.tftest.hcl"
    test.parent.mkdir(parents=True)
    configuration = Configuration(tmp_path / "repository", tmp_path / "repository/terraform")
    environment = os.environ | {"LOG": str(tmp_path / "log"), "DAMAGED": "/nonexistent"}
    terraform = Terraform(tmp_path / "other", environment, configuration=configuration)
    for run, times in (("one", 2), ("one", 2), ("another", 3)):
        test.write_text(f'run "{run}" {{\n}}\n', "utf-8")
        terraform.init()
        assert count() == times


def test_an_init_is_repeated_when_its_provider_is_a_link_to_nowhere(initialised, tmp_path):
    """The plugin directory was deleted, which `git clean` does."""
    terraform, count = initialised
    folder = tmp_path / "cloud/terraform-data/providers" / FOLDER
    shutil.rmtree(folder)
    folder.symlink_to("/nonexistent")
    terraform.init()
    assert count() == 2


def test_an_init_that_failed_is_done_again(initialised, fake, tmp_path):
    """It may have got as far as to another backend."""
    first, _ = initialised
    fake(code=1)
    other = Terraform(
        tmp_path / "cloud", os.environ, configuration=Configuration(tmp_path, tmp_path)
    )
    with pytest.raises(WorkshopError):
        other.init()
    with pytest.raises(WorkshopError):
        first.init()


def test_a_damaged_download_of_the_provider_is_discarded(initialised, tmp_path, monkeypatch):
    """Terraform was killed while it unpacked it."""
    terraform, count = initialised
    monkeypatch.setattr(provider_mirror, "CACHE", tmp_path / "cache")
    (tmp_path / "cache" / FOLDER).mkdir(parents=True)
    shutil.rmtree(tmp_path / "cloud/terraform-data")
    terraform.init()
    assert count() == 3
    assert not (tmp_path / "cache" / FOLDER).exists()


def test_a_damaged_provider_of_the_users_own_is_left_alone(initialised, tmp_path, monkeypatch):
    terraform, _ = initialised
    monkeypatch.setattr(provider_mirror, "CACHE", tmp_path / "another")
    (tmp_path / "cache" / FOLDER).mkdir(parents=True)
    shutil.rmtree(tmp_path / "cloud/terraform-data")
    with pytest.raises(WorkshopError, match=rf"is damaged, .*: delete {FOLDER}/ in the plugin"):
        terraform.init()
    assert (tmp_path / "cache" / FOLDER).exists()


@pytest.mark.parametrize("error", ["Required plugins are not installed", "Module not installed"])
def test_a_run_that_misses_a_part_of_init_lets_the_next_repeat_it(initialised, fake, error):
    terraform, count = initialised
    diagnostic = {"severity": "error", "summary": error}
    fake(json.dumps({"type": "diagnostic", "diagnostic": diagnostic}), code=1)
    with pytest.raises(WorkshopError, match="Run the same command again"):
        terraform.apply("Stage 1", {})
    fake(runs=INSTALL)
    terraform.init()
    assert count() == 2


def test_an_apply_gives_changes_and_outputs(fake, tmp_path):
    summary = {"add": 3, "change": 2, "remove": 1}
    fake(
        json.dumps({"type": "change_summary", "changes": {**summary, "operation": "plan"}}),
        json.dumps({"type": "outputs", "outputs": {"region": {"value": "us-east-1"}}}),
        json.dumps({"type": "change_summary", "changes": {**summary, "operation": "apply"}}),
    )
    outcome = Terraform(tmp_path / "cloud", os.environ).apply("Stage 1", {"stage": 1})
    assert str(outcome.changes) == "3 added, 2 changed, 1 destroyed"
    assert outcome.outputs == {"region": "us-east-1"}


def test_error_names_its_file_and_line(fake, tmp_path):
    diagnostic = {
        "severity": "error",
        "summary": "Unsupported argument",
        "detail": 'An argument named "colour" is not expected here.',
        "address": "aws_sqs_queue.this",
        "range": {"filename": "main.tf", "start": {"line": 7}},
    }
    fake(json.dumps({"type": "diagnostic", "diagnostic": diagnostic}), code=1)
    with pytest.raises(WorkshopError) as caught:
        Terraform(tmp_path / "cloud", os.environ).apply("Stage 1", {})
    assert str(caught.value).splitlines() == [
        "Terraform failed.",
        "  ✗ Unsupported argument (aws_sqs_queue.this terraform/main.tf:7)",
        '    An argument named "colour" is not expected here.',
    ]


def test_settings_of_the_users_own_do_not_change_its_ways():
    environment = {"TF_CLI_ARGS": "-no-color", "TF_WORKSPACE": "x", "TF_VAR_a": "1", "HOME": "/"}
    assert program.without_settings(environment) == {"TF_VAR_a": "1", "HOME": "/"}


@pytest.mark.parametrize(("given", "used"), [({}, "200"), ({"GOGC": "off"}, "off")])
def test_garbage_is_collected_seldom_unless_the_user_says_otherwise(fake, tmp_path, given, used):
    fake()
    assert Terraform(tmp_path, given)._environment["GOGC"] == used


@pytest.mark.parametrize(
    ("address", "short"),
    [
        ("aws_sqs_queue.dead_letters", "aws_sqs_queue.dead_letters"),
        ("module.a[0].module.b.aws_lambda_permission.rule[0]", "b lambda_permission"),
        ('module.a.aws_sns_topic.mail["a@b.example"]', "a sns_topic"),
        ("data.aws_iam_policy_document.role", "data iam_policy_document"),
    ],
)
def test_progress_names_a_resource_by_module_and_type(address, short):
    assert progress.short(address) == short
