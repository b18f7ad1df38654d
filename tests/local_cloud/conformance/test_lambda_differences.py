"""What the local cloud's Lambda does otherwise than AWS's; see `test_differences`."""

import json
import sys

import pytest

from local_cloud.settings import Settings
from tests.local_cloud.conformance.marks import differs

pytestmark = pytest.mark.deployed

NOT_NEEDED = "The workshop does not depend on it."


def returned(lab, function):
    """What a function returns."""
    return json.load(lab.awslambda.invoke(FunctionName=function.name)["Payload"])


@differs(
    "Lambda",
    aws="A failed event waits 1 and 2 minutes for its retries; back-off and event age are minutes.",
    here="A minute of these waits lasts one second.",
    why="A lesson about failures should not take an hour.",
)
def test_a_minute_of_waiting_lasts_a_second():
    assert Settings.seconds_per_minute == 1.0


@differs(
    "Lambda",
    aws="An account runs up to 1,000 functions at once, and throttles what exceeds its quota.",
    here="Four run at once; the others wait.",
    why="Each one is a process, and a laptop has a few cores.",
)
def test_few_functions_run_at_once():
    assert Settings.concurrency == 4


@differs(
    "Lambda",
    aws="A function that needs more than its memory is killed.",
    here="Its memory is not limited.",
    why="A limit on a process works on some systems only.",
)
def test_a_function_gets_more_than_its_memory(lab):
    function = lab.function("return len(bytearray(200_000_000))", MemorySize=128)
    assert returned(lab, function) == 200_000_000


@differs(
    "Lambda",
    aws="A function runs on Amazon Linux, with the Python and processor that it asks for.",
    here="It runs on this machine's system and processor, with the Python of the local cloud.",
    why="There is no container. The bundles hold pure Python, and are also tested with AWS's "
    "runtime client.",
)
def test_a_function_runs_with_the_local_clouds_python(lab):
    function = lab.function("import sys; return list(sys.version_info[:2])")
    for runtime in ("python3.11", "python3.13"):
        lab.awslambda.update_function_configuration(FunctionName=function.name, Runtime=runtime)
        assert returned(lab, function) == list(sys.version_info[:2])


@differs(
    "Lambda",
    aws="A function's code is in a folder that it can only read.",
    here="It can write there.",
    why="The bundles are tested with a read-only folder.",
)
def test_a_function_can_write_into_its_code_folder(lab):
    function = lab.function("return open(__file__ + '.new', 'w').write('new')")
    assert returned(lab, function) == 3


@differs(
    "Lambda",
    aws="An update that comes while another one is under way is refused.",
    here="It is accepted.",
    why=NOT_NEEDED,
)
def test_an_update_during_another_one_is_accepted(lab):
    function = lab.function()
    for timeout in (10, 11):
        update = lab.awslambda.update_function_configuration(
            FunctionName=function.name, Timeout=timeout
        )
    assert (update["Timeout"], update["LastUpdateStatus"]) == (11, "InProgress")


@differs(
    "Lambda",
    aws="Reserved concurrency is refused if it leaves less than 100 to the account's functions.",
    here="Any number is accepted.",
    why="There is no quota to take it from.",
)
def test_any_concurrency_can_be_reserved(lab):
    reserved = lab.awslambda.put_function_concurrency(
        FunctionName=lab.function().name, ReservedConcurrentExecutions=100_000
    )
    assert reserved["ReservedConcurrentExecutions"] == 100_000
