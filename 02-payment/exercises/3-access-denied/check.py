"""What must hold at the end of exercise 02.3; it needs a cloud that can refuse."""

import json

import pytest

from workshop.orders import journey

pytestmark = pytest.mark.deployed


def test_an_order_is_paid(stack, order, ends):
    """The payment function may do what it has to: an order is paid"""
    order_id = order(token="tok_approved")
    status = ends(order_id)
    failures = {hop.detail for hop in journey.hops(stack, order_id) if hop.what == "failed"}
    assert status != "CREATED", (
        "The order stands still at CREATED: payment was denied what it asked of AWS. "
        f"It says: {'; '.join(sorted(failures)) or 'nothing'}"
    )


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
