"""Tests of permission tables: they show everything that a policy allows."""

from workshop.notebooks.permissions import permission_table, service_table
from workshop.notebooks.tables import NOTHING

QUEUE = "arn:aws:sqs:us-east-1:000000000000:payment-failed"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/payments"
OWN = {
    "Statement": [
        {"Sid": "UseOwnTable", "Action": ["dynamodb:UpdateItem"], "Resource": [TABLE]},
        {"Sid": "Trace", "Action": "xray:PutTraceSegments", "Resource": "*"},
        {
            "Sid": "Index",
            "Action": ["dynamodb:Query", "dynamodb:UpdateItem"],
            "Resource": [f"{TABLE}/index/a", f"{TABLE}/index/b"],
        },
    ]
}
FAILURES = {"Statement": {"Sid": "Send", "Action": "sqs:SendMessage", "Resource": QUEUE}}


def test_every_statement_of_every_policy_has_a_row():
    found = permission_table({"payment": [OWN, FAILURES], "shipping": [FAILURES]})
    assert found.index.tolist() == ["payment"] * 4 + ["shipping"]
    assert found["statement"].tolist() == ["UseOwnTable", "Trace", "Index", "Send", "Send"]


def test_resources_are_shown_without_region_and_account():
    found = permission_table({"payment": [OWN, FAILURES]})
    assert found["on"].tolist() == [
        "dynamodb: table/payments",
        "*",
        "dynamodb: table/payments/index/a, dynamodb: table/payments/index/b",
        "sqs: payment-failed",
    ]


def test_actions_of_a_function_are_grouped_by_service():
    found = service_table({"payment": [OWN, FAILURES], "api": [OWN]}, "dynamodb", "sqs")
    assert found.loc["payment"].tolist() == ["Query, UpdateItem", "SendMessage"]
    assert found.loc["api"].tolist() == ["Query, UpdateItem", NOTHING]


SPECIAL = {
    "Statement": [
        {"Effect": "Deny", "Action": "dynamodb:Scan", "Resource": "*"},
        {"Sid": "All", "Action": "*", "Resource": "*"},
        {
            "Sid": "PublishOwnEvents",
            "Action": "events:PutEvents",
            "Resource": "*",
            "Condition": {"StringEquals": {"events:source": "orderflow.payment"}},
        },
    ]
}


def test_denial_wildcard_and_condition_are_shown():
    """The lesson is least privilege: a wildcard must not look like no permission."""
    found = permission_table({"special": [SPECIAL]})
    assert found["statement"].tolist() == [NOTHING, "All", "PublishOwnEvents"]
    assert found["may"].tolist() == ["NOT dynamodb:Scan", "*", "events:PutEvents"]
    assert found["if"].tolist() == [NOTHING, NOTHING, "events:source = orderflow.payment"]
    assert service_table({"special": [SPECIAL]}, "dynamodb", "sqs").loc["special"].tolist() == [
        "*",
        "*",
    ]
