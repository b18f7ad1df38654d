"""A plan as a table."""

from workshop.notebooks import terraform_plan


def change(kind, actions, before=None, after=None, **more):
    return {
        "address": more.pop("address", f"module.payment[0].module.payment.{kind}.this"),
        "type": kind,
        "change": {"actions": actions, "before": before, "after": after, **more},
    }


def test_what_is_left_alone_or_only_read_is_not_told():
    assert (
        terraform_plan.rows([change("aws_sqs_queue", ["no-op"]), change("aws_caller", ["read"])])
        == []
    )


def test_a_change_names_what_differs():
    """Short values with what they were and become; long and secret ones by name alone."""
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


def test_both_kinds_of_replacing_are_one():
    told = terraform_plan.rows(
        [
            change("aws_dynamodb_table", ["delete", "create"], {"name": "t"}, {"name": "t"}),
            change("aws_dynamodb_table", ["create", "delete"], {"name": "t"}, {"name": "t"}),
        ]
    )
    assert [row["action"] for row in told] == ["replace", "replace"]


def test_a_resource_without_a_name_goes_by_its_address():
    [row] = terraform_plan.rows([change("aws_thing", ["create"], None, {"size": 1})])
    assert row["resource"] == "payment.payment.aws_thing.this"
    assert row["what differs"] == ""


def test_a_policy_goes_by_its_role():
    known = {"name": "own-failures", "role": "orderflow-payment"}
    [row] = terraform_plan.rows([change("aws_iam_role_policy", ["delete"], known)])
    assert row["resource"] == "orderflow-payment"
