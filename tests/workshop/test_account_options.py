"""The question before anything is changed in an account."""

import os
import shlex
import subprocess
import sys

import pytest

from workshop.paths import ROOT

pty = pytest.importorskip("pty", reason="pseudo-terminals are of POSIX systems")

ASK = """
import sys, time
from pathlib import Path
from workshop.commands.account_options import confirm
print("started", flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.01)
confirm("123456789012", yes=False)
print("confirmed")
"""


def _read_until(terminal, text):
    """Return what a terminal shows, up to a text or the end."""
    shown = b""
    while text not in shown:
        try:
            part = os.read(terminal, 1024)
        except OSError:  # Linux: the other side is closed
            break
        if not part:
            break
        shown += part
    return shown


@pytest.mark.timeout(60)
def test_question_discards_what_was_pasted_before_it(tmp_path):
    """The next line of a pasted block is no answer; what is typed after the question is."""
    typed = tmp_path / "typed"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", ASK, str(typed)])  # noqa: S606
    _read_until(terminal, b"started")
    os.write(terminal, b"make deploy\n")
    typed.touch()
    shown = _read_until(terminal, b"to go on")
    os.write(terminal, b"123456789012\n")
    shown += _read_until(terminal, b"confirmed")
    status = os.waitpid(child, 0)[1]
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert b"confirmed" in shown


@pytest.mark.parametrize(
    ("redirect", "confirmed"), [("<&-", False), ("</dev/null", False), ("", True)]
)
def test_question_without_a_terminal_takes_only_an_answer(tmp_path, redirect, confirmed):
    """An answer from a pipe counts; without one, or without an input, nothing is changed."""
    (tmp_path / "typed").touch()
    ask = shlex.join([sys.executable, "-c", ASK, str(tmp_path / "typed")])
    done = subprocess.run(
        ["sh", "-c", f"{ask} {redirect}"],
        cwd=ROOT,
        input="123456789012\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("confirmed" in done.stdout) is confirmed
    last = done.stderr.splitlines()[-1]
    assert confirmed or last == "workshop.errors.WorkshopError: Nothing was changed."
