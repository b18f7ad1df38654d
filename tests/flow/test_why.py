"""`make why` agrees with what EventBridge did to the events of orders on a running stack."""

import json

import pytest

from tests.fixtures.deployed import eventually
from tests.fixtures.events import delivered, example
from workshop.event_patterns import matches
from workshop.why import events, why

pytestmark = pytest.mark.deployed


@pytest.mark.parametrize("token", ["tok_approved", "tok_declined"])
def test_answers_agree_with_what_the_bus_did(stack, order, stocked, cloud, final_status, token):
    stocked("MOUSE", 100)
    order_id = order({"MOUSE": 1}, token=token)
    final_status(order_id)
    assert cloud.wait_idle(300)
    asked = events.recent(stack, order_id)
    # A late duplicate makes its consumer publish the same event again.
    steps = {each.event["detail"]["metadata"]["event_id"] for each in asked}
    assert len(steps) == (4 if token == "tok_approved" else 2)
    for each in asked:
        answers = why(stack, each.event, matches, sent=each.rules)
        matched = [answer for answer in answers if answer.matched]
        assert {answer.rule for answer in matched} == set(each.rules)
        assert all(answer.arrived and not answer.permission for answer in matched)
        assert all(answer.refusals for answer in answers if not answer.matched)
        assert all(answer.enabled for answer in answers)


def test_an_answer_names_a_removed_permission(stack):
    """The event is one that was never sent; with the permission, nothing is wrong."""
    event = delivered(example("InventoryUpdated", "reserved"))
    functions, name = stack.client("lambda"), stack.invokable_arn("shipping")

    def problem():
        answers = why(stack, event, matches)
        return next(each.permission for each in answers if each.function == "shipping")

    (statement,) = (
        each
        for each in json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
        if each["Resource"] == name
    )
    functions.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    try:
        eventually(lambda: "does not let this rule invoke it" in problem())
    finally:
        functions.add_permission(
            FunctionName=name,
            StatementId=statement["Sid"],
            Action=statement["Action"],
            Principal=statement["Principal"]["Service"],
            SourceArn=statement["Condition"]["ArnLike"]["AWS:SourceArn"],
        )
    eventually(lambda: not problem())
