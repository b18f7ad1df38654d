"""The checks of exercise 02.3; they need a cloud that checks permissions."""

import json
from contextlib import suppress

import pytest

from tests.fixtures.deployed import eventually
from workshop.journeys import logs, order_rows

pytestmark = pytest.mark.deployed


def test_an_order_is_paid(stack, order):
    """An order is paid: the payment function has the permission that it needs"""
    order_id = order(token="tok_approved")
    denied = []

    def decided():
        failures = {
            hop.step
            for hop in logs.hops(stack, order_id)
            if (hop.function, hop.what) == ("payment", "failed")
        }
        denied[:] = sorted(failures)
        return denied or order_rows.status(stack, order_id) != "CREATED"

    with suppress(pytest.fail.Exception):
        eventually(decided)
    assert not denied, f"The order is not paid, because payment was denied a request: {denied[0]}."
    assert order_rows.status(stack, order_id) != "CREATED", (
        "The order is not paid, and payment logged no failure. Does it receive the event?"
    )


def test_no_permission_is_wider_than_needed(stack):
    """The payment functions have no permission that they do not need"""
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
        assert not more, f"{key} has permissions that it does not need: {', '.join(sorted(more))}."
        assert allowed, (
            f"{key} has no permission to write its item: no order is charged or refunded."
        )
        own = f":table/{stack.outputs.table_names['payments']}"
        elsewhere = {each for _, each in allowed if not each.endswith(own)}
        assert not elsewhere, (
            f"{key} has permission to write elsewhere: {', '.join(sorted(elsewhere))}."
        )
