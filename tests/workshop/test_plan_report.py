"""A plan as people read it."""

import copy

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
        "change": {
            "actions": list(actions),
            "before": {"value": "a@b.c", "tags": None},
            "after": {"value": "secret", "tags": {}},
        },
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
    text = report(change("module.a[0].aws_sns_topic_subscription.mail", "create", index="a@b.c"))
    assert "| a | sns_topic_subscription | mail[…] | add |" in text
    assert "a@b.c" not in text
    assert "secret" not in text


def test_report_names_outside_changes_that_terraform_reverts():
    """An alias that a release moved differs, too, and stays as it is."""
    text = report(CHANGED, SAME, drift=[CHANGED, SAME])
    assert "Not as Terraform left it:\n\n- errors_dlq.sqs_queue.failed[payment]\n" in text
    assert "same" not in text


@pytest.mark.parametrize(
    ("differing", "unknown"),
    [({"version": "1"}, {}), ({"tags": None}, {}), ({"value": "1"}, {"value": True})],
)
def test_report_names_no_change_that_the_plan_does_not_revert(differing, unknown):
    """A release gives a function a version, and the plan changes only its code."""
    outside = copy.deepcopy(CHANGED)
    before = CHANGED["change"]["before"]
    outside["change"] |= {"before": before | differing, "after": before}
    planned = copy.deepcopy(CHANGED)
    planned["change"]["after_unknown"] = unknown
    assert "Not as Terraform left it" not in report(planned, drift=[outside])


@pytest.mark.parametrize("drifted", [False, True])
def test_the_longest_plan_fits_a_comment(drifted):
    many = [change(f"module.m[0].aws_sqs_queue.q{'x' * 60}{i}", "update") for i in range(2000)]
    text = report(*many, drift=many if drifted else ())
    assert len(text) <= plan_report.LIMIT
    assert " more." in text
    assert text.rstrip().endswith("(docs/cost.md).")


@pytest.mark.parametrize(
    ("stage", "local", "text"),
    [(4, False, "tables); in use"), (5, False, "6 USD for the alarms"), (6, True, "none here")],
)
def test_report_shows_the_cost(stage, local, text):
    assert text in report(ADDED, stage=stage, local=local)
