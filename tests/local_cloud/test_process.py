"""The local cloud as a process: what may happen to it, and what is said then."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_cloud import ports, processes
from local_cloud.errors import NoAnswerError
from local_cloud.process import LocalCloud, LocalCloudError
from local_cloud.protocol import STATE_FILE, STOPPING_FILE
from tests.local_cloud.cloud_builder import Lab, eventually
from workshop.paths import ROOT

pytestmark = pytest.mark.deployed


@pytest.fixture
def cloud(tmp_path: Path, local_cloud_python: Path) -> Iterator[LocalCloud]:
    made = LocalCloud(tmp_path / "cloud", local_cloud_python, seconds_per_minute=10)
    yield made
    made.stop()


def test_start_find_stop(
    cloud: LocalCloud, local_cloud_python: Path, free_port: Callable[[], int]
) -> None:
    """Starting twice is starting once; another process finds it; a new start is a new boot."""
    assert cloud.running() is None
    assert cloud.stop() is False
    port = free_port()
    running = cloud.start(port)
    assert running.endpoint_url == f"http://127.0.0.1:{port}"
    assert cloud.start() == cloud.start(port) == running
    assert LocalCloud(cloud.directory, local_cloud_python).running() == running
    assert cloud.stop() is True
    assert cloud.running() is None
    assert not processes.alive(running.pid)
    assert not (cloud.directory / STATE_FILE).exists()
    assert cloud.start(port).boot_id != running.boot_id


def test_a_port_in_use_is_named(cloud: LocalCloud, lab: Lab) -> None:
    """By whom, if it is one of ours; and what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalCloudError, match=f"Port {port} is in use by a program"):
            cloud.start(port)
    theirs = int(lab.endpoint_url.rpartition(":")[2])
    with pytest.raises(LocalCloudError, match=r"another local cloud of this workshop \(process"):
        cloud.start(theirs)
    assert cloud.running() is None


def test_without_a_port_the_next_free_one_is_taken(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    """Somebody may sit on the usual port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(ports, "DEFAULT", taken)
        assert taken < cloud.start().port < taken + 50


def test_a_port_lost_at_the_last_moment(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Free when looked at, taken when served: the next one is tried, or the sentence is said."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(ports, "is_free", lambda port: True)
        with pytest.raises(LocalCloudError, match=f"Port {taken} is in use"):
            cloud.start(taken)


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX's")
def test_killed_and_started_again(cloud: LocalCloud, free_port: Callable[[], int]) -> None:
    """After kill -9 the cloud is not running, says so, and starts on the same port."""
    running = cloud.start(free_port())
    os.kill(running.pid, signal.SIGKILL)
    eventually(lambda: not processes.alive(running.pid))
    assert cloud.running() is None
    again = cloud.start(running.port)
    assert again.port == running.port
    assert again.boot_id != running.boot_id


def test_a_reused_process_id_is_left_alone(cloud: LocalCloud) -> None:
    """A state file that names a live process which is not ours: not running, not touched."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        cloud.directory.mkdir(parents=True)
        state = {"pid": other.pid, "port": 9, "boot_id": "0123456789abcdef"}
        (cloud.directory / STATE_FILE).write_text(json.dumps(state))
        assert cloud.running() is None
        assert cloud.stop() is False
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_another_cloud_on_our_port_is_not_ours(cloud: LocalCloud, lab: Lab) -> None:
    """The boot id decides, not the port."""
    theirs = lab.control.status()
    cloud.directory.mkdir(parents=True)
    state = {"pid": theirs.pid, "port": theirs.port, "boot_id": "0123456789abcdef"}
    (cloud.directory / STATE_FILE).write_text(json.dumps(state))
    assert cloud.running() is None
    assert cloud.stop() is False
    assert lab.control.status().boot_id == theirs.boot_id


@pytest.mark.skipif(os.name == "nt", reason="SIGSTOP is POSIX's")
def test_paused_server_is_neither_gone_nor_killed(
    cloud: LocalCloud, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer is no proof: it goes on where it was. Only a stop that keeps nothing kills it."""
    running = cloud.start(free_port())
    for name in ("_ANSWER_TIMEOUT", "_KEEP_TIMEOUT"):
        monkeypatch.setattr(f"local_cloud.process.{name}", 0.3)
    monkeypatch.setattr("local_cloud.processes._KILL_TIMEOUT", 0.3)
    os.kill(running.pid, signal.SIGSTOP)
    questions = (cloud.running, cloud.start, lambda: cloud.stop(keep=True))
    for question in (*questions, lambda: cloud.start(restore=running.boot_id)):
        with pytest.raises(NoAnswerError, match=f"process {running.pid}"):
            question()
    (cloud.directory / STOPPING_FILE).touch()  # as if it were paused while it stores its stack
    for question in (cloud.stored, *questions[1:]):
        with pytest.raises(NoAnswerError):
            question()
    (cloud.directory / STOPPING_FILE).unlink()
    os.kill(running.pid, signal.SIGCONT)
    monkeypatch.undo()
    assert cloud.running() == cloud.start() == running
    monkeypatch.setattr("local_cloud.process._ANSWER_TIMEOUT", 0.3)
    os.kill(running.pid, signal.SIGSTOP)
    assert cloud.stop() is True
    assert not processes.alive(running.pid)


def test_a_crash_while_starting_shows_the_log(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """The end of the log, and where it lies."""
    wrong = LocalCloud(tmp_path / "cloud", Path(sys.executable))  # has no MiniStack
    with pytest.raises(LocalCloudError) as caught:
        wrong.start(free_port())
    assert str(wrong.log) in str(caught.value)
    assert "python -m workshop setup" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    """Set-up has not been run."""
    with pytest.raises(LocalCloudError, match="python -m workshop setup"):
        LocalCloud(tmp_path, tmp_path / "nowhere" / "python").start()


def test_simultaneous_starts_start_one_server(
    cloud: LocalCloud, local_cloud_python: Path, free_port: Callable[[], int]
) -> None:
    """Two commands at once: both get the same cloud."""
    code = (
        "import sys; from pathlib import Path\n"
        "from local_cloud.process import LocalCloud\n"
        "print(LocalCloud(Path(sys.argv[1]), Path(sys.argv[2])).start(int(sys.argv[3])))\n"
    )
    command = [
        *(sys.executable, "-c", code),
        *(str(cloud.directory), str(local_cloud_python), str(free_port())),
    ]
    starters = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [starter.communicate(timeout=300)[0] for starter in starters]
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert len(set(said)) == 1
    running = cloud.running()
    assert running is not None
    assert running.boot_id in said[0]


@pytest.mark.parametrize("damaged", ["", "{", None])
def test_one_directory_has_one_server(
    cloud: LocalCloud, free_port: Callable[[], int], damaged: str | None
) -> None:
    """Even where the state file is lost or damaged, the server is found, and can be stopped."""
    running = cloud.start(free_port())
    state = cloud.directory / STATE_FILE
    if damaged is None:
        state.unlink()
    else:
        state.write_text(damaged)
    assert cloud.start(free_port()) == running
    assert cloud.stop()
    assert cloud.running() is None


def test_stopping_says_what_is_lost(
    cloud: LocalCloud, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """Running functions finish; what was still queued is counted in the log."""
    running = cloud.start(free_port())
    lab = Lab(running.endpoint_url, tmp_path, cloud.log)
    function = lab.function("time.sleep(0.5); note('finished', context)")
    failing = lab.function("raise ValueError")
    bus = lab.bus()
    lab.rule(bus, failing.arn)
    lab.publish(bus)
    eventually(lambda: lab.control.status().later)  # its retry waits for ten seconds
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'"begun"')
    eventually(function.calls)
    assert cloud.stop() is True
    assert [call["event"] for call in function.calls()] == ["begun", "finished"]
    assert "1 queued events discarded, 0 running functions ended" in cloud.log.read_text()
