"""Output that nobody takes, and a disk that is full: one sentence at most, never a traceback."""

import errno
import os
import shlex
import subprocess
import sys

import pytest
import typer

from workshop import check_report, program
from workshop.paths import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")

COMMANDS = ["--help", "exercise", "progress", "up --help", "status"]


def shell(script):
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=ROOT,
        env=os.environ | {"WORKSHOP_CLOUD": "no-such-cloud"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def typed(command):
    return f"{shlex.quote(sys.executable)} -m workshop {command}"


@pytest.mark.parametrize("command", COMMANDS)
def test_closed_output_ends_a_command_in_silence(command):
    for redirected in (f"{typed(command)} | true", f"{typed(command)} >&-"):
        _, _, err = shell(redirected)
        assert err in {"", "No stack is up. Start one with: make up\n"}, redirected
    _, out, _ = shell(f"{typed(command)} 2>&- | cat")
    assert "Traceback" not in out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110
@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_full_disk_under_the_output_is_one_sentence(command):
    code, _, err = shell(f"{typed(command)} > /dev/full")
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "unexpected" not in err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "stack.json"), "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "x/stack.json"), "x/stack.json: Perm"),
        (OSError(errno.EROFS, "Read-only file system", "y"), "y: Read-only file system"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), ""),
    ],
)
def test_errors_of_the_system_are_one_sentence(capsys, monkeypatch, error, said):
    app = typer.Typer()

    @app.command()
    def write():
        raise error

    monkeypatch.setattr(sys, "argv", ["write"])
    with pytest.raises(SystemExit) as ended:
        program.run(app)
    assert ended.value.code == 1
    output = capsys.readouterr().err
    assert output.startswith(said)
    assert len(output.splitlines()) == bool(said)
    assert "unexpected" not in output


def test_checks_whose_lines_cannot_be_written_print_nothing_of_pytest():
    """pytest would print its own INTERNALERROR, with a traceback."""
    report = check_report.Report()
    with pytest.raises(SystemExit) as crashed:
        raise SystemExit(1)
    assert report.pytest_internalerror(crashed) is True
    assert isinstance(report.crash, SystemExit)
