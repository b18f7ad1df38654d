"""What must hold at the end of exercise 02.3; it needs a cloud that can refuse."""

import json

import pytest

from tests.fixtures.deployed import eventually
from workshop.orders import journey

pytestmark = pytest.mark.deployed


def test_an_order_is_paid(stack, order):
    """The payment function may do what it has to: an order is paid"""
    order_id = order(token="tok_approved")
    denied = []

    def decided():
        denied[:] = [hop.step for hop in journey.hops(stack, order_id) if hop.what == "failed"]
        return denied or journey.status(stack, order_id) != "CREATED"

    eventually(decided)
    assert not denied, f"The order is not paid, because payment was denied something: {denied[0]}."


def test_no_right_too_many(stack):
    """The payment functions may use their table in one way, and no other"""
    iam = stack.client("iam")
    for key in ("payment", "payment-refund"):
        name = stack.outputs.function_names[key]
        policy = iam.get_role_policy(RoleName=name, PolicyName="own-resources")["PolicyDocument"]
        statements = policy["Statement"] if isinstance(policy, dict) else json.loads(policy)
        allowed = {
            action
            for statement in statements
            for action in statement["Action"]
            if action.startswith("dynamodb:") or "*" in action
        }
        assert allowed <= {"dynamodb:UpdateItem"}, (
            f"{key} may do more than it has to: {', '.join(sorted(allowed))}."
        )
