"""The board's process is found again, ends with its cloud, and blocks no later one."""

import os
import socket
import subprocess
import sys
import threading

import pytest

from tests.board.fakes import PATIENCE, until
from workshop.board import process
from workshop.commands import demo
from workshop.errors import UsageError, WorkshopError

LISTENS = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def clouds(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "CLOUDS", tmp_path)
    return tmp_path


@pytest.fixture
def board():
    """Start a process that looks like a cloud's board, and register it."""
    started = []

    def start(name, words=("workshop", "board")):
        child = subprocess.Popen(
            [sys.executable, "-c", LISTENS, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        process.processes.children.append(child)
        found = process.Running(child.pid, int(child.stdout.readline()), "secret")
        process.register(name, found)
        return found

    yield start
    for child in started:
        child.kill()
        child.communicate(timeout=PATIENCE)
        process.processes.children.remove(child)


def test_two_clouds_have_a_board_each(board):
    one, two = board("one"), board("two")
    assert process.running("one") == one
    assert process.running("two") == two
    assert process.stop("one")
    assert process.running("one") is None
    assert process.running("two") == two


def test_stop_ends_the_process_and_says_whether_one_ran(board):
    found = board("one")
    assert process.stop("one")
    assert process.processes.ended(found.pid, PATIENCE)
    assert not process.stop("one")


def test_stop_all_ends_the_board_of_each_cloud(board, clouds):
    found = [board("one"), board("two")]
    assert process.stop_all(clouds) == 2
    assert all(process.processes.ended(each.pid, PATIENCE) for each in found)
    assert not list(clouds.rglob("*.json"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_only_its_owner_may_read_the_file_with_the_token(board, clouds):
    board("one")
    [path] = clouds.rglob("board.json")
    assert path.stat().st_mode & 0o777 == 0o600


def test_killed_board_is_not_running_and_its_file_blocks_nothing(board, clouds):
    found = board("one")
    os.kill(found.pid, 9)
    assert process.processes.ended(found.pid, PATIENCE)
    assert process.running("one") is None
    assert not process.stop("one")
    assert not list(clouds.rglob("board.json"))


@pytest.mark.skipif(os.name == "nt", reason="Windows does not show a process's arguments")
@pytest.mark.parametrize("words", [("other",), ("workshop", "up")])
def test_process_that_is_no_board_is_never_ended(board, words):
    found = board("one", words)
    assert process.running("one") is None
    assert not process.stop("one")
    assert process.processes.alive(found.pid)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", '{"pid": 1}', "[" * 100_000),
        '{"pid": "x", "port": 4600, "token": "t"}',
        '{"pid": 1e30, "port": 4600, "token": "t"}',
        '{"pid": OWN, "port": 999999, "token": "t"}',
    ],
)
def test_damaged_file_is_no_board(clouds, monkeypatch, text):
    (clouds / "one").mkdir()
    (clouds / "one/board.json").write_text(text.replace("OWN", str(os.getpid())))
    monkeypatch.setattr(process.processes, "mentions", lambda pid, _: os.kill(pid, 0) is None)
    assert process.running("one") is None


def test_unregister_leaves_the_file_of_another_board(board):
    first = board("one")
    second = board("one")
    process.unregister("one", first)
    assert process.running("one") == second
    process.unregister("one", second)
    assert process.running("one") is None


def test_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} is in use"):
            process.listen(port)


def test_next_free_port_is_taken():
    with process.listen(None) as one, process.listen(None) as two:
        ports = [each.getsockname()[1] for each in (one, two)]
        assert ports[0] != ports[1]
        assert {each.getsockname()[0] for each in (one, two)} == {"127.0.0.1"}


@pytest.mark.parametrize("how", ["removed", "replaced", "folder removed"])
def test_board_ends_when_its_file_is_not_its_own(monkeypatch, clouds, how):
    monkeypatch.setattr(process, "_CHECK", 0.01)
    found, ended = process.Running(1, 2, "secret"), threading.Event()
    process.register("one", found)
    process.watch("one", found, ended.set, None)
    path = clouds / "one/board.json"
    assert not ended.is_set()
    if how == "replaced":
        process.register("one", process.Running(3, 4, "secret"))
    else:
        path.unlink()
    if how == "folder removed":
        path.parent.rmdir()
    assert ended.wait(PATIENCE)


def test_board_in_the_background_ends_some_time_after_its_cloud(monkeypatch):
    monkeypatch.setattr(process, "_CHECK", 0.01)
    monkeypatch.setattr(process, "_STACK_CHECK", 0.0)
    monkeypatch.setattr(process, "STOPPED_SECONDS", 0.2)
    found, ended, stopped, looks = process.Running(1, 2, ""), threading.Event(), False, []

    def stack():
        looks.append(stopped)
        if stopped:
            raise WorkshopError("stopped")

    process.register("one", found)
    process.watch("one", found, ended.set, stack)
    until(lambda: len(looks) > 30)  # longer than the limit
    assert not ended.is_set()
    stopped = True
    assert ended.wait(PATIENCE)


def test_demo_continues_when_the_board_does_not_start(monkeypatch, capsys):
    def fail(_):
        raise WorkshopError("The board does not start. Its log: x")

    monkeypatch.setattr(process, "start", fail)
    demo._start_board("one", open_it=True)
    [line] = capsys.readouterr().err.splitlines()
    assert line == "The demo continues without the board. The board does not start. Its log: x"


@pytest.mark.parametrize("open_it", [True, False])
def test_demo_prints_the_address_and_opens_it_only_if_asked(monkeypatch, capsys, open_it):
    found, opened = process.Running(1, 4600, "secret"), []
    monkeypatch.setattr(process, "start", lambda _: found)
    monkeypatch.setattr("webbrowser.open", opened.append)
    demo._start_board("one", open_it=open_it)
    assert capsys.readouterr().out == f"The board: {found.address}\n"
    assert opened == [found.address] * open_it


def test_site_is_the_address_without_the_token():
    found = process.Running(1, 4600, "secret")
    assert "secret" in found.address
    assert found.site == "http://127.0.0.1:4600/"
