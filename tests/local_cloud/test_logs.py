"""What an invocation wrote is in the log when it has answered."""

import json

import pytest

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


def test_a_killed_function_keeps_its_lines_with_their_times(calm):
    """Whichever way they were written; a line is not late because its function goes on."""
    body = """
    import os, signal, time
    print("from Python")
    os.system("echo from a subprocess")
    time.sleep(0.2)
    print("later")
    os.kill(os.getpid(), signal.SIGKILL)
    """
    function = calm.function(body)
    calm.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    events = calm.logs.filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    at = {event["message"].rstrip("\n"): event["timestamp"] for event in events}
    assert list(at)[2:5] == ["from Python", "from a subprocess", "later"]
    assert at["from a subprocess"] == at["from Python"] <= at["later"] - 200
