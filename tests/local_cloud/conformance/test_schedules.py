"""EventBridge Scheduler, and rules with a schedule."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.local_cloud.cloud_builder import EVERYTHING
from tests.local_cloud.conformance.marks import LOCALSTACK, documented, recorded
from tests.local_cloud.conformance.refusals import refusal

pytestmark = pytest.mark.deployed

SCHEDULER = f"{LOCALSTACK}, scheduler/test_scheduler"
RULES = f"{LOCALSTACK}, events/test_events_schedule"
GUIDE = "EventBridge Scheduler User Guide"
ACCEPTS = "accepts it"
LONG_AGO = "at(2022-12-31T23:59:59)"

BAD_CRONS = [
    "cron(0 1 * * * *)",
    "cron(7 20 * * NOT *)",
    "cron(INVALID)",
    "cron(0 dummy ? * MON-FRI *)",
    "cron(71 8 1 * ? *)",
]
ACCEPTED_BY_MINISTACK = ["cron(71 8 1 * ? *)", "rate(1 minutes)", "rate(1 hours)", "rate(1 days)"]
ACCEPTED_BY_MINISTACK += ["rate(10 minute)", "rate(10 hour)", "rate(10 day)", "rate(0 minutes)"]
"""Of the expressions that PutRule refuses on AWS."""


@pytest.fixture
def scheduler(lab):
    return lab.client("scheduler")


def schedule(lab, expression, target_arn="", **changes):
    """Return the parameters of a schedule."""
    return {
        "Name": lab.name("schedule"),
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": target_arn or "arn:aws:lambda:us-east-1:000000000000:function:dummy",
            "RoleArn": lab.role(EVERYTHING),
        },
    } | changes


@recorded(
    "EventBridge Scheduler",
    "CreateSchedule refuses an invalid expression.",
    f"{SCHEDULER}, tests_create_schedule_with_invalid_schedule_expression",
    ministack=ACCEPTS,
)
@pytest.mark.parametrize(
    "expression",
    [
        *BAD_CRONS,
        *("cron()", "rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)"),
        *("rate(10 minutess)", "rate(foo minutes)", "rate(-10 minutes)", "rate( 10 minutes )"),
        *(" rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)"),
    ],
)
def test_an_invalid_schedule_is_refused(lab, scheduler, expression):
    assert refusal(scheduler.create_schedule, **schedule(lab, expression)) == (
        "ValidationException",
        f"Invalid Schedule Expression {expression}.",
    )


@recorded(
    "EventBridge Scheduler",
    "CreateSchedule takes a valid expression, a moment in the past included.",
    f"{SCHEDULER}, test_create_schedule_with_valid_cron_expressions",
)
@pytest.mark.parametrize(
    "expression",
    [
        *("cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", "cron(30-30 13-13 ? * 2,4,6 *)"),
        *("cron(1-31/30 1-1 ? * 1,7 *)", "cron(0 18 ? * MON-FRI *)", "cron(*/15 * * * ? *)"),
        *("cron(0-59/10 0-23/2 ? * * *)", LONG_AGO),
    ],
)
def test_a_valid_schedule_is_taken(lab, scheduler, expression):
    taken = schedule(lab, expression, State="DISABLED")
    assert scheduler.create_schedule(**taken)["ScheduleArn"].endswith(taken["Name"])


@recorded(
    "EventBridge",
    "PutRule refuses an invalid schedule.",
    f"{RULES}, test_put_rule_with_invalid_schedule_rate and _cron",
)
@pytest.mark.parametrize(
    "expression",
    [
        *(each for each in BAD_CRONS if each not in ACCEPTED_BY_MINISTACK),
        *("rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)"),
        *("rate(foo minutes)", "rate(-10 minutes)", "rate(10 MINUTES)", "rate( 10 minutes )"),
        " rate(10 minutes)",
    ],
)
def test_a_rule_with_an_invalid_schedule_is_refused(lab, expression):
    refuses(lab, expression)


@recorded(
    "EventBridge",
    "PutRule refuses a rate whose unit does not fit its number, and a time that no clock has.",
    f"{RULES}, test_put_rule_with_invalid_schedule_rate and _cron",
    ministack=ACCEPTS,
)
@pytest.mark.parametrize("expression", ACCEPTED_BY_MINISTACK)
def test_a_rule_with_a_wrong_unit_or_time_is_refused(lab, expression):
    refuses(lab, expression)


def refuses(lab, expression):
    asked = {"Name": lab.name("rule"), "ScheduleExpression": expression}
    assert refusal(lab.events.put_rule, **asked) == (
        "ValidationException",
        "Parameter ScheduleExpression is not valid.",
    )


@documented(
    "EventBridge Scheduler",
    "A time zone that does not exist is refused.",
    f"{GUIDE}, Schedule types",
    ministack=ACCEPTS,
)
def test_an_unknown_time_zone_is_refused(lab, scheduler):
    asked = schedule(lab, "rate(1 hour)", ScheduleExpressionTimezone="Europe/Atlantis")
    assert refusal(scheduler.create_schedule, **asked)[0] == "ValidationException"


@documented(
    "EventBridge Scheduler",
    "A flexible window has a length, and only a flexible one.",
    "EventBridge Scheduler API Reference, FlexibleTimeWindow",
    ministack=ACCEPTS,
)
@pytest.mark.parametrize(
    "window", [{"Mode": "FLEXIBLE"}, {"Mode": "OFF", "MaximumWindowInMinutes": 5}], ids=str
)
def test_a_window_without_sense_is_refused(lab, scheduler, window):
    asked = schedule(lab, "rate(1 hour)", FlexibleTimeWindow=window)
    assert refusal(scheduler.create_schedule, **asked)[0] == "ValidationException"


@documented(
    "EventBridge Scheduler",
    "A schedule whose target fails, or is missing, keeps no other from running.",
    f"{GUIDE}, Schedule types",
)
def test_a_failing_schedule_stops_no_other(lab, scheduler):
    function = lab.function()
    missing = "arn:aws:sqs:us-east-1:000000000000:nosuch"
    scheduler.create_schedule(**schedule(lab, LONG_AGO, missing))
    scheduler.create_schedule(**schedule(lab, LONG_AGO, function.arn))
    assert lab.eventually(function.calls)


@documented(
    "EventBridge Scheduler",
    "A rate without a start date invokes its target at once.",
    f"{GUIDE}, Schedule types",
    ministack="waits for one interval",
)
def test_a_rate_begins_at_once(lab, scheduler):
    function = lab.function()
    scheduler.create_schedule(**schedule(lab, "rate(1 hour)", function.arn))
    assert lab.eventually(function.calls)


@documented(
    "EventBridge Scheduler",
    "A moment is read in the schedule's time zone, and a completed schedule can delete itself.",
    f"{GUIDE}, Schedule types; Deleting a schedule",
    ministack="reads it in UTC, where it is still to come",
)
def test_a_moment_is_read_in_its_time_zone(lab, scheduler):
    """It was an hour ago in Tokyo, and will be in eight hours in UTC."""
    function = lab.function()
    tokyo = datetime.now(UTC) + timedelta(hours=8)
    asked = schedule(
        lab,
        f"at({tokyo:%Y-%m-%dT%H:%M:%S})",
        function.arn,
        ScheduleExpressionTimezone="Asia/Tokyo",
        ActionAfterCompletion="DELETE",
    )
    scheduler.create_schedule(**asked)
    assert lab.eventually(function.calls)
    lab.settle()
    assert refusal(scheduler.get_schedule, Name=asked["Name"])[0] == "ResourceNotFoundException"


@documented(
    "EventBridge Scheduler",
    "A schedule gives a queue its input, with the permissions of its role.",
    f"{GUIDE}, Managing targets",
)
def test_a_schedule_sends_to_a_queue_as_its_role(lab, scheduler):
    queue = lab.queue()
    asked = schedule(lab, LONG_AGO, queue.arn)
    asked["Target"]["Input"] = "now"
    scheduler.create_schedule(**asked)
    assert lab.eventually(lambda: [each["Body"] for each in lab.messages(queue)]) == ["now"]
