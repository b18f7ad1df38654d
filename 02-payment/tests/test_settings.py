"""The payment functions' settings."""

import pytest
from payment_service.settings import PaymentSettings

TABLE_AND_BUS = {"TABLE_NAME": "t", "EVENT_BUS_NAME": "b"}


@pytest.mark.parametrize(
    ("environment", "answers"),
    [
        ({}, True),
        ({"GATEWAY_AVAILABLE": "true"}, True),
        ({"GATEWAY_AVAILABLE": "false"}, False),
        ({"GATEWAY_AVAILABLE": "FALSE"}, False),
    ],
)
def test_the_gateway_answers_unless_it_is_switched_off(environment, answers):
    """GATEWAY_AVAILABLE=false is the outage that no retry outlasts."""
    settings = PaymentSettings.from_environment(TABLE_AND_BUS | environment)
    assert settings.gateway_answers is answers
