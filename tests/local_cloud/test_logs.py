"""What an invocation wrote is in the log when it has answered."""

import json
import subprocess
from pathlib import Path

import pytest

from workshop.paths import ROOT

pytestmark = pytest.mark.deployed

LINES = 1000


def test_a_log_is_whole_when_the_function_has_answered(calm):
    """All lines of each run, and none that comes with the next one's."""
    body = f"""
    for number in range({LINES}):
        print(f"{{event['run']}} wrote {{number}}")
    """
    function = calm.function(body)
    group = f"/aws/lambda/{function.name}"
    for run in ("first", "second"):
        calm.awslambda.invoke(FunctionName=function.name, Payload=json.dumps({"run": run}))
        events = calm.logs.filter_log_events(logGroupName=group, filterPattern=run)["events"]
        said = [event["message"] for event in events]
        assert said == [f"{run} wrote {number}\n" for number in range(LINES)]


def test_a_line_that_is_not_ended_is_kept_as_it_is(calm):
    """Nothing of the adapter's own gets into a log."""
    function = calm.function("print('half a line', end='')")
    calm.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    calm.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    events = calm.logs.filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    said = [event["message"] for event in events if "half" in event["message"]]
    assert said == ["half a line\n"] * 2
    assert not any(chr(0) in event["message"] for event in events)


SLOWLY = """
import queue, sys, threading, time
from types import SimpleNamespace
sys.path.append(sys.argv[1])
from local_cloud.delivery.python_runtime import OVER
from local_cloud.ministack.lambda_functions.environments import PythonWorker

lines = queue.Queue()

def arrive():
    for line in ("one", "two", "three", *([OVER] if sys.argv[2] == "answered" else [])):
        lines.put((0, line))
        time.sleep(0.06)

reader = threading.Thread(target=arrive)
worker = SimpleNamespace(_stderr_queue=lines, _stderr_thread=reader)
reader.start()
print([line for _, line in PythonWorker._lines(worker)])
"""


@pytest.mark.parametrize("how", ["answered", "died"])
def test_lines_that_come_slowly_are_waited_for(local_cloud_python: Path, how: str) -> None:
    """A busy machine brings the last ones late; a process that died without a mark ends it, too."""
    command = [str(local_cloud_python), "-I", "-c", SLOWLY, str(ROOT), how]
    assert subprocess.check_output(command, text=True, env={}) == "['one', 'two', 'three']\n"
