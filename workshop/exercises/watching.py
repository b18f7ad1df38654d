"""Check an exercise again after each save, and obey keys.

The files are compared with what they were at the start of the last check, by time, size and inode:
so a save counts once, however an editor writes it, and it also counts during a check.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from workshop.console import say
from workshop.errors import EXPECTED
from workshop.exercises.catalogue import Exercise
from workshop.exercises.keyboard import END_OF_INPUT, ReadKey, keys
from workshop.paths import ROOT, stage_folder

CHECK, NEXT, RESET, QUIT = "c", "n", "r", "q"
ENDS = {NEXT, RESET, QUIT}
"""The keys that end a watch."""

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 120.0
"""How long a check that deploys may take to stop Terraform."""

_SUFFIXES = {".json", ".md", ".py", ".tf", ".toml", ".yml"}

Files = dict[Path, tuple[int, int, int]]


def watch(
    command: Sequence[str],
    places: Iterable[Path],
    actions: Mapping[str, Callable[[], None]],
    *,
    legend: str,
    deploys: bool = False,
) -> str:
    """Run a check now and after each save, until a key ends it.

    Args:
        command: The check; it is a process of its own, so it reads every file again.
        places: Files and folders to watch.
        actions: Key → what it does; then the watch goes on.
        legend: What the keys mean, shown after each check.
        deploys: Whether the check deploys: then it is not killed when a file is saved meanwhile.

    Returns:
        The key that ended it: NEXT, RESET or QUIT.
    """
    places = list(places)
    with keys() as read_key:
        while True:
            checked = _settled(places)
            with _started(command, deploys=deploys) as check:
                key = _wait(check, read_key, lambda: not deploys and _files(places) != checked)  # noqa: B023 - of this round
            if key not in ENDS:
                say(legend)
            while key != CHECK and (key or _files(places) == checked):
                if key in ENDS:
                    return key
                if key in actions:
                    _act(actions[key])
                    say(legend)
                key = _pressed(read_key)


def places_of(exercise: Exercise, files: Iterable[str], root: Path = ROOT) -> list[Path]:
    """Return the files and folders that can change the result of an exercise's check.

    Args:
        exercise: The exercise.
        files: What its patches change, from the root of the repository.
        root: The root of the repository.
    """
    names = {"orderflow", "terraform", stage_folder(exercise.stage).name}
    return [root / name for name in sorted(names | {Path(each).parts[0] for each in files})]


@contextmanager
def _started(command: Sequence[str], *, deploys: bool) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a check, and end it with all that it started, however this ends."""
    group = 0 if os.name == "posix" else None  # its own: Ctrl-C reaches only us
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, cwd=ROOT, process_group=group
    ) as check:
        try:
            yield check
        finally:
            _end(check, deploys=deploys)


def _end(check: "subprocess.Popen[bytes]", *, deploys: bool) -> None:
    """End a check that still runs; one that deploys ends in good order."""
    if deploys and check.poll() is None:
        check.terminate()  # the program of the check stops Terraform
        with suppress(subprocess.TimeoutExpired):
            check.wait(_GRACE_SECONDS)
    if check.poll() is None:
        if sys.platform == "win32":
            check.kill()
        else:
            os.killpg(check.pid, signal.SIGKILL)


def _wait(
    check: "subprocess.Popen[bytes]", read_key: ReadKey, is_outdated: Callable[[], bool]
) -> str:
    """Wait for a check; return the last key that was pressed meanwhile."""
    key = ""
    while check.poll() is None:
        key = _pressed(read_key) or key
        if key in ENDS:
            break
        if is_outdated():
            say("A file was saved during the check.")
            break
    return key


def _pressed(read_key: ReadKey) -> str:
    key = read_key(_LOOK_SECONDS).lower()
    return {END_OF_INPUT: QUIT, "\n": CHECK, "\r": CHECK}.get(key, key)


def _act(action: Callable[[], None]) -> None:
    try:
        action()
    except EXPECTED as error:
        say(str(error))


def _settled(places: Sequence[Path]) -> Files:
    """Return the files as soon as nobody writes them: an editor may replace a file in steps."""
    found = _files(places)
    while True:
        time.sleep(_LOOK_SECONDS / 2)
        before, found = found, _files(places)
        if found == before:
            return found


def _files(places: Sequence[Path]) -> Files:
    found: Files = {}
    for place in places:
        for path in place.rglob("*") if place.is_dir() else [place]:
            if path.suffix in _SUFFIXES and not path.name.startswith("."):
                with suppress(OSError):  # it was removed at this moment
                    state = path.stat()
                    found[path] = (state.st_mtime_ns, state.st_size, state.st_ino)
    return found
