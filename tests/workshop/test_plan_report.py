"""A plan as people read it."""

import pytest

from workshop.deployment.aws import plan_report


def change(address, *actions, index=None, drift=False):
    """A resource in a plan, with a value that is nobody's business."""
    module, _, rest = address.rpartition(".aws_")
    kind, _, name = rest.partition(".")
    return {
        "address": address,
        "module_address": module,
        "type": f"aws_{kind}",
        "name": name,
        **({} if index is None else {"index": index}),
        "change": {"actions": list(actions), "before": "a@b.c", "after": "secret"},
    }


def report(*changes, drift=(), stage=6, local=False):
    return plan_report.markdown(
        {"resource_changes": changes, "resource_drift": drift},
        prefix="orderflow",
        region="eu-west-1",
        stage=stage,
        commit="abc",
        local=local,
    )


ADDED = change("module.payment[0].module.payment.aws_lambda_function.this", "create")
CHANGED = change("module.errors_dlq[0].aws_sqs_queue.failed", "update", index="payment")
REPLACED = change("module.shipping[0].aws_dynamodb_table.shipments", "delete", "create")
LOST = change("module.shipping[0].aws_sqs_queue.old", "delete")
SAME = change("module.shipping[0].aws_sqs_queue.same", "no-op")


def test_the_headline_counts_as_terraform_does():
    assert report(ADDED, CHANGED, REPLACED, LOST, SAME).startswith(
        "### Plan: 2 to add, 1 to change, 2 to destroy\n"
    )
    assert report(SAME).startswith("### Plan: no changes\n")


def test_what_is_lost_comes_first_and_bold():
    rows = [line for line in report(ADDED, CHANGED, REPLACED, LOST).splitlines() if "|" in line]
    assert rows[2:] == [
        "| **shipping** | **dynamodb_table** | **shipments** | **replace** |",
        "| **shipping** | **sqs_queue** | **old** | **destroy** |",
        "| errors_dlq | sqs_queue | failed[payment] | change |",
        "| payment.payment | lambda_function | this | add |",
    ]
    assert "**2 destroyed or replaced, with all that they hold.**" in report(REPLACED, LOST)


def test_no_value_gets_in():
    """An address as a resource's key would be in the comment, for everybody to read."""
    told = report(change("module.a[0].aws_sns_topic_subscription.mail", "create", index="a@b.c"))
    assert "| a | sns_topic_subscription | mail[…] | add |" in told
    assert "a@b.c" not in told
    assert "secret" not in told


def test_what_changed_outside_is_told_if_it_is_put_right():
    """An alias that a release moved differs, too, and stays as it is."""
    told = report(CHANGED, SAME, drift=[CHANGED, SAME])
    assert "Not as Terraform left it:\n\n- errors_dlq.sqs_queue.failed[payment]\n" in told
    assert "same" not in told


@pytest.mark.parametrize("drifted", [False, True])
def test_the_longest_plan_fits_a_comment(drifted):
    many = [change(f"module.m[0].aws_sqs_queue.q{'x' * 60}{i}", "update") for i in range(2000)]
    told = report(*many, drift=many if drifted else ())
    assert len(told) <= plan_report.LIMIT
    assert " more." in told
    assert told.rstrip().endswith("(docs/cost.md).")


@pytest.mark.parametrize(
    ("stage", "local", "told"),
    [(4, False, "tables); in use"), (5, False, "5 USD for the alarms"), (6, True, "none here")],
)
def test_the_cost_is_told(stage, local, told):
    assert told in report(ADDED, stage=stage, local=local)
