"""The access matrix is read completely: from Terraform's files, and from policies."""

from pathlib import Path

import pytest

from devtools.documents.access_tables import access_table
from devtools.security import access
from devtools.security.access import Grant
from workshop.errors import UsageError

STATEMENT = """
resource "aws_iam_role_policy" "own" {
  role = var.functions[each.key].role_name
  policy = jsonencode({
    Statement = [{
      Sid      = "Anything"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = [var.unknown]
    }]
  })
}
"""


def test_each_statement_of_terraform_has_a_grant():
    """The known statements, in the roles that have them: a new one is not left out."""
    sids = {each.sid for each in access.in_terraform()}
    assert sids == {
        *("WriteOwnLogs", "WriteTraces", "UseOwnTable", "QueryOwnIndexes", "PublishOwnEvents"),
        *("ConsumeDeadLetters", "InvokeConsumers", "SendOwnFailures", "InvokeReconciler"),
    }


def test_a_statement_on_an_unknown_resource_is_refused():
    with pytest.raises(UsageError, match=r"Anything is on \[var.unknown\]"):
        list(access._of_role_policies(STATEMENT, Path("queues.tf")))


ARN = "arn:aws:{}:us-east-1:123456789012:{}"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (ARN.format("dynamodb", "table/shop-orders"), "table orders"),
        (ARN.format("dynamodb", "table/shop-orders/index/open"), "index orders/open"),
        (ARN.format("events", "event-bus/shop-bus"), "bus"),
        (ARN.format("sqs", "shop-payment-failed"), "queue payment-failed"),
        (ARN.format("lambda", "function:shop-payment:live"), "function payment:live"),
        (ARN.format("logs", "log-group:/aws/lambda/shop-payment:*"), access.LOGS),
        ("*", "*"),
        (ARN.format("s3", "any"), ARN.format("s3", "any")),
    ],
)
def test_resources_have_short_names(arn, name):
    assert access.resource_name(arn, "shop") == name


def test_policies_become_grants_one_by_one():
    statement = {
        "Sid": "PublishOwnEvents",
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": [ARN.format("events", "event-bus/shop-bus")],
        "Condition": {"StringEquals": {"events:source": "shop", "events:detail-type": "Sold"}},
    }
    assert access.in_policies("payment", "shop", [{"Statement": [statement]}]) == {
        Grant("payment", "events:PutEvents", "bus", "shop Sold", "PublishOwnEvents")
    }


def test_the_matrix_shows_every_resource_of_every_role():
    """A kind of resource without a column would be missing in the document."""
    starts = ("table ", "index ", "bus", "queue ", "function ")
    shown = [each for each in access.in_terraform() if each.resource.startswith(starts)]
    others = {each.resource for each in access.in_terraform()} - {each.resource for each in shown}
    assert others == {access.LOGS, access.ANYTHING}
    rows = access_table("matrix").splitlines()[2:]
    assert len(rows) == len({each.role for each in access.in_terraform()})


def test_a_table_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="there is no table 'roles'"):
        access_table("roles")
