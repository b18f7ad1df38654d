# ruff: noqa: E501 - a table's lines read best whole
"""What the local cloud's IAM is asked: action, resource and condition keys as on AWS."""

import json

import pytest

from local_cloud.ministack import iam_condition_keys, iam_resources

REGION, ACCOUNT = "us-east-1", "000000000000"


def _json(**fields):
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("asked", "method", "path", "action"),
    [
        ("lambda:ListAliases", "GET", "/2015-03-31/functions/f/aliases/live", "lambda:GetAlias"),
        ("lambda:ListAliases", "PUT", "/2015-03-31/functions/f/aliases/live", "lambda:UpdateAlias"),
        ("lambda:ListAliases", "DELETE", "/2015-03-31/functions/f/aliases/x", "lambda:DeleteAlias"),
        ("lambda:ListAliases", "GET", "/2015-03-31/functions/f/aliases", "lambda:ListAliases"),
        ("lambda:UpdateFunctionCode", "PUT", "/2019-09-25/functions/f/event-invoke-config",
         "lambda:PutFunctionEventInvokeConfig"),
        (None, "POST", "/2019-09-25/functions/f/event-invoke-config",
         "lambda:UpdateFunctionEventInvokeConfig"),
        ("lambda:DeleteFunction", "DELETE", "/2019-09-25/functions/f/event-invoke-config",
         "lambda:DeleteFunctionEventInvokeConfig"),
        ("lambda:DeleteFunction", "DELETE", "/2015-03-31/functions/f", "lambda:DeleteFunction"),
        ("budgets:CreateBudget", "POST", "/", "budgets:ModifyBudget"),
        ("budgets:DeleteNotification", "POST", "/", "budgets:ModifyBudget"),
        ("budgets:DescribeBudgets", "POST", "/", "budgets:ViewBudget"),
        ("budgets:TagResource", "POST", "/", "budgets:TagResource"),
        ("dynamodb:GetItem", "POST", "/", "dynamodb:GetItem"),
        (None, "GET", "/", None),
    ],
)  # fmt: skip
def test_a_request_is_the_action_that_aws_knows(asked, method, path, action):
    """To move an alias takes leave to move it, not to list them."""
    service = (asked or "lambda").partition(":")[0]
    assert iam_resources.action(asked, service, method, path) == action


@pytest.mark.parametrize(
    ("action", "body", "resource"),
    [
        ("dynamodb:ListTagsOfResource", _json(ResourceArn="arn:t"), "arn:t"),
        ("events:CreateEventBus", _json(Name="b"), "arn:aws:events:us-east-1:000000000000:event-bus/b"),
        ("events:PutTargets", _json(Rule="r", EventBusName="b"),
         "arn:aws:events:us-east-1:000000000000:rule/b/r"),
        ("events:DeleteArchive", _json(ArchiveName="a"),
         "arn:aws:events:us-east-1:000000000000:archive/a"),
        ("lambda:CreateFunction", _json(FunctionName="f"),
         "arn:aws:lambda:us-east-1:000000000000:function:f"),
        ("cloudwatch:PutMetricAlarm", b"AlarmName=a", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"),
        ("cloudwatch:DeleteAlarms", b"AlarmNames.member.1=a",
         "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"),
        ("cloudwatch:PutDashboard", b"DashboardName=d", "arn:aws:cloudwatch::000000000000:dashboard/d"),
        ("budgets:ModifyBudget", _json(Budget={"BudgetName": "b"}), "arn:aws:budgets::000000000000:budget/b"),
        ("budgets:ViewBudget", _json(AccountId="0"), "*"),
        ("iam:GetRole", b"RoleName=known", "arn:aws:iam::000000000000:role/kept/known"),
        ("iam:CreateRole", b"RoleName=new&Path=/apart/", "arn:aws:iam::000000000000:role/apart/new"),
        ("iam:CreateRole", b"RoleName=new", "arn:aws:iam::000000000000:role/new"),
        ("dynamodb:GetItem", _json(TableName="t"), None),
        ("events:PutTargets", b"not json", None),
    ],
)  # fmt: skip
def test_a_request_is_about_the_resource_that_aws_names(action, body, resource):
    """A policy that names resources is asked for them; a role has its path."""
    paths = {"known": "/kept/"}.get
    assert iam_resources.resource(action, body, REGION, ACCOUNT, paths) == resource


@pytest.mark.parametrize(
    ("action", "body", "keys"),
    [
        ("iam:CreateRole", b"RoleName=r&PermissionsBoundary=b", {"iam:PermissionsBoundary": "b"}),
        ("iam:CreateRole", b"RoleName=bound", {}),
        ("iam:PutRolePolicy", b"RoleName=bound", {"iam:PermissionsBoundary": "its"}),
        ("iam:PutRolePolicy", b"RoleName=free&PermissionsBoundary=b", {}),
        ("sns:Subscribe", b"Protocol=email", {"sns:Protocol": "email"}),
        ("lambda:AddPermission", _json(Principal="events.amazonaws.com"),
         {"lambda:Principal": "events.amazonaws.com"}),
        ("apigateway:POST", _json(name="a", tags={"Stack": "s"}), {"aws:RequestTag/Stack": "s"}),
        ("apigateway:DELETE", b"", {}),
        ("lambda:AddPermission", b"[1]", {}),
        ("sqs:CreateQueue", _json(QueueName="q"), {}),
    ],
)  # fmt: skip
def test_a_request_has_the_keys_that_policies_compare(action, body, keys):
    """A key that a request does not have is missing, and so equal to nothing."""
    assert iam_condition_keys.condition_keys(action, body, {"bound": "its"}.get) == keys


@pytest.mark.parametrize(
    ("action", "body", "passed"),
    [
        ("lambda:CreateFunction", _json(Role="r"), ("r", "lambda.amazonaws.com")),
        ("lambda:UpdateFunctionConfiguration", _json(Timeout=3), None),
        ("scheduler:UpdateSchedule", _json(Target={"RoleArn": "r"}), ("r", "scheduler.amazonaws.com")),
        ("scheduler:CreateSchedule", _json(Target="x"), None),
        ("lambda:GetFunction", _json(Role="r"), None),
    ],
)  # fmt: skip
def test_request_with_a_role_needs_passrole(action, body, passed):
    """Which role, and to whom: `iam:PassRole` is asked for both."""
    expected = passed and (passed[0], {"iam:PassedToService": passed[1]})
    assert iam_condition_keys.passed_role(action, body) == expected


def test_only_an_api_itself_has_an_id():
    """Its routes and stages have no tags that are compared."""
    arn = "arn:aws:apigateway:us-east-1::/apis"
    assert iam_condition_keys.api_id(f"{arn}/abc") == "abc"
    assert iam_condition_keys.api_id(f"{arn}/abc/routes") is None
    assert iam_condition_keys.api_id(arn) is None
