"""Tests of a plan as a table."""

from workshop.notebooks import terraform_plan


def change(kind, actions, before=None, after=None, **more):
    return {
        "address": more.pop("address", f"module.payment[0].module.payment.{kind}.this"),
        "type": kind,
        "change": {"actions": actions, "before": before, "after": after, **more},
    }


def test_unchanged_and_read_resources_are_left_out():
    assert (
        terraform_plan.rows([change("aws_sqs_queue", ["no-op"]), change("aws_caller", ["read"])])
        == []
    )


def test_change_names_the_attributes_that_differ():
    """Short values are shown; long and sensitive ones are named only."""
    before = {"name": "/aws/lambda/p", "retention_in_days": 14, "policy": "x" * 99, "token": "old"}
    after = {"name": "/aws/lambda/p", "retention_in_days": 30, "policy": "y" * 99, "token": "new"}
    [row] = terraform_plan.rows(
        [
            change(
                "aws_cloudwatch_log_group",
                ["update"],
                before,
                after,
                before_sensitive={"token": True},
                after_unknown={"version": True},
            )
        ]
    )
    assert row == {
        "resource": "/aws/lambda/p",
        "kind": "cloudwatch log group",
        "action": "change",
        "what differs": "policy, retention_in_days 14 → 30, token, "
        "version (known after the change)",
    }


def test_both_orders_of_replacing_are_replace():
    rows = terraform_plan.rows(
        [
            change("aws_dynamodb_table", ["delete", "create"], {"name": "t"}, {"name": "t"}),
            change("aws_dynamodb_table", ["create", "delete"], {"name": "t"}, {"name": "t"}),
        ]
    )
    assert [row["action"] for row in rows] == ["replace", "replace"]


def test_resource_without_a_name_is_shown_by_its_address():
    [row] = terraform_plan.rows([change("aws_thing", ["create"], None, {"size": 1})])
    assert row["resource"] == "payment.payment.aws_thing.this"
    assert row["what differs"] == ""


def test_policy_is_shown_by_its_role():
    known = {"name": "own-failures", "role": "orderflow-payment"}
    [row] = terraform_plan.rows([change("aws_iam_role_policy", ["delete"], known)])
    assert row["resource"] == "orderflow-payment"
