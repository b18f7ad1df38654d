"""CloudWatch Logs: what FilterLogEvents says of each event."""

import pytest

from tests.local_cloud.conformance.marks import documented

pytestmark = pytest.mark.deployed


@documented(
    "CloudWatch Logs",
    "FilterLogEvents gives each event an id of its own, of 56 digits.",
    "AWS CLI, examples/logs/filter-log-events.rst",
    ministack="has no id for what a function wrote",
)
def test_every_log_event_has_an_id_of_its_own(lab):
    function = lab.function("print('the same'); print('the same')")
    for _ in range(2):
        lab.awslambda.invoke(FunctionName=function.name, Payload=b"{}")
    read = lab.logs.filter_log_events(logGroupName=f"/aws/lambda/{function.name}")
    ids = [event["eventId"] for event in read["events"]]
    assert len(ids) >= 4
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 56 and each.isdecimal() for each in ids)
