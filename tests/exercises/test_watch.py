"""Tests of `watch`: it checks after each save and obeys keys, on a real terminal."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from devtools.documents.running import working_copy
from workshop.environments import DEV, FUNCTIONS, LOCAL_CLOUD, prepare
from workshop.exercises import session
from workshop.exercises.catalogue import exercises, find
from workshop.paths import ROOT

if os.name == "nt":
    pytest.skip("the tests open a POSIX terminal", allow_module_level=True)

import pty
import termios

PATIENCE = 60.0
"""Seconds until a missing output is a failure."""

PROGRAM = """
import sys
from pathlib import Path
from workshop.errors import UsageError
from workshop.exercises.watching import watch

def fail():
    raise UsageError("no hint today")

folder = Path(sys.argv[1])
check = [sys.executable, str(folder / "check.txt")]
actions = {"h": lambda: print("a hint"), "s": fail, "x": lambda: 1 / 0}
print("ended by", watch(check, [folder], actions, legend="KEYS", deploys="deploys" in sys.argv))
"""

CHECK = """
import sys
import time
from pathlib import Path

text = Path(r"{file}").read_text()
print("checking", text)
exec(text)
print("checked", text)
"""


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command, cwd=ROOT, env=None):
        self.own, inner = pty.openpty()
        self.before = termios.tcgetattr(inner)
        self.inner = inner
        self.output = ""
        # A shell's background job ignores SIGINT, and so would its children.
        inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=inner, stdout=inner, stderr=inner, close_fds=True
            )
        finally:
            signal.signal(signal.SIGINT, inherited)

    def press(self, key):
        os.write(self.own, key.encode())

    def waits_for(self, text):
        """Read until a text comes, and return what came before it."""
        end = time.monotonic() + PATIENCE
        while text not in self.output:
            assert time.monotonic() < end, f"no {text!r} in {self.output!r}"
            if select.select([self.own], [], [], 0.1)[0]:
                with suppress(OSError):
                    self.output += os.read(self.own, 4096).decode("utf-8", "replace")
        before, _, self.output = self.output.partition(text)
        return before

    def ends(self):
        """Wait for the end; return the exit code. The terminal must be as it was."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, self.output
            if select.select([self.own], [], [], 0.1)[0]:
                self.output += os.read(self.own, 4096).decode("utf-8", "replace")
        assert termios.tcgetattr(self.inner) == self.before
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.own)
        os.close(self.inner)


@pytest.fixture
def terminal():
    """Open terminals; they are closed at the end."""
    opened = []

    def open_one(*command, **options):
        opened.append(Terminal(command, **options))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def save(tmp_path):
    """Save the learner's file as an editor does: write another file, and rename it."""

    def write(text):
        (tmp_path / ".mine.swp").write_text(text)
        (tmp_path / ".mine.swp").replace(tmp_path / "mine.py")

    write("1")
    (tmp_path / "check.txt").write_text(CHECK.format(file=tmp_path / "mine.py"))
    return write


@pytest.fixture
def watch(terminal, save, tmp_path):
    """Start a watch of one file; the check runs this file."""
    return lambda *options: terminal(sys.executable, "-c", PROGRAM, str(tmp_path), *options)


def test_every_save_is_checked_once(watch, save, tmp_path):
    """A renamed file counts; a backup of an editor and a file without a meaning do not."""
    shown = watch()
    shown.waits_for("checked 1\r\nKEYS")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".backup.py").write_text("x")
    save("2")
    assert "checking" not in shown.waits_for("checking 2")
    shown.waits_for("KEYS")
    save("1 /")
    assert "checking" not in shown.waits_for("checking 1 /")
    assert "SyntaxError" in shown.waits_for("KEYS")
    save("3")
    shown.waits_for("checked 3\r\nKEYS")
    shown.press("q")
    shown.waits_for("ended by q")
    assert shown.ends() == 0


def test_keys_are_obeyed_and_an_error_does_not_end_the_watch(watch):
    shown = watch()
    shown.waits_for("KEYS")
    shown.press("\x1b[H")
    shown.press("h")
    assert shown.waits_for("a hint").strip() == ""
    shown.press("s")
    shown.waits_for("no hint today\r\nKEYS")
    shown.press("c")
    shown.waits_for("checked 1\r\nKEYS")
    shown.press("N")
    shown.waits_for("ended by n")
    assert shown.ends() == 0


def test_save_during_a_check_that_hangs_starts_it_again(watch, save):
    save("time.sleep(10_000)")
    shown = watch()
    shown.waits_for("checking time")
    save("4")
    shown.waits_for("saved during the check")
    shown.waits_for("checked 4\r\nKEYS")
    shown.press("r")
    shown.waits_for("ended by r")
    assert shown.ends() == 0


def test_save_during_a_deployment_is_checked_after_it(watch, save, tmp_path):
    """A check that deploys is not stopped half-way."""
    save(f"while not Path(r'{tmp_path}/go').exists(): time.sleep(0.01)")
    shown = watch("deploys")
    shown.waits_for("checking while")
    save("5")
    shown.press("h")
    (tmp_path / "go").touch()
    assert "a hint" not in shown.waits_for("checked while")
    shown.waits_for("a hint")
    shown.waits_for("checked 5\r\nKEYS")
    shown.press("\x04")
    shown.waits_for("ended by q")
    assert shown.ends() == 0


@pytest.mark.parametrize("options", [(), ("deploys",)], ids=["in process", "deploys"])
@pytest.mark.parametrize("hanging", [False, True], ids=["idle", "during a check"])
def test_interrupt_restores_the_terminal_and_ends_the_check(
    watch, save, tmp_path, hanging, options
):
    pid = tmp_path / "pid"
    if hanging:
        save(f"import os; Path(r'{pid}').write_text(str(os.getpid())); time.sleep(10_000)")
    shown = watch(*options)
    shown.waits_for("checking import" if hanging else "KEYS")
    if hanging:
        end = time.monotonic() + PATIENCE
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < end
    shown.press("\x03")  # the terminal driver sends SIGINT only to its foreground group
    shown.process.send_signal(signal.SIGINT)
    assert shown.ends() != 0
    if hanging:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


def test_unexpected_error_restores_the_terminal(watch):
    shown = watch()
    shown.waits_for("KEYS")
    shown.press("x")
    shown.waits_for("ZeroDivisionError")
    assert shown.ends() != 0


def test_exercise_is_watched_from_its_start_to_the_next_one(terminal, copy):
    """The command itself: the check fails, the solution is shown, a save solves it."""
    prepare([DEV, LOCAL_CLOUD, FUNCTIONS])
    broken = session.start(find("03.2"), root=copy)[0]
    session.reset(find("03.2"), root=copy)
    before = (copy / broken).read_bytes()
    following = next(each.number for each in exercises() if each.number > "03.2")
    command = (sys.executable, "-m", "workshop", "exercise", "03.2", "watch")
    shown = terminal(*command, cwd=copy, env=working_copy.environment("watched"))
    shown.waits_for(find("03.2").says)
    shown.waits_for("q quit")
    shown.press("s")
    shown.waits_for(f"solution/{broken}")
    shown.waits_for("q quit")
    shown.press("h")
    shown.waits_for("Hint 1 of 3")
    (copy / broken).write_bytes(before)
    shown.waits_for("Exercise 03.2 is solved.")
    shown.waits_for("q quit")
    shown.press("n")
    shown.waits_for("Exercise 03.2 is reset")
    shown.waits_for("Look here first")
    shown.waits_for("q quit")  # a key that is pressed earlier is lost
    assert session.under_way(copy) == following
    shown.press("q")
    assert shown.ends() == 0
    assert (copy / broken).read_bytes() == before
