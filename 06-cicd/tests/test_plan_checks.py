"""Our own checks of Terraform's plans: a good plan passes, and each planted fault is found."""

import copy
import json

import pytest

from devtools.security.checks import findings

ACCOUNT = "us-east-1:123456789012"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:orderflow-payment"
RULE = f"arn:aws:events:{ACCOUNT}:rule/orderflow-bus/orderflow-payment"
ROLE = "arn:aws:iam::123456789012:role/orderflow-payment"
QUEUES = {
    "undelivered": ("aws:SourceArn", RULE),
    "failed": ("aws:PrincipalArn", ROLE),
}
BOUNDARY = "arn:aws:iam::123456789012:policy/bootstrap/boundary-orderflow"
GITHUB = "token.actions.githubusercontent.com"


def policy(effect="Allow", **rest):
    """Return a policy of one statement, in a plan's format."""
    statement = {"Sid": "It", "Effect": effect, **rest}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def queue(name):
    """Return a dead-letter queue that accepts only its sender."""
    key, sender = QUEUES[name]
    others = {"Action": "sqs:SendMessage", "Principal": "*", "Resource": "*"}
    return {
        "arn": f"arn:aws:sqs:{ACCOUNT}:orderflow-payment-{name}",
        "sqs_managed_sse_enabled": True,
        "kms_master_key_id": None,
        "policy": policy("Deny", Condition={"ArnNotEquals": {key: sender}}, **others),
    }


def sound():
    """Return a plan's resources by their addresses: every type that the checks read."""
    return {
        "aws_lambda_function.payment": {
            "arn": FUNCTION,
            "function_name": "orderflow-payment",
            "role": ROLE,
        },
        "aws_iam_role.payment": {
            "arn": ROLE,
            "permissions_boundary": BOUNDARY,
            "assume_role_policy": policy(
                Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}
            ),
        },
        "aws_iam_role.deploy": {
            "permissions_boundary": BOUNDARY,
            "assume_role_policy": policy(
                Action="sts:AssumeRoleWithWebIdentity",
                Principal={"Federated": f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}"},
                Condition=trust(),
            ),
        },
        "aws_iam_role_policy.payment": {
            "policy": policy(
                Action=["logs:PutLogEvents"],
                Resource=[f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/orderflow-payment:*"],
            )
        },
        "aws_cloudwatch_event_rule.payment": {"name": "orderflow-payment", "arn": RULE},
        "aws_cloudwatch_event_target.payment": {
            "arn": f"{FUNCTION}:live",
            "rule": "orderflow-payment",
            "dead_letter_config": [{"arn": queue("undelivered")["arn"]}],
        },
        "aws_lambda_function_event_invoke_config.payment": {
            "function_name": "orderflow-payment",
            "qualifier": "live",
            "destination_config": [{"on_failure": [{"destination": queue("failed")["arn"]}]}],
        },
        "aws_sqs_queue.undelivered": queue("undelivered"),
        "aws_sqs_queue.failed": queue("failed"),
        "aws_lambda_permission.payment": {
            "principal": "events.amazonaws.com",
            "source_arn": RULE,
        },
        "aws_apigatewayv2_route.orders": {"authorization_type": "AWS_IAM"},
        "aws_s3_bucket.bundles": {"bucket": "bundles"},
        "aws_s3_bucket_public_access_block.bundles": {
            "bucket": "bundles",
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
        "aws_s3_bucket_policy.bundles": {
            "bucket": "bundles",
            "policy": policy(
                "Deny",
                Action="s3:*",
                Principal="*",
                Resource=["arn:aws:s3:::bundles", "arn:aws:s3:::bundles/*"],
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            ),
        },
        "aws_cloudwatch_log_group.payment": {"retention_in_days": 14},
        "aws_dynamodb_table.payments": {"point_in_time_recovery": [{"enabled": True}]},
    }


def trust(operator="StringEquals", aud="sts.amazonaws.com", sub="repo:owner/name:environment:x"):
    """Return the condition of a role that a workflow may assume."""
    values = {f"{GITHUB}:aud": aud, f"{GITHUB}:sub": sub}
    return {operator: {key: value for key, value in values.items() if value is not None}}


def found(resources):
    """Return the findings as pairs of check and address."""
    plan = {
        "planned_values": {
            "root_module": {
                "child_modules": [
                    {
                        "resources": [
                            {
                                "address": address,
                                "mode": "managed",
                                "type": address.split(".")[0],
                                "values": values,
                            }
                            for address, values in resources.items()
                        ]
                    }
                ]
            }
        }
    }
    return [
        (each.check, each.address) for each in findings(plan, prefix="orderflow", boundary=BOUNDARY)
    ]


def test_good_plan_passes():
    """So each failure below comes from its planted fault."""
    assert found(sound()) == []


def of(name, attribute="policy", **changes):
    """Return a fault: some parts of a policy's statement changed."""

    def plant(resources):
        document = json.loads(resources[name][attribute])
        document["Statement"][0] |= changes
        resources[name][attribute] = json.dumps(document)

    return plant


def without(name, *attributes):
    """Return a fault: a missing resource, or some missing values."""

    def plant(resources):
        if not attributes:
            del resources[name]
        for each in attributes:
            resources[name][each] = None

    return plant


def with_(name, **values):
    """Return a fault: other values."""
    return lambda resources: resources[name].update(values)


PAYMENT = "aws_iam_role_policy.payment"
DEPLOY = "aws_iam_role.deploy"
TARGET = "aws_cloudwatch_event_target.payment"
SETTING = "aws_lambda_function_event_invoke_config.payment"
PERMISSION = "aws_lambda_permission.payment"
FAULTS = {
    "a wildcard action": ("wildcards", PAYMENT, of(PAYMENT, Action=["logs:*"])),
    "a wildcard in an action": ("wildcards", PAYMENT, of(PAYMENT, Action="logs:Put?ogEvents")),
    "all resources": ("wildcards", PAYMENT, of(PAYMENT, Resource="*")),
    "anybody's tables": (
        "wildcards",
        PAYMENT,
        of(PAYMENT, Resource=[f"arn:aws:dynamodb:{ACCOUNT}:table/*"]),
    ),
    "all but some actions": ("wildcards", PAYMENT, of(PAYMENT, NotAction=["iam:*"])),
    "an unknown policy": ("known_policies", PAYMENT, without(PAYMENT, "policy")),
    "a role for anybody": (
        "open_policies",
        "aws_iam_role.payment",
        of("aws_iam_role.payment", "assume_role_policy", Principal={"AWS": "*"}),
    ),
    "a bucket for anybody": (
        "open_policies",
        "aws_s3_bucket_policy.more",
        lambda resources: resources.update(
            {
                "aws_s3_bucket_policy.more": {
                    "bucket": "bundles",
                    "policy": policy(Action="s3:GetObject", Principal="*"),
                }
            }
        ),
    ),
    "a role without its boundary": ("boundaries", DEPLOY, without(DEPLOY, "permissions_boundary")),
    "no dead-letter queue": ("dead_letter_paths", TARGET, with_(TARGET, dead_letter_config=[])),
    "a dead-letter queue elsewhere": (
        "dead_letter_paths",
        TARGET,
        with_(TARGET, dead_letter_config=[{"arn": "arn:aws:sqs:us-east-1:1:other"}]),
    ),
    "no failure destination": ("dead_letter_paths", TARGET, without(SETTING)),
    "a failure destination for nothing": (
        "dead_letter_paths",
        SETTING,
        with_(SETTING, destination_config=[]),
    ),
    "a failure destination, but not for the alias": (
        "dead_letter_paths",
        TARGET,
        with_(SETTING, qualifier=None),
    ),
    "a dead-letter queue without a policy": (
        "dead_letter_paths",
        "aws_sqs_queue.failed",
        without("aws_sqs_queue.failed", "policy"),
    ),
    "a dead-letter queue for another sender": (
        "dead_letter_paths",
        "aws_sqs_queue.undelivered",
        of("aws_sqs_queue.undelivered", Condition={"ArnNotEquals": {"aws:SourceArn": ROLE}}),
    ),
    "a permission without a source": (
        "public_doors",
        PERMISSION,
        without(PERMISSION, "source_arn"),
    ),
    "a permission for anybody": ("public_doors", PERMISSION, with_(PERMISSION, principal="*")),
    "a route without a signature": (
        "public_doors",
        "aws_apigatewayv2_route.orders",
        with_("aws_apigatewayv2_route.orders", authorization_type="NONE"),
    ),
    "an open bucket": (
        "buckets",
        "aws_s3_bucket.bundles",
        with_("aws_s3_bucket_public_access_block.bundles", block_public_policy=False),
    ),
    "a bucket without a public access block": (
        "buckets",
        "aws_s3_bucket.bundles",
        without("aws_s3_bucket_public_access_block.bundles"),
    ),
    "a bucket that accepts plain HTTP": (
        "buckets",
        "aws_s3_bucket.bundles",
        without("aws_s3_bucket_policy.bundles"),
    ),
    "repo:*": (
        "trust_in_github",
        DEPLOY,
        of(DEPLOY, "assume_role_policy", Condition=trust(sub=["repo:owner/name:x", "repo:*"])),
    ),
    "no audience": (
        "trust_in_github",
        DEPLOY,
        of(DEPLOY, "assume_role_policy", Condition=trust(aud=None)),
    ),
    "no subject": (
        "trust_in_github",
        DEPLOY,
        of(DEPLOY, "assume_role_policy", Condition=trust(sub=None)),
    ),
    "logs for ever": (
        "kept_and_encrypted",
        "aws_cloudwatch_log_group.payment",
        with_("aws_cloudwatch_log_group.payment", retention_in_days=0),
    ),
    "a table without point-in-time recovery": (
        "kept_and_encrypted",
        "aws_dynamodb_table.payments",
        with_("aws_dynamodb_table.payments", point_in_time_recovery=[{"enabled": False}]),
    ),
    "a queue that is not encrypted": (
        "kept_and_encrypted",
        "aws_sqs_queue.failed",
        with_("aws_sqs_queue.failed", sqs_managed_sse_enabled=False),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found(name):
    """Exactly one finding, of the right check, at the resource to fix."""
    check, address, plant = FAULTS[name]
    resources = copy.deepcopy(sound())
    plant(resources)
    assert found(resources) == [(check, address)]


def test_github_claims_are_compared_with_stringequals_only():
    """With StringLike, the check finds the wildcard and the missing StringEquals."""
    resources = sound()
    condition = trust("StringLike", sub="repo:owner/*")
    of(DEPLOY, "assume_role_policy", Condition=condition)(resources)
    assert set(found(resources)) == {("trust_in_github", DEPLOY)}


BUFFER, UNPROCESSED = "aws_sqs_queue.buffer", "aws_sqs_queue.unprocessed"


def buffered():
    """Return the same with a queue before the function, instead of its failure destination."""
    resources = sound()
    names = {"aws:SourceArn": RULE}
    buffer, unprocessed = ({**queue("undelivered")} for _ in range(2))
    for each, name in ((buffer, "buffer"), (unprocessed, "unprocessed")):
        each["arn"] = f"arn:aws:sqs:{ACCOUNT}:orderflow-payment-{name}"
    others = {"Action": "sqs:SendMessage", "Principal": "*", "Resource": "*"}
    buffer["policy"] = policy("Deny", Condition={"ArnNotEquals": names}, **others)
    buffer["redrive_policy"] = json.dumps(
        {"deadLetterTargetArn": unprocessed["arn"], "maxReceiveCount": 5}
    )
    unprocessed["policy"] = policy("Deny", **others)
    resources |= {BUFFER: buffer, UNPROCESSED: unprocessed}
    resources[TARGET]["arn"] = buffer["arn"]
    del resources[SETTING]
    return resources


def test_good_plan_with_a_buffer_passes():
    assert found(buffered()) == []


@pytest.mark.parametrize(
    ("address", "values"),
    [
        (BUFFER, {"redrive_policy": None}),
        (BUFFER, {"redrive_policy": '{"deadLetterTargetArn": "arn:aws:sqs:x:1:other"}'}),
        (BUFFER, {"policy": None}),
        (UNPROCESSED, {"policy": None}),
        (TARGET, {"dead_letter_config": []}),
        (TARGET, {"arn": "arn:aws:sqs:us-east-1:1:other"}),
    ],
    ids=[
        "no dead-letter queue",
        "a dead-letter queue elsewhere",
        "open buffer",
        "open dead-letter queue",
        "undelivered events are lost",
        "another queue",
    ],
)
def test_planted_fault_of_a_buffer_is_found(address, values):
    resources = buffered()
    resources[address].update(values)
    assert found(resources) == [("dead_letter_paths", address)]
