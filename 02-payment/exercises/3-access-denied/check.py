"""What must hold at the end of exercise 02.3; it needs a cloud that can refuse."""

import json
from contextlib import suppress

import pytest

from tests.fixtures.deployed import eventually
from workshop.orders import journey

pytestmark = pytest.mark.deployed


def test_an_order_is_paid(stack, order):
    """The payment function may do what it has to: an order is paid"""
    order_id = order(token="tok_approved")
    denied = []

    def decided():
        failures = {
            hop.step
            for hop in journey.hops(stack, order_id)
            if (hop.function, hop.what) == ("payment", "failed")
        }
        denied[:] = sorted(failures)
        return denied or journey.status(stack, order_id) != "CREATED"

    with suppress(pytest.fail.Exception):
        eventually(decided)
    assert not denied, f"The order is not paid, because payment was denied something: {denied[0]}."
    assert journey.status(stack, order_id) != "CREATED", (
        "The order is not paid, and payment logged no failure: does it get the event at all?"
    )


def test_no_right_too_many(stack):
    """The payment functions may use their table in one way, and no other"""
    iam = stack.client("iam")
    for key in ("payment", "payment-refund"):
        name = stack.outputs.function_names[key]
        policy = iam.get_role_policy(RoleName=name, PolicyName="own-resources")["PolicyDocument"]
        statements = policy["Statement"] if isinstance(policy, dict) else json.loads(policy)
        allowed = {
            (action, resource)
            for statement in statements
            for action in statement["Action"]
            for resource in statement["Resource"]
            if action.startswith("dynamodb:") or "*" in action
        }
        more = {action for action, _ in allowed} - {"dynamodb:UpdateItem"}
        assert not more, f"{key} may do more than it has to: {', '.join(sorted(more))}."
        assert allowed, (
            f"{key} may not write its row: whoever needs it, nobody is charged or refunded."
        )
        own = f":table/{stack.outputs.table_names['payments']}"
        elsewhere = {each for _, each in allowed if not each.endswith(own)}
        assert not elsewhere, (
            f"{key} may write where it has nothing to do: {', '.join(sorted(elsewhere))}."
        )
